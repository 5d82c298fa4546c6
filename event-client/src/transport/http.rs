//! The collector over HTTP/1.1, by reqwest, with the defaults that reqwest leaves to its users.

use std::path::Path;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH,
    RETRY_AFTER,
};
use reqwest::{Client, RequestBuilder, Url, redirect, retry};

use super::file::FileBody;
use super::{Chunks, Exchange, Method, NextChunk, Opening, Request, Response, Stream, Transport, TransportError};

/// Shorter than collectors keep idle connections, so that they are not closed under a request.
const IDLE: Duration = Duration::from_secs(8);
/// More than any answer has: a verdict has a few hundred bytes.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// How long a file may wait for its answer, once nothing of it is left to send.
const FILE: Duration = Duration::from_secs(3600);
/// After so much silence a peer is asked whether it is still there.
const ALIVE: Duration = Duration::from_secs(20);
/// How long an answer may take that is read as it comes.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);
/// Says the position that an export holds.
const EVENT_POSITION: HeaderName = HeaderName::from_static("event-position");

/// Whether requests go through a proxy. By default they do not, whatever the environment says.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proxy {
    /// Straight to the collector.
    #[default]
    None,
    /// As `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.
    Environment,
    /// Through the proxy at this address.
    Url(String),
}

/// How the network is used.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) proxy: Proxy,
}

impl Default for Network {
    fn default() -> Self {
        Network {
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            proxy: Proxy::None,
        }
    }
}

/// reqwest's client, and where the collector is.
pub(crate) struct Http {
    client: Client,
    /// Ends without a slash.
    base: String,
    /// How long an answer may be silent that is read as it comes.
    silence: Duration,
}

