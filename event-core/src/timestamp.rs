//! An instant in UTC, to the microsecond, within the years 1970 to 9999.
//!
//! Every database keeps it as one integer, so that no driver can round it or move it to another
//! zone. Finer fractions are floored once, here.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::code::Code;

/// Microseconds since 1970-01-01T00:00:00Z.
///
/// ```
/// use event_core::Timestamp;
/// let at: Timestamp = "2021-03-01 00:01:11.055+00".parse()?;
/// assert_eq!(at.to_string(), "2021-03-01T00:01:11.055000Z");
/// assert_eq!("2021-03-01T02:01:11.055+02:00".parse(), Ok(at));
/// # Ok::<(), event_core::timestamp::TimestampError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text or the value is no [`Timestamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// The text has none of the accepted forms, or names a time that its zone skips.
    #[error("no time: write it as 2021-01-01T09:15:27.243860Z, 2021-01-01 09:15:27+02:00 or 2021-01-01")]
    Invalid,
    /// The zone has this local time twice.
    #[error("a local time that its zone has twice: write its offset")]
    Ambiguous,
    /// Before 1970 or after 9999.
    #[error("a time outside the years 1970 to 9999")]
    OutOfRange,
}

impl TimestampError {
    /// The code of a verdict for this error.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            TimestampError::Invalid => Code::InvalidTimestamp,
            TimestampError::Ambiguous => Code::AmbiguousTimestamp,
            TimestampError::OutOfRange => Code::TimestampOutOfRange,
        }
    }
}

impl From<std::convert::Infallible> for TimestampError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

const MICROS: i64 = 1_000_000;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const MIN: Timestamp = Timestamp(0);
    /// 9999-12-31T23:59:59.999999Z.
    pub const MAX: Timestamp = Timestamp(253_402_300_799 * MICROS + 999_999);

    /// The instant that is `micros` after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`TimestampError::OutOfRange`] outside the years 1970 to 9999.
    pub const fn from_micros(micros: i64) -> Result<Self, TimestampError> {
        if micros < Self::MIN.0 || micros > Self::MAX.0 {
            Err(TimestampError::OutOfRange)
        } else {
            Ok(Timestamp(micros))
        }
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This instant moved by so many microseconds, kept within the years 1970 to 9999.
    #[must_use]
    pub fn saturating_add_micros(self, micros: i64) -> Self {
        Timestamp(self.0.saturating_add(micros).clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Reads a time; where the text has no offset it is a local time of `zone`.
    ///
    /// Accepted are RFC 3339 and its looser kin: `T` or a space between date and time, `Z`,
    /// `+02:00`, `+0200`, `+02` or nothing behind it, any number of digits in the fraction, and a
    /// date alone for its first instant. Leap seconds, `24:00` and bare numbers are not.
    ///
    /// # Errors
    /// Which of the three ways the text fails.
    pub fn parse_in(text: &str, zone: Tz) -> Result<Self, TimestampError> {
        let mut scan = Scan(text.as_bytes());
        let date = scan.date().ok_or(TimestampError::Invalid)?;
        if scan.0.is_empty() {
            return day(date, zone);
        }
        let local_time = scan.time(date).ok_or(TimestampError::Invalid)?;
        match scan.offset().ok_or(TimestampError::Invalid)? {
            None => local(local_time, zone),
            Some(seconds) => Self::from_micros(micros(local_time.and_utc()) - seconds * MICROS),
        }
    }

    /// The same instant for chrono.
    #[must_use]
    pub fn to_datetime(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

fn micros(time: DateTime<Utc>) -> i64 {
    // Before 1970 the division must floor, which `timestamp_micros` does.
    time.timestamp_micros()
}

fn local(time: NaiveDateTime, zone: Tz) -> Result<Timestamp, TimestampError> {
    if zone == Tz::UTC {
        return Timestamp::from_micros(micros(time.and_utc()));
    }
    match zone.from_local_datetime(&time) {
        LocalResult::Single(time) => Timestamp::try_from(time),
        LocalResult::Ambiguous(..) => Err(TimestampError::Ambiguous),
        LocalResult::None => Err(TimestampError::Invalid),
    }
}

fn day(date: NaiveDate, zone: Tz) -> Result<Timestamp, TimestampError> {
    if zone == Tz::UTC {
        return Timestamp::from_micros(micros(date.and_time(NaiveTime::MIN).and_utc()));
    }
    let start = Timestamp::from_micros(start_of_day(date, zone))?;
    // A date that the zone skips has no instant of its own.
    if start.to_datetime().with_timezone(&zone).date_naive() == date {
        Ok(start)
    } else {
        Err(TimestampError::Invalid)
    }
}

/// The first instant whose date in `zone` is this date, or a later one where the zone skips it, in
/// microseconds since 1970-01-01T00:00:00Z. Midnight may fall into a gap, or come twice.
pub(crate) fn start_of_day(date: NaiveDate, zone: Tz) -> i64 {
    let midnight = date.and_time(NaiveTime::MIN);
    let start = match zone.from_local_datetime(&midnight) {
        LocalResult::Single(start) | LocalResult::Ambiguous(start, _) => Some(start),
        LocalResult::None => GapInfo::new(&midnight, &zone).and_then(|gap| gap.end),
    };
    micros(start.map_or(midnight.and_utc(), |start| start.to_utc()))
}

/// What is left of the text.
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    fn digits(&mut self, count: usize) -> Option<u32> {
        let digits = self.0.get(..count)?;
        let value = digits.iter().try_fold(0, |value, digit| {
            digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0'))
        })?;
        self.0 = &self.0[count..];
        Some(value)
    }

    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        bytes.contains(&first).then(|| {
            self.0 = rest;
            first
        })
    }

    fn date(&mut self) -> Option<NaiveDate> {
        let year = self.digits(4)?;
        self.one_of(b"-")?;
        let month = self.digits(2)?;
        self.one_of(b"-")?;
        let day = self.digits(2)?;
        NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
    }

    fn time(&mut self, date: NaiveDate) -> Option<NaiveDateTime> {
        self.one_of(b"Tt ")?;
        let hour = self.digits(2)?;
        self.one_of(b":")?;
        let minute = self.digits(2)?;
        self.one_of(b":")?;
        let second = self.digits(2)?;
        let micro = if self.one_of(b".").is_some() {
            self.fraction()?
        } else {
            0
        };
        date.and_hms_micro_opt(hour, minute, second, micro)
    }

    /// A fraction of a second in whole microseconds, floored.
    fn fraction(&mut self) -> Option<u32> {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let kept = length.min(6);
        let value = self.digits(kept).filter(|_| length > 0)?;
        self.0 = &self.0[length - kept..];
        Some(value * 10_u32.pow(6 - u32::try_from(kept).ok()?))
    }

    /// Seconds east of UTC; `Some(None)` where the text ends without an offset.
    fn offset(&mut self) -> Option<Option<i64>> {
        let sign = match self.one_of(b"Zz+-") {
            None => return self.0.is_empty().then_some(None),
            Some(b'Z' | b'z') => return self.0.is_empty().then_some(Some(0)),
            Some(b'-') => -1,
            Some(_) => 1,
        };
        let hours = self.digits(2)?;
        let minutes = if self.0.is_empty() {
            0
        } else {
            let _ = self.one_of(b":");
            self.digits(2)?
        };
        let valid = self.0.is_empty() && hours < 24 && minutes < 60;
        valid.then(|| Some(sign * i64::from(hours * 3600 + minutes * 60)))
    }
}

/// Reads a time; one without an offset is UTC.
impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        Timestamp::parse_in(text, Tz::UTC)
    }
}

