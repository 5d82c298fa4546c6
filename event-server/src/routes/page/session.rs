//! `GET /sessions/{id}`: a session, for people.

use axum::extract::State;
use axum::response::Response;
use event_core::SessionId;

use super::super::App;
use crate::auth::Visitor;
use crate::page::session;
use crate::reply::{self, Failure, Reason};
use crate::target::{Named, NoParameters};

pub(super) async fn show(
    State(app): State<App>,
    Named(id): Named<SessionId>,
    visitor: Visitor,
    _: NoParameters,
) -> Result<Response, Failure> {
    let found = app.store.session(&id).await?;
    let found = found.ok_or_else(|| Failure::new(Reason::SessionNotFound, "no event of this session is stored"))?;
    Ok(reply::page(session::render(id.as_str(), &found, visitor.prefix())))
}
