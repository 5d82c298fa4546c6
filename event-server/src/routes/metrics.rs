//! `/v1/metrics`: what is counted while events are stored, and how far the older ones are.

use axum::extract::{Request, State};
use axum::response::Response;
use event_core::Label;
use event_store::{Error, MetricRecord, Registered};
use serde::Serialize;

use super::{App, metric};
use crate::body::{self, Media};
use crate::reply::{self, Failure};
use crate::target::{Named, NoParameters};

#[derive(Serialize)]
struct Metrics {
    metrics: Vec<MetricRecord>,
}

pub(super) async fn list(State(app): State<App>, _: NoParameters) -> Result<Response, Failure> {
    let metrics = app.store.metrics().await?;
    Ok(reply::json(&Metrics { metrics }))
}

pub(super) async fn show(
    State(app): State<App>,
    Named(label): Named<Label>,
    _: NoParameters,
) -> Result<Response, Failure> {
    Ok(reply::json(&record(&app, &label).await?))
}

/// 201 where the metric is new, 200 where the same was there.
pub(super) async fn declare(
    State(app): State<App>,
    Named(label): Named<Label>,
    _: NoParameters,
    request: Request,
) -> Result<Response, Failure> {
    let (_, body) = body::read(request, &app.config, &[Media::Json]).await?;
    let declared = app.store.declare(metric::read(label.clone(), &body)?).await?;
    let record = record(&app, &label).await?;
    Ok(match declared {
        Registered::Created => reply::created(&record),
        Registered::Changed | Registered::Unchanged => reply::json(&record),
    })
}

/// The events stay; what was counted of them is forgotten.
pub(super) async fn remove(
    State(app): State<App>,
    Named(label): Named<Label>,
    _: NoParameters,
) -> Result<Response, Failure> {
    if app.store.drop_metric(&label).await? {
        Ok(reply::gone())
    } else {
        Err(Error::MetricNotFound.into())
    }
}

async fn record(app: &App, label: &Label) -> Result<MetricRecord, Failure> {
    let metrics = app.store.metrics().await?;
    let record = metrics.into_iter().find(|record| record.metric.label() == label);
    record.ok_or_else(|| Error::MetricNotFound.into())
}
