//! From a metric's cells to a question: which cells count, and for which group.

use super::group::GroupKey;
use crate::filter::{Condition, Field, Scalar, TextTest};
use crate::metric::Metric;
use crate::query::{Measure, Query};

impl Metric {
    /// Whether its cells say enough for a question about events of its type: they tell apart all
    /// that the question asks for, and hold what it measures.
    ///
    /// Of a measure of values they are asked for the question that [counts](Query::counting) them, or
    /// [their sketches](Metric::sketches) for the question itself.
    #[must_use]
    pub fn covers(&self, query: &Query) -> bool {
        if query.measure.is_of_values() {
            return self.sketches(query) || self.covers(&query.counting());
        }
        let measured = query.measure.pointer();
        self.tells_apart(query) && (measured.is_none() || measured == self.value())
    }

    /// Whether the sketches in its cells answer a question about events of its type.
    #[must_use]
    pub fn sketches(&self, query: &Query) -> bool {
        matches!(&query.measure, Measure::AboutUnique(field) if self.unique() == Some(field)) && self.tells_apart(query)
    }

    /// Whether its cells tell apart what the conditions and the groups of a question do.
    fn tells_apart(&self, query: &Query) -> bool {
        let conditions = query.filter.all.iter().map(|condition| &condition.field);
        let known = |field: &Field| self.pinned(field).is_some() || self.by().contains(field);
        conditions.chain(&query.by).all(known)
    }
}

/// The part of a question that is not about time, put to the groups of a metric's cells.
///
/// ```
/// use event_core::aggregate::{GroupKey, Projection};
/// use event_core::Query;
/// let sales = serde_json::from_str(
///     r#"{"metric":"sales","category":"order","name":"created","by":["subject","/province"]}"#,
/// )?;
/// let query = Query::from_json(
///     br#"{"by": ["/province", "name"], "filter": {"all": [{"field": "subject", "in": ["ann", null]}]}}"#,
/// )?;
/// let projection = Projection::new(&sales, &query).unwrap();
/// let ann = GroupKey::new([Some("\"ann\""), Some("\"BC\"")]);
/// assert_eq!(projection.project(&ann), Some(GroupKey::new([Some("\"BC\""), Some("\"created\"")])));
/// let bob = GroupKey::new([Some("\"bob\""), Some("\"BC\"")]);
/// assert_eq!(projection.project(&bob), None);
/// assert_eq!(projection.pinned().unwrap(), ["\"ann\"", "null"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Projection {
    /// Whether events of the metric's type are asked for at all.
    admitted: bool,
    /// What must hold of the values of a metric's group, by their places.
    tests: Vec<(usize, TextTest)>,
    /// Where the values of the question's group come from.
    by: Vec<Value>,
    /// Whether these are the values of the metric's group, all and in their order.
    is_whole: bool,
}

/// Where a value of the question's group comes from.
#[derive(Clone, Debug)]
enum Value {
    /// The same for all events of the type.
    OfType(String),
    /// A place in the metric's group.
    OfGroup(usize),
}

impl Projection {
    /// What a question asks of a metric's cells, of a measure of values the question that
    /// [counts](Query::counting) them unless its [sketches](Metric::sketches) answer it; `None` if the metric does
    /// not [cover](Metric::covers) it.
    #[must_use]
    pub fn new(metric: &Metric, query: &Query) -> Option<Self> {
        if query.measure.is_of_values() && !metric.sketches(query) {
            return Projection::new(metric, &query.counting());
        }
        if !metric.covers(query) {
            return None;
        }
        let place = |field: &Field| metric.by().iter().position(|known| known == field);
        let tests = query.filter.all.iter().filter_map(|Condition { field, test }| {
            // Conditions on the type have been looked at by `admitted_by`.
            Some((place(field)?, TextTest::new(test)))
        });
        let by = query.by.iter().map(|field| match metric.pinned(field) {
            Some(label) => Some(Value::OfType(Scalar::from(label.as_str()).text())),
            None => place(field).map(Value::OfGroup),
        });
        Some(Projection {
            admitted: metric.admitted_by(&query.filter),
            tests: tests.collect(),
            by: by.collect::<Option<_>>()?,
            is_whole: query.by == metric.by(),
        })
    }

