//! `GET /keys`: the keys there are, for people.

use axum::extract::State;
use axum::response::Response;

use super::super::App;
use crate::auth::Visitor;
use crate::clock::now;
use crate::page::keys;
use crate::reply::{self, Failure};
use crate::target::NoParameters;

pub(super) async fn list(State(app): State<App>, visitor: Visitor, _: NoParameters) -> Result<Response, Failure> {
    let found = app.store.keys().await?;
    Ok(reply::page(keys::render(&found, now(), visitor.prefix())))
}
