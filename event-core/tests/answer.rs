//! The answer against a model of its meaning that is as plain as can be, and against itself: a set
//! of events split anyhow, in any order, has one answer.

#![allow(clippy::unwrap_used)]

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike as _, NaiveDateTime, Offset as _, TimeZone as _, Timelike as _, Utc};
use event_core::aggregate::Tally;
use event_core::aggregate::{GroupKey, Origin, Summary};
use event_core::decimal::Decimal;
use event_core::filter::{Condition, Field, Found, Scalar, Test};
use event_core::json::Kind;
use event_core::query::Measure;
use event_core::query::{Bucket, QueryError, Unit};
use event_core::{Answer, Event, Query, Timestamp, answer, arbitrary};
use proptest::prelude::*;
use serde_json::Value;

/// A row of the model: bucket, group and value, everything as text.
type Row = (
    Option<(String, String, bool)>,
    Option<Vec<(String, String)>>,
    Option<String>,
);

fn rows(answer: &Answer) -> Vec<Row> {
    let row = |row: &event_core::aggregate::Row| {
        let bucket = row
            .bucket
            .map(|span| (span.start.to_string(), span.end.to_string(), span.partial));
        let group = row.group.as_ref().map(|group| {
            group
                .iter()
                .map(|(field, text)| (field.to_string(), text.to_owned()))
                .collect()
        });
        (bucket, group, row.value.as_ref().map(Decimal::to_string))
    };
    answer.rows.iter().map(row).collect()
}

mod model {
    use super::*;

    fn value(event: &Event, field: &Field) -> Option<Value> {
        let envelope = event.envelope();
        let text = match field {
            Field::Category => Some(envelope.event_type.category.to_string()),
            Field::Name => Some(envelope.event_type.name.to_string()),
            Field::Version => envelope.version.as_ref().map(ToString::to_string),
            Field::Source => Some(envelope.source.to_string()),
            Field::SessionId => envelope.session_id.as_ref().map(ToString::to_string),
            Field::Subject => envelope.subject.as_ref().map(ToString::to_string),
            Field::Data(pointer) => return event.payload().root().to_value().pointer(&pointer.to_string()).cloned(),
        };
        text.map(Value::from)
    }

    fn number(value: &Value) -> Option<Decimal> {
        value.is_number().then(|| value.to_string().parse().unwrap())
    }

    fn equal(value: Option<&Value>, scalar: &Scalar) -> bool {
        let scalar: Value = serde_json::to_value(scalar).unwrap();
        match (value.unwrap_or(&Value::Null), &scalar) {
            (Value::Number(_), Value::Number(_)) => number(value.unwrap()) == number(&scalar),
            (a, b) => a == b,
        }
    }

    /// Whether a value lies at or above a bound; nothing where they cannot be compared.
    fn at_least(value: &Value, bound: &Scalar) -> Option<bool> {
        match (value, bound) {
            (Value::String(value), Scalar::String(bound)) => Some(value.as_bytes() >= bound.as_bytes()),
            (Value::Number(_), Scalar::Number(bound)) => Some(number(value)? >= Decimal::from(*bound)),
            _ => None,
        }
    }

    fn holds(event: &Event, Condition { field, test }: &Condition) -> bool {
        let value = value(event, field);
        match test {
            Test::Equals(scalar) => equal(value.as_ref(), scalar),
            Test::OneOf(scalars) => scalars.iter().any(|scalar| equal(value.as_ref(), scalar)),
            Test::Contains(text) => {
                value.is_some_and(|value| value.as_str().is_some_and(|string| string.contains(text)))
            }
            Test::Range { from, to } => value.is_some_and(|value| {
                let from = from.as_ref().map(|from| at_least(&value, from) == Some(true));
                let to = to.as_ref().map(|to| at_least(&value, to) == Some(false));
                (from.is_some() || to.is_some()) && from.unwrap_or(true) && to.unwrap_or(true)
            }),
        }
    }

