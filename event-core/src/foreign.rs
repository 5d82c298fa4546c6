//! Bodies as other people's clients send them → events.
//!
//! A body is taken apart into messages, and each message becomes the JSON text of one event, which goes through the
//! same door as any other: what is wrong with it is found there, and kept there. A message that cannot be read at all
//! stays as it is, for the same reason.

pub mod kurrent;
pub mod posthog;
pub mod segment;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::code::Code;
use crate::json::Document;
use crate::limits::Limits;
use crate::wire::MalformedBatch;

/// What came in a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The key, where it comes in the body.
    pub key: Option<String>,
    /// The JSON text of each event. Its times are by the clock of its sender, which `sent_at` tells: see
    /// [`Event::set_right`](crate::Event::set_right).
    pub events: Vec<Vec<u8>>,
}

/// What a body says before its messages are looked at, which costs much more than this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// The key, where it comes in the body.
    pub key: Option<String>,
    /// How many messages there are.
    pub messages: usize,
}

/// Reads the key of a body and counts its messages, so that whoever has none, or too many, can be told at once.
///
/// # Errors
/// If the body is not JSON, or no object.
///
/// ```
/// let outline = event_core::foreign::outline(br#"{"api_key": "k", "batch": [{}, {}]}"#)?;
/// assert_eq!((outline.key.as_deref(), outline.messages), (Some("k"), 2));
/// assert_eq!(event_core::foreign::outline(br#"{"event": "a"}"#)?.messages, 1);
/// # Ok::<(), event_core::wire::MalformedBatch>(())
/// ```
pub fn outline(bytes: &[u8]) -> Result<Outline, MalformedBatch> {
    #[derive(Deserialize)]
    struct Sent {
        #[serde(default)]
        api_key: Option<Value>,
        #[serde(default)]
        token: Option<Value>,
        #[serde(default, rename = "writeKey")]
        write_key: Option<Value>,
        #[serde(default)]
        batch: Option<Vec<IgnoredAny>>,
    }
    let sent: Sent = body(bytes)?;
    let keys = [sent.api_key, sent.token, sent.write_key];
    Ok(Outline {
        key: keys
            .into_iter()
            .flatten()
            .find_map(|key| key.as_str().map(str::to_owned)),
        messages: sent.batch.map_or(1, |batch| batch.len()),
    })
}

type Object = Map<String, Value>;

/// Whatever is too large or too deep for an event is for its judge to refuse, who keeps it.
const GENEROUS: Limits = Limits::DEFAULT.with_depth(100).with_nodes(usize::MAX);

/// The members of an object; `None` for anything else, and for what is no strict JSON.
fn object(text: &[u8]) -> Option<Object> {
    match Document::parse(text, &GENEROUS).ok()?.root().to_value() {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// The text of an event: what `lift` makes of a message, or the message as it is.
fn event(message: &RawValue, lift: impl FnOnce(Object) -> Object) -> Vec<u8> {
    let text = message.get().as_bytes();
    match object(text) {
        Some(members) => Value::Object(lift(members)).to_string().into_bytes(),
        None => text.to_vec(),
    }
}

/// A body as a whole, an object, of which each message is looked at by itself.
fn body<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, MalformedBatch> {
    let text = MalformedBatch::text(body)?;
    let whole: &RawValue = serde_json::from_str(text).map_err(|error| MalformedBatch::of(text, &error))?;
    if !whole.get().starts_with('{') {
        // A list would do for a struct, too.
        return Err(MalformedBatch {
            code: Code::InvalidEnvelope,
            offset: text.len() - text.trim_start().len(),
        });
    }
    serde_json::from_str(text).map_err(|error| MalformedBatch::of(text, &error))
}

/// Takes a member out, unless it is null.
fn take(members: &mut Object, name: &str) -> Option<Value> {
    members.remove(name).filter(|value| !value.is_null())
}

/// A name that may have been written as a number; nothing for an empty one.
fn name(value: Value) -> Option<Value> {
    match value {
        Value::Number(number) => Some(number.to_string().into()),
        Value::String(text) if text.is_empty() => None,
        other => Some(other),
    }
}

/// Sets those fields of an event that there is something for.
fn envelope(fields: impl IntoIterator<Item = (&'static str, Option<Value>)>, data: Object) -> Object {
    let fields = fields.into_iter().chain([("data", Some(Value::Object(data)))]);
    fields
        .filter_map(|(field, value)| Some((field.to_owned(), value?)))
        .collect()
}
