//! `/v1/sessions`, `/v1/funnel`, `/v1/retention`, `/v1/active`: questions about whole stories, as parameters or as
//! JSON.

use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use event_core::analysis::{Active, Analysis, Funnel, Retention, Sessions};
use event_core::query::ParameterError;
use serde::Serialize;

use super::App;
use crate::body::{self, Media};
use crate::reply::{self, Failure};
use crate::target::{NoParameters, Parameters};

/// The parameters of a URL, decoded.
type Pairs<'a> = Box<dyn Iterator<Item = (&'a str, &'a str)> + 'a>;

pub(super) fn sessions() -> MethodRouter<App> {
    route(|pairs| Sessions::from_pairs(pairs), Sessions::from_json)
}

pub(super) fn funnel() -> MethodRouter<App> {
    route(|pairs| Funnel::from_pairs(pairs), Funnel::from_json)
}

pub(super) fn retention() -> MethodRouter<App> {
    route(|pairs| Retention::from_pairs(pairs), Retention::from_json)
}

pub(super) fn active() -> MethodRouter<App> {
    route(|pairs| Active::from_pairs(pairs), Active::from_json)
}

/// One question in both forms.
fn route<A>(
    by_parameters: fn(Pairs<'_>) -> Result<A, ParameterError>,
    by_json: fn(&[u8]) -> Result<A, ParameterError>,
) -> MethodRouter<App>
where
    A: Analysis + Send + Sync + 'static,
    A::Fold: Send + 'static,
    A::Answer: Serialize + Send + 'static,
{
    get(async move |State(app): State<App>, parameters: Parameters| {
        answer(&app, by_parameters(Box::new(parameters.pairs()))).await
    })
    .post(async move |State(app): State<App>, _: NoParameters, request: Request| {
        let (_, body) = body::read(request, &app.config, &[Media::Json]).await?;
        answer(&app, by_json(&body)).await
    })
}

async fn answer<A>(app: &App, question: Result<A, ParameterError>) -> Result<Response, Failure>
where
    A: Analysis,
    A::Fold: Send + 'static,
    A::Answer: Serialize + Send + 'static,
{
    Ok(reply::json(&app.store.analyse(&question?).await?))
}
