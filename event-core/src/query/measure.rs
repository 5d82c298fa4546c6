//! What is measured of the events.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::percent::Percent;
use crate::decimal::Decimal;
use crate::filter::Field;
use crate::json::Pointer;

/// What is measured of the events of a group and bucket.
///
/// All but [`Measure::Count`], [`Measure::Unique`] and [`Measure::AboutUnique`] look at the events that have a JSON number at their
/// pointer; others add nothing.
///
/// ```
/// use event_core::query::Measure;
/// let measure: Measure = "sum:/order_value".parse()?;
/// assert_eq!(measure.to_string(), "sum:/order_value");
/// assert_eq!("avg:/order_value".parse::<Measure>()?.to_string(), "average:/order_value");
/// assert_eq!("p95:/seconds".parse::<Measure>()?.to_string(), "percentile:95:/seconds");
/// assert_eq!("unique:subject".parse::<Measure>()?.to_string(), "unique:subject");
/// assert_eq!("approx_unique:subject".parse::<Measure>()?.to_string(), "about_unique:subject");
/// # Ok::<(), event_core::query::MeasureError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// How many events.
    Count,
    /// The sum of the numbers; 0 without any.
    Sum(Pointer),
    /// Their sum divided by their count, rounded half-even at 12 places; nothing without any.
    Average(Pointer),
    /// The least; nothing without any.
    Minimum(Pointer),
    /// The greatest; nothing without any.
    Maximum(Pointer),
    /// The number at the nearest rank: the least that such a share of the numbers is not greater than; nothing
    /// without any. It is one of the numbers, also as a median.
    Percentile(Percent, Pointer),
    /// How many different values there are, of any kind but null.
    Unique(Field),
    /// About how many different values there are, of any kind but null: exactly up to
    /// [`Sketch::EXACT`](crate::aggregate::Sketch::EXACT) of them, beyond with a
    /// [standard error](Measure::standard_error). One set of values is told by one number, wherever it is
    /// counted.
    AboutUnique(Field),
}

/// The text is no [`Measure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a measure is count, unique or about_unique with a field, say unique:subject, or sum, average, minimum, maximum, median or a \
     percentile as p95 with a JSON pointer into the data, say sum:/order_value"
)]
pub struct MeasureError;

impl Measure {
    /// The name of the measure, without its pointer.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Measure::Count => "count",
            Measure::Sum(_) => "sum",
            Measure::Average(_) => "average",
            Measure::Minimum(_) => "minimum",
            Measure::Maximum(_) => "maximum",
            Measure::Percentile(..) => "percentile",
            Measure::Unique(_) => "unique",
            Measure::AboutUnique(_) => "about_unique",
        }
    }

    /// Where the measured number is; `None` for what measures no numbers.
    #[must_use]
    pub const fn pointer(&self) -> Option<&Pointer> {
        match self {
            Measure::Count | Measure::Unique(_) | Measure::AboutUnique(_) => None,
            Measure::Sum(at)
            | Measure::Average(at)
            | Measure::Minimum(at)
            | Measure::Maximum(at)
            | Measure::Percentile(_, at) => Some(at),
        }
    }

    /// What is looked at in an event; `None` for a count.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        match self {
            Measure::Unique(field) | Measure::AboutUnique(field) => Some(field.clone()),
            measure => measure.pointer().cloned().map(Field::Data),
        }
    }

    /// Whether it is known only from the values themselves, and from no total of them.
    #[must_use]
    pub const fn is_of_values(&self) -> bool {
        matches!(
            self,
            Measure::Unique(_) | Measure::AboutUnique(_) | Measure::Percentile(..)
        )
    }

    /// By what share of the truth an estimate is off, as a standard deviation; `None` for what is exact.
    ///
    /// ```
    /// use event_core::query::Measure;
    /// let measure: Measure = "about_unique:subject".parse()?;
    /// assert_eq!(measure.standard_error(), Some("0.01625".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn standard_error(&self) -> Option<Decimal> {
        // 1.04 / √4096
        matches!(self, Measure::AboutUnique(_)).then(|| Decimal::new(1_625, -5))
    }
}

impl FromStr for Measure {
    type Err = MeasureError;

    fn from_str(text: &str) -> Result<Self, MeasureError> {
        if text == "count" {
            return Ok(Measure::Count);
        }
        let (name, pointer) = text.split_once(':').ok_or(MeasureError)?;
        let of_field = match name {
            "unique" => Some(Measure::Unique as fn(Field) -> Measure),
            "about_unique" | "approx_unique" => Some(Measure::AboutUnique as fn(Field) -> Measure),
            _ => None,
        };
        if let Some(measure) = of_field {
            return pointer.parse().map(measure).map_err(|_| MeasureError);
        }
        let (percent, pointer) = match name {
            "percentile" => {
                let (percent, pointer) = pointer.split_once(':').ok_or(MeasureError)?;
                (Some(percent.parse()?), pointer)
            }
            "median" => (Some(Percent::MEDIAN), pointer),
            name => (name.strip_prefix('p').and_then(|percent| percent.parse().ok()), pointer),
        };
        if !pointer.starts_with('/') {
            return Err(MeasureError);
        }
        let pointer = pointer.parse().map_err(|_| MeasureError)?;
        match name {
            "sum" => Ok(Measure::Sum(pointer)),
            "average" | "avg" => Ok(Measure::Average(pointer)),
            "minimum" | "min" => Ok(Measure::Minimum(pointer)),
            "maximum" | "max" => Ok(Measure::Maximum(pointer)),
            _ => percent
                .map(|percent| Measure::Percentile(percent, pointer))
                .ok_or(MeasureError),
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Measure::Unique(field) | Measure::AboutUnique(field) => write!(f, ":{field}"),
            Measure::Percentile(percent, pointer) => write!(f, ":{percent}:{pointer}"),
            measure => measure.pointer().map_or(Ok(()), |pointer| write!(f, ":{pointer}")),
        }
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_measures_are_of_values_and_some_of_totals() {
        for (text, is_of_values) in [
            ("count", false),
            ("sum:/a", false),
            ("average:/a", false),
            ("minimum:/a", false),
            ("maximum:/a", false),
            ("percentile:50:/a", true),
            ("unique:subject", true),
            ("about_unique:subject", true),
        ] {
            let measure: Measure = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(measure.is_of_values(), is_of_values, "{text}");
            assert_eq!(measure.to_string(), text);
        }
    }
}
