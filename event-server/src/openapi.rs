//! What the routes take and answer, as an OpenAPI document: for people at `/docs`, for programs at `/openapi.json`.
//!
//! Tests hold it to the router, in both directions, and to the answers that they get.

mod shape;
mod problem;
mod route;
mod event;
mod question;
mod event_type;
mod metric;
mod quarantine;
mod projection;
mod file;
mod subject;
mod key;
mod client;
mod page;

use std::sync::LazyLock;

use serde_json::value::RawValue;
use utoipa::openapi::security::{Http, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Paths, SecurityRequirement,
};

use route::KEY;

const ABOUT: &str = "\
Application events, collected, judged by JSON Schema, stored once, answered exactly.

What is not done is a problem document (RFC 9457); the last part of its `type` is its code. An event that is refused is no \
problem of the request: its verdict says so. Names in paths and parameters are percent-encoded.";

/// The document.
///
/// An application that has nested the router may take it into its own.
///
/// ```
/// let document = event_server::openapi::document();
/// assert!(document.paths.paths.contains_key("/v1/events"));
/// ```
#[must_use]
pub fn document() -> OpenApi {
    let routes = [
        event::routes(),
        question::routes(),
        event_type::routes(),
        metric::routes(),
        quarantine::routes(),
        projection::routes(),
        file::routes(),
        subject::routes(),
        key::routes(),
        client::routes(),
        page::routes(),
    ];
    let mut paths = Paths::new();
    for (path, item) in routes.into_iter().flatten().map(route::Route::finish) {
        match paths.paths.get_mut(path) {
            Some(known) => known.merge_operations(item),
            None => drop(paths.paths.insert(path.to_owned(), item)),
        }
    }
    let schemas = [
        event::schemas(),
        problem::schemas(),
        question::schemas(),
        event_type::schemas(),
        metric::schemas(),
        quarantine::schemas(),
        projection::schemas(),
        file::schemas(),
        subject::schemas(),
        key::schemas(),
        client::schemas(),
        page::schemas(),
    ];
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas.into_iter().flatten())
        .security_scheme(KEY, SecurityScheme::Http(bearer()));
    let license = LicenseBuilder::new()
        .name("MIT OR Apache-2.0")
        .identifier(Some("MIT OR Apache-2.0"));
    let info = InfoBuilder::new()
        .title("event")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license.build()));
    let no_scopes: [&str; 0] = [];
    OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components.build()))
        // Either a key, or nothing as long as there are no keys.
        .security(Some([SecurityRequirement::new(KEY, no_scopes), SecurityRequirement::default()]))
        .build()
}

fn bearer() -> Http {
    HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("ev_…")
        .description(Some(
            "A key, as `event-server key create` prints it. While the collector has no keys, nobody needs one.",
        ))
        .build()
}

/// The document as JSON, written once.
pub(crate) fn text() -> &'static RawValue {
    static TEXT: LazyLock<Box<RawValue>> = LazyLock::new(|| {
        let written = serde_json::value::to_raw_value(&document());
        // It is made of nothing that JSON cannot say, as a test sees.
        written.unwrap_or_else(|_| RawValue::NULL.to_owned())
    });
    &TEXT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::{PROBLEMS, Reason};

    #[test]
    fn every_reason_is_in_it() {
        let text = text().get();
        assert_ne!(text, "null");
        for reason in Reason::ALL {
            // What no route answers: it is told where there is none.
            let told = text.contains(&format!("\"{PROBLEMS}{}\"", reason.code()));
            assert_eq!(told, *reason != Reason::MethodNotAllowed, "{reason:?}");
        }
    }
}
