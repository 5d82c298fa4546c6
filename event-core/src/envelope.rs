//! Everything about an event but its data.

use crate::event_type::EventType;
use crate::name::{EventId, Label, SessionId, Source, Subject};
use crate::timestamp::Timestamp;

/// What is written on the outside of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// What makes the event itself, within its source.
    pub id: EventId,
    /// What kind of thing happened.
    pub event_type: EventType,
    /// The version of the type; `None` until a registry has said which one is active.
    pub version: Option<Label>,
    /// The visit or run it belongs to.
    pub session_id: Option<SessionId>,
    /// Its number inside the session, counted by the sender from 0 or 1.
    pub sequence: Option<i64>,
    /// The application that sent it.
    pub source: Source,
    /// Whom it is about.
    pub subject: Option<Subject>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the sender sent it, by the sender's clock.
    pub sent_at: Option<Timestamp>,
}
