//! A value of this program → JSON text, in one pass that checks what a reader of the text would check.

mod serializer;

use serde::Serialize;

use super::{JsonError, Payload};
use crate::code::Code;
use crate::limits::Limits;
use serializer::Writer;

/// JSON text that was written from a value by the rules of this house, and how large it is.
///
/// Unlike `serde_json` it refuses NaN, infinities, U+0000, keys that come twice and what is nested
/// too deep, and says where.
///
/// ```
/// use event_core::json::Text;
/// use event_core::{Code, Limits};
/// #[derive(serde::Serialize)]
/// struct Order { value: f64, items: Vec<&'static str> }
/// let text = Text::of(&Order { value: 12.5, items: vec!["tea"] }, &Limits::default())?;
/// assert_eq!(text.as_str(), r#"{"value":12.5,"items":["tea"]}"#);
/// let error = Text::of(&Order { value: f64::NAN, items: vec![] }, &Limits::default()).unwrap_err();
/// assert_eq!((error.code, error.pointer.as_str()), (Code::NonFiniteNumber, "/value"));
/// # Ok::<(), event_core::json::TextError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Text {
    text: String,
    depth: usize,
    nodes: usize,
    key_bytes: usize,
}

/// A value is none that JSON, or this house, can hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}{}{pointer}: {message}", if pointer.is_empty() { "" } else { " at " })]
pub struct TextError {
    /// What is wrong.
    pub code: Code,
    /// The place in the value, as a JSON pointer.
    pub pointer: String,
    /// The same in words.
    pub message: String,
}

impl Text {
    /// Writes a value.
    ///
    /// # Errors
    /// The first thing that is wrong with it. What its own `Serialize` refuses is
    /// [`Code::MalformedJson`].
    pub fn of<T: Serialize + ?Sized>(value: &T, limits: &Limits) -> Result<Self, TextError> {
        let mut writer = Writer::new(limits);
        value.serialize(&mut writer)?;
        Ok(writer.finish())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text, to keep.
    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.text.starts_with('{')
    }

    /// Whether a reader with these limits takes it.
    #[must_use]
    pub fn is_within(&self, limits: &Limits) -> bool {
        self.depth <= limits.depth && self.nodes <= limits.nodes && self.key_bytes <= limits.key_bytes
    }

    /// The canonical form.
    ///
    /// # Errors
    /// As [`Payload::parse`].
    pub fn payload(&self, limits: &Limits) -> Result<Payload, JsonError> {
        Payload::parse(self.text.as_bytes(), limits)
    }
}

impl TextError {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        TextError {
            code,
            pointer: String::new(),
            message: message.into(),
        }
    }

    /// The same error, seen from one level further out.
    fn below(mut self, token: &str) -> Self {
        self.pointer
            .insert_str(0, &super::Pointer::from_tokens([token]).to_string());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    fn code(value: &impl Serialize) -> (Code, String) {
        let error = Text::of(value, &Limits::default()).unwrap_err();
        (error.code, error.pointer)
    }

    #[test]
    fn what_json_cannot_hold_is_refused_where_it_stands() {
        let at = |code, pointer: &str| (code, pointer.to_owned());
        assert_eq!(code(&[[f64::INFINITY]]), at(Code::NonFiniteNumber, "/0/0"));
        assert_eq!(code(&f32::NAN), at(Code::NonFiniteNumber, ""));
        assert_eq!(
            code(&json!({"a/b": [1, u64::MAX]})),
            at(Code::NumberOutOfRange, "/a~1b/1")
        );
        assert_eq!(code(&i128::MIN), at(Code::NumberOutOfRange, ""));
        assert_eq!(code(&json!({"a": "x\0"})), at(Code::NulCharacter, "/a"));
        assert_eq!(code(&json!({"": 1})), at(Code::InvalidKey, "/"));
        assert_eq!(code(&json!({"x".repeat(129): 1})).0, Code::InvalidKey);
        assert_eq!(code(&BTreeMap::from([(1, 2)])), at(Code::InvalidKey, ""));
        assert_eq!(code(&vec![0; 2_000]).0, Code::TooManyNodes);
        assert!(Text::of(&vec![0; 1_999], &Limits::default()).is_ok());
        let mut deep = json!(1);
        (0..20).for_each(|_| deep = json!([deep]));
        assert!(Text::of(&deep, &Limits::default()).is_ok());
        assert_eq!(code(&json!([deep])).0, Code::TooDeep);
    }

    #[test]
    fn a_key_that_comes_twice_is_refused() {
        struct Twice(usize);
        impl Serialize for Twice {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let keys = (0..self.0).map(|n| format!("k\n{n}"));
                serializer.collect_map(keys.chain(["k\n3".to_owned()]).map(|key| (key, json!({"k": {"k": 1}}))))
            }
        }
        assert!(Text::of(&Twice(3), &Limits::default()).is_ok());
        assert_eq!(code(&Twice(4)), (Code::DuplicateKey, "/k\n3".to_owned()));
        assert_eq!(code(&Twice(100)), (Code::DuplicateKey, "/k\n3".to_owned()));
    }

    #[test]
    fn enums_and_tuples_are_written_as_everywhere() {
        #[derive(Serialize)]
        enum Kind {
            Unit,
            New(u8),
            Pair(u8, char),
            Named { a: Option<()> },
        }
        let value = (
            Kind::Unit,
            Kind::New(1),
            Kind::Pair(2, 'x'),
            Kind::Named { a: None },
            1.5_f32,
            (),
        );
        let text = Text::of(&value, &Limits::default()).unwrap();
        assert_eq!(text.as_str(), serde_json::to_string(&value).unwrap());
    }

    proptest! {
        #[test]
        fn the_text_is_what_a_reader_takes(value in crate::arbitrary::json_value(), depth in 1..6_usize, nodes in 1..12_usize) {
            let limits = Limits { key_bytes: 2, ..Limits::default().with_depth(depth).with_nodes(nodes) };
            let object: Value = json!({"a": value});
            let read = Payload::parse(object.to_string().as_bytes(), &limits);
            match Text::of(&object, &limits) {
                Ok(text) => prop_assert_eq!(text.payload(&limits).unwrap(), read.unwrap()),
                Err(error) => prop_assert_eq!(error.code, read.unwrap_err().code),
            }
            if let Ok(text) = Text::of(&object, &Limits::default()) {
                prop_assert_eq!(text.is_within(&limits), Payload::from_value(&object, &limits).is_ok());
            }
        }
    }
}
