//! What waits to be stored: bounded in events, in bytes and in the time that it is likely to wait; refused at once
//! when there is no room.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use event_core::event::ContentHash;
use event_core::flag::Flags;
use event_core::policy::Storage;
use event_core::refusal::Refusal;
use event_core::{Event, EventId, Source, Timestamp, ValidEvent, Verdict};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::checkpoint::Mark;
use crate::error::Error;
use crate::original::{Kept, Original};
use crate::shadow::Opinion;

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
        source: Source,
        original: Original,
        received_at: Timestamp,
        /// The event that it is, where only its type refuses it: it may have been taken before.
        identity: Option<Box<Identity>>,
    },
}

/// What tells an event from all others, and what is told of it besides.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) source: Source,
    pub(crate) id: EventId,
    pub(crate) content: ContentHash,
    pub(crate) flags: Flags,
}

impl Identity {
    pub(crate) fn of(event: &Event) -> Self {
        let envelope = event.envelope();
        Identity {
            source: envelope.source.clone(),
            id: envelope.id.clone(),
            content: event.content_hash(),
            flags: event.flags(),
        }
    }
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

#[cfg(test)]
impl Entry {
    /// A refused event of so many bytes, for tests.
    pub(crate) fn refused(bytes: usize) -> Self {
        Entry::Refused {
            refusal: Box::new(Refusal::new(event_core::Code::NotPermitted, "", "")),
            source: Source::new("shop").unwrap(),
            original: Original::written(vec![b' '; bytes]),
            received_at: Timestamp::MIN,
            identity: None,
        }
    }
}

/// The entries of one caller, stored together or not at all.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) entries: Arc<Vec<Entry>>,
    /// How far an import has come with them.
    pub(crate) mark: Option<Arc<Mark>>,
    pub(crate) reply: oneshot::Sender<Told>,
    pub(crate) place: Place,
    pub(crate) turn: Arc<Turn>,
    /// The span in which the caller waits, if somebody makes traces.
    pub(crate) asked_in: Option<tracing::Id>,
    /// The runtime in which the caller waits, if it is one of several threads. One of a single thread wakes nobody while
    /// that thread is elsewhere.
    pub(crate) home: Option<Handle>,
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

/// What became of a job.
pub(crate) type Told = Result<Vec<Verdict>, Error>;

/// Where its caller hears it.
pub(crate) type Answer = oneshot::Receiver<Told>;

/// How much waits, and whether more is taken.
#[derive(Debug)]
pub(crate) struct Load {
    events: AtomicUsize,
    bytes: AtomicUsize,
    most_events: usize,
    most_bytes: usize,
    /// Nothing more is reserved while what waits is likely to take longer.
    most_time: Duration,
    /// What an event has cost of late, in nanoseconds.
    cost: AtomicU64,
    closed: AtomicBool,
    /// Tells the writer that it is.
    end: Notify,
}

/// What an event costs as long as nobody knows better.
const FIRST_COST: u64 = 50_000;
/// In a commit of fewer events most of the time is the disk's, however many they are.
const TELLING: usize = 256;

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

impl Place {
    /// Takes as much as is needed after all.
    fn fit(&mut self, events: usize, bytes: usize) {
        self.load.events.fetch_add(events, Ordering::Relaxed);
        self.load.events.fetch_sub(self.events, Ordering::Relaxed);
        self.load.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.load.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        (self.events, self.bytes) = (events, bytes);
    }
}

/// The callers' end of the queue.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    load: Arc<Load>,
    jobs: mpsc::UnboundedSender<Job>,
}

