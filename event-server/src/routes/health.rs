//! `/health`: whether the program runs, and whether it can work.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use tokio::time::timeout;

use super::App;
use crate::link::LinkState;
use crate::reply::{self, Failure, Reason};
use crate::target::NoParameters;

/// A writer that has not been heard for so long counts as lost, a database as down.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Health {
    status: &'static str,
    /// What feeds the log from elsewhere. A link that is down makes nobody send elsewhere: events are taken as before.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    links: BTreeMap<&'static str, LinkState>,
}

pub(super) async fn live(_: NoParameters) -> Response {
    reply::json(&Health {
        status: "live",
        links: BTreeMap::new(),
    })
}

pub(super) async fn ready(State(app): State<App>, _: NoParameters) -> Result<Response, Failure> {
    let health = app.store.health();
    if !health.writer_alive || health.last_heartbeat_age >= PATIENCE {
        return Err(Failure::new(
            Reason::StorageUnavailable,
            "the task that writes to the database has stopped",
        ));
    }
    match timeout(PATIENCE, app.store.ping()).await {
        Ok(Ok(())) => Ok(reply::json(&Health {
            status: "ready",
            links: app
                .config
                .links
                .iter()
                .map(|link| (link.name(), link.state()))
                .collect(),
        })),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Failure::unavailable()),
    }
}
