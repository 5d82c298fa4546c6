//! Event → JSON, as it could be sent again.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::Event;

impl Event {
    /// Writes the fields of the envelope, those that are absent left out.
    pub(crate) fn write_envelope<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let envelope = self.envelope();
        map.serialize_entry("id", &envelope.id)?;
        map.serialize_entry("category", &envelope.event_type.category)?;
        map.serialize_entry("name", &envelope.event_type.name)?;
        if let Some(version) = &envelope.version {
            map.serialize_entry("version", version)?;
        }
        if let Some(session_id) = &envelope.session_id {
            map.serialize_entry("session_id", session_id)?;
        }
        if let Some(sequence) = &envelope.sequence {
            map.serialize_entry("sequence", sequence)?;
        }
        map.serialize_entry("source", &envelope.source)?;
        if let Some(subject) = &envelope.subject {
            map.serialize_entry("subject", subject)?;
        }
        map.serialize_entry("occurred_at", &envelope.occurred_at)?;
        if let Some(sent_at) = &envelope.sent_at {
            map.serialize_entry("sent_at", sent_at)?;
        }
        Ok(())
    }
}

/// The JSON that [`Event::from_slice`] reads.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write_envelope(&mut map)?;
        map.serialize_entry("data", self.payload())?;
        map.end()
    }
}
