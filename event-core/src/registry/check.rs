//! The verdict on the text of an event, for those who keep nothing of it.

use super::{Registry, glance};
use crate::event::{Event, Reception};
use crate::name::Label;
use crate::policy::UnknownTypes;
use crate::refusal::Refusal;
use crate::registry::Said;
use crate::schema::Schema;

impl Registry {
    /// Judges the JSON text of an event, and keeps nothing of it: the verdict is that of
    /// [`Event::from_slice`] and [`Registry::validate`], told while the text is read wherever that can be.
    ///
    /// ```
    /// use event_core::registry::{Definition, Registry};
    /// use event_core::{Code, EventType, Label, Schema};
    /// # let source = event_core::Source::new("shop")?;
    /// # let reception = event_core::event::Reception {
    /// #     received_at: "2026-01-01T00:00:00Z".parse()?, source: &source, zone: chrono_tz::Tz::UTC,
    /// #     limits: Default::default(), new_id: &|| event_core::EventId::new("made-here").unwrap(),
    /// # };
    /// let schema = Some(Schema::compile(&serde_json::json!({"required": ["value"]}))?);
    /// let mut registry = Registry::default();
    /// let created = EventType::new("order", "created")?;
    /// registry.insert(created, Label::new("1")?, Definition { schema, ..Default::default() });
    /// let check = |data: &str| {
    ///     let text = format!(r#"{{"category": "order", "name": "created", "data": {data}}}"#);
    ///     registry.check(text.as_bytes(), &reception)
    /// };
    /// assert_eq!(check(r#"{"value": 12.5}"#), Ok(()));
    /// assert_eq!(check(r#"{"value": 1, "value": 2}"#).unwrap_err().code, Code::DuplicateKey);
    /// assert_eq!(check("{}").unwrap_err().violations[0].keyword, "required");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check(&self, text: &[u8], reception: &Reception<'_>) -> Result<(), Refusal> {
        if self.surely_allows(text, reception) {
            return Ok(());
        }
        let event = Event::from_slice(text, reception)?;
        match self.validate(event, reception.received_at) {
            Ok(_) => Ok(()),
            Err(refused) => Err(refused.refusal),
        }
    }

    /// Whether the JSON text of an event is surely allowed, without a warning. "No" is no more than a reason to look
    /// closer.
    #[must_use]
    pub fn surely_allows(&self, text: &[u8], reception: &Reception<'_>) -> bool {
        let said = glance(text, reception.zone, &reception.limits, |said| self.glimpsed(said));
        // How far ahead it may lie is a matter of its policy.
        said.is_some_and(|said| said.occurred_at.is_none_or(|at| at <= reception.received_at))
    }

    /// The schema of the type and version that an event says it has, `Some(None)` where any object will do; nothing
    /// where there is more to be said.
    fn glimpsed(&self, said: &Said<'_>) -> Option<Option<&Schema>> {
        // Their scales are looked at in the numbers themselves.
        if self.metrics.named(said.category, said.name).is_some() {
            return None;
        }
        let versions = self.types.named(said.category, said.name);
        let definition = versions.and_then(|versions| {
            let version = said.version.or(versions.active.as_ref().map(Label::as_str))?;
            versions.by_label.get(version)
        });
        match definition {
            Some(definition) => Some(definition.schema.as_ref()),
            None if self.unknown_types != UnknownTypes::Store => None,
            None => {
                let is_label = [Some(said.category), Some(said.name), said.version];
                is_label.into_iter().flatten().all(Label::is).then_some(None)
            }
        }
    }
}
