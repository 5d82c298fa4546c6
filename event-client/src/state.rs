//! All that threads share, under one lock, so that the counts add up at every moment.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use event_core::verdict::Status;
use event_core::wire::LossReport;
use event_core::{Timestamp, Verdict};

use crate::backlog::Backlog;
use crate::error::FlushError;
use crate::job::{Job, Reply};
use crate::lines::Lines;
use crate::loss::{Loss, Unreported};
use crate::stats::{Pause, Stats};

/// Whether the worker has to be told of a new event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attention {
    /// It waits for any event.
    Asleep,
    /// It waits for a batch to fill.
    Filling,
    /// It will look by itself.
    Busy,
}

/// The life of a client.
pub(crate) enum Phase {
    Open,
    /// Nothing is taken in any more, and what waits has until then.
    Closing {
        deadline: Instant,
        replies: Vec<Reply<Result<(), FlushError>>>,
    },
    Closed(Result<(), FlushError>),
}

/// Everything behind the lock. Nothing of the application's own runs while it is held.
pub(crate) struct State {
    pub(crate) backlog: Backlog,
    /// Batches that were taken, the oldest first: they are in flight until they have verdicts.
    pub(crate) hand: VecDeque<Arc<Lines>>,
    /// An event that was refused alone, set aside until it is known whether others are taken.
    pub(crate) aside: Option<Arc<Lines>>,
    /// What to acknowledge to the spool when all in hand is done with.
    #[cfg(feature = "spool")]
    pub(crate) through: Option<u64>,
    pub(crate) counts: Stats,
    pub(crate) unreported: Unreported,
    /// A report of losses that the collector has not answered yet.
    pub(crate) report: Option<Arc<LossReport>>,
    pub(crate) jobs: VecDeque<Job>,
    pub(crate) phase: Phase,
    pub(crate) attention: Attention,
    /// Events in calls of `send` that have not ended.
    pub(crate) sending: u64,
    /// Whether there is a thread that works.
    pub(crate) working: bool,
    /// When to try again to start one, after that has failed.
    pub(crate) start_after: Option<Instant>,
    /// Tracked events that were taken in, and those of them that have left; both only grow.
    pub(crate) taken_in: u64,
    pub(crate) gone: u64,
    /// Somebody waits until so many have left.
    pub(crate) wanted: u64,
    /// What kept us from sending may be over, or the end is near: no need to wait for the next try.
    pub(crate) hurry: bool,
}

impl State {
    pub(crate) fn new(backlog: Backlog) -> Self {
        let found = backlog.spooled();
        State {
            counts: Stats {
                offered: found,
                recovered: found,
                ..Stats::default()
            },
            hand: VecDeque::new(),
            aside: None,
            #[cfg(feature = "spool")]
            through: None,
            unreported: Unreported::default(),
            report: None,
            jobs: VecDeque::new(),
            phase: Phase::Open,
            attention: Attention::Busy,
            sending: 0,
            working: false,
            start_after: None,
            taken_in: found,
            gone: 0,
            wanted: 0,
            hurry: false,
            backlog,
        }
    }

    /// Whether new events are taken in.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    /// Takes in an event that was tracked. Answers whether the worker is to be woken.
    ///
    /// # Errors
    /// Why the event is lost; it is counted.
    pub(crate) fn track(&mut self, event: &[u8], now: Timestamp) -> Result<bool, Loss> {
        self.counts.offered += 1;
        let taken = if self.is_open() {
            self.backlog.add(event, now)
        } else {
            Err(Loss::Closed)
        };
        if let Err(loss) = taken {
            self.lose(loss, 1, now);
            return Err(loss);
        }
        self.taken_in += 1;
        let wake = match self.attention {
            Attention::Asleep => true,
            Attention::Filling => self.backlog.has_batch(),
            Attention::Busy => false,
        };
        if wake {
            self.attention = Attention::Busy;
        }
        Ok(wake)
    }

