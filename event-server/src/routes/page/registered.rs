//! `GET /types`: what is registered, for people.

use axum::extract::State;
use axum::response::Response;

use super::super::App;
use crate::auth::Visitor;
use crate::page::registered;
use crate::reply::{self, Failure};
use crate::target::NoParameters;

pub(super) async fn list(State(app): State<App>, visitor: Visitor, _: NoParameters) -> Result<Response, Failure> {
    let types = app.store.types().await?;
    Ok(reply::page(registered::render(&types, visitor.prefix())))
}
