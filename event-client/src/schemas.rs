//! The rules that events are judged by before they are sent: given, or the collector's own.

use std::sync::Arc;
use std::time::Duration;

use event_core::mapping::Mapping;
use event_core::policy::{Policy, UnknownTypes};
use event_core::registry::{Definition, Registry};
use event_core::{EventType, Label, Schema};
use serde::Deserialize;
use serde_json::Value;

/// Where the rules come from.
#[derive(Clone, Debug)]
pub(crate) enum Schemas {
    /// The application has them.
    Given(Arc<Registry>),
    /// The collector has them; they are asked for so often.
    Fetched { every: Duration },
}

/// What the collector answers at `/v1/types`.
#[derive(Deserialize)]
struct Types {
    types: Vec<Type>,
}

#[derive(Deserialize)]
struct Type {
    #[serde(flatten)]
    event_type: EventType,
    version: Label,
    active: bool,
    schema: Option<Value>,
    policy: Option<Value>,
}

/// The registry that a collector's types make. Types that this client does not understand are left
/// to the collector, as those are that it does not know yet.
pub(crate) fn registry(body: &[u8]) -> Result<Registry, serde_json::Error> {
    let mut types = serde_json::from_slice::<Types>(body)?.types;
    // The one that is inserted last is the active one.
    types.sort_by_key(|known| known.active);
    let mut registry = Registry::default();
    registry.unknown_types = UnknownTypes::Store;
    for known in types {
        let schema = known.schema.as_ref().map(Schema::compile).transpose();
        let policy: Result<Option<Policy>, _> = known.policy.map(serde_json::from_value).transpose();
        match (schema, policy) {
            (Ok(schema), Ok(policy)) => {
                let definition = Definition {
                    schema,
                    mapping: None::<Mapping>,
                    policy: policy.unwrap_or_default(),
                    upcast: None,
                };
                registry.insert(known.event_type, known.version, definition);
            }
            _ => tracing::warn!(
                category = known.event_type.category.as_str(),
                name = known.event_type.name.as_str(),
                version = known.version.as_str(),
                "this client does not understand the type; its events are judged by the collector alone"
            ),
        }
    }
    Ok(registry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_active_version_judges_and_what_is_not_understood_is_left() {
        let body = br#"{"types": [
            {"category": "order", "name": "created", "version": "2", "active": true, "schema": {"required": ["value"]},
             "registered_at": "2021-01-01T00:00:00Z"},
            {"category": "order", "name": "created", "version": "1", "active": false},
            {"category": "order", "name": "paid", "version": "1", "active": true, "schema": {"type": "from the future"}},
            {"category": "order", "name": "sent", "version": "1", "active": true, "policy": {"on_violation": "warn"}}
        ]}"#;
        let registry = registry(body).unwrap();
        let of = |name: &str| EventType::new("order", name).unwrap();
        assert_eq!(registry.active(&of("created")).unwrap().as_str(), "2");
        assert!(registry.get(&of("created"), Some(&Label::new("1").unwrap())).is_some());
        assert!(registry.get(&of("paid"), None).is_none());
        assert!(registry.get(&of("sent"), None).is_some());
        assert!(super::registry(b"<html>").is_err());
    }
}
