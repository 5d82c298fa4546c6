//! Application events: their types, validation by JSON Schema, and exact answers over them.

// Bottom first: a file may use only what stands above it in this list.
mod code;
mod limits;
pub mod json;
pub mod timestamp;
pub mod name;
mod event_type;
mod envelope;
pub mod flag;
mod violation;
pub mod refusal;
pub mod event;
pub mod decimal;
pub mod filter;
pub mod query;
pub mod aggregate;

#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;

pub use aggregate::{Answer, Tally, answer};
pub use code::Code;
pub use decimal::Decimal;
pub use envelope::Envelope;
pub use event::Event;
pub use event_type::EventType;
pub use filter::Filter;
pub use json::{Document, JsonError, Payload, Pointer};
pub use limits::Limits;
pub use name::{EventId, Label, NameError, SessionId, Source, Subject};
pub use query::{Bucket, Measure, Query, Unit};
pub use refusal::Refusal;
pub use timestamp::Timestamp;
pub use violation::Violation;
