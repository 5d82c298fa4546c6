//! From the spool to the collector: what is read, let go of, saved, and taken over.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::fork;
use crate::instrument;
use crate::lines::Lines;
use crate::loss::Loss;
use crate::shared::{Shared, now};
use crate::spool::{self, Fsync, Writer};

/// How long whoever tracks may have the lock, between two portions of what is saved.
const BREATH: Duration = Duration::from_micros(50);

/// The disk could not be read; it is tried again later.
pub(crate) struct Unread;

impl Shared {
    /// Takes events from disk into the hand.
    ///
    /// # Errors
    /// If they could not be read.
    pub(crate) fn take_spooled(&self) -> Result<(), Unread> {
        let bounds = self.settings.tuning.bounds;
        let now = now();
        let known = self.lock().backlog.spooled();
        let read = self.disk.reader(|reader| {
            let batch = reader.read(bounds.batch_events, bounds.batch_bytes, now);
            batch.map_err(|error| {
                let failures = self.disk.unread.fetch_add(1, Ordering::Relaxed) + 1;
                if failures.is_power_of_two() {
                    tracing::warn!(%error, failures, "the spool cannot be read; trying again");
                }
                Unread
            })
        });
        let batch = read.unwrap_or(Err(Unread))?;
        self.disk.unread.store(0, Ordering::Relaxed);
        let lines = Lines::of(batch.lines, &batch.ends);
        let (events, mut lost) = (lines.len() as u64, batch.lost);
        let mut state = self.lock();
        if batch.through.is_none() {
            // Nothing is there, whatever was thought: what is missing is damaged, and counted.
            lost.corrupt = known;
        }
        state.backlog.left_disk(events + lost.corrupt + lost.expired);
        state.counts.in_flight += events;
        state.vanish(Loss::Damaged, lost.corrupt, now);
        state.vanish(Loss::Expired, lost.expired, now);
        state.through = batch.through;
        if events > 0 {
            state.hand.push_back(Arc::new(lines));
        }
        drop(state);
        instrument::lost(Loss::Damaged, lost.corrupt);
        instrument::lost(Loss::Expired, lost.expired);
        if lost.corrupt + lost.expired > 0 {
            tracing::warn!(
                damaged = lost.corrupt,
                expired = lost.expired,
                "events in the spool are lost"
            );
        }
        self.acknowledge();
        Ok(())
    }

    /// Lets go of what was read from disk, once all of it is done with.
    pub(crate) fn acknowledge(&self) {
        let through = {
            let mut state = self.lock();
            if state.hand.is_empty() && state.aside.is_none() {
                state.through.take()
            } else {
                None
            }
        };
        if let Some(through) = through
            && let Some(Err(error)) = self.disk.reader(|reader| reader.ack(through))
        {
            tracing::warn!(%error, "the spool could not be written; events may be sent twice, and stored once");
        }
    }

    /// Writes down what is only in memory, as far as the disk takes it, and waits for the disk where that is due:
    /// whoever tracks meanwhile waits for a portion to be written at the longest.
    pub(crate) fn save(&self) {
        while self.lock().backlog.save(now()) {
            // Who waits for a lock does not get it if it is taken again at once.
            std::thread::sleep(BREATH);
        }
        let sync = self.settings.spool.as_ref().map(|spool| spool.sync);
        if sync == Some(Fsync::Always) {
            self.sync();
        }
        let waiting = self.lock().backlog.queued();
        if waiting == 0 || self.settings.spool.is_none() {
            self.disk.unwritten.store(0, Ordering::Relaxed);
        } else if (self.disk.unwritten.fetch_add(1, Ordering::Relaxed) + 1).is_power_of_two() {
            tracing::warn!(events = waiting, "the spool cannot be written; events wait in memory");
        }
    }

    /// Waits for the disk, where that is due.
    pub(crate) fn sync(&self) {
        let unsynced = self.lock().backlog.unsynced();
        if let Some(Err(error)) = unsynced.map(|unsynced| fork::aside(|| unsynced.sync())) {
            tracing::warn!(%error, "the spool is not safe from a loss of power");
        }
    }

    /// How often to wait for the disk, and to see to what is in memory.
    pub(crate) fn sync_every(&self) -> Option<Duration> {
        match self.settings.spool.as_ref()?.sync {
            Fsync::Every(stretch) => Some(stretch.max(Duration::from_millis(10))),
            Fsync::Always | Fsync::Never => Some(Duration::from_secs(1)),
        }
    }

    /// Takes over what forked processes that are no more have left.
    pub(crate) fn adopt(&self) {
        let Some(options) = self.settings.spool.as_ref().filter(|_| self.disk.is_own()) else {
            return;
        };
        let now = now();
        let adopted = spool::adopt(options, now, |batch| {
            let mut state = self.lock();
            let (taken, unsynced) = state.backlog.adopt(batch);
            state.found(taken as u64);
            (taken, unsynced)
        });
        let lost = adopted.lost;
        let mut state = self.lock();
        state.counts.offered += lost.corrupt + lost.expired;
        state.counts.recovered += lost.corrupt + lost.expired;
        state.lose(Loss::Damaged, lost.corrupt, now);
        state.lose(Loss::Expired, lost.expired, now);
        drop(state);
        if adopted.records + adopted.left + lost.corrupt + lost.expired > 0 {
            tracing::info!(
                events = adopted.records,
                left = adopted.left,
                "events of forked processes are taken over"
            );
            self.wake.notify_one();
        }
    }

    /// Leaves the spool to the next process; what is in hand and came from disk is on disk still.
    pub(crate) fn close_disk(&self) {
        let writer = self.lock().backlog.unspool();
        if let Some(Err(error)) = writer.map(Writer::close) {
            tracing::warn!(%error, "the spool could not be written out");
        }
        self.disk.close();
    }
}
