//! Metrics of [`event`](super::event)s, and questions that they cover.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::event::{label, pointer};
use super::query::{field, query, test};
use crate::event_type::EventType;
use crate::filter::{Condition, Field, Filter};
use crate::json::Pointer;
use crate::metric::Metric;
use crate::name::Label;
use crate::query::{Measure, Query};

/// A metric of a type of [`event`](super::event)s, often of the number that most of them have.
pub fn metric() -> impl Strategy<Value = Metric> {
    let value = prop_oneof![
        3 => Just(Some(Pointer::from_tokens(["n"]))),
        1 => pointer().prop_map(Some),
        1 => Just(None),
    ];
    let scale = proptest::option::of(0..=Metric::MAX_SCALE);
    let unique = proptest::option::weighted(0.75, field());
    (label(), label(), label(), value, scale, vec(field(), 0..8), unique).prop_filter_map(
        "a metric of this world is one",
        |(label, category, name, value, scale, fields, unique)| {
            let mut by: Vec<Field> = Vec::new();
            for field in fields {
                if !by.contains(&field) && !matches!(field, Field::Category | Field::Name) {
                    by.push(field);
                }
            }
            let event_type = EventType::new(category, name).ok()?;
            let scale = value.as_ref().and(scale);
            let metric = Metric::new(Label::new(label).ok()?, event_type, value, scale, by).ok()?;
            match unique {
                Some(field) => Some(metric.clone().with_unique(field).unwrap_or(metric)),
                None => Some(metric),
            }
        },
    )
}

/// A question that a metric covers, whether or not it asks for events of its type.
pub fn covered_query(metric: &Metric) -> impl Strategy<Value = Query> + use<> {
    let known = [Field::Category, Field::Name];
    let fields: Vec<Field> = known.into_iter().chain(metric.by().iter().cloned()).collect();
    let most = fields.len().min(3);
    let by = subsequence(fields.clone(), 0..=most).prop_shuffle();
    let own = metric.by().to_vec();
    // Most conditions on the type would ask for another one.
    let tested = if own.is_empty() {
        select(fields).boxed()
    } else {
        prop_oneof![5 => select(own), 1 => select(fields)].boxed()
    };
    let condition = tested.prop_flat_map(|field| {
        test(&field).prop_map(move |test| Condition {
            field: field.clone(),
            test,
        })
    });
    let filter = prop_oneof![4 => vec(condition.clone(), 0), 4 => vec(condition.clone(), 1), 1 => vec(condition, 2)];
    let mut measures = vec![Measure::Count];
    if let Some(value) = metric.value() {
        let of_value = [Measure::Sum, Measure::Average, Measure::Minimum, Measure::Maximum];
        measures.extend(of_value.map(|measure| measure(value.clone())));
    }
    measures.extend(metric.by().iter().cloned().map(Measure::Unique));
    measures.extend(metric.by().iter().cloned().map(Measure::AboutUnique));
    // As many more of what it has a sketch for.
    let sketched = metric.unique().cloned().map(Measure::AboutUnique);
    let as_many = measures.len();
    measures.extend(sketched.into_iter().cycle().take(as_many));
    (query(), select(measures), filter, by).prop_map(|(query, measure, all, by)| Query {
        measure,
        filter: Filter { all },
        by,
        ..query
    })
}
