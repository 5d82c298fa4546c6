//! Questions about [`event`](super::event)s.

use chrono_tz::Tz;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use super::event::{id, instant, label, number, pointer, scalar, string, subject, version};
use crate::filter::{Condition, Field, Filter, Scalar, Test};
use crate::query::{Bucket, Measure, Order, Page, Percent, Query, Unit};
use crate::timestamp::Timestamp;

/// A zone: UTC, whole and broken offsets, clocks moved by an hour or half of one, at night, at
/// midnight and never.
pub fn zone() -> impl Strategy<Value = Tz> {
    select(vec![
        Tz::UTC,
        Tz::America__New_York,
        Tz::America__Havana,
        Tz::America__St_Johns,
        Tz::Europe__London,
        Tz::Europe__Paris,
        Tz::Africa__Cairo,
        Tz::Australia__Lord_Howe,
        Tz::Asia__Kolkata,
        Tz::Asia__Kathmandu,
        Tz::Pacific__Apia,
        Tz::Pacific__Marquesas,
    ])
}

/// A field of the envelope, or a place in the data.
pub fn field() -> impl Strategy<Value = Field> {
    let envelope = vec![
        Field::Category,
        Field::Name,
        Field::Version,
        Field::Source,
        Field::SessionId,
        Field::Subject,
    ];
    prop_oneof![select(envelope), pointer().prop_map(Field::Data)]
}

fn as_scalar(value: Value) -> Scalar {
    // Only ever called with scalars.
    serde_json::from_value(value).unwrap_or(Scalar::Null)
}

fn value_of(field: &Field) -> BoxedStrategy<Scalar> {
    let text = match field {
        Field::Category | Field::Name => label().boxed(),
        Field::Version => version().boxed(),
        Field::Source | Field::SessionId => id().boxed(),
        Field::Subject => subject().boxed(),
        Field::Data(_) => return scalar().prop_map(as_scalar).boxed(),
    };
    prop_oneof![9 => text.prop_map(Scalar::from), 1 => scalar().prop_map(as_scalar)].boxed()
}

pub(super) fn test(field: &Field) -> impl Strategy<Value = Test> + use<> {
    let bound = |bounds: BoxedStrategy<Scalar>| {
        let pair = (bounds.clone(), bounds, 0..3_u8);
        pair.prop_map(|(a, b, open)| {
            let (from, to) = if a <= b { (a, b) } else { (b, a) };
            Test::Range {
                from: (open != 1).then_some(from),
                to: (open != 2).then_some(to),
            }
        })
    };
    let value = value_of(field);
    prop_oneof![
        4 => value.clone().prop_map(Test::Equals),
        3 => proptest::collection::vec(value, 0..4).prop_map(Test::OneOf),
        2 => bound(number().prop_map(as_scalar).boxed()),
        1 => bound(string().prop_map(Scalar::from).boxed()),
        2 => string().prop_map(Test::Contains),
    ]
}

/// One test of one field, with values that events have there.
pub fn condition() -> impl Strategy<Value = Condition> {
    field().prop_flat_map(|field| {
        test(&field).prop_map(move |test| Condition {
            field: field.clone(),
            test,
        })
    })
}

/// Up to two conditions, most often none or one.
pub fn filter() -> impl Strategy<Value = Filter> {
    let some = |count: usize| proptest::collection::vec(condition(), count);
    prop_oneof![4 => some(0), 4 => some(1), 1 => some(2)].prop_map(|all| Filter { all })
}

/// A measure of the data of events.
pub fn measure() -> impl Strategy<Value = Measure> {
    prop_oneof![
        Just(Measure::Count),
        pointer().prop_map(Measure::Sum),
        pointer().prop_map(Measure::Average),
        pointer().prop_map(Measure::Minimum),
        pointer().prop_map(Measure::Maximum),
        (percent(), pointer()).prop_map(|(percent, pointer)| Measure::Percentile(percent, pointer)),
        field().prop_map(Measure::Unique),
        field().prop_map(Measure::AboutUnique),
    ]
}

fn percent() -> impl Strategy<Value = Percent> {
    select(vec!["0", "25", "50", "90", "99.9", "100"]).prop_filter_map("a share", |text| text.parse().ok())
}

