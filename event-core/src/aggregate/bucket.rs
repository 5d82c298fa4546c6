//! Where the buckets of a clock and a calendar begin and end.
//!
//! Days, weeks and months begin with the first instant whose local date is theirs or a later one:
//! after the gap where midnight is skipped, at the first midnight where it comes twice. Hours and
//! minutes are those of the local clock at the offset in force, and a move of the clock ends one
//! and begins another. A bucket of an instant is the one between the nearest edges around it, so
//! that buckets never overlap.

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, Offset as _, TimeZone as _};
use chrono_tz::Tz;

use super::rows::Span;
use crate::query::{Bucket, Query, QueryError, Unit};
use crate::timestamp::{Timestamp, start_of_day};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 2200-01-01: no zone has a rule that changes later.
const SETTLED: i64 = 7_258_118_400 * SECOND;

impl Unit {
    /// About how long a bucket is, in microseconds.
    pub(super) const fn length(self) -> i64 {
        match self {
            Unit::Minute => MINUTE,
            Unit::Hour => HOUR,
            Unit::Day => DAY,
            Unit::Week => 7 * DAY,
            Unit::Month => 30 * DAY + 10 * HOUR,
        }
    }
}

impl Bucket {
    /// The whole bucket that an instant lies in, cut only at the ends of time.
    ///
    /// ```
    /// use event_core::query::{Bucket, Unit};
    /// let days = Bucket::new(Unit::Day, chrono_tz::Tz::America__New_York);
    /// let span = days.containing("2026-11-01T12:00:00Z".parse()?);
    /// assert_eq!(span.start.to_string(), "2026-11-01T04:00:00Z");
    /// assert_eq!(span.end.to_string(), "2026-11-02T05:00:00Z");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn containing(&self, at: Timestamp) -> Span {
        Span::new(self.bounds(at.as_micros()), None, None)
    }

    /// The buckets of a range, without gaps; the first and the last are cut to it.
    ///
    /// # Errors
    /// [`QueryError::InvalidRange`], or [`QueryError::RangeTooLarge`] beyond
    /// [`Query::MAX_BUCKETS`].
    pub fn spans(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Span>, QueryError> {
        if to < from {
            return Err(QueryError::InvalidRange);
        }
        let mut spans = Vec::new();
        let mut at = from.as_micros();
        while at < to.as_micros() {
            if spans.len() == Query::MAX_BUCKETS {
                return Err(QueryError::RangeTooLarge);
            }
            let bounds = self.bounds(at);
            spans.push(Span::new(bounds, Some(from), Some(to)));
            at = bounds.1;
        }
        Ok(spans)
    }

    /// A length in microseconds such that `occurred_at / granule` never puts two instants of the
    /// range together that lie in two buckets; absent ends stand for all of time.
    ///
    /// ```
    /// use event_core::query::{Bucket, Unit};
    /// let minute = 60_000_000;
    /// assert_eq!(Bucket::utc(Unit::Week).granule(None, None), 24 * 60 * minute);
    /// let days = Bucket::new(Unit::Day, chrono_tz::Tz::Asia__Kolkata);
    /// assert_eq!(days.granule(None, None), 30 * minute);
    /// ```
    #[must_use]
    pub fn granule(&self, from: Option<Timestamp>, to: Option<Timestamp>) -> i64 {
        let mut granule = self.unit.length().min(DAY);
        if self.zone == Tz::UTC {
            return granule;
        }
        let last = to.unwrap_or(Timestamp::MAX).as_micros().min(SETTLED) + DAY;
        let mut at = from.unwrap_or(Timestamp::MIN).as_micros().min(SETTLED) - DAY;
        let mut offset = self.offset(at);
        granule = gcd(granule, offset);
        // A day at a time: no zone has moved its clock twice in a day and been back where it was.
        while at < last {
            let (next, next_offset) = (at + DAY, self.offset(at + DAY));
            if next_offset != offset {
                granule = gcd(granule, next_offset);
                let moved = self.transition(at, next);
                if self.bounds(moved).0 == moved {
                    granule = gcd(granule, moved);
                }
            }
            (at, offset) = (next, next_offset);
        }
        granule
    }

    /// Start and end of the bucket of an instant, in microseconds.
    pub(super) fn bounds(&self, at: i64) -> (i64, i64) {
        match self.unit {
            Unit::Minute | Unit::Hour => self.clock(at, self.unit.length()),
            Unit::Day if self.zone == Tz::UTC => aligned(at, DAY, 0),
            // 1970-01-01 was a Thursday.
            Unit::Week if self.zone == Tz::UTC => aligned(at, 7 * DAY, -3 * DAY),
            Unit::Day | Unit::Week | Unit::Month => self.calendar(at),
        }
    }

    /// The stretch of the local clock between two multiples of `length` and two moves of the clock.
    fn clock(&self, at: i64, length: i64) -> (i64, i64) {
        if self.zone == Tz::UTC {
            return aligned(at, length, 0);
        }
        let offset = self.offset(at);
        let (mut start, mut end) = aligned(at, length, -offset);
        if self.offset(start) != offset {
            start = self.transition(start, at);
        }
        if self.offset(end - 1) != offset {
            end = self.transition(at, end - 1);
        }
        (start, end)
    }

    fn calendar(&self, at: i64) -> (i64, i64) {
        let local = DateTime::from_timestamp_micros(at + self.offset(at))
            .unwrap_or_default()
            .date_naive();
        let mut first = match self.unit {
            Unit::Month => local.with_day(1),
            Unit::Week => local.checked_sub_days(Days::new(u64::from(local.weekday().num_days_from_monday()))),
            _ => Some(local),
        }
        .unwrap_or(local);
        let mut start = start_of_day(first, self.zone);
        loop {
            let next = self.following(first);
            let end = start_of_day(next, self.zone);
            // A clock that is moved back over midnight shows the old date again inside the new
            // bucket; a skipped date ends where it starts.
            if at < end || next == first {
                return (start, end);
            }
            (first, start) = (next, end);
        }
    }

    fn following(&self, first: NaiveDate) -> NaiveDate {
        match self.unit {
            Unit::Month => first.checked_add_months(Months::new(1)),
            Unit::Week => first.checked_add_days(Days::new(7)),
            _ => first.succ_opt(),
        }
        .unwrap_or(first)
    }

    /// Microseconds that the local clock is ahead of UTC.
    fn offset(&self, at: i64) -> i64 {
        let utc = DateTime::from_timestamp_micros(at).unwrap_or_default().naive_utc();
        i64::from(self.zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * SECOND
    }

    /// The instant from which on the clock has the offset that it has at `later`, where it has
    /// another at `earlier`. Clocks are moved on whole seconds.
    fn transition(&self, earlier: i64, later: i64) -> i64 {
        let offset = self.offset(later);
        let (mut before, mut after) = (earlier.div_euclid(SECOND), later.div_euclid(SECOND));
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if self.offset(middle * SECOND) == offset {
                after = middle;
            } else {
                before = middle;
            }
        }
        after * SECOND
    }
}

/// The multiple of `length`, counted from `origin`, at or before an instant, and the next one.
fn aligned(at: i64, length: i64, origin: i64) -> (i64, i64) {
    let start = at - (at - origin).rem_euclid(length);
    (start, start + length)
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}
