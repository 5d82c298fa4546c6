//! `GET /v1/sessions/{id}`: the events of a session in their order, and what is missing between them.

use axum::extract::State;
use axum::response::Response;
use event_core::SessionId;

use super::App;
use crate::reply::{self, Failure, Reason};
use crate::target::{Named, NoParameters};

pub(super) async fn show(
    State(app): State<App>,
    Named(id): Named<SessionId>,
    _: NoParameters,
) -> Result<Response, Failure> {
    match app.store.session(&id).await? {
        Some(session) => Ok(reply::json(&session)),
        None => Err(Failure::new(
            Reason::SessionNotFound,
            "no event of this session is stored",
        )),
    }
}
