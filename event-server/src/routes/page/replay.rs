//! `POST /refused/replay`: what a person decides about many refused events at once, first of all to try it.

use axum::extract::{Request, State};
use axum::response::Response;
use event_core::Code;
use event_core::query::ParameterError;
use event_store::quarantine::{QuarantineFilter, Run, Selection, Work};

use super::super::{App, work};
use super::{form, refused};
use crate::auth::{self, Visitor};
use crate::page::replayed::{self, Outcome};
use crate::reply::{self, Failure};
use crate::target::NoParameters;

/// So many entries are judged for one press of the button; the page says where to go on.
const MOST: usize = 10_000;

pub(super) async fn many(
    State(app): State<App>,
    visitor: Visitor,
    _: NoParameters,
    request: Request,
) -> Result<Response, Failure> {
    auth::check_site(request.headers())?;
    let form = form::read(request, &app).await?;
    let [code, run, after] = form.once(["code", "run", "after"])?;
    let code = code.unwrap_or_default();
    let run = match run {
        // Whoever does not say that he means it only tries.
        None | Some("dry") => Run::Dry,
        Some("real") => Run::Real,
        Some(_) => {
            let message = "this is dry or real";
            return Err(ParameterError::new("run", Code::InvalidParameter, message).into());
        }
    };
    let filter = QuarantineFilter {
        code: refused::code(code)?,
        ..QuarantineFilter::default()
    };
    let work = Work {
        run,
        after: refused::after(after)?,
        limit: MOST,
        ..Work::on(Selection::Filter(filter))
    };
    let work = work::by(visitor.sender(), work);
    let outcome = Outcome {
        code: code.to_owned(),
        after: work.after,
        replayed: app.store.replay(&work, |_| ()).await?,
    };
    Ok(reply::page(replayed::render(&outcome, visitor.prefix())))
}
