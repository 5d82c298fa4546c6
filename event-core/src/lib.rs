#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

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
pub mod schema;
pub mod compatibility;
pub mod infer;
pub mod policy;
mod clock;
pub mod mapping;
pub mod filter;
pub mod metric;
pub mod upcaster;
mod stored_event;
pub mod registry;
pub mod lift;
pub mod patch;
pub mod verdict;
pub mod sequence;
pub mod wire;
pub mod foreign;
pub mod decimal;
pub mod query;
pub mod aggregate;
pub mod frame;
pub mod minutes;
pub mod analysis;

#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;

pub use aggregate::{Answer, answer};
pub use code::Code;
pub use envelope::Envelope;
pub use event::Event;
pub use event_type::EventType;
pub use filter::Filter;
pub use json::{Payload, Pointer};
pub use limits::Limits;
pub use mapping::Mapping;
pub use name::{EventId, Label, SessionId, Source, Subject};
pub use query::Query;
pub use refusal::Refusal;
pub use registry::{Registry, ValidEvent};
pub use schema::Schema;
pub use stored_event::StoredEvent;
pub use timestamp::Timestamp;
pub use verdict::Verdict;
pub use violation::Violation;
