//! `/v1/losses`: what clients had to give up, by their own account.

use axum::extract::{Request, State};
use axum::response::Response;
use event_core::query::{ParameterError, QueryError};
use event_core::{Code, Source, Timestamp};
use event_store::api_key::Access;
use event_store::loss::{LossFilter, Reported, ReportedLoss};
use serde::Serialize;

use super::{App, loss};
use crate::auth::{self, Reader};
use crate::body::{self, Media};
use crate::reply::{self, Failure, Reason};
use crate::target::{NoParameters, Parameters};

#[derive(Serialize)]
struct Outcome {
    status: Reported,
}

/// `POST /v1/losses`: all of a report is counted, once, however often it comes.
pub(super) async fn report(State(app): State<App>, _: NoParameters, request: Request) -> Result<Response, Failure> {
    let sender = auth::sender(&request).cloned();
    let (_, body) = body::read(request, &app.config, &[Media::Json]).await?;
    let report = loss::read(&body)?;
    if sender.is_some_and(|sender| !sender.rights.has_source(&report.source)) {
        let advice = auth::advice("--source SOURCE", &[Access::Write]);
        let detail = format!("the key of this request speaks for another source: {advice}");
        let failure = Failure::new(Reason::NotPermitted, detail);
        return Err(failure.at("/source"));
    }
    let status = app.store.report_losses(report).await?;
    Ok(reply::json(&Outcome { status }))
}

#[derive(Serialize)]
struct Losses {
    losses: Vec<ReportedLoss>,
}

/// `GET /v1/losses`: by hour, source and reason.
pub(super) async fn list(State(app): State<App>, reader: Reader, parameters: Parameters) -> Result<Response, Failure> {
    let filter = filter(parameters.once(["from", "to", "source"])?)?;
    // What was lost has no type.
    reader.check_list(filter.source.as_ref(), None)?;
    let losses = app.store.losses(&filter).await?;
    Ok(reply::json(&Losses { losses }))
}

/// What `from`, `to` and `source` ask for.
///
/// # Errors
/// If one of them is none, or the range ends before it begins.
pub(super) fn filter([from, to, source]: [Option<&str>; 3]) -> Result<LossFilter, ParameterError> {
    let source = source.map(Source::new).transpose();
    let filter = LossFilter {
        from: instant("from", from)?,
        to: instant("to", to)?,
        source: source.map_err(|error| ParameterError::new("source", Code::InvalidParameter, error.to_string()))?,
    };
    if filter.from.zip(filter.to).is_some_and(|(from, to)| to < from) {
        return Err(QueryError::InvalidRange.into());
    }
    Ok(filter)
}

fn instant(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, ParameterError> {
    let read = text.map(str::parse::<Timestamp>).transpose();
    read.map_err(|error| ParameterError::new(name, error.code(), error.to_string()))
}
