//! A subscription to `$all` over one connection: what comes, until it breaks.

use std::time::Duration;

use axum::http::uri::PathAndQuery;
use event_core::Timestamp;
use event_core::foreign::kurrent::Recorded;
use futures_util::FutureExt as _;
use tokio::time::timeout;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status, Streaming};
use tonic_prost::ProstCodec;

use super::place::Place;
use super::protocol::{
    AllOptions, Content, Empty, Expression, FilterOptions, Options, ReadReq, ReadResp, RecordedEvent, UuidOption,
};
use crate::config::KurrentUrl;

const READ: PathAndQuery = PathAndQuery::from_static("/event_store.client.streams.Streams/Read");
/// All but the streams that the database writes for itself.
const NO_SYSTEM_STREAMS: &str = r"^[^\$].*";
/// A checkpoint is told whenever so many events that do not fit have passed.
const WINDOW: u32 = 1_000;
/// Servers take events of up to 16 MiB at the most.
const LARGEST: usize = 32 << 20;
/// How long it may take to connect, and to begin to read.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a silent connection is asked whether it is there, and how long it may take to say so.
const ALIVE: Duration = Duration::from_secs(10);
/// Ticks are tenths of a microsecond.
const TICKS: i64 = 10;

/// What has come.
pub(super) enum Next {
    Event { recorded: Owned, place: Place },
    Checkpoint(Place),
}

/// An event with what it is made of.
pub(super) struct Owned {
    id: String,
    stream: String,
    revision: u64,
    event_type: String,
    created: Option<Timestamp>,
    data: Vec<u8>,
}

impl Owned {
    pub(super) fn borrow(&self) -> Recorded<'_> {
        Recorded {
            id: &self.id,
            stream: &self.stream,
            revision: self.revision,
            event_type: &self.event_type,
            created: self.created,
            data: &self.data,
        }
    }
}

impl From<RecordedEvent> for Owned {
    fn from(mut event: RecordedEvent) -> Self {
        let ticks = event
            .metadata
            .get("created")
            .and_then(|ticks| ticks.parse::<i64>().ok());
        let created = ticks.and_then(|ticks| Timestamp::from_micros(ticks / TICKS).ok());
        Owned {
            id: event.id.unwrap_or_default().string,
            stream: String::from_utf8_lossy(&event.stream.unwrap_or_default().name).into_owned(),
            revision: event.revision,
            event_type: event.metadata.remove("type").unwrap_or_default(),
            created,
            data: event.data,
        }
    }
}

/// A stream of events that was opened.
pub(super) struct Subscription {
    responses: Streaming<ReadResp>,
}

impl Subscription {
    /// Begins behind a place, or at the start.
    pub(super) async fn open(url: &KurrentUrl, node: &str, from: Option<Place>) -> Result<Self, String> {
        let open = async {
            let mut grpc = Grpc::new(channel(url, node).await?).max_decoding_message_size(LARGEST);
            grpc.ready().await.map_err(|error| told(&error))?;
            let mut request = Request::new(asked(from));
            if let Some(authorization) = &url.authorization {
                let value = MetadataValue::<Ascii>::try_from(authorization.as_bytes());
                let mut value = value.map_err(|error| told(&error))?;
                value.set_sensitive(true);
                request.metadata_mut().insert("authorization", value);
            }
            // Whatever node answers may answer: a follower has every event a little later.
            request
                .metadata_mut()
                .insert("requires-leader", MetadataValue::from_static("false"));
            let codec: ProstCodec<ReadReq, ReadResp> = ProstCodec::default();
            let response = grpc.server_streaming(request, READ, codec).await;
            Ok::<_, String>(response.map_err(|status| refused(&status))?.into_inner())
        };
        let opened = timeout(PATIENCE * 2, open).await;
        let responses = opened.map_err(|_| "it does not answer in time".to_owned())??;
        Ok(Subscription { responses })
    }

    /// Waits for what comes next.
    pub(super) async fn next(&mut self) -> Result<Next, String> {
        loop {
            let message = self.responses.message().await.map_err(|status| refused(&status))?;
            let Some(message) = message else {
                return Err("it ended the subscription".to_owned());
            };
            if let Some(next) = next(message) {
                return Ok(next);
            }
        }
    }

    /// What has come already.
    pub(super) fn next_if_there(&mut self) -> Option<Result<Next, String>> {
        self.next().now_or_never()
    }
}

fn next(message: ReadResp) -> Option<Next> {
    match message.content? {
        Content::Checkpoint(position) => Some(Next::Checkpoint(Place(position))),
        Content::Event(read) => {
            let event = read.event?;
            Some(Next::Event {
                place: Place::new(event.commit, event.prepare),
                recorded: event.into(),
            })
        }
    }
}

fn asked(from: Option<Place>) -> ReadReq {
    let all = AllOptions {
        position: from.map(|Place(position)| position),
        start: from.is_none().then_some(Empty {}),
    };
    let filter = FilterOptions {
        stream_identifier: Some(Expression {
            regex: NO_SYSTEM_STREAMS.to_owned(),
        }),
        max: WINDOW,
        checkpoint_interval_multiplier: 1,
    };
    ReadReq {
        options: Some(Options {
            all: Some(all),
            subscription: Some(Empty {}),
            filter: Some(filter),
            uuid_option: Some(UuidOption { string: Some(Empty {}) }),
        }),
    }
}

async fn channel(url: &KurrentUrl, node: &str) -> Result<Channel, String> {
    let scheme = if url.tls { "https" } else { "http" };
    let endpoint = Endpoint::try_from(format!("{scheme}://{node}")).map_err(|error| told(&error))?;
    let mut endpoint = endpoint
        .connect_timeout(PATIENCE)
        .http2_keep_alive_interval(ALIVE)
        .keep_alive_timeout(ALIVE)
        .keep_alive_while_idle(true);
    if url.tls {
        let mut tls = ClientTlsConfig::new().with_native_roots();
        if let Some(path) = &url.certificates {
            let read = tokio::fs::read(path).await;
            let pem = read.map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
            tls = tls.ca_certificate(Certificate::from_pem(pem));
        }
        endpoint = endpoint.tls_config(tls).map_err(|error| told(&error))?;
    }
    endpoint.connect().await.map_err(|error| told(&error))
}

/// What the server says, without what it may have been sent.
fn refused(status: &Status) -> String {
    match status.message() {
        "" => format!("{:?}", status.code()),
        message => format!("{:?}: {message}", status.code()),
    }
}

/// An error with what lies below it: the outermost text says only that something failed.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
