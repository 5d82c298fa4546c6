//! The handle that applications hold.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, Guard};
use event_core::event::EventBuilder;
use event_core::verdict::Status;
use event_core::{EventId, Verdict};

use crate::desk::{after, close, submit};
use crate::error::{FlushError, InvalidKey, SendError, TrackError, Unconfirmed};
use crate::fork;
use crate::instrument;
use crate::job::{Job, Reply, Sent};
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

/// Bytes of an event, more than most have.
const USUAL: usize = 512;
/// A line's room is kept up to so many bytes.
const LARGE: usize = 16 * 1024;

thread_local! {
    /// Room for the line of an event, used again by the next one of the same thread.
    static LINE: Cell<String> = const { Cell::new(String::new()) };
}

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

    /// Sends what an earlier process has left, if anything.
    pub(crate) fn resume(&self) {
        let shared = self.shared();
        let waiting = shared.lock().stats().waiting();
        if waiting > 0 {
            worker::start(&shared);
        }
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
        let mut line = LINE.try_with(Cell::take).unwrap_or_default();
        line.reserve(USUAL);
        let written = shared.line(event, now, &mut line);
        let offered = written.map(|id| self.offer(&shared, line.as_bytes(), now).map(|()| id));
        if line.capacity() <= LARGE {
            line.clear();
            // A thread that ends has none any more.
            let _kept = LINE.try_with(|kept| kept.set(line));
        }
        match offered {
            Ok(offered) => offered,
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
        let may_start = state.start_after.is_none_or(|at| at <= Instant::now());
        drop(state);
        match taken {
            Ok(wake) => {
                if !working && may_start {
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

    /// Sends events and answers with the verdicts, one an event in their order; they go beside the events that
    /// were tracked. What gets no answer is sent again until the time given by
    /// [`ClientBuilder::send_timeout`](crate::ClientBuilder::send_timeout) is over.
    ///
    /// If the future is dropped, the events are sent all the same.
    ///
    /// # Errors
    /// If some events have no verdict; they may be stored or not, and the error has them, to be sent again.
    pub fn send<I>(&self, events: I) -> impl Future<Output = Result<Vec<Verdict>, SendError>> + Send + use<I>
    where
        I: IntoIterator<Item = EventBuilder>,
    {
        let (reply, answer) = Reply::future();
        let offered = self.submit_events(events, reply);
        async move { offered.join(answer.await.ok()) }
    }

    /// The same for threads that may wait.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn send_blocking(&self, events: impl IntoIterator<Item = EventBuilder>) -> Result<Vec<Verdict>, SendError> {
        let (reply, answer) = Reply::blocking();
        let at_most = self.shared().settings.tuning.patience;
        let offered = self.submit_events(events, reply);
        offered.join(wait(&answer, at_most))
    }

    /// Hands events to the worker, but for those that are refused right here.
    fn submit_events(&self, events: impl IntoIterator<Item = EventBuilder>, reply: Reply<Sent>) -> Offered {
        let shared = self.shared();
        let now = now();
        let (mut offered, mut batches) = (Offered::default(), VecDeque::new());
        let mut text = String::new();
        for event in events {
            text.clear();
            let event = shared.stamped(event, now);
            offered.events.push(event.clone());
            match shared.line(event, now, &mut text) {
                Ok(_) => {
                    push(&mut batches, text.as_bytes(), &shared.settings);
                    offered.refused.push(None);
                }
                Err(refusal) => offered.refused.push(Some(Verdict::refused(Status::Rejected, &refusal))),
            }
        }
        let refused = offered.refused.iter().flatten().count();
        let sent = offered.events.len() - refused;
        let mut state = shared.lock();
        let room = shared.settings.tuning.bounds.queue_events as u64;
        let reason = if !state.is_open() {
            Some((Loss::Closed, Unconfirmed::Closed))
        } else if state.sending + sent as u64 > room {
            Some((Loss::QueueFull, Unconfirmed::QueueFull))
        } else {
            None
        };
        state.counts.offered += offered.events.len() as u64;
        state.lose(Loss::Invalid, refused as u64, now);
        match &reason {
            Some((loss, _)) => state.lose(*loss, sent as u64, now),
            None => {
                state.counts.queued += sent as u64;
                state.sending += sent as u64;
            }
        }
        drop(state);
        instrument::lost(Loss::Invalid, refused as u64);
        if batches.is_empty() {
            reply.send(Sent {
                verdicts: Vec::new(),
                reason: None,
            });
        } else if let Some((loss, reason)) = reason {
            instrument::lost(loss, sent as u64);
            reply.send(Sent::nothing(sent, reason));
        } else {
            let deadline = after(shared.settings.tuning.patience);
            let job = Job::Send {
                batches,
                deadline,
                reply,
            };
            submit(&shared, job);
        }
        offered
    }

    /// Waits until all events that were tracked before have left, at the most so long. They go without
    /// waiting for batches to fill.
    ///
    /// # Errors
    /// How many events still wait.
    pub fn flush(&self, at_most: Duration) -> impl Future<Output = Result<(), FlushError>> + Send + use<> {
        let (reply, answer) = Reply::future();
        self.begin_flush(at_most, reply);
        let client = self.clone();
        async move { answer.await.unwrap_or_else(|_| Err(client.unsent())) }
    }

    /// The same for threads that may wait.
    ///
    /// # Errors
    /// As [`Client::flush`].
    pub fn flush_blocking(&self, at_most: Duration) -> Result<(), FlushError> {
        let (reply, answer) = Reply::blocking();
        self.begin_flush(at_most, reply);
        wait(&answer, at_most).unwrap_or_else(|| Err(self.unsent()))
    }

    fn begin_flush(&self, at_most: Duration, reply: Reply<Result<(), FlushError>>) {
        let shared = self.shared();
        let mut state = shared.lock();
        let until = state.taken_in;
        if state.gone >= until {
            drop(state);
            return reply.send(Ok(()));
        }
        state.wanted = until;
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
    pub fn shutdown(&self, at_most: Duration) -> impl Future<Output = Result<(), FlushError>> + Send + use<> {
        let (reply, answer) = Reply::future();
        close(&self.shared(), at_most, Some(reply));
        let client = self.clone();
        async move { answer.await.unwrap_or_else(|_| Err(client.unsent())) }
    }

    /// The same for threads that may wait.
    ///
    /// # Errors
    /// As [`Client::shutdown`].
    pub fn shutdown_blocking(&self, at_most: Duration) -> Result<(), FlushError> {
        let (reply, answer) = Reply::blocking();
        close(&self.shared(), at_most, Some(reply));
        wait(&answer, at_most).unwrap_or_else(|| Err(self.unsent()))
    }

    fn unsent(&self) -> FlushError {
        FlushError::of(&self.stats())
    }

    /// What became of all events so far; the counts are of one moment and add up.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared().lock().stats()
    }

    /// Whether this process was forked from the one that made the client, and has not used it yet. Then there is
    /// nothing of its own to flush or to shut down; to do so all the same would first set up a queue, connections and
    /// a part of the spool.
    ///
    /// ```
    /// let (client, _collected) = event_client::test::client();
    /// assert!(!client.is_inherited());
    /// ```
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        !self.inner.shared.load().is_ours()
    }

    /// Takes another key from now on, and tries again at once where the old one was refused.
    ///
    /// # Errors
    /// If it has characters other than printable ASCII; the old one then stays.
    pub fn set_key(&self, key: impl Into<String>) -> Result<(), InvalidKey> {
        let key = Key::new(key.into()).ok_or(InvalidKey)?;
        self.shared().set_key(Some(key));
        Ok(())
    }

    /// What is shared with the worker of this very process.
    pub(crate) fn shared(&self) -> Guard<Arc<Shared>> {
        let shared = self.inner.shared.load();
        if shared.is_ours() {
            return shared;
        }
        let renewed = Arc::new(fork::in_our_name(|| process::renew(&shared)));
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

/// Events that were to be sent.
#[derive(Default)]
struct Offered {
    events: Vec<EventBuilder>,
    /// The verdicts of this process on those that break a rule.
    refused: Vec<Option<Verdict>>,
}

impl Offered {
    /// Puts the verdicts of this process and those of the collector together, in the order of the events.
    fn join(self, sent: Option<Sent>) -> Result<Vec<Verdict>, SendError> {
        let sent = sent.unwrap_or_else(|| Sent::nothing(self.events.len(), Unconfirmed::Closed));
        let mut given = sent.verdicts.into_iter();
        let known = |refused: Option<Verdict>| refused.or_else(|| given.next().flatten());
        let verdicts: Vec<Option<Verdict>> = self.refused.into_iter().map(known).collect();
        let Some(reason) = sent.reason else {
            return Ok(verdicts.into_iter().flatten().collect());
        };
        let open = self.events.into_iter().zip(&verdicts);
        let unconfirmed = open.filter(|(_, verdict)| verdict.is_none()).map(|(event, _)| event);
        Err(SendError {
            unconfirmed: unconfirmed.collect(),
            verdicts,
            reason,
        })
    }
}

/// Waits for an answer; not at all on the client's own thread, which would have to give it.
pub(crate) fn wait<T>(answer: &Receiver<T>, at_most: Duration) -> Option<T> {
    let at_most = if fork::is_our_thread() {
        Duration::ZERO
    } else {
        at_most.saturating_add(SLACK)
    };
    answer.recv_timeout(at_most).ok()
}
