//! Hostile input met in Rust: every event of the table gets the code that it gets over HTTP, and
//! what only Rust can hand over is refused, never a panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../fixtures/bad_input.rs"]
mod table;

use chrono::{DateTime, FixedOffset, TimeZone as _, Utc};
use chrono_tz::Tz;
use event_core::event::{EventBuilder, Reception};
use event_core::policy::UnknownTypes;
use event_core::registry::{Definition, Keep};
use event_core::verdict::Status;
use event_core::{
    Code, Event, EventId, EventType, Label, Limits, Payload, Refusal, Registry, Schema, Source, StoredEvent, Timestamp,
    Verdict,
};
use serde_json::{Value, json};
use table::{Case, Words, differences, scenario};

const SCENARIOS: [&str; 16] = [
    "not_finite",
    "json_of_nan",
    "deep_payload",
    "deep_field",
    "deep_schema",
    "field_u64_max",
    "field_empty_key",
    "field_long_key",
    "long_name",
    "id_with_space",
    "data_no_object",
    "data_too_wide",
    "field_nul",
    "ends_of_time",
    "before_1970",
    "fixed_offset",
];

fn with_reception<T>(zone: Tz, work: impl FnOnce(&Reception<'_>) -> T) -> T {
    let source = Source::new("unknown").unwrap();
    work(&Reception {
        received_at: table::now(),
        source: &source,
        zone,
        limits: Limits::default(),
        new_id: &|| EventId::new("0190f0a0-0000-7000-8000-000000000001").unwrap(),
    })
}

fn build(builder: EventBuilder) -> Result<Event, Refusal> {
    with_reception(Tz::UTC, |reception| builder.build(reception))
}

fn order() -> EventBuilder {
    Event::builder("order", "created")
}

/// The code that the table gives a scenario.
fn expected_code(name: &str) -> Code {
    scenario(name).field("code").as_str().unwrap().parse().unwrap()
}

/// A registry that knows the type of a case.
fn registry(case: &Case) -> Registry {
    let mut registry = Registry::default();
    if let Some(unknown) = case.settings().get("unknown-types") {
        registry.unknown_types = match unknown.as_str() {
            "quarantine" => UnknownTypes::Quarantine,
            "reject" => UnknownTypes::Reject,
            other => panic!("{other}"),
        };
    }
    let known = case.field("type");
    if known.is_object() {
        let text = |name: &str| known[name].as_str().unwrap();
        let definition = Definition {
            schema: known.get("schema").map(|schema| Schema::compile(schema).unwrap()),
            policy: known
                .get("policy")
                .map(|policy| serde_json::from_value(policy.clone()).unwrap())
                .unwrap_or_default(),
            ..Definition::default()
        };
        let event_type = EventType::new(text("category"), text("name")).unwrap();
        registry.insert(event_type, Label::new(text("version")).unwrap(), definition);
    }
    registry
}

/// The verdict on the bytes of an event, and the event as it would be stored.
fn judge(case: &Case, bytes: &[u8]) -> (Value, Option<Value>) {
    let zone = case
        .settings()
        .get("timezone")
        .map_or(Tz::UTC, |zone| zone.parse().unwrap());
    with_reception(zone, |reception| {
        let refused = |status, refusal: &Refusal| (json!(Verdict::refused(status, refusal)), None);
        let event = match Event::from_slice(bytes, reception) {
            Ok(event) => event,
            Err(refusal) => return refused(Status::Quarantined, &refusal),
        };
        match registry(case).validate(event, reception.received_at) {
            Ok(valid) => {
                let violations = valid.violations().to_vec();
                let event = valid.into_event();
                let verdict = Verdict {
                    violations: violations.clone(),
                    ..Verdict::in_log(Status::Stored, event.envelope().id.clone(), 1, event.flags())
                };
                let received_at = reception.received_at;
                (
                    json!(verdict),
                    Some(json!(StoredEvent {
                        position: 1,
                        received_at,
                        event,
                        violations,
                        upcast: None,
                    })),
                )
            }
            Err(refused_event) if refused_event.keep == Keep::Nothing => {
                refused(Status::Rejected, &refused_event.refusal)
            }
            Err(refused_event) => refused(Status::Quarantined, &refused_event.refusal),
        }
    })
}

#[test]
fn every_event_gets_the_verdict_that_it_gets_over_http() {
    let mut failures = Vec::new();
    let mut run = 0;
    for case in table::cases() {
        let mut words = Words::new();
        let Some(bytes) = case.event(&words) else { continue };
        run += 1;
        let (verdict, stored) = judge(&case, &bytes);
        let mut found = differences(&case.verdict(), &verdict, &mut words);
        if !case.field("stored").is_null() {
            found.extend(differences(
                case.field("stored"),
                &stored.unwrap_or_default(),
                &mut words,
            ));
        }
        let violations = verdict["violations"].to_string();
        if case
            .number("most_violation_bytes")
            .is_some_and(|most| violations.len() as u64 > most)
        {
            found.push(format!("{} bytes of violations", violations.len()));
        }
        if case
            .field("hides")
            .as_str()
            .is_some_and(|secret| verdict.to_string().contains(secret))
        {
            found.push("the verdict repeats what it must not".to_owned());
        }
        if !found.is_empty() {
            failures.push(format!("{}: {} in {verdict}", case.title(), found.join("; ")));
        }
    }
    assert!(run > 300, "only {run} cases were run");
    assert!(
        failures.is_empty(),
        "{} of {run} cases:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Numbers that are as good as random, and the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }
}

/// The bytes with a few of them changed, left out, doubled or moved.
fn mutilated(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    const ODD: &[u8] = b"{}[]\",:\\u0e-+.9\x00\x1f\x7f\xff\xc3\xed\xa0 \n";
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.roll(3) {
        let at = dice.roll(bytes.len() + 1);
        let to = (at + dice.roll(9)).min(bytes.len());
        match dice.roll(4) {
            0 => bytes.insert(at, ODD[dice.roll(ODD.len())]),
            1 => drop(bytes.drain(at..to)),
            2 => bytes.splice(at..at, bytes[at..to].to_vec()).for_each(drop),
            _ if at < bytes.len() => bytes[at] = ODD[dice.roll(ODD.len())],
            _ => {}
        }
    }
    bytes
}

#[test]
fn whatever_is_done_to_them_they_are_events_or_refused() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut taken, mut refused) = (0, 0);
    for case in table::cases() {
        let Some(bytes) = case.event(&Words::new()).filter(|bytes| bytes.len() < 10_000) else {
            continue;
        };
        for _ in 0..60 {
            let bytes = mutilated(&bytes, &mut dice);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            match with_reception(Tz::UTC, |reception| Event::from_slice(&bytes, reception)) {
                Ok(event) => {
                    taken += 1;
                    // What is taken is what any other reader of JSON reads, and reads back as it is.
                    let theirs: Value = serde_json::from_slice(&bytes).expect(&text);
                    assert_eq!(
                        theirs["category"],
                        event.envelope().event_type.category.as_str(),
                        "{text}"
                    );
                    let again = Payload::parse(event.payload().as_str().as_bytes(), &Limits::default()).expect(&text);
                    assert_eq!(&again, event.payload(), "{text}");
                }
                Err(refusal) => {
                    refused += 1;
                    assert!(!refusal.violations.is_empty(), "{text}");
                    let in_place = |pointer: &str| pointer.is_empty() || pointer.starts_with('/');
                    assert!(
                        refusal.violations.iter().all(|violation| in_place(&violation.pointer)),
                        "{refusal:?}"
                    );
                }
            }
        }
    }
    assert!(taken > 500 && refused > 5_000, "{taken} taken, {refused} refused");
}

