//! Settings → client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use event_core::{Limits, Source};
use reqwest::Url;

use crate::backlog::Backlog;
use crate::client::Client;
use crate::compression::Compression;
use crate::error::{BuildError, InvalidKey};
use crate::fork;
use crate::retry::Backoff;
use crate::settings::{Callbacks, Connect, Settings, Tuning, Unstored};
use crate::shared::{Shared, Waiting};
use crate::stats::Pause;
use crate::transport::http::{Http, Network, Proxy};
use crate::transport::{Key, Transport, TransportError};

/// Whether events may go out where others can read them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlainHttp {
    /// `http` only to this machine itself.
    #[default]
    OnlyLoopback,
    /// `http` to anywhere.
    Allowed,
}

/// Collects the settings of a [`Client`]; each has a default that is safe.
#[must_use]
pub struct ClientBuilder {
    url: String,
    key: Option<String>,
    source: Option<String>,
    plain_http: PlainHttp,
    network: Network,
    tuning: Tuning,
    callbacks: Callbacks,
    #[cfg(feature = "spool")]
    spool: Option<crate::spool::SpoolOptions>,
    #[cfg(feature = "validation")]
    schemas: Option<crate::schemas::Schemas>,
}

impl Client {
    /// Starts to build a client for the collector at this address.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url.into())
    }
}

impl ClientBuilder {
    pub(crate) fn new(url: String) -> Self {
        ClientBuilder {
            url,
            key: None,
            source: None,
            plain_http: PlainHttp::default(),
            network: Network::default(),
            tuning: Tuning::default(),
            callbacks: Callbacks::default(),
            #[cfg(feature = "spool")]
            spool: None,
            #[cfg(feature = "validation")]
            schemas: None,
        }
    }

    /// The API key, as `event-server key create` has printed it. It is never printed again.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The application that sends: the source of events that name none. It is needed.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// How many events may wait in memory (100,000).
    pub fn queue_events(mut self, events: usize) -> Self {
        self.tuning.bounds.queue_events = events;
        self
    }

