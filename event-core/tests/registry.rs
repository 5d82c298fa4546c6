//! What the registry says of events, and that a glance at their text says nothing else.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use event_core::event::Reception;
use event_core::policy::{Action, Policy, UnknownTypes};
use event_core::registry::{Definition, Keep, Registry, Said, glance};
use event_core::{Code, Event, EventId, EventType, Label, Limits, Schema, Source, Timestamp, arbitrary};
use proptest::prelude::*;
use serde_json::{Value, json};

fn event(text: &str) -> Result<Event, event_core::Refusal> {
    let source = Source::new("shop").unwrap();
    let reception = Reception {
        received_at: "2026-01-01".parse().unwrap(),
        source: &source,
        zone: chrono_tz::Tz::UTC,
        limits: Limits::default(),
        new_id: &|| EventId::new("made-here").unwrap(),
    };
    Event::from_slice(text.as_bytes(), &reception)
}

fn definition(schema: &Value, on_violation: Action) -> Definition {
    Definition {
        schema: Some(Schema::compile(schema).unwrap()),
        policy: Policy {
            on_violation,
            ..Policy::default()
        },
        ..Definition::default()
    }
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

/// What becomes of an event: its version and how many rules it breaks, or why it is refused and whether it is kept.
fn judged(registry: &Registry, text: &str) -> Result<(Option<String>, usize), (Code, Keep)> {
    let valid = registry.validate(event(text).unwrap(), "2026-01-01".parse().unwrap());
    match valid {
        Ok(valid) => {
            let version = valid.event().envelope().version.as_ref().map(ToString::to_string);
            Ok((version, valid.violations().len()))
        }
        Err(refused) => Err((refused.refusal.code, refused.keep)),
    }
}

#[test]
fn versions_judge_those_that_name_them() {
    let order = EventType::new("order", "created").unwrap();
    let requires = |field: &str, on_violation| definition(&json!({"required": [field]}), on_violation);
    let mut registry = Registry::default();
    registry.insert(order.clone(), label("1"), requires("a", Action::Reject));
    registry.insert(order.clone(), label("2"), requires("b", Action::Quarantine));
    // Said twice, it is one.
    for _ in 0..2 {
        registry.insert_shadow(order.clone(), label("3"), requires("c", Action::Warn));
    }
    let shadows =
        |registry: &Registry| -> Vec<String> { registry.shadows(&order).map(|(label, _)| label.to_string()).collect() };
    assert_eq!(shadows(&registry), ["3"]);
    assert_eq!(registry.active(&order), Some(&label("2")));
    let of = |version: &str, data: &str| {
        format!(r#"{{"category": "order", "name": "created", "occurred_at": "2026-01-01"{version}, "data": {data}}}"#)
    };
    let named = |version: &str| format!(r#", "version": "{version}""#);
    let quarantined = Err((Code::SchemaViolation, Keep::Quarantine));
    assert_eq!(judged(&registry, &of("", r#"{"b": 1}"#)), Ok((Some("2".to_owned()), 0)));
    assert_eq!(judged(&registry, &of("", r#"{"a": 1}"#)), quarantined);
    assert_eq!(
        judged(&registry, &of(&named("1"), r#"{"a": 1}"#)),
        Ok((Some("1".to_owned()), 0))
    );
    assert_eq!(
        judged(&registry, &of(&named("1"), r#"{"b": 1}"#)),
        Err((Code::SchemaViolation, Keep::Nothing))
    );
    assert_eq!(
        judged(&registry, &of(&named("3"), r#"{"b": 1}"#)),
        Ok((Some("3".to_owned()), 1))
    );
    // One that becomes the active one judges beside it no longer.
    registry.insert(order.clone(), label("3"), requires("c", Action::Quarantine));
    assert_eq!(shadows(&registry), [""; 0]);
    assert_eq!(judged(&registry, &of("", r#"{"b": 1}"#)), quarantined);
}

#[test]
fn what_nobody_registered() {
    let mut registry = Registry::default();
    registry.insert(
        EventType::new("order", "created").unwrap(),
        label("1"),
        Definition::default(),
    );
    let unknown = r#"{"category": "order", "name": "lost", "occurred_at": "2026-01-01"}"#;
    let version = r#"{"category": "order", "name": "created", "version": "2", "occurred_at": "2026-01-01"}"#;
    for (rule, keep) in [
        (UnknownTypes::Store, None),
        (UnknownTypes::Quarantine, Some(Keep::Quarantine)),
        (UnknownTypes::Reject, Some(Keep::Nothing)),
    ] {
        registry.unknown_types = rule;
        let refused = |code| keep.map(|keep| (code, keep));
        assert_eq!(judged(&registry, unknown).err(), refused(Code::UnknownType));
        assert_eq!(judged(&registry, version).err(), refused(Code::UnknownVersion));
    }
}

#[test]
fn a_policy_is_written_as_short_as_it_can_be() {
    for text in [
        r#"{"on_violation":"warn"}"#,
        r#"{"on_violation":"reject","future_tolerance_seconds":0,"storage":"counts_only"}"#,
    ] {
        let policy: Policy = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&policy).unwrap(), text);
    }
}

/// What a glance says, where a type's schema wants a number `value`, and that of its version 2 a text.
fn glanced(text: &str) -> Option<Said<'_>> {
    let [number, string] = ["number", "string"].map(|kind| {
        let schema = json!({"properties": {"value": {"type": kind}}, "required": ["value"]});
        Schema::compile(&schema).unwrap()
    });
    glance(
        text.as_bytes(),
        chrono_tz::Tz::UTC,
        &Limits::default(),
        |said| match said.category {
            "free" => Some(None),
            "order" => Some(Some(if said.version == Some("2") { &string } else { &number })),
            _ => None,
        },
    )
}

#[test]
fn a_glance_sees_what_an_event_says() {
    let all = r#"{"category": "order", "name": "created", "version": "1", "id": "e-1", "session_id": "s", "source": "shop",
        "subject": "u", "sequence": 0, "occurred_at": "2026-01-01T00:00:01Z", "sent_at": "2026-01-01", "other": [{}],
        "data": {"value": 1}}"#;
    let said = glanced(all).unwrap();
    assert_eq!(
        (said.category, said.name, said.version),
        ("order", "created", Some("1"))
    );
    assert_eq!(
        said.occurred_at,
        Some("2026-01-01T00:00:01Z".parse::<Timestamp>().unwrap())
    );
    for (rest, good) in [
        (r#""category": "order", "name": "created", "data": {"value": 1}"#, true),
        (
            r#""category": "order", "name": "created", "data": {"value": "1"}"#,
            false,
        ),
        (r#""category": "order", "name": "created", "data": {}"#, false),
        (r#""category": "order", "name": "created", "data": []"#, false),
        (r#""category": "order", "name": "created", "data": null"#, false),
        (r#""category": "order", "name": "created""#, false),
        (r#""category": "free", "name": "created", "data": {}"#, true),
        (r#""category": "other", "name": "created", "data": {}"#, false),
        (r#""category": "free", "data": {}"#, false),
        (r#""name": "created", "data": {}"#, false),
        // Whatever says which schema it is may stand behind the data.
        (r#""data": {"value": 1}, "category": "order", "name": "created""#, true),
        (
            r#""data": {"value": "1"}, "category": "order", "name": "created""#,
            false,
        ),
        (
            r#""data": {"value": "1"}, "category": "order", "name": "created", "version": "2""#,
            true,
        ),
        (
            r#""category": "order", "name": "created", "data": {"value": 1}, "version": "1""#,
            true,
        ),
        (
            r#""category": "order", "name": "created", "data": {"value": 1}, "version": "2""#,
            false,
        ),
        // Null is absent.
        (
            r#""category": "order", "name": "created", "version": null, "subject": null, "data": {"value": 1}"#,
            true,
        ),
        // One time, and each a time; whole numbers that are not negative; ids that are some.
        (
            r#""category": "free", "name": "a", "timestamp": "2026-01-01", "data": {}"#,
            true,
        ),
        (
            r#""category": "free", "name": "a", "timestamp": "2026-01-01", "occurred_at": "2026-01-01", "data": {}"#,
            false,
        ),
        (
            r#""category": "free", "name": "a", "occurred_at": "soon", "data": {}"#,
            false,
        ),
        (
            r#""category": "free", "name": "a", "sent_at": "soon", "data": {}"#,
            false,
        ),
        (r#""category": "free", "name": "a", "sequence": -1, "data": {}"#, false),
        (r#""category": "free", "name": "a", "sequence": "1", "data": {}"#, false),
        (r#""category": "free", "name": "a", "id": "", "data": {}"#, false),
        (r#""category": "free", "name": "a", "session_id": 1, "data": {}"#, false),
        (r#""category": "free", "name": "a", "subject": "", "data": {}"#, false),
        (r#""category": "free", "name": "a", "source": "", "data": {}"#, false),
    ] {
        let text = format!("{{{rest}}}");
        assert_eq!(glanced(&text).is_some(), good, "{text}");
        assert_eq!(glanced(&format!("{text} x")), None);
    }
}

proptest! {
    #[test]
    fn a_glance_sees_no_more_than_a_look(event in arbitrary::event()) {
        let text = serde_json::to_string(&event).unwrap();
        let said = glance(text.as_bytes(), chrono_tz::Tz::UTC, &Limits::default(), |_| Some(None));
        if let Some(said) = said {
            let envelope = event.envelope();
            prop_assert_eq!(said.category, envelope.event_type.category.as_str());
            prop_assert_eq!(said.name, envelope.event_type.name.as_str());
            prop_assert_eq!(said.version, envelope.version.as_ref().map(|version| version.as_str()));
            prop_assert_eq!(said.occurred_at, Some(envelope.occurred_at));
        }
    }
}

#[test]
fn an_event_without_a_number_is_another_than_any_with_one() {
    let of = |rest: &str| event(&format!(r#"{{"id":"1","category":"a","name":"b"{rest}}}"#)).unwrap();
    let numbers = ["", r#","sequence":0"#, r#","sequence":1"#];
    let hashes: BTreeSet<_> = numbers.iter().map(|rest| of(rest).content_hash()).collect();
    assert_eq!(hashes.len(), numbers.len());
    assert_eq!(of("").content_hash(), of(r#","sequence":null"#).content_hash());
}

#[test]
fn a_refused_event_is_told_what_it_claims_to_be() {
    let registry = Registry::default();
    let text = r#"{"id":"1","category":"a","name":"b","version":"2","source":"s","session_id":"v","subject":"c"}"#;
    let refused = registry.validate(event(text).unwrap(), Timestamp::MIN).unwrap_err();
    let claims = refused.refusal.claims;
    let told = [
        claims.id.map(|id| id.to_string()),
        claims.event_type.map(|event_type| event_type.to_string()),
        claims.version.map(|version| version.to_string()),
        claims.source.map(|source| source.to_string()),
        claims.session_id.map(|session| session.to_string()),
        claims.subject.map(|subject| subject.to_string()),
    ];
    assert_eq!(told, ["1", "a/b", "2", "s", "v", "c"].map(|text| Some(text.to_owned())));
}
