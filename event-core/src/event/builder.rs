//! An event made in Rust, by the same rules as one that comes over the wire.

use serde_json::{Map, Value};

use super::{Event, Reception};
use crate::code::Code;
use crate::json::{JsonError, Payload, dismantle};
use crate::refusal::Refusal;
use crate::timestamp::{Timestamp, TimestampError};

/// Collects the parts of an event; the first thing that is wrong is told by [`EventBuilder::build`].
///
/// ```
/// use event_core::{Code, Event};
/// # let source = event_core::Source::new("shop")?;
/// # let reception = event_core::event::Reception {
/// #     received_at: "2021-01-01T09:15:28Z".parse()?, source: &source, zone: chrono_tz::Tz::UTC,
/// #     limits: Default::default(), new_id: &|| event_core::EventId::new("made-here").unwrap(),
/// # };
/// let event = Event::builder("order", "created").id("o-1").field("value", 12.5).build(&reception)?;
/// assert_eq!(event.payload().as_str(), r#"{"value":12.5}"#);
/// let refused = Event::builder("order", "created").field("value", f64::NAN).build(&reception);
/// assert_eq!(refused.unwrap_err().code, Code::NonFiniteNumber);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct EventBuilder {
    envelope: Map<String, Value>,
    data: Map<String, Value>,
    wrong: Option<Refusal>,
}

/// A value that an event's data can hold; floats that JSON cannot write are kept apart, where
/// `serde_json::json!` would turn them into `null`.
#[derive(Clone, Debug)]
pub struct FieldValue(Result<Value, Code>);

impl EventBuilder {
    pub(super) fn new(category: String, name: String) -> Self {
        let builder = EventBuilder {
            envelope: Map::new(),
            data: Map::new(),
            wrong: None,
        };
        builder.set("category", category).set("name", name)
    }

    fn set(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.envelope.insert(field.to_owned(), value.into());
        self
    }

    fn time<T>(mut self, field: &str, at: T) -> Self
    where
        T: TryInto<Timestamp>,
        TimestampError: From<T::Error>,
    {
        match at.try_into().map_err(TimestampError::from) {
            Ok(at) => self.set(field, at.to_string()),
            Err(error) => {
                let refusal = Refusal::new(error.code(), format!("/{field}"), error.to_string());
                self.wrong.get_or_insert(refusal);
                self
            }
        }
    }

    /// What makes the event itself, within its source.
    #[must_use]
    pub fn id(self, id: impl Into<String>) -> Self {
        self.set("id", id.into())
    }

    /// The version of its type; without one the active version judges it.
    #[must_use]
    pub fn version(self, version: impl Into<String>) -> Self {
        self.set("version", version.into())
    }

    /// The visit or run it belongs to.
    #[must_use]
    pub fn session_id(self, session_id: impl Into<String>) -> Self {
        self.set("session_id", session_id.into())
    }

    /// Its number inside the session, from 0.
    #[must_use]
    pub fn sequence(self, sequence: u64) -> Self {
        self.set("sequence", sequence)
    }

    /// The application that sends it.
    #[must_use]
    pub fn source(self, source: impl Into<String>) -> Self {
        self.set("source", source.into())
    }

    /// Whom it is about.
    #[must_use]
    pub fn subject(self, subject: impl Into<String>) -> Self {
        self.set("subject", subject.into())
    }

    /// When it happened: a [`Timestamp`] or a `chrono::DateTime` of any zone.
    #[must_use]
    pub fn occurred_at<T>(self, at: T) -> Self
    where
        T: TryInto<Timestamp>,
        TimestampError: From<T::Error>,
    {
        self.time("occurred_at", at)
    }

    /// When it is sent, by the sender's clock.
    #[must_use]
    pub fn sent_at<T>(self, at: T) -> Self
    where
        T: TryInto<Timestamp>,
        TimestampError: From<T::Error>,
    {
        self.time("sent_at", at)
    }

    /// One member of the data.
    #[must_use]
    pub fn field(mut self, key: impl Into<String>, value: impl Into<FieldValue>) -> Self {
        let key = key.into();
        match value.into().0 {
            Ok(value) => {
                if let Some(replaced) = self.data.insert(key, value) {
                    dismantle(replaced);
                }
            }
            Err(code) => {
                let pointer = crate::json::Pointer::from_tokens(["data", &key]).to_string();
                self.wrong
                    .get_or_insert_with(|| Refusal::new(code, pointer, "JSON has no NaN and no infinity"));
            }
        }
        self
    }

    /// All of the data, in place of what was there. Anything but an object is refused.
    #[must_use]
    pub fn data(mut self, data: Value) -> Self {
        match data {
            Value::Object(members) => dismantle(Value::Object(std::mem::replace(&mut self.data, members))),
            other => {
                dismantle(other);
                let refusal = Refusal::new(Code::PayloadNotObject, "/data", "the data is not a JSON object");
                self.wrong.get_or_insert(refusal);
            }
        }
        self
    }

    /// Finishes the event, by the rules for events that come over the wire.
    ///
    /// # Errors
    /// A [`Refusal`] with the code that the same event would get over HTTP.
    pub fn build(self, reception: &Reception<'_>) -> Result<Event, Refusal> {
        let data = Value::Object(self.data);
        // Looked at without recursion first: writing a very deep tree would overflow the stack.
        let payload = match self.wrong {
            Some(wrong) => Err(wrong),
            None => Payload::from_value(&data, &reception.limits).map_err(within_data),
        };
        dismantle(data);
        let payload = payload?;
        let mut text = Value::Object(self.envelope).to_string();
        // The envelope is never empty: it has at least its type.
        text.truncate(text.len() - 1);
        text.push_str(",\"data\":");
        text.push_str(payload.as_str());
        text.push('}');
        Event::from_slice(text.as_bytes(), reception)
    }
}

/// The refusal of a payload, seen from the event.
fn within_data(error: JsonError) -> Refusal {
    let mut refusal = Refusal::from(error);
    for violation in &mut refusal.violations {
        violation.pointer.insert_str(0, "/data");
    }
    refusal
}

macro_rules! field_value {
    ($($source:ty),+) => {
        $(impl From<$source> for FieldValue {
            fn from(value: $source) -> Self {
                FieldValue(Ok(Value::from(value)))
            }
        })+
    };
}

field_value!(bool, i8, i16, i32, i64, u8, u16, u32, u64, &str, String, Value);

impl From<f64> for FieldValue {
    fn from(value: f64) -> Self {
        FieldValue(
            serde_json::Number::from_f64(value)
                .map(Value::Number)
                .ok_or(Code::NonFiniteNumber),
        )
    }
}

impl<T: Into<FieldValue>> From<Option<T>> for FieldValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(FieldValue(Ok(Value::Null)), Into::into)
    }
}
