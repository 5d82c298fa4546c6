//! The messages of `event_store.client.streams.Streams/Read`, as far as a subscription to `$all` needs them: numbers and
//! names are those of `streams.proto` and `shared.proto`, which KurrentDB publishes with its clients.

use std::collections::HashMap;

use prost::{Message, Oneof};

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Empty {}

/// What is asked for: all events behind a place, now and from now on.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadReq {
    #[prost(message, optional, tag = "1")]
    pub(super) options: Option<Options>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Options {
    #[prost(message, optional, tag = "2")]
    pub(super) all: Option<AllOptions>,
    #[prost(message, optional, tag = "6")]
    pub(super) subscription: Option<Empty>,
    #[prost(message, optional, tag = "7")]
    pub(super) filter: Option<FilterOptions>,
    #[prost(message, optional, tag = "9")]
    pub(super) uuid_option: Option<UuidOption>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AllOptions {
    #[prost(message, optional, tag = "1")]
    pub(super) position: Option<Position>,
    #[prost(message, optional, tag = "2")]
    pub(super) start: Option<Empty>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct Position {
    #[prost(uint64, tag = "1")]
    pub(super) commit: u64,
    #[prost(uint64, tag = "2")]
    pub(super) prepare: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct FilterOptions {
    #[prost(message, optional, tag = "1")]
    pub(super) stream_identifier: Option<Expression>,
    /// How many events are looked at before a checkpoint is told although none fits.
    #[prost(uint32, tag = "3")]
    pub(super) max: u32,
    #[prost(uint32, tag = "5")]
    pub(super) checkpoint_interval_multiplier: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Expression {
    #[prost(string, tag = "1")]
    pub(super) regex: String,
}

/// Ids are to come as texts.
#[derive(Clone, PartialEq, Message)]
pub(super) struct UuidOption {
    #[prost(message, optional, tag = "2")]
    pub(super) string: Option<Empty>,
}

/// What comes. Messages of other kinds have none of these.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadResp {
    #[prost(oneof = "Content", tags = "1, 3")]
    pub(super) content: Option<Content>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Content {
    #[prost(message, tag = "1")]
    Event(ReadEvent),
    #[prost(message, tag = "3")]
    Checkpoint(Position),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadEvent {
    #[prost(message, optional, tag = "1")]
    pub(super) event: Option<RecordedEvent>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RecordedEvent {
    #[prost(message, optional, tag = "1")]
    pub(super) id: Option<Uuid>,
    #[prost(message, optional, tag = "2")]
    pub(super) stream: Option<StreamIdentifier>,
    #[prost(uint64, tag = "3")]
    pub(super) revision: u64,
    #[prost(uint64, tag = "4")]
    pub(super) prepare: u64,
    #[prost(uint64, tag = "5")]
    pub(super) commit: u64,
    /// `type`, `content-type` and `created`.
    #[prost(map = "string, string", tag = "6")]
    pub(super) metadata: HashMap<String, String>,
    #[prost(bytes = "vec", tag = "8")]
    pub(super) data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Uuid {
    #[prost(string, tag = "2")]
    pub(super) string: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamIdentifier {
    #[prost(bytes = "vec", tag = "3")]
    pub(super) name: Vec<u8>,
}
