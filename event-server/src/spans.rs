//! How many spans there were, and what became of them: counted by whoever sends them, handed on with every request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counts of one exporter; clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    ended: AtomicU64,
    sent: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
}

impl Spans {
    /// A span has ended and is to be sent.
    pub(crate) fn end(&self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Spans have arrived.
    pub(crate) fn send(&self, spans: u64) {
        self.0.sent.fetch_add(spans, Ordering::Relaxed);
    }

    /// A span found no room in the queue.
    pub(crate) fn drop_one(&self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Spans were not taken.
    pub(crate) fn fail(&self, spans: u64) {
        self.0.failed.fetch_add(spans, Ordering::Relaxed);
    }

    /// What became of them, by name.
    pub(crate) fn outcomes(&self) -> [(&'static str, u64); 3] {
        let Counts {
            sent, dropped, failed, ..
        } = &*self.0;
        [("sent", sent), ("dropped", dropped), ("failed", failed)]
            .map(|(outcome, count)| (outcome, count.load(Ordering::Relaxed)))
    }

    /// How many have neither been sent nor given up.
    pub(crate) fn left(&self) -> u64 {
        let over: u64 = self.outcomes().iter().map(|(_, count)| count).sum();
        self.0.ended.load(Ordering::Relaxed).saturating_sub(over)
    }
}