    /// Counts events that are given up.
    pub(crate) fn lose(&mut self, loss: Loss, events: u64, now: Timestamp) {
        if events > 0 {
            self.counts.lost(loss, events);
            self.unreported.add(now, loss, events);
        }
    }

    /// Counts events that were taken in, and are not to be had any more.
    #[cfg(feature = "spool")]
    pub(crate) fn vanish(&mut self, loss: Loss, events: u64, now: Timestamp) {
        self.lose(loss, events, now);
        self.gone += events;
    }

    /// Counts events that a forked process has left on disk.
    #[cfg(feature = "spool")]
    pub(crate) fn found(&mut self, events: u64) {
        self.counts.offered += events;
        self.counts.recovered += events;
        self.taken_in += events;
    }

    /// Leaves what came from disk to the disk.
    #[cfg(feature = "spool")]
    pub(crate) fn leave_on_disk(&mut self) {
        self.take_back();
        if self.through.take().is_some() {
            let events = self.hand.drain(..).map(|batch| batch.len() as u64).sum();
            self.counts.in_flight -= events;
            self.backlog.back_on_disk(events);
        }
    }

    /// Counts the verdicts on the oldest batch in hand, which is done with.
    pub(crate) fn settle(&mut self, verdicts: &[Verdict]) {
        let Some(batch) = self.hand.pop_front() else { return };
        self.judged(verdicts.iter().map(|verdict| verdict.status));
        self.left(batch);
        self.counts.paused = None;
    }

    /// Counts verdicts on events that were in flight.
    pub(crate) fn judged(&mut self, statuses: impl Iterator<Item = Status>) {
        for status in statuses {
            self.counts.in_flight -= 1;
            self.counts.judged(status);
        }
    }

    /// Gives up the oldest batch in hand; `false` if there is none.
    pub(crate) fn give_up(&mut self, loss: Loss, now: Timestamp) -> bool {
        let Some(batch) = self.hand.pop_front() else {
            return false;
        };
        self.counts.in_flight -= batch.len() as u64;
        self.lose(loss, batch.len() as u64, now);
        self.left(batch);
        true
    }

    fn left(&mut self, batch: Arc<Lines>) {
        self.gone += batch.len() as u64;
        if let Ok(batch) = Arc::try_unwrap(batch) {
            self.backlog.reuse(batch);
        }
    }

    /// Sets the oldest batch in hand aside, if none is and others wait behind it; answers whether it did.
    pub(crate) fn set_aside(&mut self) -> bool {
        let others = self.hand.len() > 1 || !self.backlog.is_empty();
        if self.aside.is_some() || !others {
            return false;
        }
        self.aside = self.hand.pop_front();
        true
    }

    /// Takes what was set aside back in hand, as the oldest.
    pub(crate) fn take_back(&mut self) {
        if let Some(batch) = self.aside.take() {
            self.hand.push_front(batch);
        }
    }

    /// Halves the oldest batch in hand; `false` if it is a single event.
    pub(crate) fn halve(&mut self) -> bool {
        match self.hand.front() {
            Some(batch) if batch.len() > 1 => {
                let (first, second) = batch.halves();
                self.hand.pop_front();
                self.hand.push_front(Arc::new(second));
                self.hand.push_front(Arc::new(first));
                true
            }
            _ => false,
        }
    }

    /// Takes events from memory into the hand; `false` if there are none.
    pub(crate) fn take_queued(&mut self) -> bool {
        let Some(batch) = self.backlog.take() else { return false };
        self.counts.in_flight += batch.len() as u64;
        self.hand.push_back(Arc::new(batch));
        true
    }

    /// Nothing is sent for now; answers whether that is news.
    pub(crate) fn pause(&mut self, pause: Pause) -> bool {
        let news = self.counts.paused != Some(pause);
        self.counts.paused = Some(pause);
        news
    }

    /// The counts at this moment.
    pub(crate) fn stats(&self) -> Stats {
        Stats {
            spooled: self.backlog.spooled(),
            queued: self.counts.queued + self.backlog.queued(),
            ..self.counts
        }
    }
}
