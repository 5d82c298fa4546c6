//! Which events: conditions on envelope fields and on places in the data, all of which must hold.
//!
//! Text is compared byte by byte and with regard to case, numbers exactly, and a value never
//! equals one of another kind, so that every database and the fold in memory choose alike.

pub(crate) mod object;
mod field;
mod scalar;
mod condition;
mod text_test;

pub use condition::{Condition, Test};
pub use field::{Field, FieldError, Found};
pub use scalar::Scalar;
pub(crate) use text_test::TextTest;

use serde::{Deserialize, Deserializer, Serialize};

use crate::envelope::Envelope;
use crate::event::Event;
use crate::json::Payload;

/// A conjunction of conditions; without any it holds for every event.
///
/// ```
/// use event_core::Filter;
/// use event_core::filter::{Field, Test};
///
/// let filter: Filter = serde_json::from_str(
///     r#"{"all": [
///         {"field": "category", "equals": "page interaction"},
///         {"field": "name", "in": ["pageview", "cta click"]},
///         {"field": "/price", "from": 1, "to": 5},
///         {"field": "/message", "contains": "abc"}
///     ]}"#,
/// )?;
/// assert_eq!(filter.all.len(), 4);
/// let built = Filter::new()
///     .and(Field::Category, Test::equals("page interaction"))
///     .and(Field::Name, Test::one_of(["pageview", "cta click"]))
///     .and("/price".parse()?, Test::range(Some(1), Some(5)))
///     .and("/message".parse()?, Test::contains("abc"));
/// assert_eq!(filter, built);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// What must hold.
    pub all: Vec<Condition>,
}

impl Filter {
    /// The most conditions that a question may have.
    pub const MAX_CONDITIONS: usize = 50;
    /// The most values that a question's conditions may name, all together.
    pub const MAX_VALUES: usize = 10_000;

    /// The filter that holds for every event.
    #[must_use]
    pub const fn new() -> Self {
        Filter { all: Vec::new() }
    }

    /// The same filter with one condition more.
    #[must_use]
    pub fn and(mut self, field: Field, test: Test) -> Self {
        self.all.push(Condition { field, test });
        self
    }

    /// Whether it holds for every event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether it has so few conditions and values that every database takes it as a question.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        let values = self.all.iter().map(|condition| match &condition.test {
            Test::OneOf(scalars) => scalars.len(),
            _ => 2,
        });
        self.all.len() <= Filter::MAX_CONDITIONS && values.sum::<usize>() <= Filter::MAX_VALUES
    }

    /// Whether the event is chosen.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        self.holds(event.envelope(), event.payload())
    }

    /// Whether an event of this envelope and this data is chosen.
    #[must_use]
    pub fn holds(&self, envelope: &Envelope, payload: &Payload) -> bool {
        self.all.iter().all(|condition| condition.holds(envelope, payload))
    }

    /// Whether an event is chosen of which is known what it has at the field of each condition; conditions are
    /// told by their places.
    pub(crate) fn holds_for<'a>(&self, find: impl Fn(usize, &Field) -> Option<Found<'a>>) -> bool {
        let mut conditions = self.all.iter().enumerate();
        conditions.all(|(at, Condition { field, test })| test.holds(find(at, field).as_ref()))
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            #[serde(default)]
            all: Vec<Condition>,
        }
        object::read(deserializer).map(|Written { all }| Filter { all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_has_so_many_conditions_and_values() {
        let equals = |count: usize| -> Filter {
            let one = |filter: Filter, _| filter.and(Field::Subject, Test::Equals(Scalar::Null));
            (0..count).fold(Filter::default(), one)
        };
        let values = |count: usize| Test::OneOf(vec![Scalar::Null; count]);
        assert!(equals(0).is_bounded() && equals(0).is_empty() && !equals(1).is_empty());
        assert!(equals(Filter::MAX_CONDITIONS).is_bounded() && !equals(Filter::MAX_CONDITIONS + 1).is_bounded());
        for (beside, count, is_bounded) in [
            (0, Filter::MAX_VALUES, true),
            (0, Filter::MAX_VALUES + 1, false),
            (1, Filter::MAX_VALUES - 2, true),
            (1, Filter::MAX_VALUES - 1, false),
        ] {
            let filter = equals(beside).and(Field::Name, values(count));
            assert_eq!(filter.is_bounded(), is_bounded, "{beside} {count}");
        }
    }

    #[test]
    fn what_is_of_another_kind_is_told_what_it_should_be() {
        let told = |error: serde_json::Error| error.to_string();
        let scalar = told(serde_json::from_str::<Scalar>("[]").unwrap_err());
        assert!(scalar.contains("null, a boolean, a number or a string"), "{scalar}");
        for text in ["[]", "7", "\"a\""] {
            let filter = told(serde_json::from_str::<Filter>(text).unwrap_err());
            assert!(filter.contains("expected an object"), "{filter}");
            let group = told(serde_json::from_str::<crate::aggregate::Group>(text).unwrap_err());
            assert!(group.contains("an object from fields to values"), "{group}");
        }
    }
}
