//! `/health`: whether the program runs, and whether it can work.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use event_core::Timestamp;
use event_store::project::ProjectionStatus;
use serde::Serialize;
use tokio::time::timeout;

use super::App;
use super::numbers::shown;
use crate::link::LinkState;
use crate::page::followers;
use crate::reply::{self, Failure, Reason};
use crate::target::NoParameters;

/// A writer that has not been heard for so long counts as lost, a database as down.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Health {
    status: &'static str,
    /// None, where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    projections: Vec<Projected>,
    /// What feeds the log from elsewhere. A link that is down makes nobody send elsewhere: events are taken as before.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    links: BTreeMap<&'static str, Fed>,
}

/// A link as whoever asks may know it.
#[derive(Serialize)]
#[serde(untagged)]
enum Fed {
    Whole(LinkState),
    /// To who has shown no key that reads: what is wrong may name files and machines, and the log has it.
    InShort {
        up: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<Timestamp>,
    },
}

/// How far tables are that are made from the log.
#[derive(Serialize)]
struct Projected {
    name: String,
    position: i64,
    behind: i64,
    lag_seconds: f64,
    parked: u64,
    state: &'static str,
}

impl From<ProjectionStatus> for Projected {
    fn from(it: ProjectionStatus) -> Self {
        Projected {
            position: it.position,
            behind: it.head - it.position,
            lag_seconds: it.lag.as_secs_f64(),
            parked: it.parked,
            state: followers::state(&it),
            name: it.name,
        }
    }
}

pub(super) async fn live(_: NoParameters) -> Response {
    reply::json(&Health {
        status: "live",
        projections: Vec::new(),
        links: BTreeMap::new(),
    })
}

pub(super) async fn ready(State(app): State<App>, _: NoParameters, headers: HeaderMap) -> Result<Response, Failure> {
    let health = app.store.health();
    if !health.writer_alive || health.last_heartbeat_age >= PATIENCE {
        return Err(Failure::new(
            Reason::StorageUnavailable,
            "the task that writes to the database has stopped",
        ));
    }
    match timeout(PATIENCE, app.store.ping()).await {
        // Those who wait for tables ask for them; whoever sends events does not.
        Ok(Ok(())) => {
            let projections = timeout(PATIENCE, shown(&app.store)).await.ok().flatten();
            let projections = projections.unwrap_or_default();
            let told = app.guard.may_read(&headers);
            let links = app.config.links.iter().map(|link| {
                let fed = match link.state() {
                    state if told => Fed::Whole(state),
                    LinkState { up, since, .. } => Fed::InShort { up, since },
                };
                (link.name(), fed)
            });
            Ok(reply::json(&Health {
                status: "ready",
                projections: projections.into_iter().map(Projected::from).collect(),
                links: links.collect(),
            }))
        }
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Failure::unavailable()),
    }
}