impl Http {
    /// Makes a client; nothing is connected yet.
    pub(crate) fn new(url: &Url, network: &Network) -> Result<Self, TransportError> {
        let unbuilt = |error: reqwest::Error| TransportError::new(describe(&error));
        let mut client = Client::builder()
            .user_agent(concat!("event-client/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(network.connect_timeout)
            .tcp_keepalive(ALIVE)
            .timeout(network.request_timeout)
            .pool_idle_timeout(IDLE)
            .redirect(redirect::Policy::none())
            // One authority over retries, which is not this one.
            .retry(retry::never());
        match &network.proxy {
            Proxy::None => client = client.no_proxy(),
            Proxy::Environment => {}
            Proxy::Url(url) => client = client.no_proxy().proxy(reqwest::Proxy::all(url).map_err(unbuilt)?),
        }
        #[cfg(feature = "tls")]
        {
            client = client.tls_backend_preconfigured(tls(url.scheme() == "https")?);
        }
        Ok(Http {
            client: client.build().map_err(unbuilt)?,
            base: url.as_str().trim_end_matches('/').to_owned(),
            silence: network.request_timeout,
        })
    }

    /// The request, on its way to be sent.
    fn prepare(&self, request: Request) -> RequestBuilder {
        let url = format!("{}{}", self.base, request.path);
        let mut builder = match request.method {
            Method::Get => self.client.get(url),
            Method::Post => self.client.post(url),
            Method::Put => self.client.put(url),
            Method::Patch => self.client.patch(url),
            Method::Delete => self.client.delete(url),
        };
        let text = |value: &str| HeaderValue::from_str(value).ok();
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5"));
        let known = [
            (CONTENT_TYPE, request.content_type.and_then(text)),
            (CONTENT_ENCODING, request.content_encoding.and_then(text)),
            (IF_NONE_MATCH, request.if_none_match.as_deref().and_then(text)),
        ];
        for (name, value) in known {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
        if let Some(mut key) = request.key.and_then(|key| text(&format!("Bearer {}", key.0))) {
            key.set_sensitive(true);
            headers.insert(AUTHORIZATION, key);
        }
        builder = builder.headers(headers);
        match request.method {
            Method::Post | Method::Put | Method::Patch if request.file.is_none() => builder.body(request.body),
            _ => builder,
        }
    }

    /// The answer to a file; it may take as long as something of it is still sent, and then an hour: a small file may hold
    /// much. That the collector is still there is asked below.
    async fn upload(&self, request: Request, path: &Path) -> Result<Response, TransportError> {
        let (body, sent) = FileBody::open(path).map_err(|error| TransportError::new(format!("the file: {error}")))?;
        let request = self.prepare(request).timeout(FOR_EVER).body(reqwest::Body::wrap(body));
        let mut answer = pin!(async { whole(request.send().await?).await });
        let mut seen = 0;
        loop {
            match tokio::time::timeout(FILE, answer.as_mut()).await {
                Ok(done) => return done.map_err(failed),
                Err(_) if sent.load(Ordering::Relaxed) > seen => seen = sent.load(Ordering::Relaxed),
                Err(_) => {
                    let told = "no answer in time; under the same label the import goes on where it is";
                    return Err(TransportError::on_its_way(told));
                }
            }
        }
    }

    async fn request(&self, request: Request) -> Result<Response, reqwest::Error> {
        whole(self.prepare(request).send().await?).await
    }

    /// An answer may take as long as it has to tell something: only silence has a deadline.
    async fn stream(&self, request: Request) -> Result<Stream, TransportError> {
        let sent = self.prepare(request).timeout(FOR_EVER).send();
        let response = self.in_time(sent).await?;
        let position = told(&response, &EVENT_POSITION).and_then(|text| text.parse().ok());
        if !response.status().is_success() {
            let response = self.in_time(whole(response)).await?;
            return Ok(Stream {
                response,
                position,
                chunks: None,
            });
        }
        Ok(Stream {
            response: head(&response),
            position,
            chunks: Some(Box::new(Incoming {
                response,
                at_most: self.silence,
            })),
        })
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, reqwest::Error>>) -> Result<T, TransportError> {
        in_time(self.silence, work).await
    }
}

async fn in_time<T>(
    at_most: Duration,
    work: impl Future<Output = Result<T, reqwest::Error>>,
) -> Result<T, TransportError> {
    match tokio::time::timeout(at_most, work).await {
        Ok(done) => done.map_err(failed),
        Err(_) => Err(TransportError::on_its_way("no answer in time")),
    }
}

fn failed(error: reqwest::Error) -> TransportError {
    match error.is_connect() {
        true => TransportError::new(describe(&error)),
        false => TransportError::on_its_way(describe(&error)),
    }
}

fn told(response: &reqwest::Response, name: &HeaderName) -> Option<String> {
    let value = response.headers().get(name);
    value.and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// All but the body.
fn head(response: &reqwest::Response) -> Response {
    Response {
        status: response.status().as_u16(),
        retry_after: told(response, &RETRY_AFTER),
        etag: told(response, &ETAG),
        body: Bytes::new(),
    }
}

/// With its body.
async fn whole(mut response: reqwest::Response) -> Result<Response, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER_BYTES {
            // What is left out makes it unreadable, which is what it is.
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response {
        body: body.into(),
        ..head(&response)
    })
}

/// A body on its way.
struct Incoming {
    response: reqwest::Response,
    /// How long it may be silent.
    at_most: Duration,
}

impl Chunks for Incoming {
    fn next(&mut self) -> NextChunk<'_> {
        Box::pin(in_time(self.at_most, self.response.chunk()))
    }
}

impl Transport for Http {
    fn exchange(&self, request: Request) -> Exchange<'_> {
        Box::pin(async {
            match request.file.clone() {
                Some(path) => self.upload(request, &path).await,
                None => self.request(request).await.map_err(failed),
            }
        })
    }

    fn open(&self, request: Request) -> Opening<'_> {
        Box::pin(self.stream(request))
    }
}

/// What happened, down to its cause; without the address, which the reader knows.
fn describe(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "no connection".to_owned()
    } else {
        "the connection broke".to_owned()
    };
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if inner.source().is_none() {
            text.push_str(&format!(": {inner}"));
        }
        cause = inner.source();
    }
    text
}

/// TLS with whom the operating system trusts; with nobody where it is not needed, as to find out whom
/// takes a while.
#[cfg(feature = "tls")]
fn tls(needed: bool) -> Result<rustls::ClientConfig, TransportError> {
    use rustls_platform_verifier::BuilderVerifierExt as _;
    let failed = |error: rustls::Error| TransportError::new(error.to_string());
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let config = if needed {
        config.with_platform_verifier().map_err(failed)?
    } else {
        config.with_root_certificates(rustls::RootCertStore::empty())
    };
    Ok(config.with_no_client_auth())
}
