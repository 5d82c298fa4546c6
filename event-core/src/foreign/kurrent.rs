//! What KurrentDB (EventStoreDB) has recorded: <https://docs.kurrent.io/server/latest/features/streams.html>.

use serde::Serialize;
use serde_json::value::RawValue;

use super::object;
use crate::timestamp::Timestamp;

/// An event as it is recorded in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded<'a> {
    /// Its id, a UUID that its writer made.
    pub id: &'a str,
    /// The stream that it is in: `quote-7`.
    pub stream: &'a str,
    /// Its number in the stream, from 0.
    pub revision: u64,
    /// Its type: `quote_started`.
    pub event_type: &'a str,
    /// When the database recorded it, if it says so.
    pub created: Option<Timestamp>,
    /// What its writer says, mostly an object of JSON.
    pub data: &'a [u8],
}

impl Recorded<'_> {
    /// Whether the database wrote it for itself: its streams and its types begin with `$`.
    #[must_use]
    pub fn is_of_the_system(&self) -> bool {
        self.stream.starts_with('$') || self.event_type.starts_with('$')
    }

    /// Its stream up to the first hyphen, which is what KurrentDB, too, calls a category.
    fn category(&self) -> &str {
        self.stream.split('-').next().unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Written<'a, D> {
    id: &'a str,
    category: &'a str,
    name: &'a str,
    subject: &'a str,
    session_id: &'a str,
    sequence: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
    data: D,
}

/// The JSON text of an event.
///
/// The stream is its subject and its session, and the number in the stream its sequence. Its category is `category`, or
/// else what stands before the first hyphen of the stream. Data that is no object of JSON becomes a text: such an event
/// is refused under its own id, and can be mended.
///
/// ```
/// use event_core::foreign::kurrent::{Recorded, event};
/// let recorded = Recorded {
///     id: "0c2e7b5e-6f0e-4d0b-9f3b-6c1d7f0a2b11",
///     stream: "quote-7",
///     revision: 3,
///     event_type: "quote_started",
///     created: Some("2020-03-23T12:53:32Z".parse()?),
///     data: br#"{"reference": "d6glop"}"#,
/// };
/// let event: serde_json::Value = serde_json::from_slice(&event(&recorded, None))?;
/// assert_eq!(event, serde_json::json!({
///     "id": "0c2e7b5e-6f0e-4d0b-9f3b-6c1d7f0a2b11", "category": "quote", "name": "quote_started",
///     "subject": "quote-7", "session_id": "quote-7", "sequence": 3,
///     "timestamp": "2020-03-23T12:53:32Z", "data": {"reference": "d6glop"},
/// }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn event(recorded: &Recorded<'_>, category: Option<&str>) -> Vec<u8> {
    // Looked at as a whole first: what is only put between braces could bring members of the envelope with it.
    let raw: Option<&RawValue> = object(recorded.data).and_then(|_| serde_json::from_slice(recorded.data).ok());
    match raw {
        Some(data) => written(recorded, category, data),
        None => written(recorded, category, String::from_utf8_lossy(recorded.data)),
    }
}

fn written(recorded: &Recorded<'_>, category: Option<&str>, data: impl Serialize) -> Vec<u8> {
    let written = Written {
        id: recorded.id,
        category: category.unwrap_or_else(|| recorded.category()),
        name: recorded.event_type,
        subject: recorded.stream,
        session_id: recorded.stream,
        sequence: recorded.revision,
        timestamp: recorded.created,
        data,
    };
    serde_json::to_vec(&written).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn recorded(data: &[u8]) -> Recorded<'_> {
        Recorded {
            id: "i",
            stream: "quote-7-b",
            revision: u64::MAX,
            event_type: "started",
            created: None,
            data,
        }
    }

    fn data(data: &[u8]) -> Value {
        let text = event(&recorded(data), None);
        serde_json::from_slice::<Value>(&text).unwrap()["data"].take()
    }

    #[test]
    fn data_stays_as_it_was_written() {
        let text = event(&recorded(br#"{ "amount": 1.50, "b": 1e2 }"#), None);
        assert!(
            text.ends_with(br#""data":{ "amount": 1.50, "b": 1e2 }}"#),
            "{}",
            String::from_utf8_lossy(&text)
        );
    }

    #[test]
    fn what_is_no_object_is_a_text() {
        for odd in [
            "",
            "{",
            "[1]",
            "7",
            r#"1,"source":"shop""#,
            r#"{"a":1,"a":2}"#,
            r#"{}},"id":"other""#,
        ] {
            assert_eq!(data(odd.as_bytes()), odd, "{odd}");
        }
        assert_eq!(data(b"\xff{}"), "\u{fffd}{}");
    }

    #[test]
    fn a_category_is_the_streams_unless_it_is_said() {
        let category = |asked| {
            let text = event(&recorded(b"{}"), asked);
            serde_json::from_slice::<Value>(&text).unwrap()["category"].take()
        };
        assert_eq!(category(None), "quote");
        assert_eq!(category(Some("sales")), "sales");
    }

    #[test]
    fn what_the_database_wrote_for_itself_is_known() {
        assert!(!recorded(b"{}").is_of_the_system());
        let metadata = Recorded {
            event_type: "$metadata",
            ..recorded(b"{}")
        };
        let of_stream = Recorded {
            stream: "$$quote-7",
            ..recorded(b"{}")
        };
        assert!(metadata.is_of_the_system() && of_stream.is_of_the_system());
    }
}
