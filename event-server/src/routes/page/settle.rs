//! `POST /refused/{number}/replay` and `/discard`: what a person decides about one refused event.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use event_core::query::ParameterError;
use event_core::{Code, Label};
use event_store::quarantine::{Selection, Work};

use super::super::{App, work};
use super::{form, refused};
use crate::auth::{self, Visitor};
use crate::reply::{self, Failure};
use crate::target::{Named, NoParameters};

pub(super) async fn replay(
    State(app): State<App>,
    Named(number): Named<i64>,
    visitor: Visitor,
    headers: HeaderMap,
    _: NoParameters,
) -> Result<Response, Failure> {
    auth::check_site(&headers)?;
    exists(&app, number).await?;
    app.store.replay(&on(number, &visitor), |_| ()).await?;
    Ok(back(number))
}

pub(super) async fn discard(
    State(app): State<App>,
    Named(number): Named<i64>,
    visitor: Visitor,
    _: NoParameters,
    request: Request,
) -> Result<Response, Failure> {
    auth::check_site(request.headers())?;
    let form = form::read(request, &app).await?;
    let [note] = form.once(["note"])?;
    let note = note.filter(|note| !note.is_empty()).map(Label::new).transpose();
    let note = note.map_err(|error| ParameterError::new("note", Code::InvalidParameter, error.to_string()))?;
    exists(&app, number).await?;
    app.store.discard(&on(number, &visitor), note.as_ref(), |_| ()).await?;
    Ok(back(number))
}

fn on(number: i64, visitor: &Visitor) -> Work {
    work::by(visitor.sender(), Work::on(Selection::Numbers(vec![number])))
}

async fn exists(app: &App, number: i64) -> Result<(), Failure> {
    let found = app.store.quarantined(number).await?;
    found.map(|_| ()).ok_or_else(refused::not_found)
}

/// What became of it stands on the page of the entry.
fn back(number: i64) -> Response {
    reply::elsewhere(&format!("../{number}"))
}
