//! Events and questions on which databases differ: texts that one takes for equal and another does
//! not, for its own words, or for numbers; keys that a path must quote; values beyond a float.

use event_core::event::Reception;
use event_core::filter::{Condition, Field, Found, Scalar, Test};
use event_core::query::Measure;
use event_core::{Event, EventId, Limits, Pointer, Query, Source, Timestamp, arbitrary};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

/// Texts without space at their ends or control characters: names and subjects have some, too.
const NAMES: [&str; 34] = [
    "page",
    "Page",
    "PAGE",
    "page view",
    "é",
    "e\u{301}",
    "É",
    "straße",
    "strasse",
    "ﬀ",
    "ff",
    "İ",
    "i",
    "ı",
    "I",
    "Ａ",
    "A",
    "a",
    "'",
    "\"",
    "\\",
    "\\'",
    "%",
    "_",
    "`",
    "?",
    "??",
    "$1",
    ":a",
    "@a",
    "--",
    "\u{200b}",
    "😀",
    "👩\u{200d}🚀",
];

/// Texts of data and of filters: these, and what only they can hold.
const TEXTS: [&str; 32] = [
    "",
    " ",
    "s",
    "s ",
    " s",
    "S",
    "s\t",
    "\\u0041",
    "\\n",
    "\n",
    "\r\n",
    "/",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{fffd}",
    "\u{ffff}",
    "\u{10ffff}",
    "null",
    "true",
    "NaN",
    "Infinity",
    "1e5",
    "1E5",
    "1.0",
    " 1",
    "+1",
    "0x1",
    "[1]",
    "{\"x\":1}",
    "\"s\"",
];

/// Ids: printable ASCII.
const IDS: [&str; 16] = [
    "a",
    "A",
    "b",
    "a_",
    "a%",
    "a'",
    "a\"",
    "a\\",
    "a`",
    "a?",
    "a$1",
    "1",
    "01",
    "018fd2b8-9d2c-7c53-a0a5-5f1c3c1b2a10",
    "018FD2B8-9D2C-7C53-A0A5-5F1C3C1B2A10",
    "018fd2b89d2c7c53a0a55f1c3c1b2a10",
];

/// Keys of data.
pub(crate) const KEYS: [&str; 40] = [
    "a", "A", "a-b", "A-B", "a b", " a", "a ", "-1", "0", "00", "1", "-", "--", "-a", "1a", " 1", "- 1", "_", "é",
    "e\u{301}", "ключ", "😀", "a'b", "a\"b", "a\\b", "a`b", "a%b", "a?b", "$", "$1", "*", "**", "a.b", "a~b", "a/b",
    "last", "null", "#-1", "[0]", "{a}",
];

/// Numbers at the ends of what a float, an integer or their texts can say.
fn numbers() -> Vec<Value> {
    let mut numbers = vec![
        json!(i64::MIN),
        json!(i64::MAX),
        json!(i64::MIN + 1),
        json!(0),
        json!(-1),
        json!(7),
    ];
    let floats = [
        1e300,
        -1e300,
        f64::MAX,
        f64::MIN,
        5e-324,
        -5e-324,
        f64::MIN_POSITIVE,
        2.5e-310,
        1e16,
        1e17,
        123_456_789e12,
        0.1,
        0.3,
        -2.5,
        1e-7,
        1.5e-7,
        99.99,
        9_007_199_254_740_993.0,
        9.223_372_036_854_776e18,
        1.844_674_407_370_955_2e19,
    ];
    numbers.extend(floats.map(|float| json!(float)));
    numbers
}

/// Objects and lists that groups are made of: few, so that they meet, and alike.
fn containers() -> Vec<Value> {
    vec![
        json!({"a": {"b": {"c": [1, {"d": "s "}, null, 1e300]}}}),
        json!({"a": {"b": {"c": [1, {"d": "s"}, null, 1e300]}}}),
        json!({"a": 1, "A": 1.5, "é": "\"\\/\u{1f}\u{7f}😀"}),
        json!({"a": [], "b": {}}),
        json!([{"a": ", : "}, [[[]]]]),
        json!([1, 2]),
        json!([1, 2.0, "2"]),
        json!({}),
        json!([]),
    ]
}

