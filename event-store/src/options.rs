//! How a store behaves; every default is the safe one.

use std::time::Duration;

use event_core::Limits;
use event_core::policy::UnknownTypes;

use crate::error::Error;

/// What an answered commit survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// A loss of power: the database waits for the disk before it answers (`synchronous=FULL`).
    #[default]
    Full,
    /// A kill of the process, but the last seconds may be lost with the power (`synchronous=NORMAL`).
    Normal,
}

/// The options of an [`EventStore`](crate::EventStore).
///
/// ```
/// use event_store::{Durability, Options};
/// let options = Options::new().prefix("audit_").durability(Durability::Normal);
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) prefix: String,
    pub(crate) durability: Durability,
    pub(crate) queue_events: usize,
    pub(crate) queue_bytes: usize,
    pub(crate) queue_time: Duration,
    pub(crate) remembered_bytes: usize,
    pub(crate) limits: Limits,
    pub(crate) unknown_types: UnknownTypes,
    pub(crate) future_tolerance_seconds: u32,
    pub(crate) request_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            prefix: "event_".to_owned(),
            durability: Durability::Full,
            queue_events: 100_000,
            queue_bytes: 64 * 1024 * 1024,
            queue_time: Duration::MAX,
            remembered_bytes: 64 * 1024 * 1024,
            limits: Limits::default(),
            unknown_types: UnknownTypes::default(),
            future_tolerance_seconds: 300,
            request_timeout: Duration::from_secs(2),
        }
    }
}

impl Options {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Options::default()
    }

    /// What the names of all tables start with; `event_` by default.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// What an answered commit survives.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How many events may wait to be stored; 100,000 by default.
    #[must_use]
    pub fn queue_events(mut self, events: usize) -> Self {
        self.queue_events = events;
        self
    }

    /// How many bytes of events may wait to be stored; 64 MiB by default.
    #[must_use]
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = bytes;
        self
    }

    /// How long events that wait may be likely to take, by what they have cost of late: while it is longer,
    /// [`EventStore::ingest`](crate::EventStore::ingest) takes no more. Without a bound by default; a collector
    /// has one of 500 ms. Imports wait as long as they have to.
    #[must_use]
    pub fn queue_time(mut self, time: Duration) -> Self {
        self.queue_time = time;
        self
    }

    /// About how many bytes of the cells of days that were read for questions stay in memory, so that the next question
    /// reads only days that have changed since; 64 MiB by default, which is less than a million cells, and 0 for none. More is
    /// needed for a moment while days are read.
    #[must_use]
    pub fn remembered_bytes(mut self, bytes: usize) -> Self {
        self.remembered_bytes = bytes;
        self
    }

    /// How large one event may be.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What becomes of events whose type nobody registered; they are stored by default.
    #[must_use]
    pub fn unknown_types(mut self, unknown_types: UnknownTypes) -> Self {
        self.unknown_types = unknown_types;
        self
    }

    /// How far in the future events may lie whose type says nothing about it; 300 s by default.
    #[must_use]
    pub fn future_tolerance_seconds(mut self, seconds: u32) -> Self {
        self.future_tolerance_seconds = seconds;
        self
    }

    /// How long a caller waits for the database, and for each of the turns in which many events are judged; 2 s by default. What has not
    /// begun by then is not stored.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if self.prefix.len() > 32 || !self.prefix.bytes().all(name) {
            let message = "a table prefix has at most 32 lower-case letters, digits and underscores";
            return Err(Error::Config(message.to_owned()));
        }
        Ok(())
    }
}