    fn measured(measure: &Measure, events: &[&Event]) -> Option<Decimal> {
        if let Measure::Unique(field) | Measure::AboutUnique(field) = measure {
            // So few values as there are here are told exactly by a sketch, too.
            let values = events.iter().filter_map(|event| value(event, field));
            let different: BTreeSet<String> = values
                .filter(|value| !value.is_null())
                .map(|it| it.to_string())
                .collect();
            return Some(Decimal::from(different.len() as u64));
        }
        let Some(pointer) = measure.pointer() else {
            return Some(Decimal::from(events.len() as u64));
        };
        let field = Field::Data(pointer.clone());
        let numbers: Vec<Decimal> = events
            .iter()
            .filter_map(|event| value(event, &field).as_ref().and_then(number))
            .collect();
        let sum = || numbers.iter().cloned().sum::<Decimal>();
        match measure {
            Measure::Count => None,
            Measure::Sum(_) => Some(sum()),
            Measure::Average(_) => sum().div_round_half_even(numbers.len() as u64, 12),
            Measure::Minimum(_) => numbers.iter().min().cloned(),
            Measure::Maximum(_) => numbers.iter().max().cloned(),
            Measure::Percentile(percent, _) => {
                // The least number that such a share of all is not greater than.
                let mut sorted = numbers.clone();
                sorted.sort();
                let share: f64 = percent.to_string().parse().unwrap();
                let of = |number: &Decimal| numbers.iter().filter(|other| *other <= number).count() as f64;
                sorted
                    .into_iter()
                    .find(|number| of(number) * 100.0 >= share * numbers.len() as f64 - 1e-9)
            }
            Measure::Unique(_) | Measure::AboutUnique(_) => None,
        }
    }

    fn order(a: &Value, b: &Value) -> Ordering {
        let rank = |value: &Value| match value {
            Value::Null => 0,
            Value::Bool(false) => 1,
            Value::Bool(true) => 2,
            Value::Number(_) => 3,
            Value::String(_) => 4,
            _ => 5,
        };
        rank(a).cmp(&rank(b)).then_with(|| match (a, b) {
            (Value::Number(_), _) => number(a).cmp(&number(b)),
            (Value::String(a), Value::String(b)) => a.as_bytes().cmp(b.as_bytes()),
            _ => written(a).cmp(&written(b)),
        })
    }

