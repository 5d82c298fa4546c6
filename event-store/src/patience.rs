//! How long work in the background gives way to other writers, and waits for a server that is away, before it gives up.

use std::time::{Duration, Instant};

use crate::dialect::Dialect;
use crate::error::Error;
use crate::inner::now;

/// So long for each transaction.
const LONGEST: Duration = Duration::from_secs(10);

/// What is left of the patience for one transaction.
pub(crate) struct Patience {
    since: Instant,
    /// Whether the database is a server, which may come back. A file does not.
    is_server: bool,
}

impl Patience {
    pub(crate) fn with(dialect: Dialect) -> Self {
        Patience {
            since: Instant::now(),
            is_server: !dialect.has_one_writer(),
        }
    }

    /// Waits a moment after a failure, and says whether to try again: where only another writer was in
    /// the way, or the server was away, so that nothing is in doubt.
    pub(crate) async fn lasts(&self, failure: &Error) -> bool {
        let may_end = match failure {
            Error::Contention(_) => true,
            Error::Unavailable(_) => self.is_server,
            _ => false,
        };
        let again = may_end && self.since.elapsed() < LONGEST;
        if again {
            // Never the same, so that two do not wait for each other for ever.
            let micros = now().as_micros().unsigned_abs() % 40_000;
            tokio::time::sleep(Duration::from_micros(10_000 + micros)).await;
        }
        again
    }
}
