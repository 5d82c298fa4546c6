//! A length of time, as people write it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time: a whole number of `us`, `ms`, `s`, `m`, `h`, `d` (24 hours) or `w`.
///
/// ```
/// use event_core::analysis::Length;
/// let length: Length = "90m".parse()?;
/// assert_eq!(length.as_micros(), 90 * 60 * 1_000_000);
/// assert_eq!("3600s".parse::<Length>()?.to_string(), "1h");
/// # Ok::<(), event_core::analysis::LengthError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Length(i64);

/// The text is no [`Length`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a length of time is a whole number with us, ms, s, m, h, d or w, say 30m, and no longer than 10000 years")]
pub struct LengthError;

/// Longest first.
const UNITS: [(&str, i64); 7] = [
    ("w", 7 * 86_400_000_000),
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// All that lies between the first and the last instant there is.
const LONGEST: i64 = 10_000 * 366 * 86_400_000_000;

impl Length {
    /// A length in microseconds; negative ones, and those beyond all of time, are cut.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Length(micros.clamp(0, LONGEST))
    }

    /// In microseconds.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

impl FromStr for Length {
    type Err = LengthError;

    fn from_str(text: &str) -> Result<Self, LengthError> {
        let digits = text.find(|letter: char| !letter.is_ascii_digit()).ok_or(LengthError)?;
        let (number, unit) = text.split_at(digits);
        let number: i64 = number.parse().map_err(|_| LengthError)?;
        let (_, micros) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or(LengthError)?;
        let micros = number.checked_mul(micros).filter(|micros| *micros <= LONGEST);
        micros.map(Length).ok_or(LengthError)
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = UNITS.into_iter().find(|(_, micros)| self.0 % micros == 0);
        match fits {
            Some((name, micros)) if self.0 > 0 => write!(f, "{}{name}", self.0 / micros),
            _ => write!(f, "{}s", self.0),
        }
    }
}

impl Serialize for Length {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_back() {
        for text in ["0s", "1us", "90s", "5ms", "25h", "2d", "1w"] {
            assert_eq!(text.parse::<Length>().unwrap().to_string(), text);
        }
        for text in ["", "5", "m", "-1s", "1.5h", "5 m", "1y", "99999999999w", "٣s"] {
            assert_eq!(text.parse::<Length>(), Err(LengthError), "{text}");
        }
    }
}
