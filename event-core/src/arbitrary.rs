//! One generator for the whole workspace: proptest strategies for every noun.

mod event;
mod query;
mod analysis;
mod metric;
mod schema;
mod upcaster;

pub use analysis::{active, funnel, retention, sessions};
pub use event::{event, events, instant, number, pointer, scalar, string};
pub use metric::{covered_query, metric};
pub use query::{condition, field, filter, measure, page, query, zone};
pub use schema::{schema_pair, small_object, small_objects};
pub use upcaster::step;

use proptest::prelude::*;
use serde_json::Value;

/// Any JSON value of little depth: text of any Unicode but NUL, numbers of every kind.
pub fn json_value() -> impl Strategy<Value = Value> {
    json_scalar().prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(json_key(), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Any JSON scalar.
pub fn json_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1000_i64..1000).prop_map(Value::from),
        (-100_000_i64..100_000, 0..4_i32).prop_map(|(mantissa, places)| {
            // Short decimals, as money and durations are.
            Value::from(f64::from(i32::try_from(mantissa).unwrap_or(0)) / 10_f64.powi(places))
        }),
        any::<f64>().prop_filter_map("finite", |float| serde_json::Number::from_f64(float).map(Value::Number)),
        text().prop_map(Value::from),
    ]
}

/// Any JSON object of little depth.
pub fn json_object() -> impl Strategy<Value = Value> {
    proptest::collection::btree_map(json_key(), json_value(), 0..6)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

fn json_key() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-e]{1,2}".prop_map(String::from), 1 => text().prop_filter("not empty", |key| !key.is_empty() && key.len() <= 128)]
}

/// Short text of any Unicode but NUL, which no database of ours could hold.
pub fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<char>().prop_filter("no NUL", |c| *c != '\0'), 0..8).prop_map(String::from_iter)
}
