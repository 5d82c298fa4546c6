//! Which pages of other origins may ask from inside a browser: those that a setting names, and by default none.

use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, RETRY_AFTER};
use axum::http::{HeaderValue, Method};
use tower_http::cors::CorsLayer;

/// How long a browser remembers what it was told.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Answers browsers for pages of these origins; `None` where there are none. Nothing is sent along by itself: whoever
/// asks has a key in hand.
pub(crate) fn layer(origins: &[HeaderValue]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let layer = CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_methods(methods)
        .allow_headers([AUTHORIZATION, CONTENT_TYPE])
        .expose_headers([ETAG, RETRY_AFTER])
        .max_age(REMEMBERED);
    Some(layer)
}
