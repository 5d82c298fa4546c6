//! Application events: their types, validation by JSON Schema, and exact answers over them.

mod code;
mod json;
mod limits;
pub mod timestamp;
pub mod name;
mod event_type;
mod envelope;

#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;

pub use code::{Code, UnknownCode};
pub use json::{Document, JsonError, Kind, Node, Number, Payload, Pointer, PointerError};
pub use limits::Limits;
pub use envelope::Envelope;
pub use event_type::EventType;
pub use name::{EventId, Label, NameError, SessionId, Source, Subject};
pub use timestamp::Timestamp;
