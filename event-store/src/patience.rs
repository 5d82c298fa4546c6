//! How long work in the background gives way to other writers before it gives up.

use std::time::{Duration, Instant};

use crate::error::Error;
use crate::inner::now;

/// So long for each transaction.
const LONGEST: Duration = Duration::from_secs(10);

/// What is left of the patience for one transaction.
pub(crate) struct Patience(Instant);

impl Patience {
    pub(crate) fn new() -> Self {
        Patience(Instant::now())
    }

    /// Waits a moment after a failure, and says whether to try again: where only another writer was in
    /// the way, so that nothing is in doubt.
    pub(crate) async fn lasts(&self, failure: &Error) -> bool {
        let again = matches!(failure, Error::Contention(_)) && self.0.elapsed() < LONGEST;
        if again {
            // Never the same, so that two do not wait for each other for ever.
            let micros = now().as_micros().unsigned_abs() % 40_000;
            tokio::time::sleep(Duration::from_micros(10_000 + micros)).await;
        }
        again
    }
}
