//! What was tracked and waits: in memory, or, where there is a spool, on disk.

use event_core::Timestamp;

use crate::lines::Lines;
use crate::loss::Loss;
use crate::queue::{Bounds, Queue};
#[cfg(feature = "spool")]
use crate::spool::{AppendError, Batch, Unsynced, Writer};

/// Events that wait, the oldest first: those on disk are older than those in memory.
///
/// With a spool, memory takes in what the disk refuses for the moment, and from then on everything,
/// until all of it could be written down: so the order stays.
#[derive(Debug)]
pub(crate) struct Backlog {
    queue: Queue,
    bounds: Bounds,
    #[cfg(feature = "spool")]
    writer: Option<Writer>,
    spooled: u64,
}

impl Backlog {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Backlog {
            queue: Queue::new(bounds),
            bounds,
            #[cfg(feature = "spool")]
            writer: None,
            spooled: 0,
        }
    }

    /// Takes in an event, or says why it cannot; never waits for the network.
    ///
    /// # Errors
    /// The reason under which the event is to be counted as lost.
    #[cfg_attr(not(feature = "spool"), allow(unused_variables))]
    pub(crate) fn add(&mut self, event: &[u8], now: Timestamp) -> Result<(), Loss> {
        #[cfg(feature = "spool")]
        if let Some(writer) = self.writer.as_mut().filter(|_| self.queue.len() == 0) {
            match writer.append(event, now) {
                Ok(()) => {
                    self.spooled += 1;
                    return Ok(());
                }
                Err(AppendError::Full) => return Err(Loss::SpoolFull),
                Err(AppendError::Io(_)) => {}
            }
        }
        self.queue.push(event).map_err(|_| Loss::QueueFull)
    }

    /// Events on disk.
    pub(crate) fn spooled(&self) -> u64 {
        self.spooled
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

    /// Takes back a buffer that is of no use any more.
    pub(crate) fn reuse(&mut self, batch: Lines) {
        self.queue.reuse(batch);
    }
}

#[cfg(feature = "spool")]
impl Backlog {
    /// Writes to disk from now on, where so many events wait already.
    pub(crate) fn spool(&mut self, writer: Writer, waiting: u64) {
        self.writer = Some(writer);
        self.spooled = waiting;
    }

    /// Events that were on disk are in other hands, or lost.
    pub(crate) fn left_disk(&mut self, events: u64) {
        self.spooled = self.spooled.saturating_sub(events);
    }

    /// Events that were in other hands are only on disk again.
    pub(crate) fn back_on_disk(&mut self, events: u64) {
        self.spooled += events;
    }

    /// Writes to disk what memory took in meanwhile, a batch at a time; `false` if there is nothing to write
    /// or the disk still refuses.
    pub(crate) fn save(&mut self, now: Timestamp) -> bool {
        let Some(writer) = &mut self.writer else { return false };
        let Some(batch) = self.queue.take() else { return false };
        let mut refused = Lines::default();
        for event in batch.iter() {
            if refused.len() == 0 && writer.append(event, now).is_ok() {
                self.spooled += 1;
            } else {
                refused.push(event);
            }
        }
        let all = refused.len() == 0;
        if !all {
            self.queue.put_back(refused);
        }
        self.queue.reuse(batch);
        all
    }

    /// Takes over what another process has left; answers how many of the events there is room for.
    pub(crate) fn adopt(&mut self, batch: &Batch) -> (usize, Option<Unsynced>) {
        let Some(writer) = &mut self.writer else {
            return (0, None);
        };
        let (taken, unsynced) = writer.take_over(batch);
        self.spooled += taken as u64;
        (taken, unsynced)
    }

    /// What the disk has to be waited for by now.
    pub(crate) fn unsynced(&mut self) -> Option<Unsynced> {
        self.writer.as_mut()?.unsynced()
    }

    /// Writes to disk no more; the writer is to be closed where that may take a while.
    pub(crate) fn unspool(&mut self) -> Option<Writer> {
        self.writer.take()
    }
}
