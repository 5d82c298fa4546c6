//! PostHog's capture API: <https://posthog.com/docs/api/capture>.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Batch, Object, body, envelope, event, name, take};
use crate::wire::MalformedBatch;

/// The category of all events of PostHog's clients.
const CATEGORY: &str = "capture";

#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(borrow, default)]
    batch: Option<Vec<&'a RawValue>>,
    #[serde(default)]
    api_key: Option<String>,
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    sent_at: Option<Value>,
    #[serde(default)]
    historical_migration: bool,
}

/// The events of `/batch`, or the one of `/capture` and `/i/v0/e`, which is the whole body.
///
/// The category of an event is `capture`, its name that of PostHog's event. `uuid` or else `$insert_id` is its id,
/// `distinct_id` its subject, `$session_id` its session, and its data is all that is left.
///
/// # Errors
/// If the body is not JSON, or no object.
///
/// ```
/// use event_core::foreign::posthog;
/// let batch = posthog::batch(br#"{"api_key": "k", "batch": [{
///     "event": "$pageview", "uuid": "u-1", "distinct_id": "d-1", "timestamp": "2021-01-01T00:00:00Z",
///     "properties": {"$session_id": "s-1", "$current_url": "https://example.com"}
/// }]}"#)?;
/// assert_eq!(batch.key.as_deref(), Some("k"));
/// let event: serde_json::Value = serde_json::from_slice(&batch.events[0])?;
/// assert_eq!(event, serde_json::json!({
///     "id": "u-1", "category": "capture", "name": "$pageview", "subject": "d-1", "session_id": "s-1",
///     "timestamp": "2021-01-01T00:00:00Z",
///     "data": {"properties": {"$session_id": "s-1", "$current_url": "https://example.com"}},
/// }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn batch(bytes: &[u8]) -> Result<Batch, MalformedBatch> {
    let sent: Sent<'_> = body(bytes)?;
    // What was imported from elsewhere happened when it says.
    let sent_at = sent
        .sent_at
        .filter(|sent_at| !sent.historical_migration && !sent_at.is_null());
    let lift = |message: Object| lift(message, sent_at.as_ref());
    let events = match &sent.batch {
        Some(batch) => batch.iter().map(|message| event(message, lift)).collect(),
        None => vec![event(body(bytes)?, lift)],
    };
    Ok(Batch {
        key: sent.api_key.or(sent.token),
        events,
    })
}

/// A message as the members of an event.
fn lift(mut message: Object, sent_at: Option<&Value>) -> Object {
    // Keys are nobody's data.
    for dropped in ["api_key", "token", "sent_at", "historical_migration", "type"] {
        message.remove(dropped);
    }
    message.retain(|_, value| !value.is_null());
    let mut field = |name: &str| take(&mut message, name);
    let (event, uuid, timestamp) = (field("event"), field("uuid"), field("timestamp"));
    let person = field("distinct_id").and_then(name);
    let mut properties = match message.get_mut("properties") {
        Some(Value::Object(properties)) => Some(properties),
        _ => None,
    };
    if let Some(properties) = &mut properties {
        properties.remove("token");
    }
    let said = |name: &str| properties.as_ref()?.get(name).filter(|value| !value.is_null()).cloned();
    let sent_at = sent_at.filter(|_| said("$ignore_sent_at") != Some(Value::Bool(true)));
    let fields = [
        ("id", uuid.or_else(|| said("$insert_id")).and_then(name)),
        ("category", Some(CATEGORY.into())),
        ("name", event),
        ("subject", person.or_else(|| said("distinct_id").and_then(name))),
        ("session_id", said("$session_id").and_then(name)),
        ("timestamp", timestamp),
        ("sent_at", sent_at.cloned()),
    ];
    envelope(fields, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lifted(body: Value) -> Vec<Value> {
        let events = batch(body.to_string().as_bytes()).unwrap().events;
        events
            .iter()
            .map(|event| serde_json::from_slice(event).unwrap())
            .collect()
    }

    #[test]
    fn one_event_is_a_body_too() {
        let body = json!({
            "api_key": "k", "event": "signed up", "timestamp": "2021-01-01", "type": "capture",
            "properties": {"distinct_id": "d", "$insert_id": "i", "token": "k", "plan": "free"}, "$set": {"name": "x"},
        });
        assert_eq!(batch(body.to_string().as_bytes()).unwrap().key.as_deref(), Some("k"));
        let event = json!({
            "id": "i", "category": "capture", "name": "signed up", "subject": "d", "timestamp": "2021-01-01",
            "data": {"properties": {"distinct_id": "d", "$insert_id": "i", "plan": "free"}, "$set": {"name": "x"}},
        });
        assert_eq!(lifted(body), [event]);
    }

    #[test]
    fn a_key_never_becomes_data() {
        let body = json!({"token": "secret", "batch": [
            {"event": "a", "api_key": "secret", "token": "secret", "properties": {"token": "secret"}},
        ]});
        assert_eq!(
            batch(body.to_string().as_bytes()).unwrap().key.as_deref(),
            Some("secret")
        );
        assert!(!lifted(body)[0].to_string().contains("secret"));
    }

    #[test]
    fn what_was_imported_happened_when_it_says() {
        let event = |properties: Value| json!({"event": "a", "properties": properties});
        let sent = |migrated: bool, properties: Value| {
            let body = json!({"sent_at": "2021-01-01", "historical_migration": migrated, "batch": [event(properties)]});
            lifted(body)[0]["sent_at"].clone()
        };
        assert_eq!(sent(false, json!({})), "2021-01-01");
        assert_eq!(sent(true, json!({})), Value::Null);
        assert_eq!(sent(false, json!({"$ignore_sent_at": true})), Value::Null);
    }

    #[test]
    fn what_cannot_be_read_stays_as_it_is() {
        let events = batch(br#"{"batch": [7, {"event": "a", "event": "b"}, {"event": 7, "properties": []}]}"#).unwrap();
        let texts: Vec<&str> = events
            .events
            .iter()
            .map(|event| std::str::from_utf8(event).unwrap())
            .collect();
        let no_name = r#"{"category":"capture","data":{"properties":[]},"name":7}"#;
        assert_eq!(texts, ["7", r#"{"event": "a", "event": "b"}"#, no_name]);
        for body in ["", "{", "[]", "7", r#"{"batch": {}}"#, r#"{"api_key": 7}"#, "{} {}"] {
            assert!(batch(body.as_bytes()).is_err(), "{body}");
        }
    }
}
