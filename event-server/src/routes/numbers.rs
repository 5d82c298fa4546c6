//! `GET /metrics`: how the collector does, for Prometheus.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use event_store::EventStore;
use event_store::project::ProjectionStatus;
use tokio::time::timeout;

use super::App;
use crate::connections::Connections;
use crate::meter::{Kept, Scrape};
use crate::reply;
use crate::target::NoParameters;

/// So many projections have numbers: each is a label.
const MOST: usize = 100;
/// A database that has not answered for so long says nothing this time; all other numbers are told.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn show(State(app): State<App>, _: NoParameters, request: Request) -> Response {
    let connections = request.extensions().get::<Connections>().cloned();
    let scrape = Scrape {
        stats: app.store.stats(),
        health: app.store.health(),
        database: timeout(PATIENCE, kept(&app.store)).await.ok().flatten(),
        connections,
        spans: request.extensions().get().cloned(),
    };
    reply::numbers(app.meter.write(scrape))
}

async fn kept(store: &EventStore) -> Option<Kept> {
    let position = store.position().await.ok()?;
    let counts = store.quarantine_counts().await.ok()?;
    let refused = counts.iter().map(|count| count.entries).sum();
    let projections = shown(store).await?;
    Some(Kept {
        position,
        refused,
        projections,
    })
}

/// How far projections are whose tables readers see.
pub(super) async fn shown(store: &EventStore) -> Option<Vec<ProjectionStatus>> {
    let mut all = store.projections().await.ok()?;
    all.retain(ProjectionStatus::is_shown);
    all.truncate(MOST);
    Some(all)
}
