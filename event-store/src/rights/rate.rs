//! How much of something a time: a bucket that is filled evenly.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many events a second, and how many at once after a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Events a second, in the long run.
    pub per_second: u32,
    /// Events at once. A larger batch waits until all of these are there, and is made up for afterwards.
    pub burst: u32,
}

impl Rate {
    /// So many a second, and as many at once.
    #[must_use]
    pub const fn new(per_second: u32) -> Self {
        Rate {
            per_second,
            burst: per_second,
        }
    }

    fn brim(self) -> i64 {
        i64::from(self.burst) * MICRO
    }
}

/// An event in the bucket's measure: so many come in a microsecond as are allowed in a second.
const MICRO: i64 = 1_000_000;

/// What is left of a rate. Knows no clock: whoever asks says since when time has passed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    level: i64,
    at: Duration,
}

impl Bucket {
    pub(crate) fn full(rate: Rate, now: Duration) -> Self {
        Bucket {
            level: rate.brim(),
            at: now,
        }
    }

    fn fill(&mut self, rate: Rate, now: Duration) {
        let passed = now.saturating_sub(self.at).as_micros();
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        let more = passed.saturating_mul(i64::from(rate.per_second));
        self.level = self.level.saturating_add(more).min(rate.brim());
        self.at = self.at.max(now);
    }

    /// Takes so many events out.
    ///
    /// # Errors
    /// If they are not there: how long it takes until they are, unless others take them.
    pub(crate) fn take(&mut self, events: usize, rate: Rate, now: Duration) -> Result<(), Duration> {
        self.fill(rate, now);
        let wanted = i64::try_from(events).unwrap_or(i64::MAX).saturating_mul(MICRO);
        // Also who takes nothing yet is told to wait where one would be too many.
        let needed = wanted.clamp(MICRO, rate.brim());
        if self.level < needed {
            let wait = needed
                .saturating_sub(self.level)
                .unsigned_abs()
                .div_ceil(u64::from(rate.per_second));
            return Err(Duration::from_micros(wait));
        }
        self.level -= wanted;
        Ok(())
    }

    /// Puts events back that were taken for nothing.
    pub(crate) fn give_back(&mut self, events: usize, rate: Rate) {
        let more = i64::try_from(events).unwrap_or(i64::MAX).saturating_mul(MICRO);
        self.level = self.level.saturating_add(more).min(rate.brim());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        per_second: 10,
        burst: 20,
    };

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_rest_allows_a_burst_and_no_more() {
        let mut bucket = Bucket::full(RATE, at(0));
        assert_eq!(bucket.take(20, RATE, at(0)), Ok(()));
        assert_eq!(bucket.take(1, RATE, at(0)), Err(at(100)));
        assert_eq!(bucket.take(1, RATE, at(99)), Err(at(1)));
        assert_eq!(bucket.take(1, RATE, at(100)), Ok(()));
        // However long the rest.
        assert_eq!(bucket.take(20, RATE, at(3_600_000)), Ok(()));
        assert_eq!(bucket.take(0, RATE, at(3_600_000)), Err(at(100)));
    }

    #[test]
    fn in_the_long_run_it_is_the_rate() {
        let mut bucket = Bucket::full(RATE, at(0));
        let taken = (0..100_000).filter(|millis| bucket.take(1, RATE, at(*millis)).is_ok());
        // 100 seconds of ten, and the burst.
        assert_eq!(taken.count(), 1_019);
    }

    #[test]
    fn a_batch_beyond_the_burst_is_made_up_for() {
        let mut bucket = Bucket::full(RATE, at(0));
        assert_eq!(bucket.take(100, RATE, at(0)), Ok(()));
        // 80 too many are eight seconds.
        assert_eq!(bucket.take(0, RATE, at(8_000)), Err(at(100)));
        assert_eq!(bucket.take(100, RATE, at(9_000)), Err(at(1_000)));
        assert_eq!(bucket.take(100, RATE, at(10_000)), Ok(()));
    }

    #[test]
    fn what_was_taken_for_nothing_comes_back() {
        let mut bucket = Bucket::full(RATE, at(0));
        assert_eq!(bucket.take(20, RATE, at(0)), Ok(()));
        bucket.give_back(20, RATE);
        bucket.give_back(20, RATE);
        assert_eq!(bucket.take(20, RATE, at(0)), Ok(()));
        assert!(bucket.take(1, RATE, at(0)).is_err());
    }

    #[test]
    fn nothing_overflows() {
        let most = Rate::new(u32::MAX);
        let mut bucket = Bucket::full(most, at(0));
        assert_eq!(bucket.take(usize::MAX, most, at(0)), Ok(()));
        assert!(bucket.take(1, most, Duration::from_secs(1)).is_err());
        // A clock that goes back takes nothing away, and gives nothing twice.
        let mut bucket = Bucket::full(RATE, at(1_000));
        assert_eq!(bucket.take(20, RATE, at(0)), Ok(()));
        assert_eq!(bucket.take(1, RATE, at(1_000)), Err(at(100)));
    }
}
