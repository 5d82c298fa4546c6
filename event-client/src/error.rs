//! What a client can answer instead of doing what it was asked.

use event_core::event::EventBuilder;
use event_core::{Refusal, Verdict};
use serde_json::Value;

use crate::loss::Loss;
use crate::stats::{Pause, Stats};

/// An event was not taken. It is counted, by its reason, and told to the collector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrackError {
    /// The queue in memory is full: the collector is away, or events come faster than they leave.
    #[error("the queue is full: the event is dropped")]
    QueueFull,
    /// The spool holds as many bytes as it may.
    #[error("the spool is full: the event is dropped")]
    SpoolFull,
    /// The client was shut down.
    #[error("the client is shut down: the event is dropped")]
    Closed,
    /// The event breaks a rule, and the collector would say so.
    #[error("the event is invalid: {0}")]
    Invalid(#[source] Box<Refusal>),
}

impl TrackError {
    /// The reason under which the event is counted.
    #[must_use]
    pub fn loss(&self) -> Loss {
        match self {
            TrackError::QueueFull => Loss::QueueFull,
            TrackError::SpoolFull => Loss::SpoolFull,
            TrackError::Closed => Loss::Closed,
            TrackError::Invalid(_) => Loss::Invalid,
        }
    }
}

/// Why events that were sent have no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unconfirmed {
    /// There was no answer in time; the last thing that went wrong.
    #[error("no answer in time: {0}")]
    Deadline(String),
    /// The client was shut down, or has no thread to send with.
    #[error("the client is shut down")]
    Closed,
    /// As many events are being sent as may wait.
    #[error("too many events are being sent at once")]
    QueueFull,
    /// The collector takes nothing at present.
    #[error("{0}")]
    Paused(Pause),
    /// The collector does not take this event, and gave no verdict on it.
    #[error("the collector refused the request: {0}")]
    Refused(String),
}

/// Some of the events that were sent have no verdict: whether they are stored is not known.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{} of {} events have no verdict: {reason}", .unconfirmed.len(), .verdicts.len())]
pub struct SendError {
    /// What is known: one verdict an event, in their order, and `None` where there is none.
    pub verdicts: Vec<Option<Verdict>>,
    /// The events without a verdict, with their ids, times and numbers: to send these again is safe, as
    /// those that are stored after all will be duplicates.
    pub unconfirmed: Vec<EventBuilder>,
    /// Why they have none.
    pub reason: Unconfirmed,
}

/// The time was over before all events were delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{waiting} events are not delivered yet, {spooled} of them are on disk")]
pub struct FlushError {
    /// Events that wait, or that were dropped because the client was shut down.
    pub waiting: u64,
    /// Those of them that are safe in the spool, and sent by the next process that opens it.
    pub spooled: u64,
}

impl FlushError {
    /// What waits by these counts.
    pub(crate) fn of(stats: &Stats) -> Self {
        FlushError {
            waiting: stats.waiting(),
            spooled: stats.spooled,
        }
    }
}

/// A question was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The collector did not answer.
    #[error("the collector did not answer: {0}")]
    Unavailable(String),
    /// The collector answered with a problem.
    #[error("the collector refused the question: {0}")]
    Refused(Box<Refused>),
    /// The answer cannot be read.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    /// The client was shut down.
    #[error("the client is shut down")]
    Closed,
}

/// What a collector has refused, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Refused {
    /// The status of its answer; `None` if what was asked could not even be written down.
    pub status: Option<u16>,
    /// The machine-readable name of the reason, say `entry_not_found`, where it gave one.
    pub code: Option<String>,
    /// The place in what was sent, a JSON pointer, or the name of the parameter, where one is to blame.
    pub place: Option<String>,
    /// The same in words.
    pub message: String,
    /// What was done in spite of it, where the collector says so: the report of an import.
    pub report: Option<Value>,
}

/// A key that cannot stand in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is empty, or has characters other than printable ASCII")]
pub struct InvalidKey;

/// A client cannot be built as it was asked to be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The collector's address is none.
    #[error("{0} is no address of a collector")]
    Url(String),
    /// Without TLS whoever sits between could read the key and the events.
    #[error("{0} is neither https nor on this machine: use https, or ask for `.plain_http(PlainHttp::Allowed)`")]
    Insecure(String),
    /// The address holds a user or a password.
    #[error("the address holds a user or a password: give the key by `.key(…)`")]
    Credentials,
    /// This build cannot do TLS.
    #[error("https needs the feature `tls` of event-client")]
    NoTls,
    /// The key cannot stand in a header.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// No source, or one that breaks its grammar.
    #[error("the source: {0}")]
    Source(String),
    /// A setting is out of range.
    #[error("{setting}: {message}")]
    Setting {
        /// The builder's method.
        setting: &'static str,
        /// What is wrong.
        message: &'static str,
    },
    /// The network could not be set up.
    #[error("the network: {0}")]
    Network(String),
    /// The spool cannot be used.
    #[cfg(feature = "spool")]
    #[error("the spool: {0}")]
    Spool(#[from] crate::spool::SpoolError),
}
