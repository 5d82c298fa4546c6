//! What was tracked and waits: in memory, or, where there is a spool, on disk.

use event_core::Timestamp;

use crate::lines::Lines;
use crate::loss::Loss;
use crate::queue::{Bounds, Queue};
use crate::settings::Settings;

/// Events that wait, the oldest first.
#[derive(Debug)]
pub(crate) struct Backlog {
    queue: Queue,
    bounds: Bounds,
}

impl Backlog {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Backlog {
            queue: Queue::new(bounds),
            bounds,
        }
    }

    /// What a process made by `fork` begins with: nothing, as all that waits is its parent's.
    pub(crate) fn of_child(settings: &Settings) -> Self {
        Backlog::new(settings.tuning.bounds)
    }

    /// Takes in an event, or says why it cannot; never waits for the network.
    ///
    /// # Errors
    /// The reason under which the event is to be counted as lost.
    pub(crate) fn add(&mut self, event: &[u8], _now: Timestamp) -> Result<(), Loss> {
        self.queue.push(event).map_err(|_| Loss::QueueFull)
    }

    /// Events on disk.
    pub(crate) fn spooled(&self) -> u64 {
        0
    }

    /// Events in memory.
    pub(crate) fn queued(&self) -> u64 {
        self.queue.len() as u64
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.spooled() + self.queued() == 0
    }

    /// Whether a request could be filled.
    pub(crate) fn has_batch(&self) -> bool {
        self.queue.has_batch() || self.spooled() >= self.bounds.batch_events as u64
    }

    /// The oldest events in memory.
    pub(crate) fn take(&mut self) -> Option<Lines> {
        self.queue.take()
    }

    /// Writes what is in memory to disk, if there is one and it takes it.
    pub(crate) fn save(&mut self) {}

    /// Leaves the disk to the next process.
    pub(crate) fn close(&mut self) {}

    /// Takes back a buffer that is of no use any more.
    pub(crate) fn reuse(&mut self, batch: Lines) {
        self.queue.reuse(batch);
    }
}
