//! Every answer that a test gets, held to the program's own OpenAPI document: its status, its content type, its body
//! and its code are there.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::http::Response;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(event_server::openapi::document()).unwrap());

/// What hears of no route in particular.
const OF_NO_ROUTE: [&str; 12] = [
    "not_found",
    "method_not_allowed",
    "invalid_path",
    "unknown_parameter",
    "unauthenticated",
    "ambiguous_auth",
    "body_too_large",
    "headers_too_large",
    "shutting_down",
    "internal_error",
    "not_permitted",
    "rate_limited",
];

/// Fails if the document does not know this answer to such a request.
pub(crate) fn check(method: &str, target: &str, response: &Response) {
    let place = format!("{method} {target}: {}", response.status);
    // Nothing of ours: the parser of HTTP has refused the request.
    if response.header("content-type").is_none() && response.body.is_empty() && response.status >= 400 {
        return;
    }
    let path = target.split('?').next().unwrap_or_default();
    let asked = if method == "HEAD" {
        "get"
    } else {
        &method.to_ascii_lowercase()
    };
    let operation = template(path).and_then(|template| DOCUMENT["paths"][template].get(asked));
    let Some(operation) = operation else {
        let code = response.problem();
        let known = code.as_deref().is_some_and(|code| OF_NO_ROUTE.contains(&code)) || method == "HEAD";
        assert!(
            known,
            "{place}: the document has no such route, and the answer is {:?}",
            response.text()
        );
        return;
    };
    let Some(documented) = operation["responses"].get(response.status.to_string()) else {
        let of_no_route = response
            .problem()
            .is_some_and(|code| code == "method_not_allowed" || code == "not_found");
        assert!(
            of_no_route,
            "{place}: no such status in the document; {:?}",
            response.text()
        );
        return;
    };
    if method == "HEAD" || response.body.is_empty() {
        return;
    }
    let content_type = response.header("content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default();
    let content = &documented["content"][essence];
    assert!(!content.is_null(), "{place}: the document has no {essence:?} there");
    if essence == "application/json" || essence.ends_with("+json") {
        let schema = &content["schema"];
        let wrong: Vec<String> = validator(schema)
            .iter_errors(&response.json())
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{place}: {}\n{}", wrong.join("\n"), response.text());
    }
}

/// The path in the document that a real one is of: the one with the fewest names in it.
fn template(path: &str) -> Option<&'static str> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let fits = |template: &str| {
        let (mut wanted, mut given) = (template.split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(wanted), Some(given)) if wanted == given => {}
                (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
                _ => return false,
            }
        }
    };
    let fitting = paths.keys().filter(|template| fits(template));
    fitting
        .min_by_key(|template| template.matches('{').count())
        .map(String::as_str)
}

/// The compiled schema, with all that it refers to.
fn validator(schema: &Value) -> Arc<Validator> {
    static KNOWN: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap();
    let compiled = known.entry(schema.to_string()).or_insert_with(|| {
        let whole = json!({"allOf": [schema], "components": DOCUMENT["components"]});
        Arc::new(jsonschema::validator_for(&whole).unwrap_or_else(|error| panic!("{schema}: {error}")))
    });
    Arc::clone(compiled)
}
