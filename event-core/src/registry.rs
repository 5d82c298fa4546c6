//! Event type and version → rules, compiled; the only maker of [`ValidEvent`].

mod by_type;
mod glance;
mod check;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock;
use crate::code::Code;
use crate::event::Event;
use crate::event_type::EventType;
use crate::flag::Flag;
use crate::mapping::Mapping;
use crate::metric::Metric;
use crate::name::Label;
use crate::policy::{Action, Policy, Storage, UnknownTypes};
use crate::refusal::Refusal;
use crate::schema::Schema;
use crate::timestamp::Timestamp;
use crate::upcaster::{Upcast, Upcaster};
use crate::violation::Violation;
use by_type::ByType;
pub use glance::{Said, glance};

/// One version of an event type: what its events are like.
#[derive(Clone, Debug, Default)]
pub struct Definition {
    /// The rules for the data; none means that any object will do.
    pub schema: Option<Schema>,
    /// How foreign documents become events of this type.
    pub mapping: Option<Mapping>,
    /// What happens to events that break the rules.
    pub policy: Policy,
    /// How data of an older version become those of this one.
    pub upcast: Option<Upcast>,
}

/// The versions of one event type.
#[derive(Clone, Debug, Default)]
struct Versions {
    active: Option<Label>,
    /// Those that judge beside the active one.
    shadows: Vec<Label>,
    by_label: BTreeMap<Label, Arc<Definition>>,
}

/// All event types that are known, ready to judge. Cheap to clone.
///
/// ```
/// use event_core::registry::{Definition, Registry};
/// use event_core::{EventType, Label, Schema};
/// # let source = event_core::Source::new("shop")?;
/// # let received_at = "2021-01-01T09:15:28Z".parse()?;
/// # let reception = event_core::event::Reception {
/// #     received_at, source: &source, zone: chrono_tz::Tz::UTC,
/// #     limits: Default::default(), new_id: &|| event_core::EventId::new("made-here").unwrap(),
/// # };
/// let schema = Schema::compile(&serde_json::json!({"required": ["path"]}))?;
/// let mut registry = Registry::default();
/// let pageview = EventType::new("page interaction", "pageview")?;
/// registry.insert(pageview, Label::new("1")?, Definition { schema: Some(schema), ..Default::default() });
///
/// let event = event_core::Event::builder("page interaction", "pageview").build(&reception)?;
/// let refused = registry.validate(event, received_at).unwrap_err();
/// assert_eq!(refused.refusal.code, event_core::Code::SchemaViolation);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Registry {
    types: ByType<Versions>,
    metrics: ByType<Vec<Arc<Metric>>>,
    /// What becomes of events whose type or version is not registered.
    pub unknown_types: UnknownTypes,
    /// How far ahead of the receiver's clock events may lie whose type says nothing about it.
    pub future_tolerance_seconds: u32,
}

impl Default for Registry {
    fn default() -> Self {
        Registry {
            types: ByType::default(),
            metrics: ByType::default(),
            unknown_types: UnknownTypes::default(),
            future_tolerance_seconds: 300,
        }
    }
}

/// An event that its type's rules allow. Only [`Registry::validate`] makes one, so that an event
/// that nobody judged cannot be stored.
#[derive(Clone, Debug)]
pub struct ValidEvent {
    event: Event,
    violations: Vec<Violation>,
}

impl ValidEvent {
    /// The event, its version filled in and its flags complete.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The rules that it breaks all the same, where its type's policy is to warn.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// The event by itself.
    #[must_use]
    pub fn into_event(self) -> Event {
        self.event
    }
}

/// An event that was refused, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Every reason.
    pub refusal: Refusal,
    /// Whether it is kept.
    pub keep: Keep,
    /// The event, as it was offered.
    pub event: Event,
}

/// Whether a refused event is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// In the quarantine.
    Quarantine,
    /// Not at all.
    Nothing,
}

impl Registry {
    /// Adds one version of a type and makes it the active one, which judges events that name no version.
    pub fn insert(&mut self, event_type: EventType, version: Label, definition: Definition) {
        let versions = self.types.of(event_type);
        versions.by_label.insert(version.clone(), Arc::new(definition));
        versions.shadows.retain(|shadow| *shadow != version);
        versions.active = Some(version);
    }

    /// Adds one version of a type that judges beside the active one: what it would refuse is stored
    /// all the same. Events that name it are judged by it alone.
    pub fn insert_shadow(&mut self, event_type: EventType, version: Label, definition: Definition) {
        let versions = self.types.of(event_type);
        versions.by_label.insert(version.clone(), Arc::new(definition));
        if !versions.shadows.contains(&version) {
            versions.shadows.push(version);
        }
    }

    /// The versions of a type that judge beside the active one.
    pub fn shadows(&self, event_type: &EventType) -> impl Iterator<Item = (&Label, &Arc<Definition>)> {
        let versions = self.types.get(event_type).into_iter();
        versions.flat_map(|versions| {
            let shadows = versions.shadows.iter();
            shadows.filter_map(|label| Some((label, versions.by_label.get(label)?)))
        })
    }

    /// One version of a type, or the active one.
    #[must_use]
    pub fn get(&self, event_type: &EventType, version: Option<&Label>) -> Option<&Arc<Definition>> {
        let versions = self.types.get(event_type)?;
        versions.by_label.get(version.or(versions.active.as_ref())?)
    }

