//! A response beside the answer that the table expects.

use serde_json::{Value, json};

use crate::collector::Response;
use crate::table::{self, Words, differences};

/// What a response is, beside what it must be: an answer of the table.
pub(crate) fn unlike(answer: &Value, response: &Response, words: &mut Words) -> Vec<String> {
    let mut found = Vec::new();
    let text = String::from_utf8_lossy(&response.body).into_owned();
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let default = if answer["problem"].is_null() {
        json!(200)
    } else {
        json!(400)
    };
    let status = answer.get("status").unwrap_or(&default);
    if *status != "$any" && *status != response.status {
        found.push(format!(
            "the status is {}, expected {status}: {}",
            response.status,
            table::short(&body)
        ));
        return found;
    }
    if let Some(code) = answer["problem"].as_str() {
        let told = body["type"]
            .as_str()
            .and_then(|uri| uri.rsplit_once('/'))
            .map(|(_, told)| told);
        if told != Some(code) {
            found.push(format!("the problem is {told:?}, expected {code}"));
        }
        if response.header("content-type") != Some("application/problem+json") || body["status"] != response.status {
            found.push(format!("no problem document: {}", table::short(&body)));
        }
    }
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        let header = response.header(name).unwrap_or_default();
        let wanted: Vec<&str> = match value {
            Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
            value => value.as_str().into_iter().collect(),
        };
        let missing = |wanted: &&str| {
            if *wanted == "$any" {
                header.is_empty()
            } else {
                !header.contains(*wanted)
            }
        };
        if let Some(wanted) = wanted.into_iter().find(missing) {
            found.push(format!("the header {name} is {header:?}, expected {wanted}"));
        }
    }
    for secret in answer["lacks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if text.contains(secret) {
            found.push(format!("the answer holds {secret:?}"));
        }
    }
    if let Some(count) = answer["count"].as_u64() {
        let results = body["results"].as_array().map_or(0, Vec::len);
        if results as u64 != count {
            found.push(format!("{results} results, expected {count}"));
        }
    }
    if let Some(expected) = answer.get("body") {
        found.extend(differences(expected, &body, words));
    }
    found
}
