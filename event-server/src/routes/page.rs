//! The pages for people: what each of them shows is found here, and written in `page`.

mod series;
mod form;
mod overview;
mod live;
mod explore;
mod refused;
mod settle;
mod replay;
mod losses;
mod session;
mod registered;
mod keys;
mod login;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use axum::routing::{get, post};
use event_core::wire::Problem;

use super::{App, method_not_allowed};
use crate::auth::{self, Gate};
use crate::page::{self, problem::Remedy};
use crate::reply::{self, Told};
use crate::target::NoParameters;

/// What a proxy says that takes TLS off.
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// No problem is longer.
const PROBLEM_BYTES: usize = 1 << 16;

/// Those that ask for keys, once there are some.
pub(super) fn guarded(gate: Gate<App>) -> Gate<App> {
    gate.route("/", get(overview::show))
        .route("/page/live", get(live::tell))
        .route("/explore", get(explore::show))
        .route("/refused", get(refused::list))
        .route("/refused/replay", post(replay::many))
        .route("/refused/{number}", get(refused::show))
        .route("/refused/{number}/replay", post(settle::replay))
        .route("/refused/{number}/discard", post(settle::discard))
        .route("/sessions/{id}", get(session::show))
        .route("/losses", get(losses::list))
        .route("/types", get(registered::list))
        .route("/keys", get(keys::list))
        .route("/logout", post(login::end))
}

/// Where a key is shown, and what that page looks like.
pub(super) fn open() -> Router<App> {
    Router::new()
        .route(
            "/login",
            get(login::ask).post(login::begin).fallback(method_not_allowed),
        )
        .route("/page.css", get(style_sheet).fallback(method_not_allowed))
        .route("/page.js", get(script).fallback(method_not_allowed))
}

/// Who asks: somebody before a browser, who is shown a problem as a page, or a program.
pub(super) struct People {
    wanted: bool,
    depth: usize,
}

impl People {
    pub(super) fn of(request: &Request) -> Self {
        People {
            wanted: auth::is_for_people(request),
            depth: auth::depth(request),
        }
    }

    /// Whether this is an answer that they are to see as a page.
    pub(super) fn see(&self, response: &Response) -> bool {
        self.wanted && response.extensions().get::<Told>().is_some()
    }

    /// The problem of an answer as a page.
    pub(super) async fn shown(self, response: Response) -> Response {
        let remedy = match response.extensions().get() {
            Some(Told("not_permitted")) => Remedy::AnotherKey,
            _ => Remedy::FirstPage,
        };
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, PROBLEM_BYTES).await.unwrap_or_default();
        match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => reply::problem_page(parts, page::problem::render(&problem, self.depth, remedy)),
            Err(_) => Response::from_parts(parts, Body::from(bytes)),
        }
    }
}

async fn style_sheet(_: NoParameters) -> Response {
    reply::style_sheet(page::STYLE_SHEET)
}

async fn script(_: NoParameters) -> Response {
    reply::script(page::SCRIPT)
}

/// Where the reader's browser found us, for lines to paste into a shell.
fn address(headers: &HeaderMap) -> String {
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    let host = if !host.is_empty() && host.bytes().all(plain) {
        host
    } else {
        "127.0.0.1:8000"
    };
    // Whoever says so is told so, and nobody else: it is worth no trust, and none is asked for.
    let scheme = match headers.get(FORWARDED_PROTO).map(HeaderValue::as_bytes) {
        Some(b"https") => "https",
        _ => "http",
    };
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_safe_to_paste() {
        let mut headers = HeaderMap::new();
        assert_eq!(address(&headers), "http://127.0.0.1:8000");
        headers.insert(HOST, HeaderValue::from_static("localhost:9000"));
        assert_eq!(address(&headers), "http://localhost:9000");
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
        assert_eq!(address(&headers), "https://localhost:9000");
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("javascript"));
        headers.insert(HOST, HeaderValue::from_static("x';rm -rf ~;'"));
        assert_eq!(address(&headers), "http://127.0.0.1:8000");
    }
}
