//! `/v1/sessions`, `/v1/funnel`, `/v1/retention`, `/v1/active`: questions about whole stories, as parameters or as
//! JSON.

use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use event_core::Filter;
use event_core::analysis::{Active, Analysis, Funnel, Retention, Sessions};
use event_core::query::ParameterError;
use serde::Serialize;

use super::App;
use crate::auth::Reader;
use crate::body::{self, Media};
use crate::reply::{self, Failure};
use crate::target::{NoParameters, Parameters};

/// The parameters of a URL, decoded.
type Pairs<'a> = Box<dyn Iterator<Item = (&'a str, &'a str)> + 'a>;

pub(super) fn sessions() -> MethodRouter<App> {
    route(
        |pairs| Sessions::from_pairs(pairs),
        Sessions::from_json,
        |asked| &asked.filter,
    )
}

pub(super) fn funnel() -> MethodRouter<App> {
    route(
        |pairs| Funnel::from_pairs(pairs),
        Funnel::from_json,
        |asked| &asked.filter,
    )
}

pub(super) fn retention() -> MethodRouter<App> {
    route(
        |pairs| Retention::from_pairs(pairs),
        Retention::from_json,
        |asked| &asked.filter,
    )
}

pub(super) fn active() -> MethodRouter<App> {
    route(
        |pairs| Active::from_pairs(pairs),
        Active::from_json,
        |asked| &asked.filter,
    )
}

/// One question in both forms.
fn route<A>(
    by_parameters: fn(Pairs<'_>) -> Result<A, ParameterError>,
    by_json: fn(&[u8]) -> Result<A, ParameterError>,
    filter: fn(&A) -> &Filter,
) -> MethodRouter<App>
where
    A: Analysis + Send + Sync + 'static,
    A::Fold: Send + 'static,
    A::Answer: Serialize + Send + 'static,
{
    get(
        async move |State(app): State<App>, reader: Reader, parameters: Parameters| {
            let question = by_parameters(Box::new(parameters.pairs()))?;
            reader.check(filter(&question))?;
            answer(&app, &question).await
        },
    )
    .post(
        async move |State(app): State<App>, reader: Reader, _: NoParameters, request: Request| {
            let (_, body) = body::read(request, &app.config, &[Media::Json]).await?;
            let question = by_json(&body)?;
            reader.check(filter(&question))?;
            answer(&app, &question).await
        },
    )
}

async fn answer<A>(app: &App, question: &A) -> Result<Response, Failure>
where
    A: Analysis,
    A::Fold: Send + 'static,
    A::Answer: Serialize + Send + 'static,
{
    Ok(reply::json(&app.store.analyse(question).await?))
}
