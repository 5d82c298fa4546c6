//! What waits to be stored: bounded in events and in bytes, refused at once when full.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

use event_core::policy::Storage;
use event_core::refusal::Refusal;
use event_core::{ValidEvent, Verdict};
use tokio::sync::{mpsc, oneshot};

use crate::checkpoint::Mark;
use crate::error::Error;
use crate::original::{Kept, Original};
use crate::shadow::Opinion;
use event_core::Timestamp;

/// One thing to keep: an event, or a refusal.
#[derive(Debug)]
pub(crate) enum Entry {
    /// An event to store, with what it came as, should its id be taken.
    Event {
        event: Box<ValidEvent>,
        kept: Kept,
        received_at: Timestamp,
        storage: Storage,
        /// What the shadows of its type say to it.
        opinions: Vec<Opinion>,
    },
    /// A refused event to keep in the quarantine.
    Refused {
        refusal: Box<Refusal>,
        source: event_core::Source,
        original: Original,
        received_at: Timestamp,
    },
}

impl Entry {
    /// About what it holds in memory.
    fn bytes(&self) -> usize {
        match self {
            Entry::Event { event, kept, .. } => {
                let sent = match kept {
                    Kept::Sent(original) => original.bytes.len(),
                    Kept::Made | Kept::InQuarantine => 0,
                };
                512 + event.event().payload().as_str().len() * 2 + sent
            }
            Entry::Refused { original, .. } => 512 + original.bytes.len(),
        }
    }
}

/// The entries of one caller, stored together or not at all.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) entries: Arc<Vec<Entry>>,
    /// How far an import has come with them.
    pub(crate) mark: Option<Arc<Mark>>,
    pub(crate) reply: oneshot::Sender<Result<Vec<Verdict>, Error>>,
    pub(crate) place: Place,
    pub(crate) turn: Arc<Turn>,
    /// The span in which the caller waits, if somebody makes traces.
    pub(crate) asked_in: Option<tracing::Id>,
}

/// Whether a job's turn has come. A caller that waits no longer may withdraw a job until then, and
/// knows that nothing of it is stored.
#[derive(Debug, Default)]
pub(crate) struct Turn(AtomicU8);

const BEGUN: u8 = 1;
const WITHDRAWN: u8 = 2;

impl Turn {
    fn take(&self, state: u8) -> bool {
        let taken = self.0.compare_exchange(0, state, Ordering::AcqRel, Ordering::Acquire);
        taken.is_ok() || taken == Err(state)
    }

    /// Begins with the job; false if it was withdrawn.
    pub(crate) fn begin(&self) -> bool {
        self.take(BEGUN)
    }

    /// Withdraws the job; false if it was begun, and may be stored.
    pub(crate) fn withdraw(&self) -> bool {
        self.take(WITHDRAWN)
    }
}

/// What became of a job, as its caller hears it.
pub(crate) type Answer = oneshot::Receiver<Result<Vec<Verdict>, Error>>;

/// How much waits, and whether more is taken.
#[derive(Debug)]
pub(crate) struct Load {
    events: AtomicUsize,
    bytes: AtomicUsize,
    most_events: usize,
    most_bytes: usize,
    closed: AtomicBool,
}

/// Room in the queue, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    load: Arc<Load>,
    events: usize,
    bytes: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.load.events.fetch_sub(self.events, Ordering::Relaxed);
        self.load.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The callers' end of the queue.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    load: Arc<Load>,
    jobs: mpsc::UnboundedSender<Job>,
}

impl Queue {
    pub(crate) fn new(most_events: usize, most_bytes: usize) -> (Self, mpsc::UnboundedReceiver<Job>) {
        let load = Load {
            events: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            most_events,
            most_bytes,
            closed: AtomicBool::new(false),
        };
        // Unbounded here, because the load bounds it by what the entries weigh.
        let (jobs, receiver) = mpsc::unbounded_channel();
        (
            Queue {
                load: Arc::new(load),
                jobs,
            },
            receiver,
        )
    }

    /// Takes the entries, or says at once why not.
    pub(crate) fn offer(
        &self,
        entries: Arc<Vec<Entry>>,
        mark: Option<Arc<Mark>>,
    ) -> Result<(Answer, Arc<Turn>), Error> {
        if self.load.closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        if entries.len() > self.load.most_events {
            return Err(Error::BatchTooLarge {
                events: entries.len(),
                limit: self.load.most_events,
            });
        }
        let place = self.place(entries.len(), entries.iter().map(Entry::bytes).sum())?;
        let (reply, answer) = oneshot::channel();
        let turn = Arc::new(Turn::default());
        let job = Job {
            entries,
            mark,
            reply,
            place,
            turn: Arc::clone(&turn),
            asked_in: tracing::Span::current().id(),
        };
        self.jobs.send(job).map_err(|_| Error::Closed)?;
        Ok((answer, turn))
    }

    fn place(&self, events: usize, bytes: usize) -> Result<Place, Error> {
        let place = Place {
            load: Arc::clone(&self.load),
            events,
            bytes,
        };
        let waiting_events = self.load.events.fetch_add(events, Ordering::Relaxed);
        let waiting_bytes = self.load.bytes.fetch_add(bytes, Ordering::Relaxed);
        // A single batch may be larger than the bound on bytes, if nothing else waits.
        let fits = waiting_events + events <= self.load.most_events
            && (waiting_bytes + bytes <= self.load.most_bytes || waiting_bytes == 0);
        if fits { Ok(place) } else { Err(Error::Overloaded) }
    }

    /// Takes nothing more; what is in the queue is still stored.
    pub(crate) fn close(&self) {
        self.load.closed.store(true, Ordering::Release);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.load.closed.load(Ordering::Acquire)
    }

    /// Events and bytes that wait.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        (
            self.load.events.load(Ordering::Relaxed),
            self.load.bytes.load(Ordering::Relaxed),
        )
    }
}
