//! Segment's tracking API: <https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/>.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Batch, Object, body, envelope, event, name, object, take};
use crate::wire::MalformedBatch;

/// One of the calls of Segment's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Something was done.
    Track,
    /// Who somebody is.
    Identify,
    /// A page was seen.
    Page,
    /// A screen of an app was seen.
    Screen,
    /// Somebody belongs to a group.
    Group,
    /// Two ids are of one person.
    Alias,
}

impl Call {
    /// All of them.
    pub const ALL: [Call; 6] = [
        Call::Track,
        Call::Identify,
        Call::Page,
        Call::Screen,
        Call::Group,
        Call::Alias,
    ];

    /// Its name, which is the `type` of a message and the category of an event.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Call::Track => "track",
            Call::Identify => "identify",
            Call::Page => "page",
            Call::Screen => "screen",
            Call::Group => "group",
            Call::Alias => "alias",
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a> {
    #[serde(borrow)]
    batch: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    context: Option<&'a RawValue>,
    #[serde(default)]
    sent_at: Option<Value>,
    #[serde(default)]
    write_key: Option<String>,
}

/// The messages of `/v1/batch`.
///
/// The category of an event is the call (`track`), its name that of what was tracked, of the page or of the screen, or
/// again the call. `messageId` is its id, `userId` or else `anonymousId` its subject, `context.sessionId` its session,
/// and its data is all that is left of the message, but for `integrations`.
///
/// # Errors
/// If the body is not JSON, or no batch.
///
/// ```
/// use event_core::foreign::segment;
/// let batch = segment::batch(br#"{"writeKey": "k", "sentAt": "2021-01-01T00:00:09Z", "batch": [{
///     "type": "track", "event": "Order Completed", "messageId": "m-1", "userId": "u-1",
///     "timestamp": "2021-01-01T00:00:00Z", "properties": {"revenue": 9.5}, "context": {"sessionId": 7}
/// }]}"#)?;
/// assert_eq!(batch.key.as_deref(), Some("k"));
/// let event: serde_json::Value = serde_json::from_slice(&batch.events[0])?;
/// assert_eq!(event, serde_json::json!({
///     "id": "m-1", "category": "track", "name": "Order Completed", "subject": "u-1", "session_id": "7",
///     "timestamp": "2021-01-01T00:00:00Z", "sent_at": "2021-01-01T00:00:09Z",
///     "data": {"properties": {"revenue": 9.5}, "context": {"sessionId": 7}},
/// }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn batch(bytes: &[u8]) -> Result<Batch, MalformedBatch> {
    let sent: Sent<'_> = body(bytes)?;
    let context = sent.context.and_then(|context| object(context.get().as_bytes()));
    let lift = |message: Object| lift(message, None, context.as_ref(), sent.sent_at.as_ref());
    Ok(Batch {
        key: sent.write_key,
        events: sent.batch.iter().map(|message| event(message, lift)).collect(),
    })
}

/// The message of `/v1/track` and the other calls, which is the whole body.
///
/// # Errors
/// If the body is not JSON.
///
/// ```
/// use event_core::foreign::segment::{Call, call};
/// let batch = call(Call::Page, br#"{"anonymousId": "a-1", "name": "Pricing"}"#)?;
/// assert_eq!(
///     batch.events,
///     [br#"{"category":"page","data":{"anonymousId":"a-1"},"name":"Pricing","subject":"a-1"}"#],
/// );
/// # Ok::<(), event_core::wire::MalformedBatch>(())
/// ```
pub fn call(call: Call, bytes: &[u8]) -> Result<Batch, MalformedBatch> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Key {
        #[serde(default)]
        write_key: Option<String>,
    }
    let message: &RawValue = body(bytes)?;
    // A key that is no text is none.
    let key = serde_json::from_str(message.get()).map_or(None, |Key { write_key }| write_key);
    Ok(Batch {
        key,
        events: vec![event(message, |message| lift(message, Some(call), None, None))],
    })
}