impl<Z: TimeZone> TryFrom<DateTime<Z>> for Timestamp {
    type Error = TimestampError;

    fn try_from(time: DateTime<Z>) -> Result<Self, TimestampError> {
        Timestamp::from_micros(time.timestamp_micros())
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_datetime()
    }
}

/// RFC 3339 in UTC; the fraction has six digits, or is left out where it is zero.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, length) = self.text();
        f.write_str(std::str::from_utf8(&text[..length]).unwrap_or_default())
    }
}

impl Timestamp {
    /// Appends what [`Display`](fmt::Display) writes, without the formatter: every event has a time.
    pub(crate) fn write_to(self, out: &mut String) {
        let (text, length) = self.text();
        out.push_str(std::str::from_utf8(&text[..length]).unwrap_or_default());
    }

    /// Its text, and the length of it.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn text(self) -> ([u8; 27], usize) {
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let mut put = |end: usize, digits: usize, mut value: u32| {
            for place in text[end - digits..end].iter_mut().rev() {
                *place = b'0' + (value % 10) as u8;
                value /= 10;
            }
        };
        // From 1970 to 9999 all of them are small and not negative.
        let (seconds, micros) = (self.0 / MICROS, (self.0 % MICROS) as u32);
        let (days, second) = ((seconds / 86_400) as u32, (seconds % 86_400) as u32);
        let (year, month, day) = civil(days);
        put(4, 4, year);
        put(7, 2, month);
        put(10, 2, day);
        put(13, 2, second / 3600);
        put(16, 2, second / 60 % 60);
        put(19, 2, second % 60);
        put(26, 6, micros);
        if micros == 0 {
            text[19] = b'Z';
            return (text, 20);
        }
        (text, 27)
    }
}

