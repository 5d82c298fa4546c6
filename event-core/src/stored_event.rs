//! An event that has a place in the log.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::event::Event;
use crate::timestamp::Timestamp;
use crate::upcaster::Lift;
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
    /// Where it is read as one of another version: what it was, and as what it is here.
    pub upcast: Option<Box<Lift>>,
}

impl Serialize for StoredEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("position", &self.position)?;
        self.event.write_envelope(&mut map)?;
        map.serialize_entry("received_at", &self.received_at)?;
        if !self.event.flags().is_empty() {
            map.serialize_entry("flags", &self.event.flags())?;
        }
        if !self.violations.is_empty() {
            map.serialize_entry("violations", &self.violations)?;
        }
        if let Some(upcast) = &self.upcast {
            map.serialize_entry("upcast", upcast)?;
        }
        map.serialize_entry("data", self.event.payload())?;
        map.end()
    }
}
