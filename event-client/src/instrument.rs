//! Counters for the `metrics` facade, where that feature is on.

use event_core::Verdict;

use crate::loss::Loss;
use crate::stats::Stats;

/// Verdicts that came in.
pub(crate) fn judged(verdicts: &[Verdict]) {
    #[cfg(feature = "metrics")]
    for verdict in verdicts {
        metrics::counter!("event_client_verdicts_total", "status" => verdict.status.as_str()).increment(1);
    }
    #[cfg(not(feature = "metrics"))]
    let _ = verdicts;
}

/// Events that are given up.
pub(crate) fn lost(loss: Loss, events: u64) {
    #[cfg(feature = "metrics")]
    if events > 0 {
        metrics::counter!("event_client_dropped_total", "reason" => loss.as_str()).increment(events);
    }
    #[cfg(not(feature = "metrics"))]
    let _ = (loss, events);
}

/// A request is made again.
pub(crate) fn retried() {
    #[cfg(feature = "metrics")]
    metrics::counter!("event_client_retries_total").increment(1);
}

/// What waits at this moment.
#[allow(clippy::cast_precision_loss)] // gauges are floats
pub(crate) fn waiting(stats: &Stats) {
    #[cfg(feature = "metrics")]
    for (place, events) in [
        ("memory", stats.queued),
        ("disk", stats.spooled),
        ("in_flight", stats.in_flight),
    ] {
        metrics::gauge!("event_client_waiting", "place" => place).set(events as f64);
    }
    #[cfg(not(feature = "metrics"))]
    let _ = stats;
}
