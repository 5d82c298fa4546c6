//! `/v1/query`: a question, as parameters or as JSON, and its exact answer.

use axum::extract::{Request, State};
use axum::response::Response;
use event_core::Query;

use super::App;
use crate::body::{self, Media};
use crate::reply::{self, Failure};
use crate::target::{NoParameters, Parameters};

pub(super) async fn by_parameters(State(app): State<App>, parameters: Parameters) -> Result<Response, Failure> {
    answer(&app, &Query::from_pairs(parameters.pairs())?).await
}

pub(super) async fn by_json(State(app): State<App>, _: NoParameters, request: Request) -> Result<Response, Failure> {
    let (_, body) = body::read(request, &app.config, &[Media::Json]).await?;
    answer(&app, &Query::from_json(&body)?).await
}

async fn answer(app: &App, query: &Query) -> Result<Response, Failure> {
    Ok(reply::json(&app.store.answer(query).await?))
}
