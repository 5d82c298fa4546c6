//! `GET /refused`, `GET /refused/{number}`: what is kept of what was refused.

use axum::extract::State;
use axum::response::Response;
use event_core::Code;
use event_core::query::ParameterError;
use event_store::QuarantinePage;
use event_store::api_key::Access;
use event_store::quarantine::{QuarantineFilter, StateError};

use super::super::App;
use crate::auth::Visitor;
use crate::page::entry::{self, Hands};
use crate::page::refused::{self, Refused};
use crate::reply::{self, Failure, Reason};
use crate::target::{Named, NoParameters, Parameters};

const ENTRIES: usize = 50;

pub(super) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    parameters: Parameters,
) -> Result<Response, Failure> {
    let [code, state, after] = parameters.once(["code", "state", "after"])?;
    let (code, state) = (code.unwrap_or_default(), state.unwrap_or("open"));
    let filter = QuarantineFilter {
        code: self::code(code)?,
        state: Some(state)
            .filter(|state| !state.is_empty())
            .map(str::parse)
            .transpose()
            .map_err(|error: StateError| wrong("state", &error.to_string()))?,
        ..QuarantineFilter::default()
    };
    let page = QuarantinePage {
        filter,
        after: self::after(after)?,
        limit: ENTRIES,
    };
    let found = app.store.quarantine(&page).await?;
    let shown = Refused {
        counts: app.store.quarantine_counts().await?,
        code: code.to_owned(),
        state: state.to_owned(),
        entries: found.entries,
        next: found.next.map(|after| refused::next(code, state, after)),
        hands: hands(&visitor),
    };
    Ok(reply::page(refused::render(&shown, visitor.prefix())))
}

pub(super) async fn show(
    State(app): State<App>,
    Named(number): Named<i64>,
    visitor: Visitor,
    _: NoParameters,
) -> Result<Response, Failure> {
    let found = app.store.quarantined(number).await?.ok_or_else(not_found)?;
    let page = entry::render(&found, hands(&visitor), visitor.prefix());
    Ok(reply::page(page))
}

pub(super) fn not_found() -> Failure {
    Failure::new(Reason::EntryNotFound, "no entry of the quarantine has this number")
}

/// Whether somebody may replay and discard.
fn hands(visitor: &Visitor) -> Hands {
    if visitor.may(Access::Admin) {
        Hands::Free
    } else {
        Hands::Tied
    }
}

/// The reason that a form names, if any.
pub(super) fn code(text: &str) -> Result<Option<Code>, ParameterError> {
    let code = Some(text).filter(|text| !text.is_empty()).map(str::parse).transpose();
    code.map_err(|_| wrong("code", "there is no such code"))
}

/// The number that a page begins behind.
pub(super) fn after(text: Option<&str>) -> Result<Option<i64>, ParameterError> {
    let number = text.map(str::parse).transpose();
    number.map_err(|_| wrong("after", "this is the number of an entry"))
}

fn wrong(name: &str, message: &str) -> ParameterError {
    ParameterError::new(name, Code::InvalidParameter, message)
}
