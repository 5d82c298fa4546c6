//! Events that collide: few types, few subjects, few instants, and values that meet.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::event::{Event, Reception};
use crate::json::Pointer;
use crate::limits::Limits;
use crate::name::{EventId, Source};
use crate::timestamp::Timestamp;

/// Instants around the moves of the clock in 2026 that [`zone`](super::zone)s know: New York,
/// Havana and St John's; London and Paris; Lord Howe; Cairo; New York, Havana and St John's again.
const MOVES: [&str; 5] = [
    "2026-03-08T06:00:00Z",
    "2026-03-29T01:00:00Z",
    "2026-04-04T15:00:00Z",
    "2026-10-29T21:00:00Z",
    "2026-11-01T05:00:00Z",
];

/// An instant of 2026 within two days of a move of some clock, often a full quarter of an hour or
/// a microsecond beside one, so that edges are met and times tie.
pub fn instant() -> impl Strategy<Value = Timestamp> {
    const QUARTER: i64 = 15 * 60 * 1_000_000;
    let beside = prop_oneof![6 => Just(0), 1 => Just(1), 1 => Just(-1), 2 => 0..QUARTER];
    (0..MOVES.len(), -192..192_i64, beside).prop_map(|(at, quarters, beside)| {
        // Each of the texts above is a time.
        let moved: Timestamp = MOVES[at].parse().unwrap_or(Timestamp::MIN);
        moved.saturating_add_micros(quarters * QUARTER + beside)
    })
}

/// A number that sums, averages and comparisons are hard on: ties, decimals, both ends of `i64`,
/// huge and tiny floats.
pub fn number() -> impl Strategy<Value = Value> {
    let numbers = [
        json!(0),
        json!(1),
        json!(-1),
        json!(2),
        json!(10),
        json!(0.1),
        json!(0.2),
        json!(0.3),
        json!(-0.25),
        json!(12.5),
        json!(99.99),
        json!(0.000_001),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(9_007_199_254_740_993_i64),
        json!(9_007_199_254_740_992_i64),
        json!(1e19),
        json!(-1e19),
        json!(1e300),
        json!(-1e300),
        json!(1e-300),
        json!(1.797_693_134_862_315_7e308),
        json!(5e-324),
    ];
    proptest::sample::select(numbers.to_vec())
}

/// A string that comparisons are hard on: capitals, wildcards, quotes, what looks like another
/// kind of value, and characters on which orders of text differ.
pub fn string() -> impl Strategy<Value = String> {
    let strings = [
        "",
        " ",
        "a",
        "A",
        "ab",
        "aB",
        "a b",
        "b",
        "é",
        "e\u{301}",
        "É",
        "ß",
        "a\"b",
        "a\\b",
        "a\nb",
        "a\u{1f}",
        "%",
        "a%b",
        "_",
        "a_b",
        "*",
        "[a]",
        "'",
        "''",
        "1",
        "1.0",
        "10",
        "9",
        "null",
        "true",
        "{}",
        "\u{7f}",
        "\u{ffff}",
        "\u{e000}",
        "\u{10000}",
        "😀",
    ];
    proptest::sample::select(strings.map(str::to_owned).to_vec())
}

/// A scalar that events hold and filters ask for.
pub fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        4 => number(),
        4 => string().prop_map(Value::from),
    ]
}

/// A place in the data of [`event`]s, a few of them where nothing is or where a container is.
pub fn pointer() -> impl Strategy<Value = Pointer> {
    let pointers: [&[&str]; 14] = [
        &["n"],
        &["n"],
        &["n"],
        &["s"],
        &["s"],
        &["deep", "x"],
        &["list", "0"],
        &["0"],
        &["m~/k"],
        &["a.b \"c\""],
        &["é$"],
        &["deep"],
        &["list"],
        &["n", "missing"],
    ];
    proptest::sample::select(
        pointers
            .map(|tokens| Pointer::from_tokens(tokens.iter().copied()))
            .to_vec(),
    )
}

fn data() -> impl Strategy<Value = Value> {
    let odd = || proptest::option::of(scalar());
    let deep = prop_oneof![3 => scalar().prop_map(|x| json!({"x": x})), 1 => scalar()];
    let list = proptest::collection::vec(scalar(), 0..3);
    let number = prop_oneof![6 => number(), 1 => scalar()];
    let parts = (
        proptest::option::weighted(0.9, number),
        proptest::option::of(string()),
        proptest::option::of(deep),
        proptest::option::of(list),
        [odd(), odd(), odd(), odd()],
    );
    parts.prop_map(|(n, s, deep, list, [zero, tilde, quote, dollar])| {
        let members = [
            ("n", n),
            ("s", s.map(Value::from)),
            ("deep", deep),
            ("list", list.map(Value::from)),
            ("0", zero),
            ("m~/k", tilde),
            ("a.b \"c\"", quote),
            ("é$", dollar),
        ];
        let present = members
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Value::Object(present.collect())
    })
}

