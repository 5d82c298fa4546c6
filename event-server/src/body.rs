//! Bodies: which kinds are read, how large they may be and how long they may take.

mod media;
mod wire;

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body_util::BodyExt as _;

use crate::config::ServerConfig;
use crate::reply::{Failure, Reason};

pub(crate) use media::Media;
pub(crate) use wire::discard;
use wire::{Broken, Wire};

/// Bounds a request's body, before any route has seen it.
///
/// # Errors
/// If the request announces more than it may send.
pub(crate) fn bound(request: Request, config: &ServerConfig) -> Result<Request, Failure> {
    let announced = announced(request.headers());
    let (parts, body) = request.into_parts();
    let wire = Wire::new(body, &parts.headers, config);
    match announced {
        // What is announced is answered before it is read; dropping the body reads on for a while.
        Some(length) if length > config.body_bytes as u64 => {
            let failure = too_large(config);
            let soon_over = length <= 2 * config.body_bytes as u64;
            Err(if soon_over { failure } else { failure.closing() })
        }
        _ => Ok(Request::from_parts(parts, Body::new(wire))),
    }
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(config: &ServerConfig) -> Failure {
    let detail = format!(
        "a body has at the most {} bytes: send fewer events at once",
        config.body_bytes
    );
    Failure::new(Reason::BodyTooLarge, detail)
}

/// Reads a body of one of these kinds.
///
/// # Errors
/// If it is of another kind, too large, too slow, or breaks off.
pub(crate) async fn read(
    request: Request,
    config: &ServerConfig,
    kinds: &[Media],
) -> Result<(Media, Vec<u8>), Failure> {
    let media = Media::of(request.headers(), kinds)?;
    refuse_encoded(request.headers())?;
    let expected = announced(request.headers()).unwrap_or_default();
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or_default().min(config.body_bytes));
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
            Err(error) => return Err(broken(error, config)),
        }
    }
    Ok((media, bytes))
}

fn refuse_encoded(headers: &HeaderMap) -> Result<(), Failure> {
    let encoded = |value: &axum::http::HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get_all(CONTENT_ENCODING).iter().any(encoded) {
        let detail = "bodies are read as they are, without compression";
        return Err(Failure::new(Reason::UnsupportedContentEncoding, detail));
    }
    Ok(())
}

fn broken(error: axum::Error, config: &ServerConfig) -> Failure {
    match error.into_inner().downcast_ref::<Broken>() {
        Some(Broken::TooLarge) => too_large(config).closing(),
        Some(Broken::TooSlow) => {
            let detail = format!(
                "all of a body comes within {} seconds",
                config.body_timeout.as_secs_f32()
            );
            Failure::new(Reason::RequestTimeout, detail)
        }
        None => Failure::new(Reason::IncompleteBody, "the body broke off"),
    }
}
