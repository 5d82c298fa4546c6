//! Bodies: which kinds are read, how large they may be and how long they may take.

mod media;
mod room;
mod decoded;
mod wire;
mod upload;

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::Semaphore;

use crate::config::ServerConfig;
use crate::reply::{Failure, Reason};

use decoded::{Encoding, Undecoded};
pub(crate) use media::Media;
use room::room;
pub(crate) use upload::Upload;
use wire::{Bounds, Broken, Pace, Wire};
pub(crate) use wire::{REST, discard};

/// So many bodies are decompressed at a time: a few kilobytes may become as much as the limit allows.
static DECODERS: Semaphore = Semaphore::const_new(4);
/// Fewer bytes than these are decompressed sooner than another thread has heard of them.
const TINY: usize = 1024;

/// What a request's body holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Something that is read before any of it is used.
    Whole,
    /// A file, which is used while it comes.
    File,
}

/// Bounds a request's body, before any route has seen it, and has its bytes counted.
///
/// # Errors
/// If the request announces more than it may send.
pub(crate) fn bound(
    request: Request,
    content: Content,
    config: &ServerConfig,
    received: Counter,
) -> Result<Request, Failure> {
    let announced = announced(request.headers());
    let (parts, body) = request.into_parts();
    let bounds = match content {
        Content::Whole => Bounds {
            bytes: config.body_bytes,
            pace: Pace::Whole(config.body_timeout),
        },
        Content::File => Bounds {
            bytes: config.import_bytes,
            pace: Pace::Parts(config.body_timeout),
        },
    };
    let wire = Wire::new(body, &parts.headers, bounds, config, received);
    match announced {
        // What is announced is answered before it is read; dropping the body reads on for a while.
        Some(length) if length > bounds.bytes as u64 => {
            let failure = too_large(bounds.bytes);
            let soon_over = length <= 2 * config.body_bytes as u64;
            Err(if soon_over { failure } else { failure.closing() })
        }
        _ => Ok(Request::from_parts(parts, Body::new(wire))),
    }
}

/// Leaves the body of a request that is answered without it: what is on its way is read for a while, so that the
/// answer arrives, unless its sender has asked before sending any.
pub(crate) fn leave(request: Request, config: &ServerConfig) {
    let (parts, body) = request.into_parts();
    if !parts.headers.contains_key(EXPECT) && !body.is_end_stream() {
        discard(body, config.body_bytes, REST);
    }
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(limit: usize) -> Failure {
    let detail = format!("a body has at the most {limit} bytes here: send fewer events at once");
    Failure::new(Reason::BodyTooLarge, detail)
}

/// Reads a body of one of these kinds, as it was before it was compressed.
///
/// # Errors
/// If it is of another kind, too large, too slow, breaks off, or cannot be decompressed.
pub(crate) fn read(
    request: Request,
    config: &ServerConfig,
    kinds: &[Media],
) -> impl Future<Output = Result<(Media, Vec<u8>), Failure>> + Send {
    let head = Media::of(request.headers(), kinds).and_then(|media| Ok((media, Encoding::of(request.headers())?)));
    let expected = announced(request.headers()).unwrap_or_default();
    let mut body = request.into_body();
    async move {
        let (media, encoding) = head?;
        let mut bytes = room(usize::try_from(expected).unwrap_or_default());
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
                Err(error) => return Err(broken(error, config.body_bytes, config)),
            }
        }
        match encoding {
            None => Ok((media, bytes)),
            Some(encoding) => Ok((media, decode(encoding, bytes, config).await?)),
        }
    }
}

async fn decode(encoding: Encoding, wire: Vec<u8>, config: &ServerConfig) -> Result<Vec<u8>, Failure> {
    let limit = config.decoded_bytes;
    let decoded = if wire.len() <= TINY {
        encoding.decode(&wire, limit)
    } else {
        let decoder = DECODERS.acquire().await;
        let job = move || {
            // Taken until it is done, even if nobody waits for it any more.
            let _decoder = decoder;
            encoding.decode(&wire, limit)
        };
        tokio::task::spawn_blocking(job).await.map_err(|error| {
            tracing::error!(%error, "a body was not decompressed to its end");
            Failure::new(Reason::InternalError, "the collector's log says more")
        })?
    };
    decoded.map_err(|undecoded| match undecoded {
        Undecoded::TooLarge => {
            let detail =
                format!("a body has at the most {limit} bytes once it is decompressed: send fewer events at once");
            Failure::new(Reason::DecodedTooLarge, detail)
        }
        Undecoded::Broken => Failure::new(
            Reason::BadContentEncoding,
            "the body is not what its content encoding says: cut off, damaged, or with something behind its end",
        ),
    })
}

fn broken(error: axum::Error, limit: usize, config: &ServerConfig) -> Failure {
    match error.into_inner().downcast_ref::<Broken>() {
        Some(Broken::TooLarge) => too_large(limit).closing(),
        Some(Broken::TooSlow) => {
            let seconds = config.body_timeout.as_secs_f32();
            let detail = format!("all of a body, or the next part of a file, comes within {seconds} seconds");
            Failure::new(Reason::RequestTimeout, detail)
        }
        None => Failure::new(Reason::IncompleteBody, "the body broke off"),
    }
}