/// A message as the members of an event.
fn lift(mut message: Object, call: Option<Call>, context: Option<&Object>, sent_at: Option<&Value>) -> Object {
    for dropped in ["integrations", "writeKey", "receivedAt"] {
        message.remove(dropped);
    }
    let mut field = |name: &str| take(&mut message, name);
    let kind = field("type");
    let kind = call.map(|call| call.as_str().into()).or(kind);
    let (id, user) = (field("messageId"), field("userId").and_then(name));
    let (timestamp, original) = (field("timestamp"), field("originalTimestamp"));
    let sent_at = field("sentAt").or_else(|| sent_at.cloned().filter(|sent_at| !sent_at.is_null()));
    let named = match kind.as_ref().and_then(Value::as_str) {
        Some("track") => field("event"),
        Some("page" | "screen") => field("name").or_else(|| kind.clone()),
        _ => kind.clone(),
    };
    message.retain(|_, value| !value.is_null());
    if let Some(context) = context {
        let own = message.entry("context").or_insert_with(|| Object::new().into());
        if let Value::Object(own) = own {
            let all = context.iter().map(|(name, value)| (name.clone(), value.clone()));
            own.extend(all.filter(|(name, _)| !own.contains_key(name)).collect::<Vec<_>>());
        }
    }
    let session = message.get("context").and_then(|context| context.get("sessionId"));
    let fields = [
        ("id", id.and_then(name)),
        ("category", kind),
        ("name", named),
        (
            "subject",
            user.or_else(|| message.get("anonymousId").cloned().and_then(name)),
        ),
        (
            "session_id",
            session.filter(|session| !session.is_null()).cloned().and_then(name),
        ),
        ("timestamp", timestamp.or(original)),
        ("sent_at", sent_at),
    ];
    envelope(fields, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lifted(message: Value) -> Value {
        let body = json!({"batch": [message]}).to_string();
        let mut events = batch(body.as_bytes()).unwrap().events;
        serde_json::from_slice(&events.remove(0)).unwrap()
    }

    #[test]
    fn each_call_has_a_category_and_a_name() {
        for (message, category, name) in [
            (json!({"type": "track", "event": "Signed Up"}), "track", "Signed Up"),
            (
                json!({"type": "page", "name": "Home", "category": "Docs"}),
                "page",
                "Home",
            ),
            (json!({"type": "page", "name": null}), "page", "page"),
            (json!({"type": "screen"}), "screen", "screen"),
            (
                json!({"type": "identify", "traits": {"name": "x"}}),
                "identify",
                "identify",
            ),
            (json!({"type": "group", "groupId": "g"}), "group", "group"),
            (json!({"type": "alias", "previousId": "p"}), "alias", "alias"),
        ] {
            let event = lifted(message.clone());
            assert_eq!(
                (&event["category"], &event["name"]),
                (&json!(category), &json!(name)),
                "{message}"
            );
        }
        // What says nothing of its type is refused for that, and not guessed.
        assert_eq!(lifted(json!({"event": "x"})), json!({"data": {"event": "x"}}));
        assert_eq!(lifted(json!({"type": "track"}))["name"], Value::Null);
    }

    #[test]
    fn what_is_left_of_a_message_is_its_data() {
        let event = lifted(json!({
            "type": "page", "name": "Home", "category": "Docs", "userId": 7, "anonymousId": "a", "integrations": {"All": true},
            "properties": {"url": "/"}, "channel": "server", "traits": null, "messageId": "m", "receivedAt": "x",
        }));
        let data = json!({"category": "Docs", "anonymousId": "a", "properties": {"url": "/"}, "channel": "server"});
        assert_eq!((&event["data"], &event["subject"]), (&data, &json!("7")));
    }

    #[test]
    fn a_batch_speaks_for_its_messages() {
        let body = json!({
            "sentAt": "2021-01-01T00:00:00Z", "context": {"ip": "1.2.3.4", "sessionId": "s"},
            "batch": [{"type": "track"}, {"type": "track", "sentAt": "2021-01-02", "context": {"ip": "5.6.7.8"}}],
        });
        let events = batch(body.to_string().as_bytes()).unwrap().events;
        let events: Vec<Value> = events
            .iter()
            .map(|event| serde_json::from_slice(event).unwrap())
            .collect();
        assert_eq!(events[0]["data"]["context"], json!({"ip": "1.2.3.4", "sessionId": "s"}));
        assert_eq!(events[1]["data"]["context"], json!({"ip": "5.6.7.8", "sessionId": "s"}));
        assert_eq!(
            (&events[0]["session_id"], &events[1]["session_id"]),
            (&json!("s"), &json!("s"))
        );
        assert_eq!(events[0]["sent_at"], "2021-01-01T00:00:00Z");
        assert_eq!(events[1]["sent_at"], "2021-01-02");
    }

    #[test]
    fn what_cannot_be_read_stays_as_it_is() {
        let body = br#"{"batch": [7, {"type": "track", "type": "page"}, {"a": "\ud800"}, "x"]}"#;
        let events = batch(body).unwrap().events;
        let texts: Vec<&str> = events.iter().map(|event| std::str::from_utf8(event).unwrap()).collect();
        assert_eq!(
            texts,
            [
                "7",
                r#"{"type": "track", "type": "page"}"#,
                r#"{"a": "\ud800"}"#,
                "\"x\""
            ]
        );
        assert_eq!(call(Call::Track, b" 7").unwrap_err().offset, 1);
        for body in [
            "",
            "{",
            "[]",
            "7",
            "{}",
            r#"{"batch": {}}"#,
            r#"{"batch": [], "batch": []}"#,
            "{\"batch\": []} x",
        ] {
            assert!(batch(body.as_bytes()).is_err(), "{body}");
        }
        assert_eq!(batch(b"{\"batch\": [}").unwrap_err().offset, 11);
        assert!(call(Call::Track, b"\xff").is_err());
    }
}
