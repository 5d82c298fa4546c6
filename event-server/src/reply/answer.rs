//! What was done → status and body.

use axum::BoxError;
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, LOCATION, REFERRER_POLICY, SET_COOKIE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::response::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::Stream;
use serde::Serialize;

use super::{Failure, Reason};
use crate::etag::ETag;
use crate::request_id::REQUEST_ID;

/// The ways in which a request was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    Ok,
    Created,
    /// Somebody else does it.
    Accepted,
    Gone,
    /// The reader has it already.
    Known,
    /// Another page says more.
    Elsewhere,
}

impl Done {
    /// The status that says so.
    pub(crate) fn status(self) -> u16 {
        let status = match self {
            Done::Ok => StatusCode::OK,
            Done::Created => StatusCode::CREATED,
            Done::Accepted => StatusCode::ACCEPTED,
            Done::Gone => StatusCode::NO_CONTENT,
            Done::Known => StatusCode::NOT_MODIFIED,
            Done::Elsewhere => StatusCode::SEE_OTHER,
        };
        status.as_u16()
    }
}

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

/// 202 with JSON.
pub(crate) fn accepted(value: &impl Serialize) -> Response {
    serialized(StatusCode::ACCEPTED, value)
}

/// 200 with JSON that its reader may keep, and use for as long as it is told that it is the same;
/// 304 to who has it.
pub(crate) fn kept(request: &HeaderMap, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(text) => kept_as(request, "application/json", text),
        Err(error) => unwritable(&error),
    }
}

/// The same with a file of a page, which may be compressed.
pub(crate) fn asset(request: &HeaderMap, content_type: &'static str, bytes: Vec<u8>, gzip: bool) -> Response {
    let mut response = kept_as(request, content_type, bytes);
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn kept_as(request: &HeaderMap, content_type: &'static str, bytes: Vec<u8>) -> Response {
    let tag = ETag::of(&bytes);
    let mut response = if tag.is_known(request) {
        (StatusCode::NOT_MODIFIED, [(X_CONTENT_TYPE_OPTIONS, "nosniff")]).into_response()
    } else {
        body(StatusCode::OK, content_type, bytes)
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

/// 303: a browser goes on to another page, told from the one that it asked for.
pub(crate) fn elsewhere(place: &str) -> Response {
    let headers = [(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    let mut response = (StatusCode::SEE_OTHER, headers).into_response();
    if let Ok(place) = HeaderValue::from_str(place) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

/// The same with a cookie.
pub(crate) fn elsewhere_with(place: &str, cookie: &str) -> Response {
    let mut response = elsewhere(place);
    if let Ok(mut cookie) = HeaderValue::from_str(cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
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

/// What our own pages may do: load their style sheet and their script, and speak to this collector.
const OWN: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
                   base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// 200 with a page of our own.
pub(crate) fn page(html: String) -> Response {
    // With no referrer at all, a form would not say either whose page it stands on.
    guarded(html, OWN, "same-origin")
}

/// A problem as a page, with the status and the headers that it has.
pub(crate) fn problem_page(mut parts: Parts, html: String) -> Response {
    parts.headers.remove(CONTENT_LENGTH);
    let page = page(html);
    for name in [CONTENT_TYPE, CONTENT_SECURITY_POLICY, REFERRER_POLICY] {
        if let Some(value) = page.headers().get(&name) {
            parts.headers.insert(name, value.clone());
        }
    }
    Response::from_parts(parts, page.into_body())
}

/// 200 with the page that tries routes: its scripts lie beside it, and speak to this collector only.
pub(crate) fn manual(html: String) -> Response {
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                  base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    guarded(html, policy, "no-referrer")
}

fn guarded(html: String, policy: &'static str, referrer: &'static str) -> Response {
    let mut response = body(StatusCode::OK, "text/html; charset=utf-8", html);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static(referrer));
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

/// 200 with numbers, for Prometheus and its kin.
pub(crate) fn numbers(text: String) -> Response {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    body(StatusCode::OK, content_type, text)
}

/// Tells in a header by which id the request is known.
pub(crate) fn named(response: &mut Response, id: HeaderValue) {
    response.headers_mut().insert(REQUEST_ID, id);
}

/// 200 with a style sheet.
pub(crate) fn style_sheet(css: &'static str) -> Response {
    body(StatusCode::OK, "text/css; charset=utf-8", css)
}

/// 200 with a script.
pub(crate) fn script(js: &'static str) -> Response {
    body(StatusCode::OK, "text/javascript; charset=utf-8", js)
}

/// What server-sent events are written as.
const EVENT_STREAM: &str = "text/event-stream";

/// Asks nginx and its kin to hand an answer on as it comes.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// 200 with server-sent events that are all there.
pub(crate) fn live(events: String) -> Response {
    body(StatusCode::OK, EVENT_STREAM, events)
}

/// 200 with server-sent events that go on and on.
pub(crate) fn events<E>(events: impl Stream<Item = Result<Event, E>> + Send + 'static) -> Response
where
    E: Into<BoxError> + 'static,
{
    let events = Sse::new(events).into_response().into_body();
    let mut response = body(StatusCode::OK, EVENT_STREAM, events);
    // Proxies that gather answers until they are whole would gather this one for ever.
    response
        .headers_mut()
        .insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
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
