//! `/v1/query`: a question, as parameters or as JSON, and its exact answer.

use axum::extract::{Request, State};
use axum::response::Response;
use event_core::Query;

use super::App;
use crate::auth::Reader;
use crate::body::{self, Media};
use crate::reply::{self, Failure};
use crate::target::{NoParameters, Parameters};

pub(super) async fn by_parameters(
    State(app): State<App>,
    reader: Reader,
    parameters: Parameters,
) -> Result<Response, Failure> {
    answer(&app, &reader, &Query::from_pairs(parameters.pairs())?).await
}

pub(super) async fn by_json(
    State(app): State<App>,
    reader: Reader,
    _: NoParameters,
    request: Request,
) -> Result<Response, Failure> {
    let (_, body) = body::read(request, &app.config, &[Media::Json]).await?;
    answer(&app, &reader, &Query::from_json(&body)?).await
}

async fn answer(app: &App, reader: &Reader, query: &Query) -> Result<Response, Failure> {
    reader.check(&query.filter)?;
    Ok(reply::json(&app.store.answer(query).await?))
}
