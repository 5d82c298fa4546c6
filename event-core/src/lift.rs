//! Events of older versions, read as those of another version of their type.

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::Event;
use crate::event_type::EventType;
use crate::limits::Limits;
use crate::name::Label;
use crate::registry::{Definition, Registry};
use crate::schema::Schema;
use crate::stored_event::StoredEvent;
use crate::upcaster::{Lift, NotLifted, Target, UpcastError, Upcaster};

/// Lifts events by what a registry knows of their types. It joins upcasters once for each type and version.
///
/// ```
/// use event_core::lift::Lifter;
/// use event_core::registry::{Definition, Registry};
/// use event_core::upcaster::{Target, Upcast};
/// use event_core::{Event, EventId, EventType, Label, Limits, Source};
/// # let source = Source::new("shop")?;
/// # let reception = event_core::event::Reception {
/// #     received_at: "2021-01-01T09:15:28Z".parse()?, source: &source, zone: chrono_tz::Tz::UTC,
/// #     limits: Limits::DEFAULT, new_id: &|| EventId::new("made-here").unwrap(),
/// # };
/// let (paid, two) = (EventType::new("order", "paid")?, Label::new("2")?);
/// let steps = r#"{"from": "1", "steps": [{"step": "move", "from": "/sum", "to": "/total"}]}"#;
/// let upcast: Upcast = serde_json::from_str(steps)?;
/// let mut registry = Registry::default();
/// registry.insert(paid.clone(), Label::new("1")?, Definition::default());
/// registry.insert(paid, two.clone(), Definition { upcast: Some(upcast), ..Definition::default() });
///
/// let event = r#"{"category": "order", "name": "paid", "version": "1", "data": {"sum": 5}}"#;
/// let event = Event::from_slice(event.as_bytes(), &reception)?;
/// let (event, lift) = Lifter::new(&registry, &Target::Active, Limits::DEFAULT).rewrite(event);
/// assert_eq!((event.payload().as_str(), lift.to), (r#"{"total":5}"#, Some(two)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Lifter<'a> {
    registry: &'a Registry,
    target: &'a Target,
    limits: Limits,
    ways: HashMap<(EventType, Option<Label>), Arc<Way>>,
}

/// How events of one version become those of the target.
#[derive(Debug)]
struct Way {
    to: Option<Label>,
    /// `None` where they are of that version already.
    upcaster: Result<Option<Upcaster>, NotLifted>,
    definition: Option<Arc<Definition>>,
}

impl<'a> Lifter<'a> {
    /// Lifts to a version, within these limits.
    #[must_use]
    pub fn new(registry: &'a Registry, target: &'a Target, limits: Limits) -> Self {
        Lifter {
            registry,
            target,
            limits,
            ways: HashMap::new(),
        }
    }

    /// The event as one of the version; or as it is, if that cannot be. Its member `upcast` says which.
    pub fn lift(&mut self, mut stored: StoredEvent) -> StoredEvent {
        let way = self.way(&stored.event);
        let error = match (&way.upcaster, &way.to) {
            (Err(error), _) => Some(error.clone()),
            (Ok(Some(upcaster)), Some(to)) => {
                let schema = way.definition.as_ref().and_then(|it| it.schema.as_ref());
                match upcaster.lift(&stored, to, schema, &self.limits) {
                    Ok(lifted) => return lifted,
                    Err(error) => Some(error.into()),
                }
            }
            (Ok(_), _) => None,
        };
        let lift = Lift {
            from: stored.event.envelope().version.clone(),
            to: way.to.clone(),
            error,
        };
        stored.upcast = Some(Box::new(lift));
        stored
    }

    /// An event that is not judged yet, as one of the version; or as it is, if that cannot be. Whoever sends the
    /// original again sends the same event: its hash stays.
    pub fn rewrite(&mut self, event: Event) -> (Event, Lift) {
        let way = self.way(&event);
        let mut lift = Lift {
            from: event.envelope().version.clone(),
            to: way.to.clone(),
            error: None,
        };
        let payload = match &way.upcaster {
            Ok(None) => return (event, lift),
            Ok(Some(upcaster)) => upcaster.apply(event.payload(), &self.limits).map_err(NotLifted::from),
            Err(error) => Err(error.clone()),
        };
        match payload {
            Ok(payload) => {
                let mut envelope = event.envelope().clone();
                envelope.version = way.to.clone();
                let event = Event::from_parts(envelope, payload, event.flags(), event.content_hash());
                (event, lift)
            }
            Err(error) => {
                lift.error = Some(error);
                (event, lift)
            }
        }
    }