/// Long texts that differ at their end only, beyond what a database sorts or indexes by.
fn long() -> impl Strategy<Value = String> {
    select(vec![1_020_usize, 1_024, 3_000]).prop_flat_map(|length| {
        select(vec!["a", "b", "a "]).prop_map(move |end| format!("{}{end}", "x".repeat(length)))
    })
}

fn text() -> BoxedStrategy<String> {
    prop_oneof![
        6 => select(TEXTS.to_vec()).prop_map(str::to_owned),
        6 => select(NAMES.to_vec()).prop_map(str::to_owned),
        3 => arbitrary::text(),
        1 => long(),
    ]
    .boxed()
}

fn value() -> BoxedStrategy<Value> {
    prop_oneof![
        6 => text().prop_map(Value::from),
        4 => select(numbers()),
        2 => select(containers()),
        1 => arbitrary::json_value(),
        1 => select(vec![Value::Null, json!(true), json!(false)]),
    ]
    .boxed()
}

/// Places: a member, one inside a member, and some where only a database would find anything.
fn pointer() -> impl Strategy<Value = Pointer> {
    let tokens = prop_oneof![
        6 => select(KEYS.to_vec()).prop_map(|key| vec![key]),
        2 => (select(KEYS.to_vec()), select(KEYS.to_vec())).prop_map(|(outer, inner)| vec![outer, inner]),
        1 => select(KEYS.to_vec()).prop_map(|key| vec!["list", key]),
        1 => Just(vec!["a", "a", "b", "c", "1", "d"]),
        1 => Just(vec!["a", "b", "c"]),
        1 => Just(Vec::new()),
    ];
    tokens.prop_map(Pointer::from_tokens)
}

/// What an event of [`arbitrary`] is given besides.
#[derive(Clone, Debug)]
struct Besides {
    id: Option<&'static str>,
    category: Option<&'static str>,
    name: Option<&'static str>,
    version: Option<&'static str>,
    source: Option<&'static str>,
    session: Option<&'static str>,
    subject: Option<String>,
    members: Vec<(&'static str, Value)>,
}

fn besides() -> impl Strategy<Value = Besides> {
    let name = || proptest::option::weighted(0.3, select(NAMES.to_vec()));
    let id = || proptest::option::weighted(0.5, select(IDS.to_vec()));
    let spaced = (select(NAMES.to_vec()), select(vec!["", " ", "  ", "\u{a0}"]));
    let subject = prop_oneof![
        6 => spaced.prop_map(|(name, space)| format!("{name}{space}")),
        1 => select(vec!["é".repeat(128), "é".repeat(127), format!("{} ", "x".repeat(255))]),
    ];
    let members = proptest::collection::vec((select(KEYS.to_vec()), value()), 0..8);
    (
        [id(), id(), id()],
        [name(), name(), name()],
        proptest::option::weighted(0.4, subject),
        members,
    )
        .prop_map(
            |([id, source, session], [category, name, version], subject, members)| Besides {
                id,
                category,
                name,
                version,
                source,
                session,
                subject,
                members,
            },
        )
}

fn with(event: &Event, besides: Besides) -> Option<Event> {
    let (envelope, source) = (event.envelope(), Source::new("none").ok()?);
    let reception = Reception {
        received_at: Timestamp::MIN,
        source: &source,
        zone: chrono_tz::Tz::UTC,
        limits: Limits::DEFAULT,
        new_id: &|| EventId::new("none").unwrap(),
    };
    let mut data: Map<String, Value> = serde_json::from_str(event.payload().as_str()).ok()?;
    data.extend(besides.members.into_iter().map(|(key, value)| (key.to_owned(), value)));
    let label = |other: Option<&str>, own: &str| other.unwrap_or(own).to_owned();
    let kind = &envelope.event_type;
    let mut builder = Event::builder(
        label(besides.category, kind.category.as_str()),
        label(besides.name, kind.name.as_str()),
    )
    .id(label(besides.id, envelope.id.as_str()))
    .source(label(besides.source, envelope.source.as_str()))
    .occurred_at(envelope.occurred_at)
    .data(data.into());
    if let Some(version) = besides.version.map(str::to_owned).or(text_of(&envelope.version)) {
        builder = builder.version(version);
    }
    if let Some(session) = besides.session.map(str::to_owned).or(text_of(&envelope.session_id)) {
        builder = builder.session_id(session);
    }
    if let Some(subject) = besides.subject.or(text_of(&envelope.subject)) {
        builder = builder.subject(subject);
    }
    if let Some(sequence) = envelope.sequence {
        builder = builder.sequence(sequence.unsigned_abs());
    }
    builder.build(&reception).ok()
}

fn text_of(name: &Option<impl ToString>) -> Option<String> {
    name.as_ref().map(ToString::to_string)
}

/// An event of the small world that all of the workspace's tests share, or a hostile one.
pub(crate) fn event() -> BoxedStrategy<Event> {
    // Boxed, as strategies are larger than a thread's stack takes many of.
    let event = arbitrary::event().boxed();
    let hostile = (event.clone(), besides().boxed())
        .prop_filter_map("a hostile event is well-formed", |(event, besides)| {
            with(&event, besides)
        });
    prop_oneof![1 => event, 2 => hostile].boxed()
}

/// A question, of which some parts are about what some event holds.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    query: Query,
    by: Option<Pointer>,
    measured: Option<Pointer>,
    condition: Option<(Field, Hold)>,
}

