//! The rules of a registry at one moment: for JSON text, and for dicts where they are.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use chrono_tz::Tz;
use event_core::event::Reception;
use event_core::json::Document;
use event_core::policy::{Action, Policy, UnknownTypes};
use event_core::registry::{Definition, Registry as Core, Said, ValidEvent, glance};
use event_core::{Event, EventId, EventType, Label, Limits, Refusal, SessionId, Source, Subject, Timestamp};
use jsonschema::json::{JsonNumber as _, Node as _, Object as _};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyString};

use crate::event::{default_source, now};
use crate::names::Names;
use crate::rules::Rules;
use crate::walk::{Node, Walk};

/// What is registered at one moment.
#[derive(Clone)]
pub(crate) struct Book {
    core: Core,
    /// Category → name → the rules of all versions, for lookups without a copy of either.
    types: HashMap<String, HashMap<String, Versions>>,
}

#[derive(Clone, Default)]
struct Versions {
    /// The rules of the version that was registered last; `None` where any object will do.
    active: Option<Arc<Rules>>,
    by_label: HashMap<String, Option<Arc<Rules>>>,
}

impl Book {
    pub(crate) fn new(unknown_types: UnknownTypes, future_tolerance_seconds: u32) -> Self {
        let mut core = Core::default();
        core.unknown_types = unknown_types;
        core.future_tolerance_seconds = future_tolerance_seconds;
        let types = HashMap::new();
        Book { core, types }
    }

    /// The same for Rust alone.
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// How many types there are.
    pub(crate) fn types(&self) -> usize {
        self.types.values().map(HashMap::len).sum()
    }

    /// Adds one version of a type, and makes it the active one.
    pub(crate) fn insert(&mut self, event_type: EventType, version: Label, rules: Option<Arc<Rules>>, policy: Policy) {
        let names = self.types.entry(event_type.category.to_string()).or_default();
        let versions = names.entry(event_type.name.to_string()).or_default();
        versions.active.clone_from(&rules);
        versions.by_label.insert(version.to_string(), rules.clone());
        let definition = Definition {
            schema: rules.map(|rules| rules.schema.clone()),
            mapping: None,
            policy,
            upcast: None,
        };
        self.core.insert(event_type, version, definition);
    }

    /// Judges the JSON text of an event.
    pub(crate) fn judge(&self, text: &[u8]) -> Result<ValidEvent, Refusal> {
        let received_at = now();
        let source = default_source();
        let id = EventId::new("new").unwrap_or_else(|_| unreachable!("this is an id"));
        let reception = Reception {
            received_at,
            source: &source,
            zone: Tz::UTC,
            limits: Limits::DEFAULT,
            new_id: &|| id.clone(),
        };
        let event = Event::from_slice(text, &reception)?;
        self.judge_event(event, received_at)
    }

    /// Judges an event that is well-formed.
    pub(crate) fn judge_event(&self, event: Event, received_at: Timestamp) -> Result<ValidEvent, Refusal> {
        self.core
            .validate(event, received_at)
            .map_err(|refused| refused.refusal)
    }

    /// Whether an event is a dict that every rule allows; "no" is no more than a reason to look closer.
    pub(crate) fn allows(&self, event: Node<'_>) -> bool {
        let mut walk = Walk::new(&Limits::DEFAULT);
        Fields::of(event, &mut walk).is_some_and(|fields| self.allows_fields(&fields, &mut walk))
    }

    fn allows_fields(&self, fields: &Fields<'_>, walk: &mut Walk) -> bool {
        let (Some(category), Some(name)) = (fields.category, fields.name) else {
            return false;
        };
        if !self.is_in_time(fields.occurred_at) {
            return false;
        }
        match (self.find(category, name, fields.version), fields.data) {
            (Some(Some(rules)), Some(data)) => rules.allow(data, walk),
            (Some(None), data) => data.is_none_or(|data| walk.takes(data, None, &Names::default(), 0)),
            // Its data is the empty object, which event-core has at hand.
            (Some(Some(_)), None) | (None, _) => false,
        }
    }

