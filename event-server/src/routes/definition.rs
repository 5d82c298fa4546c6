//! What a `PUT` of a type says: `{"schema": …, "mapping": …, "policy": …, "upcast": …, "state": …}`, each optional. And
//! what holds for the members of any definition.

use event_core::Limits;
use event_core::json::Document;
use event_store::TypeChange;
use event_store::upcast::Change;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::reply::{Failure, Reason};

/// Deeper than any schema may be, so that its own check can say where it is too deep.
const DEPTH: usize = 100;
/// Keys of a schema may be patterns.
const KEY_BYTES: usize = 1024;

/// What a version becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Becomes {
    Active,
    Shadow,
}

/// Reads a definition.
///
/// # Errors
/// What is wrong with the JSON, or which member.
pub(super) fn read(body: &[u8]) -> Result<(TypeChange, Option<Becomes>), Failure> {
    let (mut change, mut state) = (TypeChange::default(), None);
    let whole = "a definition is an object with schema, mapping, policy, upcast and state, each optional";
    for (name, value) in members(body, whole)? {
        match name.as_str() {
            "schema" => change.schema = Some(value),
            "mapping" => change.mapping = Some(member(&name, value)?),
            "policy" => change.policy = Some(member(&name, value)?),
            "upcast" if value.is_null() => change.upcast = Some(Change::Removed),
            "upcast" => change.upcast = Some(Change::Declared(member(&name, value)?)),
            "state" => state = Some(member(&name, value)?),
            _ => {
                return Err(invalid(
                    &name,
                    "a definition has schema, mapping, policy, upcast and state, each optional",
                ));
            }
        }
    }
    Ok((change, state))
}

/// The members of a definition; a key that stands twice is refused here as it is in events.
///
/// # Errors
/// What is wrong with the JSON; what a definition is, if this is no object.
pub(super) fn members(body: &[u8], whole: &str) -> Result<Map<String, Value>, Failure> {
    let mut limits = Limits::default().with_depth(DEPTH).with_nodes(100_000);
    limits.key_bytes = KEY_BYTES;
    match Document::parse(body, &limits)?.root().to_value() {
        Value::Object(members) => Ok(members),
        _ => Err(invalid("", whole)),
    }
}

/// The value of a member.
///
/// # Errors
/// What is wrong with it, at its place.
pub(super) fn member<T: DeserializeOwned>(name: &str, value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|error| invalid(name, &error.to_string()))
}

/// The failure of a definition at one of its members, or as a whole.
pub(super) fn invalid(member: &str, detail: &str) -> Failure {
    let failure = Failure::new(Reason::InvalidDefinition, detail);
    if member.is_empty() {
        failure
    } else {
        failure.at(format!("/{}", member.replace('~', "~0").replace('/', "~1")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse as _;

    #[test]
    fn each_part_is_optional() {
        let (change, state) = read(br#"{"schema": {"type": "object"}, "policy": {"on_violation": "warn"}}"#).unwrap();
        assert_eq!(state, None);
        assert!(change.schema.is_some() && change.mapping.is_none() && change.policy.is_some());
        let (change, state) = read(br#"{"state": "shadow"}"#).unwrap();
        assert_eq!(state, Some(Becomes::Shadow));
        assert!(change.schema.is_none() && change.policy.is_none());
    }

    #[test]
    fn what_is_wrong_has_a_status() {
        let deep = format!(r#"{{"schema": {}{}}}"#, r#"{"not":"#.repeat(200), "}".repeat(200));
        for (body, status) in [
            ("", 400),
            ("{", 400),
            (r#"{"schema": {}, "schema": {}}"#, 400),
            ("[]", 422),
            (r#"{"shema": {}}"#, 422),
            (r#"{"mapping": {"id": 7}}"#, 422),
            (r#"{"policy": {"on_violation": "ignore"}}"#, 422),
            (r#"{"state": "asleep"}"#, 422),
            (r#"{"upcast": {"steps": []}}"#, 422),
            (r#"{"upcast": {"from": "1", "steps": [{"step": "guess"}]}}"#, 422),
            (deep.as_str(), 422),
        ] {
            let failure = read(body.as_bytes()).err().unwrap();
            assert_eq!(failure.into_response().status(), status, "{body}");
        }
    }
}