/// How a condition holds for an event: its value is taken from the events.
#[derive(Clone, Debug)]
enum Hold {
    /// It is what the event has.
    Equal(Index),
    /// It is what one of the two has, or this.
    Either(Index, Index, String),
    /// It lies between what the two have.
    Between(Index, Index),
    /// It contains a part of what the event has.
    Part(Index, Index),
    /// It is a text that nothing holds, or that no database takes.
    Text(String, u8),
}

fn hold() -> impl Strategy<Value = Hold> {
    prop_oneof![
        3 => any::<Index>().prop_map(Hold::Equal),
        2 => (any::<Index>(), any::<Index>(), text()).prop_map(|(one, other, text)| Hold::Either(one, other, text)),
        3 => (any::<Index>(), any::<Index>()).prop_map(|(one, other)| Hold::Between(one, other)),
        3 => (any::<Index>(), any::<Index>()).prop_map(|(one, other)| Hold::Part(one, other)),
        1 => (prop_oneof![text(), select(vec!["\0".to_owned(), "a\0".to_owned(), "x".repeat(70_000)])], 0..4_u8)
            .prop_map(|(text, test)| Hold::Text(text, test)),
    ]
}

fn field() -> impl Strategy<Value = Field> {
    prop_oneof![1 => arbitrary::field(), 2 => pointer().prop_map(Field::Data)]
}

/// A question of the small world, with something hostile in it.
pub(crate) fn draft() -> BoxedStrategy<Draft> {
    let some = || proptest::option::weighted(0.4, pointer());
    let condition = proptest::option::weighted(0.6, (field().boxed(), hold().boxed()));
    let parts = (arbitrary::query().boxed(), some().boxed(), some().boxed(), condition);
    parts
        .prop_map(|(query, by, measured, condition)| Draft {
            query,
            by,
            measured,
            condition,
        })
        .boxed()
}

impl Draft {
    /// The question about these events.
    pub(crate) fn of(&self, events: &[Event]) -> Query {
        let mut query = self.query.clone();
        if let Some(by) = self.by.clone().map(Field::Data)
            && !query.by.contains(&by)
        {
            query.by.push(by);
        }
        if let Some(pointer) = self.measured.clone() {
            query.measure = match query.measure {
                Measure::Average(_) => Measure::Average(pointer),
                Measure::Minimum(_) => Measure::Minimum(pointer),
                Measure::Maximum(_) => Measure::Maximum(pointer),
                Measure::Percentile(percent, _) => Measure::Percentile(percent, pointer),
                Measure::Unique(_) => Measure::Unique(Field::Data(pointer)),
                Measure::AboutUnique(_) => Measure::AboutUnique(Field::Data(pointer)),
                _ => Measure::Sum(pointer),
            };
        }
        if let Some((field, hold)) = &self.condition {
            let test = hold.test(field, events);
            query.filter.all.extend(test.map(|test| Condition {
                field: field.clone(),
                test,
            }));
        }
        query
    }
}