    /// How many bytes of events may wait in memory (64 MiB).
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.tuning.bounds.queue_bytes = bytes;
        self
    }

    /// How many events go into one request (1,000, which is also what a collector takes).
    pub fn batch_events(mut self, events: usize) -> Self {
        self.tuning.bounds.batch_events = events;
        self
    }

    /// How many bytes of events go into one request, before compression (1 MiB). A larger event goes
    /// alone.
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.tuning.bounds.batch_bytes = bytes;
        self
    }

    /// How long events wait for their batch to fill (500 ms).
    pub fn linger(mut self, at_most: Duration) -> Self {
        self.tuning.linger = at_most;
        self
    }

    /// The longest wait before the first retry (500 ms), doubled with each, and the longest of all
    /// (30 s). The waits themselves are random.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.tuning.backoff = Backoff { first, longest };
        self
    }

    /// How long to rest while the collector refuses the key, or is none (60 s, of which the half is
    /// random).
    pub fn pause(mut self, at_most: Duration) -> Self {
        self.tuning.pause = at_most;
        self
    }

    /// How often the collector is told of losses, where there are new ones (60 s).
    pub fn report_every(mut self, interval: Duration) -> Self {
        self.tuning.report_every = interval;
        self
    }

    /// How long [`Client::send`] goes on trying (30 s).
    pub fn send_timeout(mut self, at_most: Duration) -> Self {
        self.tuning.patience = at_most;
        self
    }

    /// How long the thread goes on after a client was dropped without shutdown, while events wait (5 s).
    pub fn drop_timeout(mut self, at_most: Duration) -> Self {
        self.tuning.grace = at_most;
        self
    }

    /// How bodies are compressed.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.tuning.compression = compression;
        self
    }

    /// How large events may be; a collector with other limits than the default ones needs the same here.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.tuning.limits = limits;
        self
    }

    /// How long it may take to connect (5 s).
    pub fn connect_timeout(mut self, at_most: Duration) -> Self {
        self.network.connect_timeout = at_most;
        self
    }

    /// How long a request may take, its answer included (30 s).
    pub fn request_timeout(mut self, at_most: Duration) -> Self {
        self.network.request_timeout = at_most;
        self
    }

    /// Through which proxy requests go; by default through none, whatever the environment says.
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.network.proxy = proxy;
        self
    }

    /// Whether `http` is good enough on the way to another machine.
    pub fn plain_http(mut self, allowed: PlainHttp) -> Self {
        self.plain_http = allowed;
        self
    }

    /// Is called for each tracked event that the collector has judged, but neither stored nor had
    /// before. On the client's own thread: it is to be quick, and not to wait for the client.
    pub fn on_unstored(mut self, callback: impl Fn(&Unstored<'_>) + Send + Sync + 'static) -> Self {
        self.callbacks.on_unstored = Some(Box::new(callback));
        self
    }

    /// Is called when the client stops sending until somebody sees to the collector or its key. On the
    /// client's own thread.
    pub fn on_pause(mut self, callback: impl Fn(Pause) + Send + Sync + 'static) -> Self {
        self.callbacks.on_pause = Some(Box::new(callback));
        self
    }

    /// Events wait on disk, in this directory, and survive the end of the process: what `track` has taken in
    /// is there before it returns. What an earlier process has left there is sent first.
    ///
    /// While the disk refuses, because it is full or broken, events wait in memory instead, as many as
    /// `queue_events` and `queue_bytes` allow, and are counted as [`queued`](crate::Stats::queued) until the disk
    /// takes them again.
    #[cfg(feature = "spool")]
    pub fn spool(mut self, options: crate::spool::SpoolOptions) -> Self {
        self.spool = Some(options);
        self
    }

    /// Judges events by these rules before they are taken in; those that break one are an error.
    #[cfg(feature = "validation")]
    pub fn registry(mut self, registry: event_core::Registry) -> Self {
        self.schemas = Some(crate::schemas::Schemas::Given(Arc::new(registry)));
        self
    }

    /// The same by the collector's own rules, which are asked for with the first event and then so
    /// often. Until they are there, and where they say nothing of a type, events are taken in unjudged:
    /// the collector judges every one of them anyhow.
    #[cfg(feature = "validation")]
    pub fn fetch_schemas(mut self, every: Duration) -> Self {
        self.schemas = Some(crate::schemas::Schemas::Fetched { every });
        self
    }

    /// Builds the client. Nothing is sent and no thread is started before the first event, unless events wait in
    /// the spool.
    ///
    /// # Errors
    /// Which setting cannot be used.
    pub fn build(self) -> Result<Client, BuildError> {
        let url = self.address()?;
        let network = self.network.clone();
        let connect =
            move || -> Result<Arc<dyn Transport>, TransportError> { Ok(Arc::new(Http::new(&url, &network)?)) };
        self.build_with(Box::new(connect))
    }

    /// Builds the client over a transport of any kind.
    pub(crate) fn build_with(self, connect: Box<Connect>) -> Result<Client, BuildError> {
        self.check()?;
        let key = self.key.map(|key| Key::new(key).ok_or(InvalidKey)).transpose()?;
        let source = self
            .source
            .ok_or_else(|| BuildError::Source("which application sends? name it by `.source(…)`".to_owned()))?;
        let source = Source::new(source).map_err(|error| BuildError::Source(error.to_string()))?;
        let transport = connect().map_err(|error| BuildError::Network(error.to_string()))?;
        let settings = Settings {
            source,
            tuning: self.tuning,
            callbacks: self.callbacks,
            connect,
            #[cfg(feature = "spool")]
            spool: self.spool,
            #[cfg(feature = "validation")]
            schemas: self.schemas,
        };
        #[cfg_attr(not(feature = "spool"), allow(unused_mut))]
        let mut backlog = Backlog::new(settings.tuning.bounds);
        let waiting = Waiting {
            #[cfg(feature = "spool")]
            disk: crate::disk::Disk::open(&settings, &mut backlog)?,
            backlog,
        };
        fork::watch();
        let client = Client::of(Shared::new(Arc::new(settings), transport, key, waiting));
        client.resume();
        Ok(client)
    }

    fn address(&self) -> Result<Url, BuildError> {
        // The text itself may hold a password: only a good address is ever shown.
        let url = Url::parse(&self.url).map_err(|_| BuildError::Url("what was given".to_owned()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BuildError::Credentials);
        }
        let shown = || url.origin().ascii_serialization();
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
            return Err(BuildError::Url(shown()));
        }
        if url.scheme() == "https" && cfg!(not(feature = "tls")) {
            return Err(BuildError::NoTls);
        }
        if url.scheme() == "http" && self.plain_http == PlainHttp::OnlyLoopback && !is_loopback(&url) {
            return Err(BuildError::Insecure(shown()));
        }
        Ok(url)
    }

    fn check(&self) -> Result<(), BuildError> {
        let bounds = &self.tuning.bounds;
        let least_one = [
            ("queue_events", bounds.queue_events),
            ("queue_bytes", bounds.queue_bytes),
            ("batch_events", bounds.batch_events),
            ("batch_bytes", bounds.batch_bytes),
        ];
        for (setting, value) in least_one {
            if value == 0 {
                let message = "this is at the least 1";
                return Err(BuildError::Setting { setting, message });
            }
        }
        // Places in a batch are 32 bits wide, and an event may be added to one that is all but full.
        if bounds.batch_bytes > 1 << 30 {
            let (setting, message) = ("batch_bytes", "this is at the most 1 GiB");
            return Err(BuildError::Setting { setting, message });
        }
        Ok(())
    }
}

