//! A share of a hundred.

use std::fmt;
use std::str::FromStr;

/// From 0 to 100 with at most three places, say 99.9.
///
/// ```
/// use event_core::query::Percent;
/// let percent: Percent = "99.9".parse()?;
/// assert_eq!(percent.rank(1_000), 999);
/// assert_eq!(percent.to_string(), "99.9");
/// # Ok::<(), event_core::query::MeasureError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u32);

/// What a hundred is, in thousandths.
const WHOLE: u32 = 100_000;

impl Percent {
    /// Half of all.
    pub const MEDIAN: Percent = Percent(WHOLE / 2);

    /// The nearest rank: which of so many sorted values has this share at or below it, counted from 1; 0 of none.
    #[must_use]
    pub fn rank(self, count: u64) -> u64 {
        let rank = (u128::from(count) * u128::from(self.0)).div_ceil(u128::from(WHOLE));
        u64::try_from(rank).unwrap_or(count).max(u64::from(count > 0))
    }
}

impl FromStr for Percent {
    type Err = super::MeasureError;

    fn from_str(text: &str) -> Result<Self, super::MeasureError> {
        let (whole, places) = text
            .split_once('.')
            .map_or((text, ""), |(whole, places)| (whole, places));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let dotted = text.contains('.');
        if !digits(whole) || whole.len() > 3 || dotted && !digits(places) || places.len() > 3 {
            return Err(super::MeasureError);
        }
        let thousandths: u32 = format!("{whole}{places:0<3}")
            .parse()
            .map_err(|_| super::MeasureError)?;
        (thousandths <= WHOLE)
            .then_some(Percent(thousandths))
            .ok_or(super::MeasureError)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, places) = (self.0 / 1_000, self.0 % 1_000);
        let text = format!("{whole}.{places:03}");
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_read_back() {
        for text in ["0", "50", "95", "99.9", "99.999", "0.1", "100", "7.25"] {
            assert_eq!(text.parse::<Percent>().unwrap().to_string(), text);
        }
        for text in [
            "", ".5", "5.", "100.001", "101", "-1", "1e1", "99.9999", "0001", "5.5.5",
        ] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
        let rank = |text: &str, count| text.parse::<Percent>().unwrap().rank(count);
        assert_eq!(
            [
                rank("0", 5),
                rank("50", 4),
                rank("50", 5),
                rank("100", 5),
                rank("50", 0)
            ],
            [1, 2, 3, 5, 0]
        );
    }
}