/// What an event has at a place, if that is a scalar.
fn found(field: &Field, events: &[Event], index: &Index) -> Option<Scalar> {
    let holders: Vec<Scalar> = events
        .iter()
        .filter_map(|event| match field.find(event.envelope(), event.payload())? {
            Found::Text(text) => Some(Scalar::from(text)),
            found => serde_json::from_str(&found.text()).ok(),
        })
        .collect();
    (!holders.is_empty()).then(|| index.get(&holders).clone())
}

impl Hold {
    fn test(&self, field: &Field, events: &[Event]) -> Option<Test> {
        let found = |index: &Index| found(field, events, index);
        Some(match self {
            Hold::Equal(one) => Test::Equals(found(one)?),
            Hold::Either(one, other, text) => {
                Test::OneOf(vec![found(one)?, found(other)?, Scalar::from(text.as_str())])
            }
            Hold::Between(one, other) => {
                let (one, other) = (found(one)?, found(other)?);
                let (from, to) = if one <= other { (one, other) } else { (other, one) };
                Test::Range {
                    from: Some(from),
                    to: Some(to),
                }
            }
            Hold::Part(one, part) => {
                let Scalar::String(text) = found(one)? else { return None };
                let letters: Vec<char> = text.chars().collect();
                let from = part.index(letters.len() + 1);
                Test::Contains(letters[from..].iter().take(3).collect())
            }
            Hold::Text(text, test) => match test {
                0 => Test::Contains(text.clone()),
                1 => Test::equals(text.as_str()),
                2 => Test::range(Some(text.as_str()), None),
                _ => Test::range(None, Some(text.as_str())),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    use super::*;

    /// What issue is taken with, and how often some thousand events and questions show it.
    #[test]
    fn what_databases_differ_in_is_really_met() {
        let mut runner = TestRunner::deterministic();
        let (mut seen, mut hits) = (HashSet::new(), 0);
        for _ in 0..150 {
            let events = proptest::collection::vec(event(), 25)
                .new_tree(&mut runner)
                .unwrap()
                .current();
            for event in &events {
                let envelope = event.envelope();
                seen.insert(envelope.id.to_string());
                seen.insert(envelope.event_type.name.to_string());
                seen.extend(envelope.subject.iter().map(ToString::to_string));
                seen.extend(envelope.session_id.iter().map(ToString::to_string));
                let data: Value = serde_json::from_str(event.payload().as_str()).unwrap();
                for (key, value) in data.as_object().unwrap() {
                    seen.insert(format!("key {key}"));
                    seen.insert(format!("value {value}"));
                }
            }
            let drafts = proptest::collection::vec(draft(), 8)
                .new_tree(&mut runner)
                .unwrap()
                .current();
            for draft in drafts {
                let query = draft.of(&events);
                for field in &query.by {
                    seen.insert(format!("by {field}"));
                }
                let chosen = events.iter().filter(|event| query.filter.matches(event)).count();
                hits += usize::from(!query.filter.is_empty() && chosen > 0 && chosen < events.len());
            }
        }
        let pairs = [
            ["a", "A"],
            ["page", "Page"],
            ["é", "e\u{301}"],
            ["straße", "strasse"],
            ["page ", "page"],
        ];
        let marks = ["'", "\"", "\\", "%", "`", "?", "$1", "😀"];
        for text in pairs.as_flattened().iter().chain(&marks) {
            assert!(seen.contains(*text), "{text:?} was never met");
        }
        for number in [
            "1e+300",
            "-9223372036854775808",
            "5e-324",
            "9223372036854775807",
            "-2.5",
        ] {
            assert!(seen.contains(&format!("value {number}")), "{number} was never met");
        }
        for key in KEYS {
            assert!(seen.contains(&format!("key {key}")), "the key {key:?} was never met");
            let by = Field::Data(Pointer::from_tokens([key]));
            assert!(seen.contains(&format!("by {by}")), "nothing was asked by {key:?}");
        }
        for value in containers() {
            let value = serde_json::to_string(&value).unwrap().replace("2.0", "2");
            assert!(seen.contains(&format!("value {value}")), "{value} was never met");
        }
        // Filters that choose some, and not all.
        assert!(hits > 200, "{hits}");
    }
}
