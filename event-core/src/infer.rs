//! A first schema for a type, from the events that are there: what they have in common.

mod shape;
mod text;

use serde::Serialize;
use serde_json::{Value, json};

use crate::json::{Payload, Pointer};
use shape::{Room, Shape};

/// Folds data into a schema that allows all of it: types, formats and lists of values that all of
/// it keeps to, and the properties that all of it has. To be read by somebody before it becomes a rule.
///
/// A text becomes a list of values (`enum`) where at the most ten different ones of 64 bytes were
/// seen, each ten times on average, and a hundred times together; so the schema repeats these. It
/// becomes a `format` where all of them are of it: `date-time`, `date`, `uuid` or `email`.
///
/// What it holds in memory is bounded: of an object with more than 200 different properties, and of
/// all data with more than some two hundred places, the rest is described together by
/// `additionalProperties`, or not at all.
///
/// ```
/// use event_core::infer::Inference;
/// use event_core::{Limits, Payload};
/// let mut inference = Inference::default();
/// for text in [r#"{"path": "/", "ms": 12}"#, r#"{"path": "/a", "ms": 1.5, "user": null}"#] {
///     inference.add(&Payload::parse(text.as_bytes(), &Limits::default())?);
/// }
/// assert_eq!(inference.schema(), serde_json::json!({
///     "$schema": "https://json-schema.org/draft/2020-12/schema",
///     "type": "object",
///     "properties": {"ms": {"type": "number"}, "path": {"type": "string"}, "user": {"type": "null"}},
///     "required": ["ms", "path"],
/// }));
/// # Ok::<(), event_core::json::JsonError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Inference {
    root: Shape,
    room: Room,
}

/// A place in the data, and how often something is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// The place, `*` for every index of an array.
    pub pointer: Pointer,
    /// What was there, as `type` has it.
    pub types: Vec<&'static str>,
    /// How many objects have it; of an array's elements, how many there are.
    pub present: u64,
    /// How many objects could have it; of an array's elements, how many there are.
    pub of: u64,
}

impl Inference {
    /// Takes the data of one more event into account.
    pub fn add(&mut self, payload: &Payload) {
        self.root.add(payload.root(), 0, &mut self.room);
    }

    /// Takes into account what another one has.
    ///
    /// ```
    /// use event_core::infer::Inference;
    /// use event_core::{Limits, Payload};
    /// let of = |text: &str| {
    ///     let mut inference = Inference::default();
    ///     inference.add(&Payload::parse(text.as_bytes(), &Limits::default()).unwrap());
    ///     inference
    /// };
    /// let mut both = of(r#"{"n": 1, "m": 1}"#);
    /// both.merge(of(r#"{"n": 0.5}"#));
    /// assert_eq!(both.schema()["properties"]["n"]["type"], "number");
    /// assert_eq!(both.schema()["required"], serde_json::json!(["n"]));
    /// ```
    pub fn merge(&mut self, other: Inference) {
        self.root.merge(other.root, &mut self.room);
    }

    /// Of how many events it is.
    #[must_use]
    pub fn observed(&self) -> u64 {
        self.root.objects()
    }

    /// A schema that all of them keep to; of none, one that allows any object.
    #[must_use]
    pub fn schema(&self) -> Value {
        let mut schema = self.root.schema(&mut shape::Listing::default());
        if let Value::Object(members) = &mut schema {
            members.insert(
                "$schema".to_owned(),
                json!("https://json-schema.org/draft/2020-12/schema"),
            );
            members.insert("type".to_owned(), json!("object"));
        }
        schema
    }

    /// What was seen at each place, in the order of the places.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        self.root.fields(&mut Vec::new(), &mut fields);
        fields
    }
}
