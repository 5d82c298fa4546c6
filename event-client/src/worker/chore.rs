//! What is to be done now and then.

use std::sync::Arc;
use std::time::SystemTime;

use event_core::wire::LossReport;

use crate::answer::{self, Outcome};
use crate::shared::Shared;
use crate::transport::{Method, Request};

/// Does its chores for ever.
pub(super) async fn run(shared: &Arc<Shared>) {
    loop {
        tokio::time::sleep(shared.settings.tuning.report_every).await;
        report(shared).await;
    }
}

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
