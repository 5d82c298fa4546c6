//! The handle that applications hold.

use std::collections::VecDeque;
use std::fmt;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use bytes::Bytes;
use event_core::event::EventBuilder;
use event_core::verdict::Status;
use event_core::{Answer, EventId, Query, Verdict};

use crate::desk::{after, close, closed, submit};
use crate::error::{AskError, SendError, TrackError, Unconfirmed, Unsent};
use crate::instrument;
use crate::job::{Job, Reply};
use crate::lines::Lines;
use crate::loss::Loss;
use crate::process;
use crate::settings::Settings;
use crate::shared::{Shared, now};
use crate::stats::Stats;
use crate::transport::Key;
use crate::worker;

/// How much longer than its deadline a blocking call waits for a worker that ought to answer.
const SLACK: Duration = Duration::from_secs(2);

/// Sends events to a collector. Cheap to clone; all clones are one client.
///
/// It works from any thread, with any async runtime or none, in a panic hook, and in processes that
/// fork: one thread of its own, started by the first event of each process, does all the waiting.
///
/// ```no_run
/// use event_client::Client;
/// use event_core::Event;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("https://events.example.org").key("ev_…").source("shop").build()?;
/// client.track(Event::builder("order", "created").subject("customer-7").field("value", 12.5))?;
/// client.shutdown_blocking(Duration::from_secs(5))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    /// A process that was forked from the one that made this finds it stale, and makes its own.
    shared: ArcSwap<Shared>,
}

impl Client {
    pub(crate) fn of(shared: Shared) -> Self {
        let inner = Inner {
            shared: ArcSwap::from_pointee(shared),
        };
        Client { inner: Arc::new(inner) }
    }

    /// Takes in an event and returns at once: what it costs is to write it down. It is sent soon, in
    /// a batch, and sent again until the collector has said what became of it.
    ///
    /// Its id (a UUIDv7), its source, its time and, in a session, its number are set here where it
    /// does not say them itself, so that sending it twice stores it once.
    ///
    /// # Errors
    /// Why the event is dropped instead; it is counted in [`Client::stats`] and the collector will be
    /// told.
    pub fn track(&self, event: EventBuilder) -> Result<EventId, TrackError> {
        let shared = self.shared();
        let now = now();
        let mut line = String::with_capacity(512);
        match shared.line(event, now, &mut line) {
            Ok(id) => self.offer(&shared, line.as_bytes(), now).map(|()| id),
            Err(refusal) => {
                let mut state = shared.lock();
                state.counts.offered += 1;
                state.lose(Loss::Invalid, 1, now);
                drop(state);
                instrument::lost(Loss::Invalid, 1);
                Err(TrackError::Invalid(Box::new(refusal)))
            }
        }
    }

    fn offer(&self, shared: &Arc<Shared>, line: &[u8], now: event_core::Timestamp) -> Result<(), TrackError> {
        let mut state = shared.lock();
        let taken = state.track(line, now);
        let working = state.working;
        drop(state);
        match taken {
            Ok(wake) => {
                if !working {
                    worker::start(shared);
                } else if wake {
                    shared.wake.notify_one();
                }
                Ok(())
            }
            Err(loss) => {
                instrument::lost(loss, 1);
                Err(match loss {
                    Loss::SpoolFull => TrackError::SpoolFull,
                    Loss::Closed => TrackError::Closed,
                    _ => TrackError::QueueFull,
                })
            }
        }
    }

    /// Sends events and waits for the verdicts, one an event in their order; they go before the
    /// events that were tracked. What gets no answer is sent again until the time given by
    /// [`ClientBuilder::patience`](crate::ClientBuilder::patience) is over.
    ///
    /// If the future is dropped, the events are sent all the same.
    ///
    /// # Errors
    /// If some events have no verdict; they may be stored or not.
    pub async fn send(&self, events: impl IntoIterator<Item = EventBuilder>) -> Result<Vec<Verdict>, SendError> {
        let (reply, answer) = Reply::future();
        let local = self.submit_events(events, reply);
        join(local, answer.await.ok())
    }

