//! How long the stretch of time is that one stored cell counts.

use crate::timestamp::Timestamp;

/// How long the stretch of time of a [`Cell`](super::Cell) is, by the clock of UTC.
///
/// ```
/// use event_core::aggregate::Level;
/// let at = "2026-03-29T01:23:45Z".parse()?;
/// let starts = Level::ALL.map(|level| level.start(at).to_string());
/// assert_eq!(starts[0], "2026-03-29T01:23:00Z");
/// assert_eq!(starts[1], "2026-03-29T01:00:00Z");
/// assert_eq!(starts[2], "2026-03-29T00:00:00Z");
/// # Ok::<(), event_core::timestamp::TimestampError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
}

impl Level {
    /// Every level, shortest first; each is made of whole stretches of the one before.
    pub const ALL: [Level; 3] = [Level::Minute, Level::Hour, Level::Day];

    /// Its length in microseconds.
    #[must_use]
    pub const fn micros(self) -> i64 {
        const MINUTE: i64 = 60_000_000;
        match self {
            Level::Minute => MINUTE,
            Level::Hour => 60 * MINUTE,
            Level::Day => 24 * 60 * MINUTE,
        }
    }

    /// The first instant of the stretch that an instant lies in.
    #[must_use]
    pub fn start(self, at: Timestamp) -> Timestamp {
        // No timestamp lies before 1970, where every level has an edge.
        at.saturating_add_micros(-(at.as_micros() % self.micros()))
    }
}
