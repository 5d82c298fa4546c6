//! How a projection runs; every default is a cautious one.

use std::time::Duration;

use crate::dialect::Dialect;
use crate::error::Error;

/// How long one event may take, and where all that is written waits for it.
const TIMEOUT: Duration = Duration::from_secs(30);
const TIMEOUT_OF_ONE_WRITER: Duration = Duration::from_secs(1);

/// What becomes of later events of a key of which one is parked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Siblings {
    /// They are applied.
    #[default]
    GoOn,
    /// They are parked behind it, and applied after it in their order.
    Wait,
}

/// The options of a projection.
///
/// ```
/// use event_store::project::{ProjectOptions, Siblings};
/// let options = ProjectOptions::new().shards(8).siblings(Siblings::Wait);
/// ```
#[derive(Clone, Debug)]
pub struct ProjectOptions {
    pub(super) shards: u16,
    pub(super) siblings: Siblings,
    pub(super) attempts: u32,
    pub(super) pause: (Duration, Duration),
    pub(super) timeout: Option<Duration>,
    pub(super) batch: usize,
    pub(super) batch_time: Duration,
    pub(super) lease: Duration,
    pub(super) poll: Duration,
}

impl Default for ProjectOptions {
    fn default() -> Self {
        ProjectOptions {
            shards: 1,
            siblings: Siblings::default(),
            attempts: 5,
            pause: (Duration::from_millis(50), Duration::from_secs(5)),
            timeout: None,
            batch: 500,
            batch_time: Duration::from_millis(200),
            lease: Duration::from_secs(10),
            poll: Duration::from_millis(500),
        }
    }
}

impl ProjectOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        ProjectOptions::default()
    }

    /// How many parts the keys are in, each of which one process works on at a time; 1 by default. It is that of the time
    /// when the tables were made: another number counts with the next rebuild.
    #[must_use]
    pub fn shards(mut self, shards: u16) -> Self {
        self.shards = shards;
        self
    }

    /// What becomes of later events of a key of which one is parked.
    #[must_use]
    pub fn siblings(mut self, siblings: Siblings) -> Self {
        self.siblings = siblings;
        self
    }

    /// How often an event is tried before it is parked; 5 by default. Failures of the database are not counted.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The pauses between attempts: the first, then twice as long each time up to the longest; 50 ms and 5 s by default.
    #[must_use]
    pub fn pause(mut self, first: Duration, longest: Duration) -> Self {
        self.pause = (first, longest);
        self
    }

    /// How long one event may take; 30 s by default. On SQLite 1 s: nothing else is written meanwhile, and what is sent
    /// waits for two seconds at the most.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The most events of one transaction; 500 by default.
    #[must_use]
    pub fn batch(mut self, events: usize) -> Self {
        self.batch = events;
        self
    }

    /// A transaction takes in no further event after so long; 200 ms by default. On SQLite nothing else is written meanwhile.
    #[must_use]
    pub fn batch_time(mut self, time: Duration) -> Self {
        self.batch_time = time;
        self
    }

    /// How long a shard is held without a sign of life; 10 s by default. Processes that share the work have leases of about
    /// one length: one that lasts ten times as long as one's own was written by a clock that jumped, and is not waited for.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How long at the most until an event of another process is seen, where the database does not tell of it; half a
    /// second by default.
    #[must_use]
    pub fn poll(mut self, longest: Duration) -> Self {
        self.poll = longest;
        self
    }

    pub(super) fn timeout_on(&self, dialect: Dialect) -> Duration {
        let usual = if dialect.has_one_writer() {
            TIMEOUT_OF_ONE_WRITER
        } else {
            TIMEOUT
        };
        self.timeout.unwrap_or(usual)
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let wrong = if !(1..=1_024).contains(&self.shards) {
            "has 1 to 1,024 shards"
        } else if !(1..=10_000).contains(&self.batch) {
            "takes 1 to 10,000 events at once"
        } else if self.lease < Duration::from_millis(200) {
            "has leases of 200 ms at the least"
        } else if self.timeout.is_some_and(|timeout| timeout.is_zero()) || self.poll.is_zero() || self.attempts == 0 {
            "needs some time, and an attempt"
        } else {
            return Ok(());
        };
        Err(Error::Config(format!("a projection {wrong}")))
    }
}
