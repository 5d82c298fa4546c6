//! What is to be done now and then.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use event_core::wire::LossReport;

use crate::answer::{self, Outcome};
use crate::instrument;
use crate::shared::Shared;
use crate::transport::{Method, Request};

/// Between two rounds of a chore, whatever the settings say.
const LEAST: Duration = Duration::from_millis(10);
/// How soon to ask again for schemas that were not to be had.
#[cfg(feature = "validation")]
const SOON: Duration = Duration::from_secs(5);

/// Does its chores for ever.
pub(super) async fn run(shared: &Arc<Shared>) {
    tokio::join!(
        reports(shared),
        gauges(shared),
        schemas(shared),
        saves(shared),
        adoptions(shared)
    );
}

async fn reports(shared: &Arc<Shared>) {
    loop {
        tokio::time::sleep(shared.settings.tuning.report_every.max(LEAST)).await;
        report(shared).await;
    }
}

/// Has the disk keep what was written, and what it did not take at first.
#[cfg(feature = "spool")]
async fn saves(shared: &Arc<Shared>) {
    while let Some(stretch) = shared.sync_every() {
        tokio::time::sleep(stretch).await;
        shared.save();
        shared.sync();
    }
}

#[cfg(not(feature = "spool"))]
async fn saves(_: &Arc<Shared>) {}

/// Looks for what forked processes have left.
#[cfg(feature = "spool")]
async fn adoptions(shared: &Arc<Shared>) {
    const EVERY: Duration = Duration::from_secs(60);
    loop {
        shared.adopt();
        tokio::time::sleep(EVERY).await;
    }
}

#[cfg(not(feature = "spool"))]
async fn adoptions(_: &Arc<Shared>) {}

/// Shows what waits, where somebody looks.
async fn gauges(shared: &Arc<Shared>) {
    const EVERY: Duration = Duration::from_secs(5);
    while cfg!(feature = "metrics") {
        let stats = shared.lock().stats();
        instrument::waiting(&stats);
        tokio::time::sleep(EVERY).await;
    }
}

/// Asks the collector for its schemas, where they are wanted.
#[cfg(feature = "validation")]
async fn schemas(shared: &Arc<Shared>) {
    let Some(crate::schemas::Schemas::Fetched { every }) = shared.settings.schemas else {
        return;
    };
    let mut known = None;
    let mut wait = SOON;
    loop {
        let mut request = Request::new(Method::Get, "/v1/types", shared.key());
        request.if_none_match.clone_from(&known);
        match shared.transport.exchange(request).await {
            Ok(response) if response.status == 200 => match crate::schemas::registry(&response.body) {
                Ok(registry) => {
                    shared.set_registry(registry);
                    known = response.etag;
                    wait = every;
                }
                Err(error) => tracing::warn!(%error, "the collector's schemas cannot be read"),
            },
            Ok(response) if response.status == 304 => {}
            Ok(response) => tracing::warn!(
                why = answer::problem(&response),
                "the collector's schemas are not to be had"
            ),
            Err(error) => tracing::debug!(%error, "the collector's schemas are not to be had"),
        }
        tokio::time::sleep(wait.min(every).max(LEAST)).await;
    }
}

#[cfg(not(feature = "validation"))]
async fn schemas(_: &Arc<Shared>) {}

/// Tells the collector what was lost. A report without an answer is kept, and sent again as it is.
pub(super) async fn report(shared: &Arc<Shared>) {
    let report = {
        let mut state = shared.lock();
        if state.report.is_none() && !state.unreported.is_empty() {
            let (id, source) = (shared.id(), shared.settings.source.clone());
            let losses = state.unreported.take();
            state.report = Some(Arc::new(LossReport { id, source, losses }));
        }
        state.report.clone()
    };
    let Some(report) = report else { return };
    let body = serde_json::to_vec(&*report).unwrap_or_default();
    let request = Request::new(Method::Post, "/v1/losses", shared.key()).with("application/json", body);
    let events: u64 = report.losses.iter().map(|loss| loss.events).sum();
    let response = shared.transport.exchange(request).await;
    let told = matches!(&response, Ok(response) if (200..300).contains(&response.status));
    match answer::outcome(response, 0, SystemTime::now()) {
        _ if told => tracing::debug!(events, "the collector knows of the losses"),
        Outcome::Refused { why } => tracing::warn!(events, why, "the collector does not take the report of losses"),
        // A collector of an earlier version, perhaps.
        Outcome::Paused(crate::stats::Pause::NoCollector(status)) => {
            tracing::warn!(events, status, "the collector knows no reports of losses");
        }
        _ => return,
    }
    shared.lock().report = None;
}