    /// The same for threads that may wait.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn send_blocking(&self, events: impl IntoIterator<Item = EventBuilder>) -> Result<Vec<Verdict>, SendError> {
        let (reply, answer) = Reply::blocking();
        let patience = self.shared().settings.tuning.patience.saturating_add(SLACK);
        let local = self.submit_events(events, reply);
        join(local, answer.recv_timeout(patience).ok())
    }

    /// Hands events to the worker, and answers which of them were refused right here.
    fn submit_events(
        &self,
        events: impl IntoIterator<Item = EventBuilder>,
        reply: Reply<Result<Vec<Verdict>, SendError>>,
    ) -> Vec<Option<Verdict>> {
        let shared = self.shared();
        let now = now();
        let (mut local, mut batches) = (Vec::new(), VecDeque::new());
        let mut text = String::new();
        for event in events {
            text.clear();
            match shared.line(event, now, &mut text) {
                Ok(_) => {
                    push(&mut batches, text.as_bytes(), &shared.settings);
                    local.push(None);
                }
                Err(refusal) => local.push(Some(Verdict::refused(Status::Rejected, &refusal))),
            }
        }
        let refused = local.iter().flatten().count() as u64;
        let sent = local.len() as u64 - refused;
        let mut state = shared.lock();
        state.counts.offered += local.len() as u64;
        state.lose(Loss::Invalid, refused, now);
        let open = state.is_open();
        if open {
            state.counts.queued += sent;
        } else {
            state.lose(Loss::Closed, sent, now);
        }
        drop(state);
        instrument::lost(Loss::Invalid, refused);
        if batches.is_empty() {
            reply.send(Ok(Vec::new()));
        } else if open {
            let deadline = after(shared.settings.tuning.patience);
            submit(
                &shared,
                Job::Send {
                    batches,
                    deadline,
                    reply,
                },
            );
        } else {
            instrument::lost(Loss::Closed, sent);
            reply.send(Err(closed(local.len())));
        }
        local
    }

    /// Waits until all events that were tracked before have left, at the most so long. It does not
    /// wait for batches to fill, nor for the next try.
    ///
    /// # Errors
    /// How many events still wait.
    pub async fn flush(&self, at_most: Duration) -> Result<(), Unsent> {
        let (reply, answer) = Reply::future();
        self.begin_flush(at_most, reply);
        answer.await.unwrap_or_else(|_| Err(self.unsent()))
    }

    /// The same for threads that may wait.
    ///
    /// # Errors
    /// As [`Client::flush`].
    pub fn flush_blocking(&self, at_most: Duration) -> Result<(), Unsent> {
        let (reply, answer) = Reply::blocking();
        self.begin_flush(at_most, reply);
        answer
            .recv_timeout(at_most.saturating_add(SLACK))
            .unwrap_or_else(|_| Err(self.unsent()))
    }

    fn begin_flush(&self, at_most: Duration, reply: Reply<Result<(), Unsent>>) {
        let shared = self.shared();
        let mut state = shared.lock();
        let until = state.taken_in;
        if state.gone >= until {
            drop(state);
            return reply.send(Ok(()));
        }
        state.wanted = until;
        state.hurry = true;
        drop(state);
        shared.wake.notify_one();
        let deadline = after(at_most);
        submit(&shared, Job::Flush { until, deadline, reply });
    }

    /// Takes in no more events, waits until all that wait have left, at the most so long, and ends
    /// the thread. What then still waits is kept in the spool, where there is one, or else dropped
    /// and counted. Events tracked later are dropped and counted.
    ///
    /// # Errors
    /// How many events were not delivered.
    pub async fn shutdown(&self, at_most: Duration) -> Result<(), Unsent> {
        let (reply, answer) = Reply::future();
        close(&self.shared(), at_most, Some(reply));
        answer.await.unwrap_or_else(|_| Err(self.unsent()))
    }

    /// The same for threads that may wait.
    ///
    /// # Errors
    /// As [`Client::shutdown`].
    pub fn shutdown_blocking(&self, at_most: Duration) -> Result<(), Unsent> {
        let (reply, answer) = Reply::blocking();
        close(&self.shared(), at_most, Some(reply));
        answer
            .recv_timeout(at_most.saturating_add(SLACK))
            .unwrap_or_else(|_| Err(self.unsent()))
    }

    fn unsent(&self) -> Unsent {
        let stats = self.stats();
        Unsent {
            waiting: stats.waiting(),
            spooled: stats.spooled,
        }
    }

    /// What became of all events so far; the counts are of one moment and add up.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared().lock().stats()
    }

    /// Asks the collector a question.
    ///
    /// # Errors
    /// If there is no answer, or a problem instead.
    pub async fn query(&self, query: &Query) -> Result<Answer, AskError> {
        let (reply, answer) = Reply::future();
        self.begin_query(query, reply);
        read(answer.await.unwrap_or(Err(AskError::Closed)))
    }

    /// The same for threads that may wait.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub fn query_blocking(&self, query: &Query) -> Result<Answer, AskError> {
        let (reply, answer) = Reply::blocking();
        self.begin_query(query, reply);
        read(answer.recv().unwrap_or(Err(AskError::Closed)))
    }

    fn begin_query(&self, query: &Query, reply: Reply<Result<Bytes, AskError>>) {
        match serde_json::to_vec(query) {
            Ok(body) => {
                let body = body.into();
                submit(
                    &self.shared(),
                    Job::Ask {
                        path: "/v1/query",
                        body,
                        reply,
                    },
                );
            }
            Err(error) => reply.send(Err(AskError::Refused(error.to_string()))),
        }
    }

    /// Takes another key from now on, and tries again at once where the old one was refused. `false`
    /// if it has characters other than printable ASCII; the old one then stays.
    #[must_use]
    pub fn set_key(&self, key: impl Into<String>) -> bool {
        let key = Key::new(key.into());
        let good = key.is_some();
        if good {
            self.shared().set_key(key);
        }
        good
    }

    /// What is shared with the worker of this very process.
    pub(crate) fn shared(&self) -> Guard<Arc<Shared>> {
        let shared = self.inner.shared.load();
        if shared.is_ours() {
            return shared;
        }
        let renewed = Arc::new(process::renew(&shared));
        let previous = self.inner.shared.compare_and_swap(&shared, renewed);
        if Arc::ptr_eq(&previous, &shared) {
            // Its locks may be held by threads that are no more, and its events are the parent's: it is
            // left as it is, for ever.
            let _left = ManuallyDrop::new(Guard::into_inner(previous));
        }
        self.inner.shared.load()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.shared().settings).finish()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let shared = self.shared.load_full();
        if !shared.is_ours() {
            // Once more for the reference that the field itself will give back.
            let _left = ManuallyDrop::new((Arc::clone(&shared), shared));
            return;
        }
        if !shared.lock().is_open() {
            return;
        }
        shared.save();
        let stats = shared.lock().stats();
        if stats.waiting() > 0 {
            let (waiting, spooled) = (stats.waiting(), stats.spooled);
            tracing::warn!(
                waiting,
                spooled,
                "the event client is dropped without shutdown while events wait"
            );
        }
        close(&shared, shared.settings.tuning.grace, None);
    }
}