    /// A value as payloads have it: `serde_json` writes 1e19 as 1e+19.
    fn written(value: &Value) -> String {
        match value {
            Value::Number(number) => number.to_string().replace("e+", "e"),
            Value::Array(values) => format!("[{}]", values.iter().map(written).collect::<Vec<_>>().join(",")),
            Value::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), written(value)));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
            }
            value => value.to_string(),
        }
    }

    fn orders(a: &[Value], b: &[Value]) -> Ordering {
        a.iter()
            .zip(b)
            .map(|(a, b)| order(a, b))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    const MINUTE: i64 = 60_000_000;

    /// The edges of all buckets around a stretch of time, found by looking at a clock: every quarter
    /// of an hour, on which all clocks of 2026 are moved, or every minute.
    fn edges(bucket: Bucket, from: i64, to: i64) -> Vec<i64> {
        let (step, margin) = match bucket.unit {
            Unit::Minute => (MINUTE, 5 * MINUTE),
            Unit::Hour => (15 * MINUTE, 180 * MINUTE),
            Unit::Day => (15 * MINUTE, 3 * 1440 * MINUTE),
            Unit::Week => (15 * MINUTE, 9 * 1440 * MINUTE),
            Unit::Month => (15 * MINUTE, 34 * 1440 * MINUTE),
        };
        let mut edges = Vec::new();
        let mut shown: Option<(NaiveDateTime, i32)> = None;
        let mut at = (from - margin) / (15 * MINUTE) * 15 * MINUTE;
        while at < to + margin {
            let local = bucket
                .zone
                .from_utc_datetime(&DateTime::<Utc>::from_timestamp_micros(at).unwrap().naive_utc());
            let (date, hour) = (local.date_naive(), local.hour());
            let weekday = u64::from(local.weekday().num_days_from_monday());
            let midnight = |date: chrono::NaiveDate| (date.and_hms_opt(0, 0, 0).unwrap(), 0);
            let shows = match bucket.unit {
                Unit::Minute => (
                    date.and_hms_opt(hour, local.minute(), 0).unwrap(),
                    local.offset().fix().local_minus_utc(),
                ),
                Unit::Hour => (
                    date.and_hms_opt(hour, 0, 0).unwrap(),
                    local.offset().fix().local_minus_utc(),
                ),
                Unit::Day => midnight(date),
                Unit::Week => midnight(date.checked_sub_days(chrono::Days::new(weekday)).unwrap()),
                Unit::Month => midnight(date.with_day(1).unwrap()),
            };
            // The calendar is torn off once: a date that comes again is no new one.
            let turned = match bucket.unit {
                Unit::Minute | Unit::Hour => shown != Some(shows),
                _ => shown.is_none_or(|shown| shown < shows),
            };
            if turned {
                edges.extend(shown.is_some().then_some(at));
                shown = Some(shows);
            }
            at += step;
        }
        edges
    }

    fn buckets(query: &Query, bucket: Bucket, events: &[&Event]) -> Vec<(i64, i64)> {
        let times = || events.iter().map(|event| event.envelope().occurred_at.as_micros());
        let first = query.from.map(Timestamp::as_micros).or(times().min());
        let last = query.to.map(|to| to.as_micros() - 1).or(times().max());
        let (Some(first), Some(last)) = (first, last) else {
            return Vec::new();
        };
        if last < first || ((query.from.is_none() || query.to.is_none()) && events.is_empty()) {
            return Vec::new();
        }
        let edges = edges(bucket, first, last);
        edges
            .windows(2)
            .filter(|edge| first < edge[1] && edge[0] <= last)
            .map(|edge| (edge[0], edge[1]))
            .collect()
    }

    pub(super) fn answer(query: &Query, events: &[Event]) -> Vec<Row> {
        let in_range = |event: &&Event| {
            let at = event.envelope().occurred_at;
            query.from.is_none_or(|from| from <= at) && query.to.is_none_or(|to| at < to)
        };
        let chosen: Vec<&Event> = events
            .iter()
            .filter(in_range)
            .filter(|event| query.filter.all.iter().all(|condition| holds(event, condition)))
            .collect();
        let mut groups: BTreeMap<Vec<String>, (Vec<Value>, Vec<&Event>)> = BTreeMap::new();
        if query.by.is_empty() {
            groups.entry(Vec::new()).or_default();
        }
        for event in &chosen {
            let key: Vec<Value> = query
                .by
                .iter()
                .map(|field| value(event, field).unwrap_or_default())
                .collect();
            let texts = key.iter().map(ToString::to_string).collect();
            groups.entry(texts).or_insert_with(|| (key, Vec::new())).1.push(event);
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        groups.sort_by(|(a, _), (b, _)| orders(a, b));
        if let Some(top) = query.top {
            // Stable: groups of one value stay in the order of their keys.
            groups.sort_by_key(|(_, events)| std::cmp::Reverse(measured(&query.measure, events)));
            groups.truncate(top);
        }
        let buckets: Vec<Option<(i64, i64)>> = match query.bucket {
            None => vec![None],
            Some(bucket) => buckets(query, bucket, &chosen).into_iter().map(Some).collect(),
        };
        let row = |bucket: Option<(i64, i64)>, (key, events): &(Vec<Value>, Vec<&Event>)| -> Row {
            let inside = |event: &&&Event| {
                let at = event.envelope().occurred_at.as_micros();
                bucket.is_none_or(|(start, end)| start <= at && at < end)
            };
            let events: Vec<&Event> = events.iter().filter(inside).copied().collect();
            let span = bucket.map(|(start, end)| {
                let cut_start = query.from.map_or(start, |from| start.max(from.as_micros()));
                let cut_end = query.to.map_or(end, |to| end.min(to.as_micros()));
                let text = |micros| Timestamp::from_micros(micros).unwrap().to_string();
                (text(cut_start), text(cut_end), (cut_start, cut_end) != (start, end))
            });
            let canonical = |value: &Value| match value {
                Value::Number(_) => arbitrary_number(value),
                value => value.to_string(),
            };
            let names = query.by.iter().map(ToString::to_string);
            let group: Vec<_> = names.zip(key.iter().map(canonical)).collect();
            let value = measured(&query.measure, &events).map(|value| value.to_string());
            (span, (!group.is_empty()).then_some(group), value)
        };
        match query.top {
            Some(_) => groups
                .iter()
                .flat_map(|group| buckets.iter().map(|bucket| row(*bucket, group)))
                .collect(),
            None => buckets
                .iter()
                .flat_map(|bucket| groups.iter().map(|group| row(*bucket, group)))
                .collect(),
        }
    }

    /// Canonical text of a number, as `event_core` writes it.
    fn arbitrary_number(value: &Value) -> String {
        let scalar: Scalar = serde_json::from_value(value.clone()).unwrap();
        scalar.text()
    }
}

/// Containers are values of groups too; their numbers are written as the payload has them.
fn comparable(rows: Vec<Row>) -> Vec<Row> {
    let plain = |text: String| serde_json::from_str::<Value>(&text).unwrap().to_string();
    let group = |group: Vec<(String, String)>| group.into_iter().map(|(field, text)| (field, plain(text))).collect();
    rows.into_iter()
        .map(|(bucket, key, value)| (bucket, key.map(group), value))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_answer_is_what_the_model_says(query in arbitrary::query(), events in arbitrary::events(30)) {
        let answer = answer(&query, &events).unwrap();
        prop_assert_eq!(comparable(rows(&answer)), comparable(model::answer(&query, &events)));
    }

    #[test]
    fn any_split_in_any_order_has_one_answer(
        query in arbitrary::query(),
        events in arbitrary::events(30),
        order in any::<u64>(),
        parts in 1..5_usize,
    ) {
        let whole = answer(&query, &events).unwrap();
        // Events one by one, and each as a cell of its own, to which of the parts chance says.
        let mut tallies: Vec<Tally> = (0..parts).map(|_| Tally::new(&query).unwrap()).collect();
        let mut shuffled: Vec<(u64, &Event)> =
            events.iter().enumerate().map(|(at, event)| (mixed(order, at), event)).collect();
        shuffled.sort_by_key(|(key, _)| *key);
        for (key, event) in shuffled {
            let tally = &mut tallies[usize::try_from(key % parts as u64).unwrap()];
            if key & 256 == 0 || !query.filter.matches(event) || !query.covers(event.envelope().occurred_at) {
                tally.add(event);
            } else {
                let (at, group, cell) = as_cell(&query.counting(), event);
                tally.add_cell(at, group, &cell);
            }
        }
        let merged = tallies.into_iter().reduce(|mut a, b| {
            a.merge(b);
            a
        });
        prop_assert_eq!(merged.unwrap().answer().unwrap(), whole);
    }
}

proptest! {
    #[test]
    fn what_is_kept_in_columns_has_the_same_answer(query in arbitrary::query(), events in arbitrary::events(30)) {
        let mut tally = Tally::new(&query).unwrap();
        for event in &events {
            tally.add_found(event.envelope().occurred_at, |_, field| match field.find(event.envelope(), event.payload())? {
                Found::Node(node) => Some(match node.kind() {
                    Kind::Null => Found::Null,
                    Kind::Bool => Found::Bool(node.as_bool().unwrap()),
                    Kind::Number => Found::Number(node.as_number().unwrap()),
                    Kind::String | Kind::Array | Kind::Object => Found::Node(node),
                }),
                found => Some(found),
            });
        }
        prop_assert_eq!(tally.answer().unwrap(), answer(&query, &events).unwrap());
    }

    #[test]
    fn an_answer_reads_back(query in arbitrary::query(), events in arbitrary::events(30)) {
        let answer = answer(&query, &events).unwrap().with_source(Origin::Cells, Some(7));
        prop_assert_eq!((answer.source, answer.position), (Origin::Cells, Some(7)));
        let text = serde_json::to_string(&answer).unwrap();
        let read: Answer = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
        prop_assert_eq!(read, answer);
    }
}

fn mixed(seed: u64, at: usize) -> u64 {
    (seed ^ at as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(29)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// An event as a store would count it: by granule, and by exponent.
fn as_cell(query: &Query, event: &Event) -> (Timestamp, GroupKey, Summary) {
    let at = event.envelope().occurred_at;
    let granule = query.bucket.map_or(1, |bucket| bucket.granule(query.from, query.to));
    let at = Timestamp::from_micros(at.as_micros() / granule * granule).unwrap();
    let text = |field: &Field| Some(field.find(event.envelope(), event.payload())?.text());
    let texts: Vec<Option<String>> = query.by.iter().map(text).collect();
    let mut cell = Summary::default();
    cell.add_events(1);
    let number = query
        .measure
        .pointer()
        .and_then(|pointer| event.payload().pointer(pointer)?.as_number());
    if let Some(number) = number {
        let (mantissa, exponent) = number.parts();
        cell.add_sum(1, i128::from(mantissa), i16::try_from(exponent).unwrap());
        cell.add_extremes(number, number);
    }
    (at, GroupKey::new(texts.iter().map(Option::as_deref)), cell)
}

fn query(text: &str) -> Query {
    Query::from_json(text.as_bytes()).unwrap()
}

/// An order of a subject, with a value, at a time.
fn order(subject: &str, value: &str, at: &str) -> Event {
    let source = event_core::Source::new("shop").unwrap();
    let reception = event_core::event::Reception {
        received_at: Timestamp::MIN,
        source: &source,
        zone: chrono_tz::Tz::UTC,
        limits: event_core::Limits::default(),
        new_id: &|| event_core::EventId::new("made-here").unwrap(),
    };
    let text = format!(
        r#"{{"category":"order","name":"created","subject":"{subject}","occurred_at":"{at}","data":{{"value":{value}}}}}"#
    );
    Event::from_slice(text.as_bytes(), &reception).unwrap()
}

fn values(query: &Query, events: &[Event]) -> Vec<String> {
    let text = |row: &event_core::aggregate::Row| row.value.as_ref().map_or("null".to_owned(), Decimal::to_string);
    answer(query, events).unwrap().rows.iter().map(text).collect()
}

#[test]
fn sums_are_exact_at_all_sizes() {
    let total = |values_: &[&str]| {
        let events: Vec<Event> = values_.iter().map(|value| order("a", value, "2026-01-01")).collect();
        values(&query(r#"{"measure": "sum:/value"}"#), &events).remove(0)
    };
    assert_eq!(total(&["0.1", "0.2"]), "0.3");
    assert_eq!(total(&["1e300", "1e-300", "-1e300"]), format!("0.{}1", "0".repeat(299)));
    assert_eq!(total(&["9223372036854775807"; 1000]), "9223372036854775807000");
    assert_eq!(total(&["-9223372036854775808", "9223372036854775807"]), "-1");
    assert_eq!(total(&["\"1\"", "null", "true", "[1]"]), "0");
}

#[test]
fn what_is_measured_of_nothing() {
    let none: [Event; 0] = [];
    for (measure, value) in [
        ("count", "0"),
        ("sum:/v", "0"),
        ("average:/v", "null"),
        ("minimum:/v", "null"),
    ] {
        assert_eq!(
            values(&query(&format!(r#"{{"measure": "{measure}"}}"#)), &none),
            [value],
            "{measure}"
        );
        assert!(values(&query(&format!(r#"{{"measure": "{measure}", "by": "name"}}"#)), &none).is_empty());
        assert!(
            values(
                &query(&format!(r#"{{"measure": "{measure}", "bucket": "day"}}"#)),
                &none
            )
            .is_empty()
        );
    }
    let day = r#"{"bucket": "hour", "from": "2026-01-01", "to": "2026-01-02"}"#;
    assert_eq!(values(&query(day), &none), ["0"; 24]);
    let instant = r#"{"bucket": "hour", "from": "2026-01-01", "to": "2026-01-01"}"#;
    assert!(values(&query(instant), &none).is_empty());
    assert_eq!(
        values(&query(r#"{"from": "2026-01-01", "to": "2026-01-01"}"#), &none),
        ["0"]
    );
}

#[test]
fn an_average_is_over_what_has_a_number() {
    let events = ["1", "2", "2", "\"x\"", "null"].map(|value| order("a", value, "2026-01-01"));
    assert_eq!(
        values(&query(r#"{"measure": "average:/value"}"#), &events),
        ["1.666666666667"]
    );
    assert_eq!(values(&query(r#"{"measure": "count"}"#), &events), ["5"]);
}

#[test]
fn the_range_cuts_its_first_and_its_last_bucket() {
    let query = query(
        r#"{"bucket": "hour", "zone": "Asia/Kolkata", "from": "2026-01-01 10:15:00", "to": "2026-01-01 12:00:00"}"#,
    );
    let answer = answer(&query, &[order("a", "1", "2026-01-01T10:20:00+05:30")]).unwrap();
    let text = serde_json::to_string(&answer).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"rows":[{"bucket":{"start":"2026-01-01T04:45:00Z","end":"2026-01-01T05:30:00Z","partial":true},"value":"1"},"#,
            r#"{"bucket":{"start":"2026-01-01T05:30:00Z","end":"2026-01-01T06:30:00Z","partial":false},"value":"0"}],"#,
            r#""source":"memory"}"#,
        )
    );
}

#[test]
fn the_range_has_its_start_and_not_its_end() {
    let events = [
        "2025-12-31T23:59:59.999999Z",
        "2026-01-01",
        "2026-01-01T23:59:59.999999Z",
        "2026-01-02",
    ];
    let events = events.map(|at| order("a", "1", at));
    for (range, count) in [
        (r#""from": "2026-01-01", "to": "2026-01-02""#, "2"),
        (r#""to": "2026-01-01""#, "1"),
    ] {
        assert_eq!(values(&query(&format!("{{{range}}}")), &events), [count]);
        assert_eq!(
            values(&query(&format!(r#"{{"bucket": "day", {range}}}"#)), &events),
            [count]
        );
    }
}

#[test]
fn a_range_with_one_end_is_full_from_there_to_the_events() {
    let events = ["2026-01-03T12:00:00Z", "2026-01-04T12:00:00Z"].map(|at| order("a", "1", at));
    for (range, counts) in [
        (r#""from": "2026-01-01T12:00:00Z""#, vec!["0", "0", "1", "1"]),
        (r#""to": "2026-01-06T12:00:00Z""#, vec!["1", "1", "0", "0"]),
        (r#""from": "2026-01-05""#, vec![]),
        (r#""to": "2026-01-03""#, vec![]),
    ] {
        let query = query(&format!(r#"{{"bucket": "day", {range}}}"#));
        assert_eq!(values(&query, &events), counts, "{range}");
        let rows = answer(&query, &events).unwrap().rows;
        let partial: Vec<bool> = rows.iter().map(|row| row.bucket.unwrap().partial).collect();
        let ends = (query.from.is_some(), query.to.is_some());
        for (at, partial) in partial.iter().enumerate() {
            assert_eq!(
                *partial,
                (at == 0 && ends.0) || (at + 1 == counts.len() && ends.1),
                "{range}"
            );
        }
    }
}

#[test]
fn the_greatest_groups_and_ties_by_key() {
    let events = [
        order("b", "2", "2026-01-01"),
        order("a", "2", "2026-01-02"),
        order("c", "1", "2026-01-02"),
        order("c", "1.5", "2026-01-03"),
        order("d", "\"none\"", "2026-01-03"),
    ];
    let top = query(r#"{"measure": "sum:/value", "by": ["subject"], "top": 3}"#);
    let keys: Vec<String> = answer(&top, &events)
        .unwrap()
        .rows
        .iter()
        .map(|row| row.group.as_ref().unwrap().iter().next().unwrap().1.to_owned())
        .collect();
    assert_eq!(keys, ["\"c\"", "\"a\"", "\"b\""]);
    // With buckets: the series of the groups that are the greatest over the whole range.
    let series = query(
        r#"{"measure": "sum:/value", "by": ["subject"], "top": 2, "bucket": "day", "from": "2026-01-01", "to": "2026-01-04"}"#,
    );
    assert_eq!(values(&series, &events), ["0", "1", "1.5", "0", "2", "0"]);
    // A group without a value ranks last, but ranks.
    let least = query(r#"{"measure": "minimum:/value", "by": ["subject"], "top": 4}"#);
    assert_eq!(values(&least, &events), ["2", "2", "1", "null"]);
}

#[test]
fn an_answer_has_a_size() {
    let too_large = |text: &str, events: &[Event]| answer(&query(text), events).unwrap_err();
    let century = r#"{"bucket": "minute", "from": "1970-01-01", "to": "9999-01-01"}"#;
    assert_eq!(too_large(century, &[]), QueryError::RangeTooLarge);
    let far = [order("a", "1", "1970-01-01"), order("b", "1", "2026-01-01")];
    assert_eq!(too_large(r#"{"bucket": "minute"}"#, &far), QueryError::RangeTooLarge);
    assert_eq!(values(&query(r#"{"bucket": "month"}"#), &far).len(), 56 * 12 + 1);
    let minutes = |count: i64| {
        let to = Timestamp::from_micros(count * 60_000_000).unwrap();
        format!(r#"{{"bucket": "minute", "from": "1970-01-01", "to": "{to}"}}"#)
    };
    assert_eq!(values(&query(&minutes(100_000)), &[]).len(), 100_000);
    assert_eq!(too_large(&minutes(100_001), &[]), QueryError::RangeTooLarge);
    // Rows are groups times buckets.
    let groups: Vec<Event> = (0..11).map(|at| order(&at.to_string(), "1", "1970-01-01")).collect();
    let by = |top: &str| minutes(100_000).replacen('{', &format!(r#"{{"by": ["subject"], {top}"#), 1);
    assert_eq!(too_large(&by(""), &groups), QueryError::RangeTooLarge);
    assert_eq!(values(&query(&by(r#""top": 10, "#)), &groups).len(), 1_000_000);
}

#[test]
fn the_ends_of_time_are_buckets_too() {
    let ends = [
        order("a", "1", "1970-01-01"),
        order("a", "1", "9999-12-31T23:59:59.999999Z"),
    ];
    for zone in ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati"] {
        for unit in ["minute", "hour", "day", "week", "month"] {
            for event in &ends {
                let query = query(&format!(r#"{{"bucket": "{unit}", "zone": "{zone}"}}"#));
                let answer = answer(&query, [event]).unwrap();
                assert_eq!(answer.rows.len(), 1, "{zone} {unit}");
                assert!(!answer.rows[0].bucket.unwrap().partial);
            }
        }
    }
}