impl Queue {
    pub(crate) fn new(
        most_events: usize,
        most_bytes: usize,
        most_time: Duration,
    ) -> (Self, mpsc::UnboundedReceiver<Job>) {
        let load = Load {
            events: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            most_events,
            most_bytes,
            most_time,
            cost: AtomicU64::new(FIRST_COST),
            closed: AtomicBool::new(false),
            end: Notify::new(),
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

    /// Room for events that are yet to be judged: whoever finds none is spared the work. In the order of callers, so
    /// that those who were let in are answered in time.
    pub(crate) fn reserve(&self, events: usize, bytes: usize) -> Result<Place, Error> {
        if !self.has_room() && !self.is_closed() {
            return Err(Error::Overloaded);
        }
        self.take(events, bytes)
    }

    /// Whether what waits is likely to be stored soon enough for more to be taken.
    pub(crate) fn has_room(&self) -> bool {
        let (events, bytes) = self.waiting();
        let cost = self.load.cost.load(Ordering::Relaxed);
        let time = Duration::from_nanos(cost.saturating_mul(events as u64));
        events < self.load.most_events && bytes < self.load.most_bytes && time <= self.load.most_time
    }

    /// Events were committed: learns what one costs.
    pub(crate) fn committed(&self, events: usize, elapsed: Duration) {
        let own = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX) / events.max(1) as u64;
        let before = self.load.cost.load(Ordering::Relaxed);
        // That they cost no more than this a few events do tell. Without them a disk that hung once would be thought slow
        // for ever: who is let in one by one never makes a commit of many.
        if events < TELLING && own >= before {
            return;
        }
        // One writer, and so nobody in between; a hiccup of the disk counts a quarter.
        self.load.cost.store(
            (before / 4).saturating_mul(3).saturating_add(own / 4),
            Ordering::Relaxed,
        );
    }

    /// Takes the entries into a place that was reserved, or says at once why not.
    pub(crate) fn offer(
        &self,
        entries: Arc<Vec<Entry>>,
        mark: Option<Arc<Mark>>,
        reserved: Option<Place>,
    ) -> Result<(Answer, Arc<Turn>), Error> {
        let (events, bytes) = (entries.len(), entries.iter().map(Entry::bytes).sum());
        let place = match reserved {
            Some(_) if self.is_closed() => return Err(Error::Closed),
            Some(mut place) => {
                place.fit(events, bytes);
                place
            }
            None => self.take(events, bytes)?,
        };
        let (reply, answer) = oneshot::channel();
        let turn = Arc::new(Turn::default());
        let job = Job {
            entries,
            mark,
            reply,
            place,
            turn: Arc::clone(&turn),
            asked_in: tracing::Span::current().id(),
            home: Handle::try_current()
                .ok()
                .filter(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread),
        };
        self.jobs.send(job).map_err(|_| Error::Closed)?;
        Ok((answer, turn))
    }

    fn take(&self, events: usize, bytes: usize) -> Result<Place, Error> {
        if self.is_closed() {
            return Err(Error::Closed);
        }
        if events > self.load.most_events {
            let limit = self.load.most_events;
            return Err(Error::BatchTooLarge { events, limit });
        }
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
        self.load.end.notify_one();
    }

    /// Comes, once, when nothing more is taken: for the one who empties the queue.
    pub(crate) async fn closed(&self) {
        self.load.end.notified().await;
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

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(500);

    #[test]
    fn more_is_taken_as_long_as_what_waits_is_stored_soon() {
        let (queue, _jobs) = Queue::new(100_000, 1 << 30, SOON);
        // Commits of a few events say nothing.
        queue.committed(1, Duration::from_secs(1));
        let first = queue.reserve(9_000, 1).unwrap();
        assert!(queue.has_room());
        let second = queue.reserve(9_000, 1).unwrap();
        assert!(!queue.has_room());
        assert!(matches!(queue.reserve(1, 1), Err(Error::Overloaded)));
        // The disk has become ten times as fast, and after some commits that is known.
        for _ in 0..20 {
            queue.committed(4_000, Duration::from_millis(20));
        }
        assert!(queue.reserve(1, 1).is_ok());
        for _ in 0..20 {
            queue.committed(4_000, Duration::from_secs(2));
        }
        assert!(matches!(queue.reserve(1, 1), Err(Error::Overloaded)));
        drop((first, second));
        let third = queue.reserve(3_000, 1).unwrap();
        assert!(!queue.has_room());
        for _ in 0..20 {
            queue.committed(10, Duration::from_millis(1));
        }
        assert!(queue.has_room(), "a few events are enough to see that it is fast again");
        drop(third);
        assert!(
            queue.reserve(90_000, 1).is_ok(),
            "where nothing waits, as much as the queue holds"
        );
        assert_eq!(queue.waiting(), (0, 0));
    }

    #[test]
    fn a_place_is_as_large_as_what_comes_into_it() {
        let (queue, _jobs) = Queue::new(10, 1000, SOON);
        let place = queue.reserve(10, 999).unwrap();
        assert!(matches!(queue.reserve(1, 1), Err(Error::Overloaded)));
        let _answer = queue.offer(Arc::new(Vec::new()), None, Some(place)).unwrap();
        assert_eq!(queue.waiting(), (0, 0));
        assert!(matches!(
            queue.reserve(11, 1),
            Err(Error::BatchTooLarge { events: 11, limit: 10 })
        ));
        let late = queue.reserve(1, 1).unwrap();
        queue.close();
        assert!(matches!(
            queue.offer(Arc::new(Vec::new()), None, Some(late)),
            Err(Error::Closed)
        ));
        assert!(matches!(queue.reserve(1, 1), Err(Error::Closed)));
    }

    /// Room for events and bytes, of which so many are left.
    fn has_room(events: usize, bytes: usize) -> bool {
        let (queue, _jobs) = Queue::new(10, 1_000, Duration::MAX);
        let _place = queue.reserve(10 - events, 1_000 - bytes).unwrap();
        queue.has_room()
    }

    #[test]
    fn there_is_room_until_one_bound_is_reached() {
        assert!(has_room(10, 1_000) && has_room(1, 1_000) && has_room(10, 1) && has_room(1, 1));
        assert!(!has_room(0, 500) && !has_room(5, 0) && !has_room(0, 0));
        let (queue, _jobs) = Queue::new(10, 1_000, Duration::from_nanos(FIRST_COST * 5));
        let five = queue.reserve(5, 1).unwrap();
        assert!(queue.has_room(), "as long as it may take");
        let six = queue.reserve(1, 1).unwrap();
        assert!(!queue.has_room());
        drop((five, six));
        assert!(queue.has_room());
    }

    #[test]
    fn what_does_not_fit_takes_no_room() {
        let (queue, _jobs) = Queue::new(10, 1_000, Duration::MAX);
        assert!(matches!(queue.take(11, 1), Err(Error::BatchTooLarge { .. })));
        let alone = queue.take(10, 5_000).unwrap();
        assert!(matches!(queue.take(0, 1), Err(Error::Overloaded)));
        drop(alone);
        let most = queue.take(4, 600).unwrap();
        assert!(matches!(queue.take(7, 1), Err(Error::Overloaded)));
        assert!(matches!(queue.take(1, 401), Err(Error::Overloaded)));
        assert_eq!(queue.waiting(), (4, 600));
        let rest = queue.take(6, 400).unwrap();
        assert_eq!(queue.waiting(), (10, 1_000));
        drop((most, rest));
        assert_eq!(queue.waiting(), (0, 0));
    }

    #[test]
    fn the_cost_of_an_event_is_learned_a_quarter_at_a_time() {
        let (queue, _jobs) = Queue::new(10, 1_000, SOON);
        let cost = || queue.load.cost.load(Ordering::Relaxed);
        let learn = |events: usize, nanos: u64| queue.committed(events, Duration::from_nanos(nanos));
        learn(TELLING, 90_000 * TELLING as u64);
        assert_eq!(cost(), 60_000);
        learn(TELLING - 1, 90_000 * (TELLING as u64 - 1));
        learn(TELLING - 1, 60_000 * (TELLING as u64 - 1));
        assert_eq!(cost(), 60_000, "few events say only that it is less");
        learn(2, 40_000);
        assert_eq!(cost(), 50_000);
        learn(0, 10_000);
        assert_eq!(cost(), 40_000);
    }

    #[test]
    fn a_turn_is_taken_once_and_for_one_thing() {
        let turn = Turn::default();
        assert!(turn.begin() && turn.begin() && !turn.withdraw());
        let turn = Turn::default();
        assert!(turn.withdraw() && turn.withdraw() && !turn.begin());
    }

    #[test]
    fn an_entry_weighs_what_was_sent_and_what_was_made_of_it() {
        let original = |bytes: usize| Original::written(vec![b' '; bytes]);
        assert_eq!(Entry::refused(100).bytes(), 612);
        let event = |kept| Entry::Event {
            event: Box::new(event()),
            kept,
            received_at: Timestamp::MIN,
            storage: Storage::default(),
            opinions: Vec::new(),
        };
        assert_eq!(event(Kept::Made).bytes(), 512 + 2 * r#"{"n":1}"#.len());
        assert_eq!(event(Kept::Sent(original(100))).bytes(), 612 + 2 * r#"{"n":1}"#.len());
    }

    fn event() -> ValidEvent {
        let reception = event_core::event::Reception {
            received_at: Timestamp::MIN,
            source: &Source::new("shop").unwrap(),
            zone: chrono_tz::Tz::UTC,
            limits: event_core::Limits::default(),
            new_id: &|| EventId::new("made-here").unwrap(),
        };
        let event = Event::builder("page", "view").data(serde_json::json!({"n": 1}));
        let event = event.build(&reception).unwrap();
        event_core::Registry::default().validate(event, Timestamp::MAX).unwrap()
    }
}
