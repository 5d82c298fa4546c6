//! The collector over HTTP/1.1, by reqwest, with the defaults that reqwest leaves to its users.

use std::time::Duration;

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, RETRY_AFTER,
};
use reqwest::{Client, Url, redirect, retry};

use super::{Exchange, Method, Request, Response, Transport, TransportError};

/// Shorter than collectors keep idle connections, so that they are not closed under a request.
const IDLE: Duration = Duration::from_secs(8);
/// More than any answer has: a verdict has a few hundred bytes.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;

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
}

impl Http {
    /// Makes a client; nothing is connected yet.
    pub(crate) fn new(url: &Url, network: &Network) -> Result<Self, TransportError> {
        let failed = |error: reqwest::Error| TransportError::new(describe(&error));
        let mut client = Client::builder()
            .user_agent(concat!("event-client/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(network.connect_timeout)
            .timeout(network.request_timeout)
            .pool_idle_timeout(IDLE)
            .redirect(redirect::Policy::none())
            // One authority over retries, which is not this one.
            .retry(retry::never());
        match &network.proxy {
            Proxy::None => client = client.no_proxy(),
            Proxy::Environment => {}
            Proxy::Url(url) => client = client.no_proxy().proxy(reqwest::Proxy::all(url).map_err(failed)?),
        }
        #[cfg(feature = "tls")]
        {
            client = client.tls_backend_preconfigured(tls(url.scheme() == "https")?);
        }
        Ok(Http {
            client: client.build().map_err(failed)?,
            base: url.as_str().trim_end_matches('/').to_owned(),
        })
    }

    async fn request(&self, request: Request) -> Result<Response, reqwest::Error> {
        let url = format!("{}{}", self.base, request.path);
        let mut builder = match request.method {
            Method::Get => self.client.get(url),
            Method::Post => self.client.post(url),
        };
        let text = |value: &str| HeaderValue::from_str(value).ok();
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
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
        if request.method == Method::Post {
            builder = builder.body(request.body);
        }
        let mut response = builder.send().await?;
        let told = |name| {
            let value: Option<&HeaderValue> = response.headers().get(name);
            value.and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let (retry_after, etag) = (told(RETRY_AFTER), told(ETAG));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > ANSWER_BYTES {
                // What is left out makes it unreadable, which is what it is.
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status: response.status().as_u16(),
            retry_after,
            etag,
            body: body.into(),
        })
    }
}

impl Transport for Http {
    fn exchange(&self, request: Request) -> Exchange<'_> {
        Box::pin(async {
            let response = self.request(request).await;
            response.map_err(|error| match error.is_connect() {
                true => TransportError::new(describe(&error)),
                false => TransportError::on_its_way(describe(&error)),
            })
        })
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
