//! `GET /docs`, `GET /openapi.json`: all routes, for people and for programs.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;
use axum::response::Response;

use crate::manual;
use crate::openapi;
use crate::reply::{self, Failure, Reason};
use crate::target::{Named, NoParameters};

pub(super) async fn page(_: NoParameters) -> Response {
    reply::manual(manual::page())
}

/// What the page loads is told from beside it, and not from below it.
pub(super) async fn slash(_: NoParameters) -> Response {
    reply::elsewhere("../docs")
}

pub(super) async fn file(Named(name): Named<String>, _: NoParameters, headers: HeaderMap) -> Result<Response, Failure> {
    let file = manual::file(&name, takes_gzip(&headers));
    let file = file.ok_or_else(|| Failure::new(Reason::NotFound, "the page has no such file"))?;
    Ok(reply::asset(&headers, file.content_type, file.bytes, file.gzip))
}

pub(super) async fn document(_: NoParameters, headers: HeaderMap) -> Response {
    reply::kept(&headers, &openapi::text())
}

/// Whether a reader takes gzip, and says no otherwise about it.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let named = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut codings = named.flat_map(|value| value.split(',')).map(str::trim);
    codings.any(|coding| coding == "gzip" || (coding.starts_with("gzip;") && !coding.ends_with("q=0")))
}
