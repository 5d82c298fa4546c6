//! What was tracked and waits: in memory, or, where there is a spool, on disk.

use event_core::Timestamp;

use crate::lines::Lines;
use crate::loss::Loss;
use crate::queue::{Bounds, Queue};
#[cfg(feature = "spool")]
use crate::spool::{AppendError, Batch, Unsynced, Writer};

/// How much is written down at once, while others wait for the lock.
#[cfg(feature = "spool")]
const PORTION: Portion = Portion {
    events: 100,
    bytes: 128 * 1024,
};

#[cfg(feature = "spool")]
struct Portion {
    events: usize,
    bytes: usize,
}

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

    /// Writes to disk what memory took in meanwhile, a portion at a time and without waiting for the disk; `false` if
    /// there is nothing to write or the disk still refuses. The caller waits for what is [`unsynced`](Self::unsynced).
    pub(crate) fn save(&mut self, now: Timestamp) -> bool {
        let Some(writer) = &mut self.writer else { return false };
        let Some(batch) = self.queue.take() else { return false };
        let mut bytes = 0;
        let portion = batch.iter().take(PORTION.events).take_while(|event| {
            let first = bytes == 0;
            bytes += event.len();
            first || bytes <= PORTION.bytes
        });
        let mut wanted = 0;
        let portion = portion.inspect(|_| wanted += 1);
        let taken = writer.append_unsynced(portion.map(|event| (event, now)));
        self.spooled += taken as u64;
        if taken < batch.len() {
            let mut rest = Lines::with_capacity(batch.bytes().len(), batch.len() - taken);
            batch.iter().skip(taken).for_each(|event| rest.push(event));
            self.queue.put_back(rest);
        }
        self.queue.reuse(batch);
        taken == wanted
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

#[cfg(all(test, feature = "spool"))]
mod tests {
    use super::*;
    use crate::spool::faults::{Op, fail, mend};
    use crate::spool::{self, Fsync, SpoolOptions};

    const BOUNDS: Bounds = Bounds {
        queue_events: 10_000,
        queue_bytes: 1 << 24,
        batch_events: 1_000,
        batch_bytes: 1 << 20,
    };

    /// What the disk refused is saved in small portions, without a wait for the disk in any of them.
    #[test]
    fn nobody_waits_long_while_memory_is_saved() {
        for (event, portion) in [(&[b'1'; 100][..], 100), (&[b'1'; 40_000], 3), (&[b'1'; 200_000], 1)] {
            let home = tempfile::tempdir().unwrap();
            let options = SpoolOptions::new(home.path()).fsync(Fsync::Always);
            let (writer, mut reader, _) = spool::open(&options).unwrap();
            let mut backlog = Backlog::new(BOUNDS);
            backlog.spool(writer, 0);
            fail(&[Op::Create], 0);
            let events = portion * 3 + portion / 2;
            for _ in 0..events {
                backlog.add(event, Timestamp::MIN).unwrap();
            }
            mend();
            assert_eq!((backlog.spooled(), backlog.queued()), (0, events));
            // To wait would fail.
            fail(&[Op::Fsync], 0);
            for portions in 1..=3 {
                assert!(backlog.save(Timestamp::MIN));
                let saved = portion * portions;
                assert_eq!((backlog.spooled(), backlog.queued()), (saved, events - saved));
            }
            mend();
            while backlog.save(Timestamp::MIN) {}
            assert_eq!((backlog.spooled(), backlog.queued()), (events, 0));
            backlog.unsynced().unwrap().sync().unwrap();
            assert!(backlog.unsynced().is_none());
            let batch = reader.read(10_000, 1 << 30, Timestamp::MIN).unwrap();
            assert_eq!(batch.events().count() as u64, events);
        }
    }

    #[test]
    fn a_portion_that_is_refused_in_its_midst_is_counted_where_it_is() {
        let home = tempfile::tempdir().unwrap();
        let options = SpoolOptions::new(home.path()).bytes(4_000).fsync(Fsync::Never);
        let (writer, _reader, _) = spool::open(&options).unwrap();
        let mut backlog = Backlog::new(BOUNDS);
        backlog.spool(writer, 0);
        fail(&[Op::Create], 0);
        for _ in 0..70 {
            backlog.add(&[b'1'; 75], Timestamp::MIN).unwrap();
        }
        mend();
        assert!(!backlog.save(Timestamp::MIN));
        assert_eq!((backlog.spooled(), backlog.queued()), (40, 30));
    }
}
