//! What a client's handles and its worker have in common. A process made by `fork` gets one of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use event_core::event::{EventBuilder, Reception};
use event_core::{EventId, Refusal, Timestamp};
use tokio::sync::{Notify, Semaphore, watch};

use crate::answer::{self, Again, Outcome};
use crate::backlog::Backlog;
use crate::compression::Compression;
use crate::fork;
use crate::id::Ids;
use crate::lines::Lines;
use crate::numbers::Numbers;
use crate::settings::Settings;
use crate::state::State;
use crate::transport::{Key, Method, Request, Transport};

/// How many calls of `send` are on their way at once; the others wait for their turn.
const TURNS: usize = 4;
/// More than any valid session has.
const SESSION_BYTES: usize = 128;

/// Where events wait.
pub(crate) struct Waiting {
    pub(crate) backlog: Backlog,
    #[cfg(feature = "spool")]
    pub(crate) disk: crate::disk::Disk,
}

/// One process's part of a client.
pub(crate) struct Shared {
    pub(crate) settings: Arc<Settings>,
    /// The process that it was made in.
    generation: u32,
    pub(crate) transport: Arc<dyn Transport>,
    key: ArcSwapOption<Key>,
    ids: Ids,
    numbers: Mutex<Numbers>,
    state: Mutex<State>,
    /// The rules that events are judged by here.
    #[cfg(feature = "validation")]
    registry: ArcSwapOption<event_core::Registry>,
    #[cfg(feature = "spool")]
    pub(crate) disk: crate::disk::Disk,
    /// Whether the collector does not read what we compress.
    plain: AtomicBool,
    /// Wakes what sends the tracked events.
    pub(crate) wake: Notify,
    /// Wakes what does jobs, and sees to the end.
    pub(crate) call: Notify,
    /// How many tracked events have left.
    pub(crate) progress: watch::Sender<u64>,
    /// Of those who send at once.
    pub(crate) turns: Semaphore,
    /// Turns true when jobs are to end.
    pub(crate) stop: watch::Sender<bool>,
}

impl Shared {
    pub(crate) fn new(
        settings: Arc<Settings>,
        transport: Arc<dyn Transport>,
        key: Option<Key>,
        waiting: Waiting,
    ) -> Self {
        #[cfg(feature = "validation")]
        let given = match &settings.schemas {
            Some(crate::schemas::Schemas::Given(registry)) => Some(Arc::clone(registry)),
            _ => None,
        };
        let state = State::new(waiting.backlog);
        Shared {
            settings,
            generation: fork::generation(),
            transport,
            key: ArcSwapOption::from_pointee(key),
            ids: Ids::new(),
            numbers: Mutex::default(),
            state: Mutex::new(state),
            #[cfg(feature = "validation")]
            registry: ArcSwapOption::new(given),
            #[cfg(feature = "spool")]
            disk: waiting.disk,
            plain: AtomicBool::new(false),
            wake: Notify::new(),
            call: Notify::new(),
            progress: watch::Sender::new(0),
            turns: Semaphore::new(TURNS),
            stop: watch::Sender::new(false),
        }
    }

    /// Whether it was made in this very process, and not in one that this was forked from.
    pub(crate) fn is_ours(&self) -> bool {
        self.generation == fork::generation()
    }

    /// The lock is held for moments, and never by code that may panic.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(crate) fn key(&self) -> Option<Key> {
        self.key.load().as_deref().cloned()
    }

    pub(crate) fn set_key(&self, key: Option<Key>) {
        self.key.store(key.map(Arc::new));
        self.lock().hurry = true;
        self.wake.notify_one();
    }

    /// The event with all that the collector would have to guess, so that it is the same event however often it is
    /// sent.
    pub(crate) fn stamped(&self, event: EventBuilder, now: Timestamp) -> EventBuilder {
        self.received(now, |reception| self.numbered(event).stamped(reception))
    }

    /// The event with its number in its session.
    fn numbered(&self, event: EventBuilder) -> EventBuilder {
        // A name that is too long is refused later, and not remembered here.
        match event.unnumbered().filter(|session| session.len() <= SESSION_BYTES) {
            Some(session) => {
                let number = lock(&self.numbers).next(session);
                event.sequence(number)
            }
            None => event,
        }
    }

    fn received<T>(&self, now: Timestamp, work: impl FnOnce(&Reception<'_>) -> T) -> T {
        work(&Reception {
            received_at: now,
            source: &self.settings.source,
            zone: chrono_tz::Tz::UTC,
            limits: self.settings.tuning.limits,
            new_id: &|| self.ids.next(now),
        })
    }

    /// Writes an event as a line, with all that the collector would have to guess.
    ///
    /// # Errors
    /// Which rule the event breaks.
    pub(crate) fn line(&self, event: EventBuilder, now: Timestamp, out: &mut String) -> Result<EventId, Refusal> {
        let event = self.numbered(event);
        self.received(now, |reception| self.write(event, reception, out))
    }

    fn write(&self, event: EventBuilder, reception: &Reception<'_>, out: &mut String) -> Result<EventId, Refusal> {
        #[cfg(feature = "validation")]
        if let Some(registry) = &*self.registry.load() {
            let event = event.build(reception)?;
            let id = event.envelope().id.clone();
            // As it was offered: which version is the active one is for the collector to say.
            out.push_str(&serde_json::to_string(&event).unwrap_or_default());
            return match registry.validate(event, reception.received_at) {
                Ok(_) => Ok(id),
                Err(refused) => {
                    out.clear();
                    Err(refused.refusal)
                }
            };
        }
        event.write(reception, out)
    }

    /// Judges events by these rules from now on.
    #[cfg(feature = "validation")]
    pub(crate) fn set_registry(&self, registry: event_core::Registry) {
        self.registry.store(Some(Arc::new(registry)));
    }

    /// An id for something else than an event.
    pub(crate) fn id(&self) -> EventId {
        self.ids.next(now())
    }

    /// Lets go of what is done with.
    #[cfg(not(feature = "spool"))]
    pub(crate) fn acknowledge(&self) {}

    /// Writes down what is only in memory.
    #[cfg(not(feature = "spool"))]
    pub(crate) fn save(&self) {}

    /// Leaves the disk to others.
    #[cfg(not(feature = "spool"))]
    pub(crate) fn close_disk(&self) {}

    /// Offers a batch to the collector, once.
    pub(crate) async fn exchange(&self, batch: &Lines) -> Outcome {
        let compression = if self.plain.load(Ordering::Relaxed) {
            Compression::None
        } else {
            self.settings.tuning.compression
        };
        let (body, encoding) = compression.apply(batch.bytes());
        let mut request = Request::new(Method::Post, "/v1/events", self.key()).with("application/x-ndjson", body);
        request.content_encoding = encoding;
        let answer = self.transport.exchange(request).await;
        match answer::outcome(answer, batch.len(), SystemTime::now()) {
            Outcome::NotCompressed if encoding.is_some() => {
                self.plain.store(true, Ordering::Relaxed);
                tracing::info!("the collector does not read compressed bodies; they go out as they are");
                Outcome::Again(Again {
                    after: None,
                    why: "the collector does not read compressed bodies".to_owned(),
                    suspect: false,
                })
            }
            outcome => outcome,
        }
    }
}

/// A lock whose holders do not panic; if one did, what it guards is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time of this machine.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(micros).unwrap_or(Timestamp::MIN)
}