    fn way(&mut self, event: &Event) -> Arc<Way> {
        let envelope = event.envelope();
        let key = (envelope.event_type.clone(), envelope.version.clone());
        let (registry, target) = (self.registry, self.target);
        let way = self
            .ways
            .entry(key)
            .or_insert_with_key(|(event_type, from)| Arc::new(Way::find(registry, event_type, from.as_ref(), target)));
        Arc::clone(way)
    }
}

impl Way {
    fn find(registry: &Registry, event_type: &EventType, from: Option<&Label>, target: &Target) -> Self {
        let to = match target {
            Target::Active => registry.active(event_type),
            Target::Version(version) => Some(version),
        };
        let definition = to.and_then(|to| registry.get(event_type, Some(to)));
        let upcaster = match (to, definition) {
            (to, _) if to == from => Ok(None),
            (Some(to), Some(_)) => match registry.upcaster(event_type, from, to) {
                Some(upcaster) => Ok(Some(upcaster)),
                None => Err(NotLifted::NoUpcaster),
            },
            _ => Err(NotLifted::UnknownVersion),
        };
        Way {
            to: to.cloned(),
            upcaster,
            definition: definition.cloned(),
        }
    }
}

impl Upcaster {
    /// A stored event as one of the newer version, judged by its schema. Its id, its place and the
    /// hash of what is stored stay.
    ///
    /// # Errors
    /// As [`Upcaster::apply`]; [`UpcastError::NotAllowed`] with what the schema does not allow.
    pub fn lift(
        &self,
        stored: &StoredEvent,
        version: &Label,
        schema: Option<&Schema>,
        limits: &Limits,
    ) -> Result<StoredEvent, UpcastError> {
        let payload = self.apply(stored.event.payload(), limits)?;
        if let Some(schema) = schema {
            schema.validate(&payload).map_err(UpcastError::NotAllowed)?;
        }
        let event = &stored.event;
        let mut envelope = event.envelope().clone();
        let from = envelope.version.replace(version.clone());
        let lift = Lift {
            from,
            to: Some(version.clone()),
            error: None,
        };
        Ok(StoredEvent {
            event: Event::from_parts(envelope, payload, event.flags(), event.content_hash()),
            upcast: Some(Box::new(lift)),
            ..stored.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arbitrary;
    use crate::event::Reception;
    use crate::name::{EventId, Source};
    use crate::upcaster::{Step, Upcast};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn label(text: &str) -> Label {
        Label::new(text).unwrap()
    }

    fn at(position: i64, event: Event) -> StoredEvent {
        StoredEvent {
            position,
            received_at: event.envelope().occurred_at,
            event,
            violations: Vec::new(),
            upcast: None,
        }
    }

    fn event(version: Option<&str>, data: &Value) -> Event {
        let (source, id) = (Source::new("shop").unwrap(), EventId::new("e").unwrap());
        let reception = Reception {
            received_at: "2021-01-01".parse().unwrap(),
            source: &source,
            zone: chrono_tz::Tz::UTC,
            limits: Limits::DEFAULT,
            new_id: &|| id.clone(),
        };
        let json = json!({"id": "e", "category": "order", "name": "paid", "version": version, "data": data});
        Event::from_slice(json.to_string().as_bytes(), &reception).unwrap()
    }

    /// No version → 1 → 2 → 3, which is active; and 1 → 2b.
    fn registry() -> Registry {
        let mut registry = Registry::default();
        let moved = |from: &str, to: &str| json!([{"step": "move", "from": from, "to": to}]);
        for (version, from, steps, schema) in [
            ("1", None, moved("/zero", "/one"), json!({})),
            ("2b", Some("1"), moved("/one", "/b"), json!({})),
            ("2", Some("1"), moved("/one", "/two"), json!({"required": ["absent"]})),
            (
                "3",
                Some("2"),
                moved("/two", "/three"),
                json!({"properties": {"three": {"type": "integer"}}}),
            ),
        ] {
            let upcast = json!({"from": from, "steps": steps});
            let definition = Definition {
                schema: Some(Schema::compile(&schema).unwrap()),
                upcast: Some(serde_json::from_value(upcast).unwrap()),
                ..Definition::default()
            };
            registry.insert(EventType::new("order", "paid").unwrap(), label(version), definition);
        }
        registry
    }

    fn lifted(version: Option<&str>, data: Value, target: &str) -> (Value, Value) {
        let (registry, target) = (registry(), target.parse().unwrap());
        let lifted = Lifter::new(&registry, &target, Limits::DEFAULT).lift(at(1, event(version, &data)));
        let json = json!(lifted);
        (json["data"].clone(), json["upcast"].clone())
    }

    #[test]
    fn chains_are_joined_and_only_the_last_schema_judges() {
        for (version, data, target, expected, to) in [
            (None, json!({"zero": 1}), "latest", json!({"three": 1}), "3"),
            (Some("1"), json!({"one": 1}), "latest", json!({"three": 1}), "3"),
            (Some("1"), json!({"one": 1}), "2b", json!({"b": 1}), "2b"),
            (Some("2"), json!({"two": 1}), "3", json!({"three": 1}), "3"),
            (Some("3"), json!({"two": "x"}), "latest", json!({"two": "x"}), "3"),
        ] {
            let found = lifted(version, data, target);
            assert_eq!(found, (expected, json!({"from": version, "to": to})));
        }
    }

    #[test]
    fn what_cannot_be_lifted_stays_and_says_why() {
        for (version, data, target, code) in [
            (Some("1"), json!({"one": "secret"}), "latest", "schema_violation"),
            (Some("1"), json!({"one": 1, "three": "secret"}), "latest", "place_taken"),
            (Some("1"), json!({"one": 1}), "2", "schema_violation"),
            (Some("3"), json!({"three": 1}), "1", "no_upcaster"),
            (Some("2b"), json!({"b": 1}), "latest", "no_upcaster"),
            (Some("x"), json!({"b": 1}), "latest", "no_upcaster"),
            (Some("1"), json!({"one": 1}), "9", "unknown_version"),
        ] {
            let (kept, upcast) = lifted(version, data.clone(), target);
            assert_eq!((&kept, &upcast["error"]["code"]), (&data, &json!(code)), "{upcast}");
            assert!(!upcast.to_string().contains("secret"), "{upcast}");
        }
    }

    #[test]
    fn types_that_nobody_registered_are_what_they_are() {
        let (registry, target) = (Registry::default(), Target::Active);
        let mut lifter = Lifter::new(&registry, &target, Limits::DEFAULT);
        let upcast = |stored: StoredEvent| json!(stored)["upcast"].clone();
        let plain = lifter.lift(at(1, event(None, &json!({}))));
        assert_eq!(upcast(plain), json!({"from": null, "to": null}));
        let named = lifter.lift(at(1, event(Some("1"), &json!({}))));
        assert_eq!(upcast(named)["error"]["code"], "unknown_version");
    }

    #[test]
    fn a_circle_that_nobody_checked_ends() {
        let mut registry = Registry::default();
        for (version, from) in [("1", "2"), ("2", "1")] {
            let upcast = Upcast {
                from: Some(label(from)),
                steps: Upcaster::default(),
            };
            let definition = Definition {
                upcast: Some(upcast),
                ..Definition::default()
            };
            registry.insert(EventType::new("order", "paid").unwrap(), label(version), definition);
        }
        let paid = EventType::new("order", "paid").unwrap();
        assert!(registry.upcaster(&paid, Some(&label("1")), &label("2")).is_some());
        assert_eq!(registry.upcaster(&paid, Some(&label("0")), &label("2")), None);
    }

    proptest! {
        #[test]
        fn ids_and_places_stay(event in arbitrary::event(), steps in proptest::collection::vec(arbitrary::step(), 0..3)) {
            let stored = at(7, event);
            let (limits, two) = (Limits::default(), label("2"));
            if let Ok(lifted) = Upcaster::new(steps).lift(&stored, &two, None, &limits) {
                let mut envelope = stored.event.envelope().clone();
                envelope.version = Some(two);
                prop_assert_eq!(lifted.event.envelope(), &envelope);
                prop_assert_eq!(lifted.event.content_hash(), stored.event.content_hash());
                prop_assert_eq!((lifted.position, lifted.received_at), (7, stored.received_at));
            }
        }
    }

    #[test]
    fn the_result_is_judged_by_the_newer_schema() {
        let stored = at(1, event(Some("1"), &json!({"total": "x"})));
        let schema = Schema::compile(&json!({"required": ["amount"]})).unwrap();
        let two = label("2");
        let lift = |upcaster: &Upcaster| upcaster.lift(&stored, &two, Some(&schema), &Limits::DEFAULT);
        assert!(matches!(lift(&Upcaster::default()), Err(UpcastError::NotAllowed(broken)) if broken.len() == 1));
        let renamed = Step::Move {
            from: "/total".parse().unwrap(),
            to: "/amount".parse().unwrap(),
        };
        assert_eq!(
            lift(&Upcaster::new(vec![renamed])).unwrap().event.payload().as_str(),
            r#"{"amount":"x"}"#
        );
    }
}
