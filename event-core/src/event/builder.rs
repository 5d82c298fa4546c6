//! An event made in Rust, by the same rules as one that comes over the wire.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Event, Reception};
use crate::code::Code;
use crate::json::{JsonError, Payload, Text, dismantle};
use crate::limits::Limits;
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
    pub(super) id: Option<String>,
    pub(super) category: String,
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) session_id: Option<String>,
    pub(super) sequence: Option<u64>,
    pub(super) source: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) occurred_at: Option<Timestamp>,
    pub(super) sent_at: Option<Timestamp>,
    pub(super) data: Data,
    pub(super) wrong: Option<Refusal>,
}

/// The data while it comes in.
#[derive(Clone, Debug)]
pub(super) enum Data {
    Members(Map<String, Value>),
    /// All of it, written already.
    Text(Text),
}

/// A value that an event's data can hold; floats that JSON cannot write are kept apart, where
/// `serde_json::json!` would turn them into `null`.
#[derive(Clone, Debug)]
pub struct FieldValue(Result<Value, Code>);

impl EventBuilder {
    #[inline]
    pub(super) fn new(category: String, name: String) -> Self {
        EventBuilder {
            id: None,
            category,
            name,
            version: None,
            session_id: None,
            sequence: None,
            source: None,
            subject: None,
            occurred_at: None,
            sent_at: None,
            data: Data::Members(Map::new()),
            wrong: None,
        }
    }

    fn time<T>(&mut self, field: &str, at: T) -> Option<Timestamp>
    where
        T: TryInto<Timestamp>,
        TimestampError: From<T::Error>,
    {
        let at = at.try_into().map_err(TimestampError::from);
        at.map_err(|error| {
            let refusal = Refusal::new(error.code(), format!("/{field}"), error.to_string());
            self.wrong.get_or_insert(refusal);
        })
        .ok()
    }

    /// What makes the event itself, within its source.
    #[inline]
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The version of its type; without one the active version judges it.
    #[inline]
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// The visit or run it belongs to.
    #[inline]
    #[must_use]
    pub fn session_id(mut self, session_id: impl Into<String>) -> Self {
        self.session_id = Some(session_id.into());
        self
    }

    /// Its number inside the session, from 0.
    #[inline]
    #[must_use]
    pub fn sequence(mut self, sequence: u64) -> Self {
        self.sequence = Some(sequence);
        self
    }

    /// The session that the event belongs to, if it has none of its numbers yet.
    #[must_use]
    pub fn unnumbered(&self) -> Option<&str> {
        self.session_id.as_deref().filter(|_| self.sequence.is_none())
    }

    /// The application that sends it.
    #[inline]
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whom it is about.
    #[inline]
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// When it happened: a [`Timestamp`] or a `chrono::DateTime` of any zone.
    #[must_use]
    pub fn occurred_at<T>(mut self, at: T) -> Self
    where
        T: TryInto<Timestamp>,
        TimestampError: From<T::Error>,
    {
        self.occurred_at = self.time("occurred_at", at);
        self
    }

    /// When it is sent, by the sender's clock.
    #[must_use]
    pub fn sent_at<T>(mut self, at: T) -> Self
    where
        T: TryInto<Timestamp>,
        TimestampError: From<T::Error>,
    {
        self.sent_at = self.time("sent_at", at);
        self
    }

    /// One member of the data.
    #[inline]
    #[must_use]
    pub fn field(mut self, key: impl Into<String>, value: impl Into<FieldValue>) -> Self {
        self.insert(key.into(), value.into());
        self
    }

    fn insert(&mut self, key: String, value: FieldValue) {
        match value.0 {
            Ok(value) => {
                if let Some(replaced) = self.members().insert(key, value) {
                    dismantle(replaced);
                }
            }
            Err(code) => {
                let pointer = crate::json::Pointer::from_tokens(["data", &key]).to_string();
                self.wrong
                    .get_or_insert_with(|| Refusal::new(code, pointer, "JSON has no NaN and no infinity"));
            }
        }
    }

