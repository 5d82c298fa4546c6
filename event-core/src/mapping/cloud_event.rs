//! CloudEvents 1.0 in JSON: <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>.

use serde_json::{Map, Value};

use crate::code::Code;
use crate::event::{Event, Reception};
use crate::json::Document;
use crate::limits::Limits;
use crate::refusal::Refusal;

/// Attributes of a CloudEvent, and the field of an event that each becomes.
const ATTRIBUTES: [(&str, &str); 7] = [
    ("id", "id"),
    ("source", "source"),
    ("subject", "subject"),
    ("time", "occurred_at"),
    ("data", "data"),
    // Extensions, which the specification wants in lower case without separators.
    ("sessionid", "session_id"),
    ("dataversion", "version"),
];

/// Lifts one CloudEvent in structured mode into an event.
///
/// `type` splits at its last dot: `com.example.order.created` has the category
/// `com.example.order` and the name `created`; a type without a dot has the category
/// `cloudevents`. The extensions `sessionid`, `sequence` and `dataversion` are read, other
/// attributes count as ignored fields.
///
/// # Errors
/// A [`Refusal`]: the document is no CloudEvent 1.0, or an attribute breaks the grammar of its field.
///
/// ```
/// # let source = event_core::Source::new("shop")?;
/// # let reception = event_core::event::Reception {
/// #     received_at: "2021-01-01T09:15:28Z".parse()?, source: &source, zone: chrono_tz::Tz::UTC,
/// #     limits: Default::default(), new_id: &|| event_core::EventId::new("made-here").unwrap(),
/// # };
/// let event = event_core::mapping::cloud_event(
///     br#"{"specversion": "1.0", "type": "order.created", "source": "/shop", "id": "A1", "data": {"value": 5}}"#,
///     &reception,
/// )?;
/// assert_eq!(event.envelope().event_type.to_string(), "order/created");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn cloud_event(bytes: &[u8], reception: &Reception<'_>) -> Result<Event, Refusal> {
    let limits = &reception.limits;
    if bytes.len() > limits.event_bytes {
        // The same refusal as for any other event.
        return Event::from_slice(bytes, reception);
    }
    let document = Document::parse(bytes, &limits.of_document())?;
    let Value::Object(attributes) = document.root().to_value() else {
        return Err(Refusal::new(Code::InvalidEnvelope, "", "a CloudEvent is a JSON object"));
    };
    if attributes.get("specversion").and_then(Value::as_str) != Some("1.0") {
        return Err(Refusal::new(
            Code::InvalidEnvelope,
            "/specversion",
            "a CloudEvent has \"specversion\": \"1.0\"",
        ));
    }
    let limits = Limits {
        event_bytes: usize::MAX,
        ..*limits
    };
    Event::from_slice(
        Value::Object(envelope(attributes)).to_string().as_bytes(),
        &Reception { limits, ..*reception },
    )
}

fn envelope(mut attributes: Map<String, Value>) -> Map<String, Value> {
    let mut envelope = Map::new();
    for (attribute, field) in ATTRIBUTES {
        if let Some(value) = attributes.remove(attribute) {
            envelope.insert(field.to_owned(), value);
        }
    }
    // The extension writes the number as a string.
    if let Some(sequence) = attributes.remove("sequence") {
        let number = sequence
            .as_str()
            .and_then(|text| text.parse::<i64>().ok())
            .map(Value::from);
        envelope.insert("sequence".to_owned(), number.unwrap_or(sequence));
    }
    if let Some(Value::String(kind)) = attributes.remove("type") {
        let (category, name) = kind.rsplit_once('.').unwrap_or(("cloudevents", &kind));
        envelope.insert("category".to_owned(), category.into());
        envelope.insert("name".to_owned(), name.into());
    }
    if let Some(encoded) = attributes.remove("data_base64") {
        // Binary data is no object, and is refused as such.
        envelope.insert("data".to_owned(), encoded);
    }
    for known in ["specversion", "datacontenttype", "dataschema"] {
        attributes.remove(known);
    }
    envelope.extend(
        attributes
            .into_iter()
            .map(|(key, value)| (format!("cloudevent {key}"), value)),
    );
    envelope
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{EventId, Source};

    fn lift(document: &str) -> Result<Event, Refusal> {
        let source = Source::new("receiver").unwrap();
        let reception = Reception {
            received_at: "2021-01-01T00:00:00Z".parse().unwrap(),
            source: &source,
            zone: chrono_tz::Tz::UTC,
            limits: Limits::default(),
            new_id: &|| EventId::new("made-here").unwrap(),
        };
        cloud_event(document.as_bytes(), &reception)
    }

    #[test]
    fn a_document_has_a_size_and_not_what_it_becomes() {
        // What it becomes is longer by the names of its fields.
        let head = r#"{"specversion":"1.0","type":"a.b","source":"s","id":"1","other":1,"another":2,"data":{"a":""#;
        let document = |length: usize| format!("{head}{}\"}}}}", "x".repeat(length - head.len() - 3));
        let limit = Limits::default().event_bytes;
        assert!(lift(&document(limit)).is_ok());
        assert_eq!(lift(&document(limit + 1)).unwrap_err().code, Code::EventTooLarge);
    }

    #[test]
    fn attributes_become_fields() {
        let event = lift(
            r#"{"specversion":"1.0","type":"ping","source":"https://a.example/x","id":"1","time":"2021-01-01T00:00:01Z",
                "subject":"c1","sessionid":"s","sequence":"4","dataversion":"2","other":1,"data":{}}"#,
        )
        .unwrap();
        let envelope = event.envelope();
        assert_eq!(envelope.event_type.to_string(), "cloudevents/ping");
        assert_eq!(
            (envelope.source.as_str(), envelope.sequence),
            ("https://a.example/x", Some(4))
        );
        assert_eq!(envelope.version.as_ref().map(|version| version.as_str()), Some("2"));
        assert_eq!(event.flags().to_string(), "ignored_fields");
    }

    #[test]
    fn what_is_no_cloud_event() {
        assert_eq!(lift("[]").unwrap_err().code, Code::InvalidEnvelope);
        assert_eq!(
            lift(r#"{"specversion":"0.3","type":"a.b"}"#).unwrap_err().code,
            Code::InvalidEnvelope
        );
        assert_eq!(
            lift(r#"{"specversion":"1.0","id":"1"}"#).unwrap_err().code,
            Code::InvalidType
        );
        let binary = r#"{"specversion":"1.0","type":"a.b","id":"1","data_base64":"AAAA"}"#;
        assert_eq!(lift(binary).unwrap_err().code, Code::PayloadNotObject);
    }
}
