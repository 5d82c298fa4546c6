//! An event that has a place in the log.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::event::Event;
use crate::timestamp::Timestamp;
use crate::violation::Violation;

/// An event as the store keeps it.
///
/// As JSON it is the event as it could be sent again, with `position`, `received_at` and `flags`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the log: positions follow the order of commits, and never repeat.
    pub position: i64,
    /// When it came in.
    pub received_at: Timestamp,
    /// The event.
    pub event: Event,
    /// The rules that it breaks, where its type's policy was to warn.
    pub violations: Vec<Violation>,
}

impl Serialize for StoredEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let envelope = self.event.envelope();
        let mut out = serializer.serialize_struct("StoredEvent", 15)?;
        out.serialize_field("position", &self.position)?;
        out.serialize_field("id", &envelope.id)?;
        out.serialize_field("category", &envelope.event_type.category)?;
        out.serialize_field("name", &envelope.event_type.name)?;
        macro_rules! optional {
            ($($field:ident),+) => {
                $(match &envelope.$field {
                    Some(value) => out.serialize_field(stringify!($field), value)?,
                    None => out.skip_field(stringify!($field))?,
                })+
            };
        }
        optional!(version, session_id, sequence);
        out.serialize_field("source", &envelope.source)?;
        optional!(subject);
        out.serialize_field("occurred_at", &envelope.occurred_at)?;
        out.serialize_field("received_at", &self.received_at)?;
        optional!(sent_at);
        if !self.event.flags().is_empty() {
            out.serialize_field("flags", &self.event.flags())?;
        }
        if !self.violations.is_empty() {
            out.serialize_field("violations", &self.violations)?;
        }
        out.serialize_field("data", self.event.payload())?;
        out.end()
    }
}
