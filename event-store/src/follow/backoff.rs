//! How long to wait before something is tried again, and what is worth it.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use crate::error::Error;

/// Twice as long after each failure, up to the longest; a little less by chance, so that many do not come at once.
pub(crate) fn pause(failures: u32, first: Duration, longest: Duration) -> Duration {
    let whole = first.saturating_mul(1 << failures.min(16)).min(longest);
    let chance = RandomState::new().hash_one(0) % 256;
    whole.mul_f64(1.0 - chance as f64 / 1024.0)
}

/// Whether the database is the reason, so that the same may go well later.
pub(crate) fn is_of_the_store(error: &Error) -> bool {
    matches!(
        error,
        Error::Unavailable(_) | Error::Contention(_) | Error::Unknown(_) | Error::Full(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let (first, longest) = (Duration::from_millis(20), Duration::from_secs(1));
        for failures in 0..40 {
            let whole = Duration::from_millis(20 << failures.min(10)).min(longest);
            let pause = pause(failures, first, longest);
            assert!(pause <= whole && pause >= whole.mul_f64(0.75), "{failures}: {pause:?}");
        }
    }
}
