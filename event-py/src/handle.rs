//! A client of event-client, with what Python has to know of it besides.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use event_client::{BuildError, Client as Sender, ClientBuilder, Stats};
use pyo3::prelude::*;

use crate::settings::Manner;
use crate::unstored::{self, Kept};

/// What all that sends in the name of a client shares, and the end of the program looks after.
pub(crate) struct Handle {
    pub(crate) sender: Sender,
    pub(crate) manner: Manner,
    pub(crate) unstored: Arc<Kept>,
    /// How many events were told to be missing, and by which process: a child counts from zero.
    told: AtomicU64,
}

impl Handle {
    /// Builds a client, and whatever comes with it.
    pub(crate) fn build<T>(
        builder: ClientBuilder,
        manner: Manner,
        build: impl FnOnce(ClientBuilder) -> Result<(Sender, T), BuildError>,
    ) -> Result<(Arc<Self>, T), BuildError> {
        let (builder, unstored) = unstored::keep(builder);
        let (sender, other) = build(builder)?;
        let handle = Handle {
            sender,
            manner,
            unstored,
            told: AtomicU64::new(0),
        };
        Ok((Arc::new(handle), other))
    }

    /// Says how many events did not get into the collector's log, in the log of the program; once, and again only
    /// where they have become more.
    ///
    /// # Errors
    /// What a handler of the program raises.
    pub(crate) fn tell(&self, py: Python<'_>) -> PyResult<()> {
        let stats = self.sender.stats();
        let missing = missing(&stats);
        let process = u64::from(std::process::id()) << 32;
        let told = self.told.load(Ordering::Relaxed);
        let before = if told >> 32 == process >> 32 {
            told & 0xffff_ffff
        } else {
            0
        };
        if missing <= before {
            return Ok(());
        }
        self.told.store(process | missing.min(0xffff_ffff), Ordering::Relaxed);
        let logger = py.import("logging")?.call_method1("getLogger", ("event_py",))?;
        logger.call_method1("warning", (sentence(&stats),))?;
        Ok(())
    }
}

/// Events that were given to the client, and are not in the collector's log and never will be.
fn missing(stats: &Stats) -> u64 {
    let dropped: u64 = stats.dropped.iter().map(|(_, events)| events).sum();
    dropped + stats.conflict + stats.quarantined + stats.rejected
}

fn sentence(stats: &Stats) -> String {
    let dropped = stats.dropped.iter().map(|(loss, events)| (loss.as_str(), events));
    let refused = [
        ("conflict", stats.conflict),
        ("quarantined", stats.quarantined),
        ("rejected", stats.rejected),
    ];
    let parts = [
        part("dropped", dropped),
        part("refused by the collector", refused.into_iter()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("of {} events {}", stats.offered, parts.join(", and "))
}

/// So many were lost in one way, and why; nothing where none were.
fn part(how: &str, reasons: impl Iterator<Item = (&'static str, u64)>) -> Option<String> {
    let reasons: Vec<_> = reasons.filter(|(_, events)| *events > 0).collect();
    let all: u64 = reasons.iter().map(|(_, events)| events).sum();
    let were = if all == 1 { "was" } else { "were" };
    let reasons: Vec<String> = reasons
        .iter()
        .map(|(reason, events)| format!("{events} {reason}"))
        .collect();
    (all > 0).then(|| format!("{all} {were} {how} ({})", reasons.join(", ")))
}