/// A category or a name of [`event`]s.
pub(super) fn label() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["page", "Page", "page view", "é", "<b>"])
}

/// A version of [`event`]s.
pub(super) fn version() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["1", "2", "10"])
}

/// A source or session of [`event`]s.
pub(super) fn id() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["a", "A", "b", "a_", "a%"])
}

/// A subject of [`event`]s.
pub(super) fn subject() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["ann", "Ann", "ann ", "é", "7"])
}

/// An event of a small world, in which filters hit and groups collide.
pub fn event() -> impl Strategy<Value = Event> {
    let envelope = (
        label(),
        label(),
        proptest::option::of(version()),
        id(),
        proptest::option::of(id()),
        proptest::option::of(subject()),
    );
    let sequence = proptest::option::of(0..5_u64);
    ("[abAB]{1,2}", envelope, sequence, instant(), data()).prop_filter_map(
        "an event of this world is well-formed",
        |(id, (category, name, version, source, session, subject), sequence, at, data)| {
            let mut event = Event::builder(category, name)
                .id(id)
                .source(source)
                .occurred_at(at)
                .data(data);
            if let Some(version) = version {
                event = event.version(version);
            }
            if let Some(session) = session {
                event = event.session_id(session);
            }
            if let Some(subject) = subject {
                event = event.subject(subject);
            }
            if let Some(sequence) = sequence {
                event = event.sequence(sequence);
            }
            build(event)
        },
    )
}

/// Up to `most` events of which no two are the same by source and id; ids differ by case only.
pub fn events(most: usize) -> impl Strategy<Value = Vec<Event>> {
    proptest::collection::vec(event(), 0..=most).prop_map(|events| {
        let renamed = events.into_iter().enumerate().filter_map(|(at, event)| {
            let id = format!("{}{}", if at % 2 == 0 { 'e' } else { 'E' }, at / 2);
            let mut envelope = event.envelope().clone();
            envelope.id = EventId::new(id).ok()?;
            let hash = event.content_hash();
            // The id is no part of what the hash is for: it tells contents under one id apart.
            Some(Event::from_parts(
                envelope,
                event.payload().clone(),
                event.flags(),
                hash,
            ))
        });
        renamed.collect()
    })
}

fn build(event: crate::event::EventBuilder) -> Option<Event> {
    let (source, id) = (Source::new("none").ok()?, EventId::new("none").ok()?);
    let reception = Reception {
        received_at: Timestamp::MIN,
        source: &source,
        zone: chrono_tz::Tz::UTC,
        limits: Limits::DEFAULT,
        new_id: &|| id.clone(),
    };
    event.build(&reception).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::strategy::{Strategy as _, ValueTree as _};
    use proptest::test_runner::TestRunner;

    use super::{MOVES, events, instant};
    use crate::timestamp::Timestamp;

    #[test]
    fn instants_are_near_moves_of_clocks() {
        const QUARTER: i64 = 15 * 60 * 1_000_000;
        let mut runner = TestRunner::deterministic();
        let moves = MOVES.map(|text| text.parse::<Timestamp>().unwrap().as_micros());
        let (mut near, mut beside) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..500 {
            let at = instant().new_tree(&mut runner).unwrap().current().as_micros();
            let nearest = moves.iter().min_by_key(|moved| (at - **moved).abs()).unwrap();
            assert!((at - nearest).abs() < 193 * QUARTER);
            near.insert((*nearest, (at - nearest) / (96 * QUARTER)));
            beside.insert(at.rem_euclid(QUARTER));
        }
        // Two days before and behind each of them.
        assert_eq!(
            near.iter().map(|(moved, _)| moved).collect::<BTreeSet<_>>().len(),
            MOVES.len()
        );
        assert!(near.iter().any(|(_, day)| *day == 1) && near.iter().any(|(_, day)| *day == -1));
        for exact in [0, 1, QUARTER - 1] {
            assert!(beside.contains(&exact), "{exact}");
        }
        assert!(beside.len() > 50);
    }

    #[test]
    fn no_two_events_have_one_id() {
        let mut runner = TestRunner::deterministic();
        for _ in 0..20 {
            let events = events(9).new_tree(&mut runner).unwrap().current();
            let ids: Vec<String> = events.iter().map(|event| event.envelope().id.to_string()).collect();
            let expected = ["e0", "E0", "e1", "E1", "e2", "E2", "e3", "E3", "e4"];
            assert_eq!(ids, expected[..ids.len()]);
        }
    }
}
