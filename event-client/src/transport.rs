//! One request, one response: all that the client needs of a network.

pub(crate) mod http;
mod file;

use std::borrow::Cow;
use std::path::PathBuf;
use std::pin::Pin;

use bytes::Bytes;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// A request to the collector.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Behind the collector's address, such as `/v1/events`.
    pub(crate) path: Cow<'static, str>,
    /// Of a body.
    pub(crate) content_type: Option<&'static str>,
    /// Of a compressed body.
    pub(crate) content_encoding: Option<&'static str>,
    /// The state that is known already.
    pub(crate) if_none_match: Option<String>,
    pub(crate) key: Option<Key>,
    pub(crate) body: Bytes,
    /// A file that is the body.
    pub(crate) file: Option<PathBuf>,
}

impl Request {
    pub(crate) fn new(method: Method, path: impl Into<Cow<'static, str>>, key: Option<Key>) -> Self {
        Request {
            method,
            path: path.into(),
            content_type: None,
            content_encoding: None,
            if_none_match: None,
            key,
            body: Bytes::new(),
            file: None,
        }
    }

    pub(crate) fn with(self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Request {
            content_type: Some(content_type),
            body: body.into(),
            ..self
        }
    }

    pub(crate) fn with_file(self, content_type: &'static str, file: PathBuf) -> Self {
        Request {
            content_type: Some(content_type),
            file: Some(file),
            ..self
        }
    }
}

/// The collector's response, whatever its status.
#[derive(Clone, Debug, Default)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    #[cfg_attr(not(feature = "validation"), allow(dead_code))]
    pub(crate) etag: Option<String>,
    pub(crate) body: Bytes,
}

/// There was no response: the collector may have got the request, or not.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct TransportError {
    text: String,
    /// Whether the request was on its way when it failed, so that it may itself be the reason.
    pub(crate) on_its_way: bool,
}

impl TransportError {
    /// Nothing was sent.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        TransportError {
            text: text.into(),
            on_its_way: false,
        }
    }

    /// Something was sent, and nothing came back.
    pub(crate) fn on_its_way(text: impl Into<String>) -> Self {
        TransportError {
            on_its_way: true,
            ..TransportError::new(text)
        }
    }
}

/// The answer to come.
pub(crate) type Exchange<'a> = Pin<Box<dyn Future<Output = Result<Response, TransportError>> + Send + 'a>>;

/// A response whose body is read as it comes; where it tells of a problem, all of it is in the response.
pub(crate) struct Stream {
    pub(crate) response: Response,
    /// The position that an export holds.
    pub(crate) position: Option<i64>,
    pub(crate) chunks: Option<Box<dyn Chunks>>,
}

/// The stream to come.
pub(crate) type Opening<'a> = Pin<Box<dyn Future<Output = Result<Stream, TransportError>> + Send + 'a>>;

/// The next part of a body to come; `None` at its end.
pub(crate) type NextChunk<'a> = Pin<Box<dyn Future<Output = Result<Option<Bytes>, TransportError>> + Send + 'a>>;

/// What is left of a body.
pub(crate) trait Chunks: Send {
    fn next(&mut self) -> NextChunk<'_>;
}

/// The network, or what stands in for it.
pub(crate) trait Transport: Send + Sync {
    fn exchange(&self, request: Request) -> Exchange<'_>;

    /// The same for a body of any length.
    fn open(&self, request: Request) -> Opening<'_>;
}

/// An API key: never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(String);

impl Key {
    /// `None` for what cannot stand in a header.
    pub(crate) fn new(text: String) -> Option<Self> {
        let printable = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        printable.then_some(Key(text))
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}
