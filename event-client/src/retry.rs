//! When to try again: decided here, without a clock and without chance of its own.

use std::time::Duration;

/// How long to wait between tries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    /// The longest wait before the first retry; doubled for each one after it.
    pub(crate) first: Duration,
    /// The longest wait of all.
    pub(crate) longest: Duration,
}

/// What a collector may ask of us at the most by `Retry-After`.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);
/// What a retry costs: as much as ten requests that got their answers have earned.
const COST: u32 = 10;
/// The most that can be saved, and what a client begins with: ten retries.
const RESERVE: u32 = 10 * COST;

/// The retries of one client.
///
/// Waits are random between nothing and a limit that doubles ("full jitter"), so that clients which
/// failed together do not come back together. A budget holds retries to a tenth of the requests: when
/// it is used up, as in an outage, every wait is a long one.
///
/// Source: M. Brooker, "Exponential Backoff And Jitter" (2015); retry budgets as in Finagle.
#[derive(Debug)]
pub(crate) struct Retry {
    backoff: Backoff,
    failures: u32,
    budget: u32,
}

impl Retry {
    pub(crate) fn new(backoff: Backoff) -> Self {
        Retry {
            backoff,
            failures: 0,
            budget: RESERVE,
        }
    }

    /// Tries in a row that got no answer.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// A request got its answer.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
        self.budget = (self.budget + 1).min(RESERVE);
    }

    /// A request got none: how long to wait before the next. `chance` is uniform in `[0, 1)`;
    /// `asked` is what the collector wants at the least.
    pub(crate) fn failed(&mut self, asked: Option<Duration>, chance: f64) -> Duration {
        let Backoff { first, longest } = self.backoff;
        let doubled = first.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        let wait = if self.budget >= COST {
            self.budget -= COST;
            doubled.min(longest).mul_f64(chance)
        } else {
            // Half of it for certain, so that to be out of budget is to be slow.
            longest.mul_f64(0.5 + chance / 2.0)
        };
        wait.max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry() -> Retry {
        Retry::new(Backoff {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
        })
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut retry = retry();
        let waits: Vec<u64> = (0..8).map(|_| retry.failed(None, 1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
        retry.succeeded();
        assert_eq!(retry.failed(None, 0.5), Duration::from_millis(500));
        assert_eq!(retry.failed(None, 0.0), Duration::ZERO);
    }

    #[test]
    fn never_sooner_than_asked() {
        let mut retry = retry();
        assert_eq!(retry.failed(Some(Duration::from_secs(7)), 0.1), Duration::from_secs(7));
        assert_eq!(retry.failed(Some(Duration::from_secs(1)), 1.0), Duration::from_secs(2));
        assert_eq!(retry.failed(Some(Duration::MAX), 0.0), LONGEST_ASKED);
    }

    #[test]
    fn out_of_budget_every_wait_is_long() {
        let mut retry = retry();
        for _ in 0..10 {
            retry.succeeded();
            retry.failed(None, 0.0);
        }
        retry.succeeded();
        assert_eq!(retry.failed(None, 0.0), Duration::ZERO);
        retry.succeeded();
        // Ten in reserve, and one earned: the twelfth waits.
        assert_eq!(retry.failed(None, 0.0), Duration::from_secs(15));
        for _ in 0..10 {
            retry.succeeded();
        }
        assert_eq!(retry.failed(None, 0.0), Duration::ZERO);
    }

    #[test]
    fn no_number_of_failures_overflows() {
        let mut retry = retry();
        for _ in 0..100 {
            assert!(retry.failed(None, 0.999) <= Duration::from_secs(30));
        }
    }
}
