//! The order of events in a story.

use crate::timestamp::Timestamp;

/// A place in the order of events: by time, ties by the sender's number, then by position. An event
/// without a number comes behind those of its time that have one.
///
/// ```
/// use event_core::analysis::Place;
/// let at = "2026-01-01T00:00:00Z".parse()?;
/// assert!(Place::new(at, Some(i64::MAX), 1) < Place::new(at, None, 0));
/// assert!(Place::new(at, None, 0) < Place::new(at, None, 1));
/// # Ok::<(), event_core::timestamp::TimestampError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    at: Timestamp,
    /// Without a number behind every number.
    unnumbered: bool,
    sequence: i64,
    position: i64,
}

impl Place {
    /// A place.
    #[must_use]
    pub fn new(at: Timestamp, sequence: Option<i64>, position: i64) -> Self {
        Place {
            at,
            unnumbered: sequence.is_none(),
            sequence: sequence.unwrap_or_default(),
            position,
        }
    }

    /// When it is.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// When it is, in microseconds.
    pub(super) const fn micros(&self) -> i64 {
        self.at.as_micros()
    }

    /// The sender's number.
    pub(super) fn sequence(&self) -> Option<i64> {
        (!self.unnumbered).then_some(self.sequence)
    }
}