impl fmt::Debug for ClientBuilder {
    /// Neither the key nor the address, which may hold another secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut builder = f.debug_struct("ClientBuilder");
        builder.field("source", &self.source).field("tuning", &self.tuning);
        builder.finish_non_exhaustive()
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host.parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(url: &str) -> Result<Client, BuildError> {
        ClientBuilder::new(url.to_owned()).source("shop").key("secret").build()
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        for url in [
            "http://127.0.0.1:8000",
            "http://localhost:1/",
            "http://[::1]:8000",
            "http://127.9.9.9",
        ] {
            assert!(build(url).is_ok(), "{url}");
        }
        #[cfg(feature = "tls")]
        assert!(build("https://events.example.org").is_ok());
        for url in [
            "http://10.0.0.1",
            "http://localhost.example.org",
            "http://example.org:8000",
        ] {
            assert!(matches!(build(url), Err(BuildError::Insecure(_))), "{url}");
        }
        let allowed = ClientBuilder::new("http://example.org".into()).source("shop");
        assert!(allowed.plain_http(PlainHttp::Allowed).build().is_ok());
    }

    #[test]
    fn nothing_secret_is_printed() {
        for url in [
            "http://user:secret@127.0.0.1",
            "https://secret@example.org",
            "secret",
            "ftp://secret",
            "http://127.0.0.1/?key=secret",
        ] {
            let error = build(url).unwrap_err();
            if url != "ftp://secret" {
                assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
            }
        }
        let builder = ClientBuilder::new("http://127.0.0.1".into())
            .source("shop")
            .key("secret");
        assert!(!format!("{builder:?}").contains("secret"));
        let client = builder.build().unwrap();
        assert!(!format!("{client:?}").contains("secret"));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let builder = || ClientBuilder::new("http://127.0.0.1".into()).source("shop");
        assert!(matches!(builder().key("a\nb").build(), Err(BuildError::Key(_))));
        assert!(matches!(builder().source("").build(), Err(BuildError::Source(_))));
        assert!(matches!(
            ClientBuilder::new("http://127.0.0.1".into()).build(),
            Err(BuildError::Source(_))
        ));
        let error = builder().batch_events(0).build().unwrap_err();
        assert_eq!(error.to_string(), "batch_events: this is at the least 1");
    }
}