/// Year, month and day so many days after 1970-01-01, counted in eras of 400 years that begin with a
/// March, so that the leap day comes last (Hinnant 2013, `civil_from_days`).
fn civil(days: u32) -> (u32, u32, u32) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + later, month, day)
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike as _, Timelike as _};
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<String, TimestampError> {
        text.parse::<Timestamp>().map(|at| at.to_string())
    }

    #[test]
    fn the_forms_that_sources_send() {
        for (text, expected) in [
            ("2021-01-01 09:15:27.243860", "2021-01-01T09:15:27.243860Z"),
            ("2021-03-01 00:01:11.055+00", "2021-03-01T00:01:11.055000Z"),
            ("2020-03-23T12:53:32+00:00", "2020-03-23T12:53:32Z"),
            ("2020-03-23t12:53:32.123456789z", "2020-03-23T12:53:32.123456Z"),
            ("2020-03-23T01:53:32+0530", "2020-03-22T20:23:32Z"),
            ("2020-02-29", "2020-02-29T00:00:00Z"),
            ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999999Z"),
            ("1970-01-01T01:00:00+01:00", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "1",
            "1609459200",
            "2026-02-30",
            "2026-02-28T24:00:00Z",
            "2026-06-30T23:59:60Z",
            "2026-02-28T10:00",
            "2026-02-28T10:00:00.Z",
            "2026-02-28T10:00:00+24:00",
            "2026-02-28T10:00:00Zx",
            "2026-2-28",
            "2026-02-28T",
            "２０２６-02-28",
        ] {
            assert_eq!(parse(text), Err(TimestampError::Invalid), "{text}");
        }
        assert_eq!(parse("1969-12-31T23:59:59.999999Z"), Err(TimestampError::OutOfRange));
        assert_eq!(parse("9999-12-31T23:59:59-01:00"), Err(TimestampError::OutOfRange));
        assert_eq!(
            Timestamp::try_from(DateTime::<Utc>::MAX_UTC),
            Err(TimestampError::OutOfRange)
        );
        assert_eq!(
            Timestamp::try_from(DateTime::<Utc>::MIN_UTC),
            Err(TimestampError::OutOfRange)
        );
    }

    #[test]
    fn local_times_are_read_in_their_zone() {
        let zone = Tz::America__New_York;
        let at = |text| Timestamp::parse_in(text, zone).map(|at| at.to_string());
        assert_eq!(at("2026-07-01 12:00:00").as_deref(), Ok("2026-07-01T16:00:00Z"));
        assert_eq!(at("2026-11-01 01:30:00"), Err(TimestampError::Ambiguous));
        assert_eq!(at("2026-03-08 02:30:00"), Err(TimestampError::Invalid));
        assert_eq!(at("2026-11-01 01:30:00-05:00").as_deref(), Ok("2026-11-01T06:30:00Z"));
    }

    #[test]
    fn a_date_alone_is_its_first_instant() {
        for (zone, date, expected) in [
            (Tz::America__New_York, "2026-03-08", Ok("2026-03-08T05:00:00Z")),
            // Midnight is skipped; midnight comes twice; the whole day is skipped.
            (Tz::America__Sao_Paulo, "2018-11-04", Ok("2018-11-04T03:00:00Z")),
            (Tz::America__Havana, "2026-11-01", Ok("2026-11-01T04:00:00Z")),
            (Tz::Pacific__Apia, "2011-12-30", Err(TimestampError::Invalid)),
            (Tz::Pacific__Apia, "2011-12-31", Ok("2011-12-30T10:00:00Z")),
        ] {
            let start = Timestamp::parse_in(date, zone).map(|at| at.to_string());
            assert_eq!(start.as_deref().map_err(|error| *error), expected, "{zone} {date}");
        }
    }

    proptest! {
        #[test]
        fn text_reads_back(micros in 0..=Timestamp::MAX.as_micros()) {
            let at = Timestamp::from_micros(micros).unwrap();
            prop_assert_eq!(at.to_string().parse(), Ok(at));
        }

        #[test]
        fn text_is_what_chrono_says(micros in 0..=Timestamp::MAX.as_micros(), whole: bool) {
            let micros = if whole { micros / MICROS * MICROS } else { micros };
            let at = DateTime::from_timestamp_micros(micros).unwrap();
            let fraction = if whole { String::new() } else { format!(".{:06}", micros % MICROS) };
            let (date, time) = (at.date_naive(), at.time());
            let text = format!(
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{fraction}Z",
                date.year(), date.month(), date.day(), time.hour(), time.minute(), time.second(),
            );
            prop_assume!(whole || micros % MICROS != 0);
            prop_assert_eq!(Timestamp::from_micros(micros).unwrap().to_string(), text);
        }
    }
}