    /// The version that judges events of this type that name none.
    #[must_use]
    pub fn active(&self, event_type: &EventType) -> Option<&Label> {
        self.types.get(event_type)?.active.as_ref()
    }

    /// What brings data of one version of a type to another: the upcasters that lead there, joined. `None` if there
    /// is no way.
    #[must_use]
    pub fn upcaster(&self, event_type: &EventType, from: Option<&Label>, to: &Label) -> Option<Upcaster> {
        let known = &self.types.get(event_type)?.by_label;
        let mut way = Vec::new();
        let mut version = to;
        // Backwards: a version says from which one it is made. No way is longer than there are versions.
        while way.len() < known.len() {
            let upcast = known.get(version)?.upcast.as_ref()?;
            way.push(&upcast.steps);
            match &upcast.from {
                older if older.as_ref() == from => {
                    let joined = way.into_iter().rev().cloned();
                    return joined.reduce(Upcaster::then);
                }
                older => version = older.as_ref()?,
            }
        }
        None
    }

    /// What is kept of the events of a type and version; all of them, where nobody said.
    #[must_use]
    pub fn storage(&self, event_type: &EventType, version: Option<&Label>) -> Storage {
        self.get(event_type, version)
            .map(|definition| definition.policy.storage)
            .unwrap_or_default()
    }

    /// Replaces all metrics; of two with one name the later one counts.
    pub fn set_metrics(&mut self, metrics: impl IntoIterator<Item = Metric>) {
        let by_label: BTreeMap<Label, Metric> = metrics
            .into_iter()
            .map(|metric| (metric.label().clone(), metric))
            .collect();
        self.metrics.clear();
        for metric in by_label.into_values() {
            let of_type = self.metrics.of(metric.event_type().clone());
            of_type.push(Arc::new(metric));
        }
    }

    /// What is counted of the events of a type, ordered by name.
    #[must_use]
    pub fn metrics(&self, event_type: &EventType) -> &[Arc<Metric>] {
        self.metrics.get(event_type).map_or(&[], Vec::as_slice)
    }

    /// Judges an event by the schema and the policy of its type and version, and by the scales of
    /// its type's metrics. A number beyond its scale is never only worth a warning: no cell holds
    /// it.
    ///
    /// # Errors
    /// Every broken rule, and whether the event is kept.
    pub fn validate(&self, event: Event, received_at: Timestamp) -> Result<ValidEvent, Box<Refused>> {
        let envelope = event.envelope();
        let versions = self.types.get(&envelope.event_type);
        let version = envelope
            .version
            .clone()
            .or_else(|| versions.and_then(|versions| versions.active.clone()));
        let definition = versions
            .zip(version.as_ref())
            .and_then(|(known, version)| known.by_label.get(version));
        let mut flags = event.flags();
        let mut violations = Vec::new();

        let policy = definition
            .map(|definition| definition.policy.clone())
            .unwrap_or_default();
        let tolerance = policy.future_tolerance_seconds.unwrap_or(self.future_tolerance_seconds);
        let mut code = None;
        if let Err(violation) = clock::not_in_future(envelope.occurred_at, received_at, tolerance) {
            flags = flags.with(Flag::TimestampInFuture);
            code.get_or_insert(Code::TimestampInFuture);
            violations.push(violation);
        }
        if let Some(schema) = definition.and_then(|definition| definition.schema.as_ref())
            && let Err(broken) = schema.validate(event.payload())
        {
            flags = flags.with(Flag::SchemaViolation);
            code.get_or_insert(Code::SchemaViolation);
            violations.extend(broken);
        }
        let metrics = self.metrics(&envelope.event_type);
        let beyond: Vec<Violation> = metrics
            .iter()
            .filter_map(|metric| metric.check(event.payload()).err())
            .collect();
        let warns = policy.on_violation == Action::Warn;
        if !beyond.is_empty() && (warns || code.is_none()) {
            code = Some(Code::MeasureOutOfRange);
        }
        if let Some(code) = code
            && (!warns || !beyond.is_empty())
        {
            violations.extend(beyond);
            let keep = if policy.on_violation == Action::Reject {
                Keep::Nothing
            } else {
                Keep::Quarantine
            };
            return Err(refused(event, code, violations, keep));
        }
        if definition.is_none() {
            flags = flags.with(Flag::Unplanned);
            if self.unknown_types != UnknownTypes::Store {
                let (code, message) = match versions {
                    None => (Code::UnknownType, "no type of this category and name is registered"),
                    Some(_) => (Code::UnknownVersion, "this version of the type is not registered"),
                };
                let keep = if self.unknown_types == UnknownTypes::Reject {
                    Keep::Nothing
                } else {
                    Keep::Quarantine
                };
                let pointer = if versions.is_none() { "/name" } else { "/version" };
                return Err(refused(
                    event,
                    code,
                    vec![Violation::new(pointer, code.as_str(), message)],
                    keep,
                ));
            }
        }
        Ok(ValidEvent {
            event: event.resolved(version, flags),
            violations,
        })
    }
}

fn refused(event: Event, code: Code, violations: Vec<Violation>, keep: Keep) -> Box<Refused> {
    Box::new(Refused {
        refusal: Refusal {
            code,
            violations,
            claims: Box::new(event.claims()),
        },
        keep,
        event,
    })
}
