//! Buckets of time, by the clock and the calendar of a zone.

use std::fmt;
use std::str::FromStr;

use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How long a bucket is, and by whose clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// How long.
    pub unit: Unit,
    /// Whose clock and calendar.
    pub zone: Tz,
}

/// How long a bucket of time is.
///
/// ```
/// use event_core::query::Unit;
/// assert_eq!("week".parse(), Ok(Unit::Week));
/// assert_eq!(Unit::Week.to_string(), "week");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// A minute on the clock.
    Minute,
    /// An hour on the clock; one in which the clock is moved is two buckets.
    Hour,
    /// A date: 23, 24 or 25 hours.
    Day,
    /// Monday to Sunday.
    Week,
    /// A month of the calendar.
    Month,
}

/// The text is no [`Unit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a bucket is a minute, hour, day, week or month")]
pub struct UnitError;

impl Bucket {
    /// Buckets by the clock of a zone.
    #[must_use]
    pub const fn new(unit: Unit, zone: Tz) -> Self {
        Bucket { unit, zone }
    }

    /// Buckets in UTC.
    #[must_use]
    pub const fn utc(unit: Unit) -> Self {
        Bucket { unit, zone: Tz::UTC }
    }
}

impl Unit {
    /// Every unit, shortest first.
    pub const ALL: [Unit; 5] = [Unit::Minute, Unit::Hour, Unit::Day, Unit::Week, Unit::Month];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Unit::Minute => "minute",
            Unit::Hour => "hour",
            Unit::Day => "day",
            Unit::Week => "week",
            Unit::Month => "month",
        }
    }
}

impl FromStr for Unit {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        Unit::ALL
            .into_iter()
            .find(|unit| unit.as_str() == text)
            .ok_or(UnitError)
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
