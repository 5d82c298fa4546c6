//! What was done → status and body.

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::{Failure, Reason};
use crate::etag::ETag;

/// Tells the client that the connection ends with this response.
pub(crate) fn close(response: &mut Response) {
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
}

/// 200 with JSON.
pub(crate) fn json(value: &impl Serialize) -> Response {
    serialized(StatusCode::OK, value)
}

/// 201 with JSON.
pub(crate) fn created(value: &impl Serialize) -> Response {
    serialized(StatusCode::CREATED, value)
}

/// 200 with JSON that its reader may keep, and use for as long as it is told that it is the same;
/// 304 to who has it.
pub(crate) fn kept(request: &HeaderMap, value: &impl Serialize) -> Response {
    let text = match serde_json::to_vec(value) {
        Ok(text) => text,
        Err(error) => return unwritable(&error),
    };
    let tag = ETag::of(&text);
    let mut response = if tag.is_known(request) {
        (StatusCode::NOT_MODIFIED, [(X_CONTENT_TYPE_OPTIONS, "nosniff")]).into_response()
    } else {
        body(StatusCode::OK, "application/json", text)
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(tag.as_str()) {
        headers.insert(ETAG, tag);
    }
    response
}

/// 204: it is gone.
pub(crate) fn gone() -> Response {
    let headers = [(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (StatusCode::NO_CONTENT, headers).into_response()
}

fn serialized(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(text) => body(status, "application/json", text),
        Err(error) => unwritable(&error),
    }
}

fn unwritable(error: &serde_json::Error) -> Response {
    tracing::error!(%error, "an answer could not be written");
    Failure::new(Reason::InternalError, "the answer could not be written").into_response()
}

/// 200 with a page of our own, which loads nothing but its style sheet.
pub(crate) fn page(html: String) -> Response {
    let mut response = body(StatusCode::OK, "text/html; charset=utf-8", html);
    let policy = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
                  frame-ancestors 'none'";
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// What an export is written as.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Export {
    Ndjson,
    Csv,
    Arrow,
}

/// Says the position that an export holds: the next one goes on behind it.
const EVENT_POSITION: HeaderName = HeaderName::from_static("event-position");

/// 200 with an export, to be kept as a file.
pub(crate) fn export(form: Export, position: i64, bytes: Body) -> Response {
    let (content_type, ending) = match form {
        Export::Ndjson => ("application/x-ndjson", "ndjson"),
        Export::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
        Export::Arrow => ("application/vnd.apache.arrow.stream", "arrows"),
    };
    let mut response = body(StatusCode::OK, content_type, bytes);
    let headers = response.headers_mut();
    headers.insert(EVENT_POSITION, HeaderValue::from(position));
    let name = format!("attachment; filename=\"events-{position}.{ending}\"");
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    response
}

/// 200 with a style sheet.
pub(crate) fn style_sheet(css: &'static str) -> Response {
    body(StatusCode::OK, "text/css; charset=utf-8", css)
}

pub(super) fn body(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let headers: [(HeaderName, &str); 3] = [
        (CONTENT_TYPE, content_type),
        // Events are nobody else's business: no proxy and no browser keeps them.
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, body.into()).into_response()
}
