//! `DELETE /v1/subjects/{subject}`: all that names a subject goes. `GET /v1/erasures`: the receipts.

use axum::extract::{Request, State};
use axum::response::Response;
use event_core::Subject;
use event_store::api_key::Access;
use event_store::erase::Erasure;
use event_store::quarantine::Run;
use serde::Serialize;

use super::{App, work};
use crate::auth;
use crate::reply::{self, Failure, Reason};
use crate::target::{Named, NoParameters, Parameters};

#[derive(Serialize)]
struct Erasures {
    erasures: Vec<Erasure>,
}

/// With `dry_run=true` it is only told what would go. What goes is of all sources and types: a key that is bound to
/// some does not erase, whatever it may read.
pub(super) async fn erase(
    State(app): State<App>,
    Named(subject): Named<Subject>,
    parameters: Parameters,
    request: Request,
) -> Result<Response, Failure> {
    let run = work::run(&parameters)?;
    if run == Run::Real && auth::sender(&request).is_some_and(|sender| sender.rights.is_bound()) {
        let advice = auth::advice("--any-source", &[Access::Admin]);
        let message = format!(
            "an erasure is of all sources and types, and the key of this request is bound to some: use \
             `event-server erase`, or a key without bounds; {advice}"
        );
        return Err(Failure::new(Reason::NotPermitted, message));
    }
    let erasure = match run {
        Run::Real => app.store.erase(&subject).await?,
        Run::Dry => app.store.erase_dry(&subject).await?,
    };
    match erasure {
        Some(erasure) => Ok(reply::json(&erasure)),
        None => Err(Failure::new(Reason::SubjectNotFound, "nothing here names this subject")),
    }
}

pub(super) async fn erasures(State(app): State<App>, _: NoParameters) -> Result<Response, Failure> {
    let erasures = app.store.erasures().await?;
    Ok(reply::json(&Erasures { erasures }))
}
