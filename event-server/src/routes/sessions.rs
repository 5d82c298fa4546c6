//! `GET /v1/sessions/{id}`: the events of a session in their order, and what is missing between them.

use axum::extract::State;
use axum::response::Response;
use event_core::SessionId;

use super::App;
use crate::reply::{self, Failure, Reason};
use crate::target::{self, Named, Parameters};

pub(super) async fn show(
    State(app): State<App>,
    Named(id): Named<SessionId>,
    parameters: Parameters,
) -> Result<Response, Failure> {
    let [upcast] = parameters.once(["upcast"])?;
    let upcast = target::upcast(upcast)?;
    match app.store.session(&id).await? {
        Some(mut session) => {
            if let Some(target) = upcast {
                session.events = app.store.lift(session.events, &target).await?;
            }
            Ok(reply::json(&session))
        }
        None => Err(Failure::new(
            Reason::SessionNotFound,
            "no event of this session is stored",
        )),
    }
}