#[test]
fn every_schema_is_refused_as_over_http() {
    let mut failures = Vec::new();
    let mut run = 0;
    for case in table::cases()
        .iter()
        .filter(|case| ["H76", "H77", "H78"].contains(&case.row.as_str()))
    {
        let step = &case.field("steps")[0];
        let body = table::bytes(&step["body"], &Words::new());
        // What serde_json itself finds too deep does not get as far as a schema.
        let Ok(definition) = serde_json::from_slice::<Value>(&body) else {
            continue;
        };
        run += 1;
        let code = Schema::compile(&definition["schema"])
            .err()
            .map(|error| error.code.as_str());
        if code != step["answer"]["problem"].as_str() {
            failures.push(format!("{}: {code:?}", case.title()));
        }
    }
    assert!(run > 40, "only {run} cases were run");
    assert!(
        failures.is_empty(),
        "{} of {run} cases:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn every_scenario_of_this_crate_is_played() {
    table::assert_scenarios("event-core", &SCENARIOS);
}

#[test]
fn r01_floats_that_json_cannot_write() {
    let code = expected_code("not_finite");
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let refusal = build(order().field("value", float)).unwrap_err();
        assert_eq!(
            (refusal.code, refusal.violations[0].pointer.as_str()),
            (code, "/data/value")
        );
        assert_eq!(build(order().field("value", Some(float))).unwrap_err().code, code);
        // Whatever else is right or wrong with the event.
        assert_eq!(
            build(order().field("value", float).field("other", 1)).unwrap_err().code,
            code
        );
    }
    // The documentation warns of it: what `json!` was handed is not there any more.
    let event = build(order().field("value", json!(f64::NAN))).unwrap();
    assert_eq!(event.payload().as_str(), r#"{"value":null}"#);
}

fn deep(depth: usize) -> Value {
    (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
}

/// On a stack of 2 MiB, as the threads of most runtimes have.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(work)
        .unwrap()
        .join()
        .unwrap();
}

fn depth(name: &str) -> usize {
    scenario(name).number("depth").unwrap().try_into().unwrap()
}

#[test]
fn r02_a_tree_of_any_depth_as_a_payload() {
    on_a_small_stack(|| {
        let value = json!({"a": null});
        let Value::Object(mut members) = value else {
            unreachable!()
        };
        members.insert("a".to_owned(), deep(depth("deep_payload")));
        let value = Value::Object(members);
        let error = Payload::from_value(&value, &Limits::default()).unwrap_err();
        assert_eq!(error.code, expected_code("deep_payload"));
        // Its own drop would overflow the stack.
        std::mem::forget(value);
    });
}

#[test]
fn r02_a_tree_of_any_depth_in_a_builder() {
    on_a_small_stack(|| {
        // The builder owns the tree, so that it is the builder that drops it.
        let deep = || deep(depth("deep_field"));
        let refusal = build(order().field("a", deep())).unwrap_err();
        assert_eq!(refusal.code, expected_code("deep_field"));
        // Also where it is dropped for another reason.
        assert_eq!(build(order().data(deep())).unwrap_err().code, Code::PayloadNotObject);
        assert_eq!(
            build(order().field("a", deep()).field("b", f64::NAN)).unwrap_err().code,
            Code::NonFiniteNumber
        );
        assert!(build(order().field("a", deep()).field("a", 1)).is_ok());
        assert!(build(order().field("a", deep()).data(json!({}))).is_ok());
    });
}

#[test]
fn r02_a_tree_of_any_depth_as_a_schema() {
    on_a_small_stack(|| {
        let value = deep(depth("deep_schema"));
        assert_eq!(Schema::compile(&value).unwrap_err().code.as_str(), "schema_too_complex");
        std::mem::forget(value);
    });
}

#[test]
fn r03_one_set_of_codes() {
    let wide: Vec<u8> = vec![1; 1_999];
    for (name, builder) in [
        ("field_u64_max", order().field("n", u64::MAX)),
        ("field_empty_key", order().field("", 1)),
        ("field_long_key", order().field("k".repeat(129), 1)),
        ("long_name", Event::builder("order", "é".repeat(101))),
        ("id_with_space", order().id("two words")),
        ("data_no_object", order().data(json!([]))),
        ("data_too_wide", order().field("a", json!(wide))),
        ("field_nul", order().field("a", "x\0y")),
    ] {
        let code = build(builder).expect_err(name).code;
        assert_eq!(code, expected_code(name), "{name}");
        // The table's own row of events has the same code, so that HTTP and Rust agree.
        let like = scenario(name).field("like").clone();
        let cases = table::cases();
        let refused = |case: &&Case| like == *case.row && case.field("refused") == code.as_str();
        assert!(
            cases.iter().any(|case| refused(&case)),
            "{name}: no case of {like} has {code}"
        );
    }
}

#[test]
fn r07_the_ends_of_time() {
    let code = expected_code("ends_of_time");
    for time in [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC] {
        assert_eq!(Timestamp::try_from(time).unwrap_err().code(), code);
        assert_eq!(build(order().occurred_at(time)).unwrap_err().code, code);
        assert_eq!(build(order().sent_at(time)).unwrap_err().code, code);
        for hours in [-23, 23] {
            let zone = FixedOffset::east_opt(hours * 3_600).unwrap();
            assert_eq!(Timestamp::try_from(time.with_timezone(&zone)).unwrap_err().code(), code);
            assert_eq!(
                build(order().occurred_at(time.with_timezone(&zone))).unwrap_err().code,
                code
            );
        }
        assert_eq!(
            Timestamp::try_from(time.with_timezone(&Tz::America__New_York))
                .unwrap_err()
                .code(),
            code
        );
    }
    for micros in [i64::MIN, -1, Timestamp::MAX.as_micros() + 1, i64::MAX] {
        assert_eq!(Timestamp::from_micros(micros).unwrap_err().code(), code);
    }
    assert_eq!(Timestamp::MAX.saturating_add_micros(i64::MAX), Timestamp::MAX);
    assert_eq!(Timestamp::MIN.saturating_add_micros(i64::MIN), Timestamp::MIN);
}

#[test]
fn r07_before_1970_and_at_its_edge() {
    let code = expected_code("before_1970");
    let first = Utc.timestamp_opt(0, 0).unwrap();
    for early in [
        first - chrono::TimeDelta::nanoseconds(1),
        first - chrono::TimeDelta::days(1),
    ] {
        assert_eq!(Timestamp::try_from(early).unwrap_err().code(), code, "{early}");
        assert_eq!(build(order().occurred_at(early)).unwrap_err().code, code);
    }
    let event = build(order().occurred_at(first)).unwrap();
    assert_eq!(event.envelope().occurred_at, Timestamp::MIN);
}

#[test]
fn r07_other_offsets_are_the_same_instant() {
    let zone = FixedOffset::east_opt(5 * 3_600 + 1_800).unwrap();
    let time = zone.with_ymd_and_hms(2026, 1, 1, 2, 0, 0).unwrap();
    let event = build(order().occurred_at(time)).unwrap();
    assert_eq!(event.envelope().occurred_at.to_string(), "2025-12-31T20:30:00Z");
    let nanos = Utc.timestamp_opt(1_767_225_600, 123_456_789).unwrap();
    let event = build(order().occurred_at(nanos)).unwrap();
    assert_eq!(event.envelope().occurred_at.to_string(), "2026-01-01T00:00:00.123456Z");
    assert_eq!(scenario("fixed_offset").row, "R07");
}