/// Adds an event to the last batch, or to a new one.
fn push(batches: &mut VecDeque<Lines>, event: &[u8], settings: &Settings) {
    let bounds = &settings.tuning.bounds;
    match batches.back_mut() {
        Some(last) if last.len() < bounds.batch_events && last.bytes().len() + event.len() < bounds.batch_bytes => {
            last.push(event);
        }
        _ => {
            let mut next = Lines::default();
            next.push(event);
            batches.push_back(next);
        }
    }
}

/// The verdicts of this process and the collector's, in the order of the events.
fn join(
    local: Vec<Option<Verdict>>,
    remote: Option<Result<Vec<Verdict>, SendError>>,
) -> Result<Vec<Verdict>, SendError> {
    let events = local.len();
    let (given, reason) = match remote {
        Some(Ok(verdicts)) => (verdicts, None),
        Some(Err(error)) => (error.verdicts, Some(error.reason)),
        None => (Vec::new(), Some(Unconfirmed::Closed)),
    };
    let mut given = given.into_iter();
    let known = local.into_iter().map(|verdict| verdict.or_else(|| given.next()));
    let verdicts: Vec<Verdict> = known.map_while(|verdict| verdict).collect();
    match reason {
        None => Ok(verdicts),
        Some(reason) => Err(SendError {
            verdicts,
            events,
            reason,
        }),
    }
}

fn read(answer: Result<Bytes, AskError>) -> Result<Answer, AskError> {
    serde_json::from_slice(&answer?).map_err(|error| AskError::Unreadable(error.to_string()))
}
