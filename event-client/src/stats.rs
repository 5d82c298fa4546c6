//! What became of every event that was offered, at one moment.

use event_core::verdict::Status;

use crate::loss::{Loss, Losses};

/// Counts since the client was built, taken together at one moment, so that they add up:
///
/// `offered` = [`delivered()`](Stats::delivered) + `conflict` + `quarantined` + `rejected` + `spooled` +
/// `queued` + `in_flight` + all that was [`dropped`](Stats::dropped).
///
/// A process made by `fork` counts from zero: what waited then is still its parent's.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = event_client::Client::builder("http://127.0.0.1:8000").source("shop").build()?;
/// let stats = client.stats();
/// assert_eq!(stats.offered, stats.accounted());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Events given to `track` and `send`, and those found in the spool.
    pub offered: u64,
    /// Those of them that an earlier process had left in the spool.
    pub recovered: u64,
    /// New events that the collector has stored.
    pub stored: u64,
    /// Events that the collector had already: an earlier answer was lost on its way.
    pub duplicate: u64,
    /// Events whose id is taken by another event; the collector keeps them aside.
    pub conflict: u64,
    /// Events that break a rule; the collector keeps them aside.
    pub quarantined: u64,
    /// Events that break a rule and are not kept.
    pub rejected: u64,
    /// Events that wait on disk.
    pub spooled: u64,
    /// Events that wait in memory.
    pub queued: u64,
    /// Events that are being sent, or wait to be sent again.
    pub in_flight: u64,
    /// Events that were given up, by reason.
    pub dropped: Losses,
    /// Requests that had to be made again.
    pub retries: u64,
    /// Why nothing is sent at present, until the collector or its key are seen to.
    pub paused: Option<Pause>,
}

/// Why nothing is sent: what the collector answered will not get better by trying again at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pause {
    /// The key is missing, wrong, expired or revoked (401).
    Unauthenticated,
    /// The key may not do this (403).
    Forbidden,
    /// What answers is no collector, by its status.
    NoCollector(u16),
}

impl std::fmt::Display for Pause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Pause::Unauthenticated => f.write_str("the collector does not take the key (401)"),
            Pause::Forbidden => f.write_str("the key may not send events (403)"),
            Pause::NoCollector(status) => write!(f, "what answers is no collector (status {status})"),
        }
    }
}

impl Stats {
    /// Events that are in the collector's log.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.stored + self.duplicate
    }

    /// Events that are still to be delivered.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.spooled + self.queued + self.in_flight
    }

    /// All events of which it is known what became of them, or where they are: always `offered`.
    #[must_use]
    pub fn accounted(&self) -> u64 {
        let judged = self.delivered() + self.conflict + self.quarantined + self.rejected;
        judged + self.waiting() + self.dropped.total()
    }

    pub(crate) fn judged(&mut self, status: Status) {
        let count = match status {
            Status::Stored => &mut self.stored,
            Status::Duplicate => &mut self.duplicate,
            Status::Conflict => &mut self.conflict,
            Status::Quarantined => &mut self.quarantined,
            // Whatever a later collector may call it, it is not in the log.
            _ => &mut self.rejected,
        };
        *count += 1;
    }

    pub(crate) fn lost(&mut self, loss: Loss, events: u64) {
        self.dropped.add(loss, events);
    }
}
