//! Traces by OTLP: spans of requests and of commits, on their way to whoever collects them.
//!
//! Spans wait in a queue that has a bound, and one that finds it full is counted and gone: no request ever waits for
//! them. They go out over HTTP as protobuf, by a task of their own.
//!
//! ```no_run
//! use event_server::otlp::Traces;
//! use tracing_subscriber::layer::SubscriberExt as _;
//! use tracing_subscriber::util::SubscriberInitExt as _;
//!
//! # async fn embed(router: axum::Router) -> Result<(), Box<dyn std::error::Error>> {
//! let traces = Traces::new(&"http://127.0.0.1:4318".parse()?, "event-server")?;
//! tracing_subscriber::registry().with(traces.layer()).init();
//! let sending = traces.start();
//! let router = sending.counted_in(router); // its /metrics tell what became of the spans
//! // … serve, and at the end:
//! sending.finish(std::time::Duration::from_secs(3)).await;
//! # Ok(())
//! # }
//! ```

mod queue;

use std::fmt;
use std::time::Duration;

use axum::http::Uri;
use axum::{Extension, Router};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::EnvResourceDetector;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter as _};
use reqwest::redirect;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

use crate::spans::Spans;
use queue::Queue;

/// So many spans wait at the most; one has about a kilobyte.
const ROOM: usize = 8_192;
/// So many go out in one request.
const BATCH: usize = 512;
/// How long a span waits for others to go with.
const GATHER: Duration = Duration::from_secs(1);
/// How long a batch may take: what the standard says.
const PATIENCE: Duration = Duration::from_secs(10);

/// Traces cannot be sent there.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be sent: {0}")]
pub struct Unusable(String);

impl Unusable {
    fn new(cause: impl fmt::Display) -> Self {
        Unusable(cause.to_string())
    }
}

/// Where spans are to go, before any went.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    exporter: SpanExporter,
    ended: mpsc::Receiver<SpanData>,
    spans: Spans,
}

impl Traces {
    /// Traces for the collector of traces at this address, to which `/v1/traces` is added, under the name of a
    /// service. Nothing is connected yet.
    ///
    /// Other variables of the standard hold as its own exporter reads them, among them `OTEL_EXPORTER_OTLP_HEADERS`,
    /// `OTEL_TRACES_SAMPLER` and `OTEL_RESOURCE_ATTRIBUTES`.
    ///
    /// # Errors
    /// If the address or one of those variables is of no use.
    pub fn new(endpoint: &Uri, service: &str) -> Result<Self, Unusable> {
        let address = format!("{}/v1/traces", endpoint.to_string().trim_end_matches('/'));
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_http_client(client(endpoint)?)
            .with_endpoint(address)
            .with_timeout(PATIENCE)
            .build()
            .map_err(Unusable::new)?;
        let resource = Resource::builder_empty()
            .with_detector(Box::new(EnvResourceDetector::new()))
            .with_service_name(service.to_owned())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        exporter.set_resource(&resource);
        let spans = Spans::default();
        let (queue, ended) = Queue::new(ROOM, spans.clone());
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_span_processor(queue)
            .build();
        Ok(Traces {
            provider,
            exporter,
            ended,
            spans,
        })
    }

    /// Makes traces of the spans that are for them, and of no others; log lines stay where they are.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + 'static
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let ours = Targets::new()
            .with_target("event_server::trace", LevelFilter::TRACE)
            .with_target("event_store::trace", LevelFilter::TRACE);
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("event-server"))
            .with_location(false)
            .with_tracked_inactivity(false)
            .with_threads(false)
            .with_level(false)
            .with_target(false)
            .with_context_activation(false)
            .with_filter(ours)
    }

    /// Begins to send, in a task of its own on tokio's runtime.
    #[must_use = "spans go out as long as this is kept"]
    pub fn start(self) -> Sending {
        let (stop, stopped) = oneshot::channel();
        let spans = self.spans.clone();
        let task = tokio::spawn(send(self, stopped));
        Sending { spans, stop, task }
    }
}

/// Spans go out.
#[derive(Debug)]
pub struct Sending {
    spans: Spans,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Sending {
    /// The same router, whose `/metrics` tell what became of spans.
    pub fn counted_in(&self, router: Router) -> Router {
        router.layer(Extension(self.spans.clone()))
    }

    /// Sends what is left, for as long as it may take.
    pub async fn finish(self, patience: Duration) {
        let Sending { spans, stop, mut task } = self;
        // It may have ended by itself, and then wants no stop.
        let _ = stop.send(());
        if timeout(patience, &mut task).await.is_err() {
            task.abort();
        }
        let ([_, (_, dropped), (_, failed)], left) = (spans.outcomes(), spans.left());
        if dropped + failed + left > 0 {
            tracing::warn!(dropped, failed, left, "spans that were not sent");
        }
    }
}

/// A client that goes straight there, and nowhere else.
fn client(endpoint: &Uri) -> Result<reqwest::Client, Unusable> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Unusable::new)?;
    let tls = if endpoint.scheme_str() == Some("https") {
        tls.with_platform_verifier().map_err(Unusable::new)?
    } else {
        tls.with_root_certificates(rustls::RootCertStore::empty())
    };
    reqwest::Client::builder()
        .user_agent(concat!("event-server/", env!("CARGO_PKG_VERSION")))
        .timeout(PATIENCE)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .tls_backend_preconfigured(tls.with_no_client_auth())
        .build()
        .map_err(Unusable::new)
}

/// Sends spans as they end, some together, until it is stopped and none is left.
async fn send(traces: Traces, mut stop: oneshot::Receiver<()>) {
    let Traces {
        exporter,
        mut ended,
        spans,
        ..
    } = traces;
    let (mut stopping, mut well) = (false, true);
    loop {
        let mut batch = Vec::new();
        if !stopping {
            stopping = tokio::select! {
                _ = &mut stop => true,
                () = gather(&mut ended, &mut batch) => false,
            };
        }
        if stopping {
            ended.close();
            ended.recv_many(&mut batch, BATCH).await;
        }
        let count = batch.len() as u64;
        if count == 0 {
            return;
        }
        match exporter.export(batch).await {
            Ok(()) => {
                spans.send(count);
                well = true;
            }
            Err(error) => {
                spans.fail(count);
                // Once in a row: whoever collects traces may be away for long.
                if std::mem::take(&mut well) {
                    tracing::warn!(%error, "spans were not taken; those that fail from now on are only counted");
                }
            }
        }
    }
}

/// Waits for a span, and a while for others. What was taken out of the queue is in the batch at every moment.
async fn gather(ended: &mut mpsc::Receiver<SpanData>, batch: &mut Vec<SpanData>) {
    ended.recv_many(batch, BATCH).await;
    let more = async { while batch.len() < BATCH && ended.recv_many(batch, BATCH - batch.len()).await > 0 {} };
    // Either is fine: a full batch, or the end of the while.
    let _ = timeout(GATHER, more).await;
}