    /// The members of the data; what was written is read again.
    fn members(&mut self) -> &mut Map<String, Value> {
        if let Data::Text(text) = &self.data {
            self.data = Data::Members(serde_json::from_str(text.as_str()).unwrap_or_default());
        }
        match &mut self.data {
            Data::Members(members) => members,
            Data::Text(_) => unreachable!("the text was replaced just now"),
        }
    }

    fn replace(&mut self, data: Data) {
        if let Data::Members(members) = std::mem::replace(&mut self.data, data)
            && !members.is_empty()
        {
            dismantle(Value::Object(members));
        }
    }

    fn no_object(&mut self) {
        let refusal = Refusal::new(Code::PayloadNotObject, "/data", "the data is not a JSON object");
        self.wrong.get_or_insert(refusal);
    }

    /// All of the data, in place of what was there. Anything but an object is refused.
    #[must_use]
    pub fn data(mut self, data: Value) -> Self {
        match data {
            Value::Object(members) => self.replace(Data::Members(members)),
            other => {
                dismantle(other);
                self.no_object();
            }
        }
        self
    }

    /// The same from text that was written by [`Text::of`]: the fastest way.
    #[must_use]
    pub fn text(mut self, data: Text) -> Self {
        if data.is_object() {
            self.replace(Data::Text(data));
        } else {
            self.no_object();
        }
        self
    }

    /// The same from a value of the program's own, which has to become an object.
    ///
    /// ```
    /// # let source = event_core::Source::new("shop")?;
    /// # let reception = event_core::event::Reception {
    /// #     received_at: "2021-01-01T09:15:28Z".parse()?, source: &source, zone: chrono_tz::Tz::UTC,
    /// #     limits: Default::default(), new_id: &|| event_core::EventId::new("made-here").unwrap(),
    /// # };
    /// #[derive(serde::Serialize)]
    /// struct Order { value: f64 }
    /// let event = event_core::Event::builder("order", "created").serialize(&Order { value: 12.5 }).build(&reception)?;
    /// assert_eq!(event.payload().as_str(), r#"{"value":12.5}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn serialize<T: Serialize + ?Sized>(mut self, data: &T) -> Self {
        // What the receiver's limits are is not known yet; no stack is at risk all the same.
        let widest = Limits {
            key_bytes: usize::MAX,
            ..Limits::DEFAULT.with_nodes(usize::MAX).with_depth(100)
        };
        match Text::of(data, &widest) {
            Ok(text) => self.text(text),
            Err(error) => {
                self.wrong.get_or_insert(Refusal::from(error).within_data());
                self
            }
        }
    }

    /// Has the event refused, for a reason that only its maker knows; an earlier one stays.
    #[must_use]
    pub fn refused(mut self, refusal: Refusal) -> Self {
        self.wrong.get_or_insert(refusal);
        self
    }

    /// Finishes the event, by the rules for events that come over the wire.
    ///
    /// # Errors
    /// A [`Refusal`] with the code that the same event would get over HTTP.
    pub fn build(mut self, reception: &Reception<'_>) -> Result<Event, Refusal> {
        let limits = &reception.limits;
        let data = std::mem::replace(&mut self.data, Data::Members(Map::new()));
        let payload = match (self.wrong.take(), data) {
            (Some(wrong), Data::Members(members)) => {
                dismantle(Value::Object(members));
                Err(wrong)
            }
            (Some(wrong), Data::Text(_)) => Err(wrong),
            (None, Data::Text(text)) => text.payload(limits).map_err(within_data),
            (None, Data::Members(members)) => {
                // Looked at without recursion first: writing a very deep tree would overflow the stack.
                let data = Value::Object(members);
                let payload = Payload::from_value(&data, limits).map_err(within_data);
                dismantle(data);
                payload
            }
        }?;
        let mut text = String::with_capacity(payload.as_str().len() + 256);
        self.write_envelope(&mut text);
        text.push_str(",\"data\":");
        text.push_str(payload.as_str());
        text.push('}');
        Event::from_slice(text.as_bytes(), reception)
    }
}

/// The refusal of a payload, seen from the event.
fn within_data(error: JsonError) -> Refusal {
    Refusal::from(error).within_data()
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