    /// The question's group that cells of a metric's group count for; `None` if they do not count.
    #[must_use]
    pub fn project(&self, group: &GroupKey) -> Option<GroupKey> {
        if self.is_whole && self.admitted && self.tests.is_empty() {
            return Some(group.clone());
        }
        let texts: Vec<&str> = group.texts().collect();
        let passes = |(place, test): &(usize, TextTest)| texts.get(*place).is_some_and(|text| test.holds(text));
        if !self.admitted || !self.tests.iter().all(passes) {
            return None;
        }
        let by = self.by.iter().map(|value| match value {
            Value::OfType(text) => Some(text.as_str()),
            Value::OfGroup(place) => texts.get(*place).copied(),
        });
        Some(GroupKey::new(by))
    }

    /// All canonical texts that the first field of the metric can have in cells that count, where
    /// the question names them: cells of no other value need to be read.
    #[must_use]
    pub fn pinned(&self) -> Option<Vec<&str>> {
        let first = self.tests.iter().filter(|(place, _)| *place == 0);
        let mut sets = first.clone().filter_map(|(_, test)| match test {
            TextTest::OneOf(texts) => Some(texts),
            TextTest::Passes(_) => None,
        });
        let texts = sets.next()?.iter().map(String::as_str);
        Some(
            texts
                .filter(|text| first.clone().all(|(_, test)| test.holds(text)))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::Observation;
    use crate::arbitrary;
    use proptest::prelude::*;

    #[test]
    fn what_pins_the_first_field() {
        let metric = serde_json::from_str(r#"{"metric":"m","category":"c","name":"n","by":["/a","/b"]}"#).unwrap();
        for (conditions, pinned) in [
            ("", None),
            (r#"{"field":"/b","equals":1}"#, None),
            (r#"{"field":"/a","from":1}"#, None),
            (r#"{"field":"/a","equals":"1"}"#, Some(vec!["\"1\""])),
            (r#"{"field":"/a","in":[]}"#, Some(vec![])),
            (
                r#"{"field":"/a","in":[1e0,"x",null,1]}, {"field":"/a","in":["x",1]}, {"field":"/a","contains":"x"}"#,
                Some(vec!["\"x\""]),
            ),
        ] {
            let query = format!(r#"{{"filter":{{"all":[{conditions}]}}}}"#);
            let query = Query::from_json(query.as_bytes()).unwrap();
            let projection = Projection::new(&metric, &query).unwrap();
            assert_eq!(projection.pinned(), pinned, "{conditions}");
        }
        let beyond = Query::from_json(br#"{"measure":"sum:/a"}"#).unwrap();
        assert!(Projection::new(&metric, &beyond).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn a_group_counts_as_its_events_do(
            event in arbitrary::event(),
            (metric, query) in arbitrary::metric().prop_flat_map(|metric| {
                arbitrary::covered_query(&metric).prop_map(move |query| (metric.clone(), query))
            }),
        ) {
            let mut envelope = event.envelope().clone();
            envelope.event_type = metric.event_type().clone();
            let group = Observation::of(&metric, &envelope, event.payload()).group;
            let projection = Projection::new(&metric, &query).unwrap();
            let query = if metric.sketches(&query) { query } else { query.counting() };
            let mut key = String::new();
            for field in &query.by {
                GroupKey::push_found(&mut key, field.find(&envelope, event.payload()));
            }
            let expected = query.filter.holds(&envelope, event.payload()).then(|| GroupKey::from_scratch(&key));
            if let Some(pinned) = projection.pinned() && expected.is_some() {
                prop_assert!(pinned.contains(&group.texts().next().unwrap()));
            }
            prop_assert_eq!(projection.project(&group), expected);
        }
    }
}