    /// Whether the JSON text of an event is surely allowed, without a warning; "no" is no more than a reason to look
    /// closer.
    pub(crate) fn surely_allows(&self, text: &[u8]) -> bool {
        let schema = |said: &Said<'_>| {
            let rules = self.find(said.category, said.name, said.version)?;
            Some(rules.map(|rules| &rules.schema))
        };
        glance(text, Tz::UTC, &Limits::DEFAULT, schema).is_some_and(|said| self.is_in_time(said.occurred_at))
    }

    /// Whether the JSON text of an event is surely refused, told without finding out all that is wrong with it.
    pub(crate) fn surely_refuses(&self, text: &[u8]) -> bool {
        let limits = Limits::DEFAULT.of_document();
        if text.len() > limits.event_bytes {
            return true;
        }
        let Ok(document) = Document::parse(text, &limits) else {
            return true;
        };
        let field = |name| document.root().get(name).and_then(|node| node.as_str());
        let (Some(category), Some(name), Some(data)) = (field("category"), field("name"), document.root().get("data"))
        else {
            return false;
        };
        // An envelope that breaks a rule, too, is refused all the more.
        let event_type = EventType::new(&*category, &*name);
        let version = field("version").map(|version| Label::new(&*version)).transpose();
        let (Ok(event_type), Ok(version)) = (event_type, version) else {
            return true;
        };
        self.core.get(&event_type, version.as_ref()).is_some_and(|definition| {
            let schema = definition
                .schema
                .as_ref()
                .filter(|_| definition.policy.on_violation != Action::Warn);
            schema.is_some_and(|schema| !schema.allows(data))
        })
    }

    /// The rules for a type and version, `Some(None)` where any object will do; nothing where there is more to be said.
    fn find(&self, category: &str, name: &str, version: Option<&str>) -> Option<Option<&Rules>> {
        let known = self.types.get(category).and_then(|names| names.get(name));
        let rules = match (known, version) {
            (Some(versions), None) => Some(&versions.active),
            (Some(versions), Some(version)) => versions.by_label.get(version),
            (None, _) => None,
        };
        let stored = || {
            self.core.unknown_types == UnknownTypes::Store
                && Label::is(category)
                && Label::is(name)
                && version.is_none_or(Label::is)
        };
        match rules {
            Some(rules) => Some(rules.as_deref()),
            None => stored().then_some(None),
        }
    }

    fn is_in_time(&self, occurred_at: Option<Timestamp>) -> bool {
        let tolerance = i64::from(self.core.future_tolerance_seconds) * 1_000_000;
        occurred_at.is_none_or(|at| at <= now().saturating_add_micros(tolerance))
    }
}

/// What an event in a dict says of itself, each field by its grammar.
#[derive(Default)]
struct Fields<'a> {
    category: Option<&'a str>,
    name: Option<&'a str>,
    version: Option<&'a str>,
    occurred_at: Option<Timestamp>,
    data: Option<Node<'a>>,
}

impl<'a> Fields<'a> {
    /// Reads them; `None` where anything is wrong or unusual.
    fn of(event: Node<'a>, walk: &mut Walk) -> Option<Self> {
        if !event.is_exact_instance_of::<PyDict>() || !walk.takes_node(2) {
            return None;
        }
        let mut fields = Fields::default();
        for (key, value) in event.as_object()?.members() {
            // Only of a plain string are the characters borrowed.
            let Cow::Borrowed(key) = key else { return None };
            let good = match walk.key(key)? {
                "data" => {
                    fields.data = Some(value);
                    value.is_exact_instance_of::<PyDict>()
                }
                // Null counts as absent everywhere but in `data`.
                _ if value.is_none() => walk.takes(value, None, &Names::default(), 0),
                // The grammars of these two are looked at where no such type is registered.
                "category" => put(&mut fields.category, text(value, walk)),
                "name" => put(&mut fields.name, text(value, walk)),
                "version" => put(&mut fields.version, text(value, walk)),
                "id" => text(value, walk).is_some_and(EventId::is),
                "session_id" => text(value, walk).is_some_and(SessionId::is),
                "source" => text(value, walk).is_some_and(Source::is),
                "subject" => text(value, walk).is_some_and(Subject::is),
                "sequence" => {
                    let number = value.as_number().and_then(|number| number.as_i64());
                    value.is_exact_instance_of::<PyInt>()
                        && walk.takes(value, None, &Names::default(), 0)
                        && number.is_some_and(|number| number >= 0)
                }
                // One of them, not both.
                "occurred_at" | "timestamp" => {
                    fields.occurred_at.is_none() && put(&mut fields.occurred_at, time(value, walk))
                }
                "sent_at" => time(value, walk).is_some(),
                _ => walk.takes(value, None, &Names::default(), 0),
            };
            if !good {
                return None;
            }
        }
        Some(fields)
    }
}

fn put<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    *slot = value;
    slot.is_some()
}

fn text<'a>(node: Node<'a>, walk: &mut Walk) -> Option<&'a str> {
    let exact = node.is_exact_instance_of::<PyString>() && walk.takes_node(2);
    match node.as_string()? {
        Cow::Borrowed(text) if exact => walk.text(text),
        _ => None,
    }
}

fn time(node: Node<'_>, walk: &mut Walk) -> Option<Timestamp> {
    Timestamp::parse_in(text(node, walk)?, Tz::UTC).ok()
}
