//! Times against the receiver's clock, which is an argument here.

use crate::code::Code;
use crate::timestamp::Timestamp;
use crate::violation::Violation;

/// The rule that an event does not lie further in the future than its type tolerates.
///
/// # Errors
/// The broken rule.
pub(crate) fn not_in_future(at: Timestamp, now: Timestamp, tolerance_seconds: u32) -> Result<(), Violation> {
    if at <= now.saturating_add_micros(i64::from(tolerance_seconds) * 1_000_000) {
        return Ok(());
    }
    Err(Violation {
        pointer: "/occurred_at".to_owned(),
        keyword: Code::TimestampInFuture.as_str().to_owned(),
        limit: Some(format!("{tolerance_seconds}s")),
        message: format!("the event lies more than {tolerance_seconds} seconds in the future"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tolerance_is_inclusive() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        assert!(not_in_future(now.saturating_add_micros(300_000_000), now, 300).is_ok());
        assert!(not_in_future(now.saturating_add_micros(300_000_001), now, 300).is_err());
        assert!(not_in_future(Timestamp::MIN, now, 0).is_ok());
    }
}