/// A range in which a unit has some hundreds of buckets at the most; short units are never open.
pub(super) fn range(unit: Option<Unit>) -> BoxedStrategy<(Option<Timestamp>, Option<Timestamp>)> {
    const MINUTE: i64 = 60_000_000;
    let (length, open) = match unit {
        Some(Unit::Minute) => (240 * MINUTE, false),
        Some(Unit::Hour) => (6 * 24 * 60 * MINUTE, false),
        _ => (300 * 24 * 60 * MINUTE, true),
    };
    let length = prop_oneof![1 => Just(0), 4 => 0..length / MINUTE, 4 => 0..length / MINUTE / 8];
    let closed = (instant(), length, 0..3_i64).prop_map(|(from, minutes, beside)| {
        let to = from.saturating_add_micros(minutes * MINUTE + beside);
        (Some(from), Some(to))
    });
    if !open {
        return closed.boxed();
    }
    prop_oneof![
        4 => closed,
        2 => Just((None, None)),
        1 => instant().prop_map(|from| (Some(from), None)),
        1 => instant().prop_map(|to| (None, Some(to))),
    ]
    .boxed()
}

/// A question whose answer is not too large.
pub fn query() -> impl Strategy<Value = Query> {
    let unit = proptest::option::weighted(0.7, select(Unit::ALL.to_vec()));
    let time = unit.prop_flat_map(|unit| (Just(unit), range(unit), zone()));
    let top = proptest::option::weighted(0.3, 1..5_usize);
    (measure(), filter(), by(), time, top).prop_map(|(measure, filter, by, (unit, (from, to), zone), top)| {
        let bucket = unit.map(|unit| Bucket { unit, zone });
        Query {
            measure,
            filter,
            from,
            to,
            by,
            bucket,
            top,
        }
    })
}

fn by() -> impl Strategy<Value = Vec<Field>> {
    prop_oneof![2 => Just(0), 3 => Just(1), 1 => Just(2), 1 => Just(3)].prop_flat_map(|count| {
        proptest::collection::vec(field(), count).prop_map(|fields| {
            let mut by: Vec<Field> = Vec::new();
            for field in fields {
                if !by.contains(&field) {
                    by.push(field);
                }
            }
            by
        })
    })
}

/// A list question without a cursor.
pub fn page() -> impl Strategy<Value = Page> {
    let order = select(vec![Order::Ascending, Order::Descending]);
    (filter(), range(None), order, 1..20_usize).prop_map(|(filter, (from, to), order, limit)| Page {
        filter,
        from,
        to,
        order,
        limit,
        cursor: None,
        upcast: None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::strategy::{Strategy as _, ValueTree as _};
    use proptest::test_runner::TestRunner;

    use super::{by, range};
    use crate::query::Unit;

    const MINUTE: i64 = 60_000_000;

    #[test]
    fn ranges_are_as_long_as_their_unit_can_bear() {
        let mut runner = TestRunner::deterministic();
        let days = 24 * 60;
        for (unit, most, is_open) in [
            (Some(Unit::Minute), 240, false),
            (Some(Unit::Hour), 6 * days, false),
            (Some(Unit::Day), 300 * days, true),
            (None, 300 * days, true),
        ] {
            let range = range(unit);
            let mut drawn = |_| range.new_tree(&mut runner).unwrap().current();
            let drawn: Vec<_> = (0..400).map(&mut drawn).collect();
            let open = |from: bool, to: bool| {
                let is_so = |(start, end): &&(Option<_>, Option<_>)| (start.is_none(), end.is_none()) == (from, to);
                drawn.iter().filter(is_so).count()
            };
            for count in [open(true, true), open(true, false), open(false, true)] {
                assert_eq!(count > 20, is_open, "{unit:?}: {count}");
            }
            assert!(open(false, false) > 100);
            let closed = drawn
                .iter()
                .filter_map(|(from, to)| Some((from.as_ref()?, to.as_ref()?)));
            let lengths: Vec<i64> = closed.map(|(from, to)| to.as_micros() - from.as_micros()).collect();
            let count = |holds: &dyn Fn(i64) -> bool| lengths.iter().filter(|length| holds(**length)).count();
            assert_eq!(count(&|length| (0..most * MINUTE).contains(&length)), lengths.len());
            // Nothing, little, much, and a microsecond more than minutes.
            let some = [
                count(&|length| length < MINUTE),
                count(&|length| length > most * MINUTE / 2),
                count(&|length| length > most * MINUTE * 9 / 10),
                count(&|length| (1..most * MINUTE / 8).contains(&length)) / 3,
                count(&|length| length % MINUTE == 1),
                count(&|length| length % MINUTE == 2),
            ];
            assert!(some.iter().all(|count| *count > 5), "{unit:?}: {some:?}");
        }
    }

    #[test]
    fn groups_are_by_no_field_twice() {
        let mut runner = TestRunner::deterministic();
        let mut lengths = [0; 4];
        for _ in 0..200 {
            let fields = by().new_tree(&mut runner).unwrap().current();
            let is_repeated = |at: usize| fields[..at].contains(&fields[at]);
            assert!(!(0..fields.len()).any(is_repeated), "{fields:?}");
            lengths[fields.len()] += 1;
        }
        assert!(lengths.iter().all(|count| *count > 10), "{lengths:?}");
    }
}
