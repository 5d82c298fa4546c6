//! JSON as this house reads and writes it: bytes → [`Document`] → canonical [`Payload`].
//!
//! A parser of our own does in one pass what a general one needs four for: it refuses duplicate
//! keys, NUL, lone surrogates, numbers that would be rounded, and whatever is too deep or too
//! large, before anything is built. What it leaves is a flat tape over the text.

mod canonical;
mod number;
mod parse;
mod pointer;
mod scan;
mod tape;
mod lookup;
mod text;

use std::fmt;

pub use number::Number;
use number::short_decimal;
pub(crate) use number::{decimal_parts, digits, integer};
pub(crate) use pointer::index as pointer_index;
pub use pointer::{Pointer, PointerError};
pub(crate) use scan::Scanner;
pub use tape::{Elements, Kind, Members, Node};
pub(crate) use tape::{StringNode, unescape};
pub use text::{Text, TextError};

use crate::code::Code;
use crate::limits::Limits;
use tape::Entry;

/// Why a text is not taken as JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} at byte {offset}{}{pointer}", if pointer.is_empty() { "" } else { ", at " })]
pub struct JsonError {
    /// What is wrong.
    pub code: Code,
    /// The byte at which it was noticed, from 0.
    pub offset: usize,
    /// The place in the document, as a JSON pointer.
    pub pointer: String,
}

/// A JSON document as it was sent, checked but not rewritten.
///
/// ```
/// use event_core::json::Document;
/// use event_core::Limits;
/// let document = Document::parse(br#"{"b": 1.0, "a": "x"}"#, &Limits::default())?;
/// assert_eq!(document.root().get("b").and_then(|b| b.as_number()), Some(event_core::json::Number::Int(1)));
/// # Ok::<(), event_core::json::JsonError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Document<'a> {
    text: &'a str,
    tape: Vec<Entry>,
}

impl<'a> Document<'a> {
    /// Parses one JSON document, within the limits on depth, nodes and keys.
    ///
    /// # Errors
    /// The first thing that is wrong, with its byte offset and JSON pointer.
    pub fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self, JsonError> {
        let text = std::str::from_utf8(bytes).map_err(|error| JsonError {
            code: Code::InvalidUtf8,
            offset: error.valid_up_to(),
            pointer: String::new(),
        })?;
        parse::parse(text, limits).map(|tape| Document { text, tape })
    }

    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node {
            text: self.text,
            tape: &self.tape,
            index: 0,
        }
    }
}

/// A JSON object in canonical form: the data of an event.
///
/// Two payloads that mean the same are equal, whatever the order of their keys, their white space
/// or the way their numbers were written.
///
/// ```
/// use event_core::{Limits, Payload};
/// let payload = Payload::parse(br#"{"b": 1.0, "a": 1e3}"#, &Limits::default())?;
/// assert_eq!(payload.as_str(), r#"{"a":1000,"b":1}"#);
/// # Ok::<(), event_core::json::JsonError>(())
/// ```
#[derive(Clone)]
pub struct Payload {
    text: String,
    tape: Vec<Entry>,
}

impl Payload {
    /// Parses a JSON object and brings it into canonical form.
    ///
    /// # Errors
    /// The first thing that is wrong; [`Code::PayloadNotObject`] for anything but an object.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, JsonError> {
        Payload::from_node(Document::parse(bytes, limits)?.root(), limits)
    }

    /// The canonical form of an object inside a document.
    ///
    /// # Errors
    /// [`Code::PayloadNotObject`] for anything but an object, [`Code::TooDeep`] and
    /// [`Code::TooManyNodes`] where the object by itself passes the limits.
    pub fn from_node(node: Node<'_>, limits: &Limits) -> Result<Self, JsonError> {
        let fail = |code| JsonError {
            code,
            offset: node.entry().start as usize,
            pointer: String::new(),
        };
        if node.kind() != Kind::Object {
            return Err(fail(Code::PayloadNotObject));
        }
        let entries = node.entry().next as usize - node.index;
        // Keys are entries too, so that few entries mean few nodes.
        if entries > limits.nodes && node.nodes() > limits.nodes {
            return Err(fail(Code::TooManyNodes));
        }
        let mut writer = canonical::Writer::with_capacity(node.text().len() + 16, entries);
        if writer.value(node) > limits.depth {
            return Err(fail(Code::TooDeep));
        }
        Ok(Payload {
            text: writer.text,
            tape: writer.tape,
        })
    }

    /// The canonical form of a tree of `serde_json`.
    ///
    /// Note that `serde_json::json!` turns NaN and the infinities into `null` without a word; the
    /// builder of an event takes an `f64` and refuses them.
    ///
    /// # Errors
    /// As [`Payload::parse`]; a tree of any depth is refused without recursion.
    pub fn from_value(value: &serde_json::Value, limits: &Limits) -> Result<Self, JsonError> {
        refuse_deep(value, limits.depth)?;
        // A tree of `serde_json` within the depth limit always writes.
        let text = value.to_string();
        Payload::parse(text.as_bytes(), limits)
    }

    /// A payload from the text that another one wrote; for stores, whose limits were kept when the
    /// event came in.
    ///
    /// # Errors
    /// If the text is not JSON, or not an object. That it is canonical is taken on trust.
    pub fn from_canonical(text: String) -> Result<Self, JsonError> {
        let limits = Limits {
            key_bytes: usize::MAX,
            ..Limits::DEFAULT.with_nodes(usize::MAX).with_depth(100)
        };
        let tape = parse::parse(&text, &limits)?;
        if tape.first().is_none_or(|entry| entry.kind != Kind::Object) {
            return Err(JsonError {
                code: Code::PayloadNotObject,
                offset: 0,
                pointer: String::new(),
            });
        }
        Ok(Payload { text, tape })
    }

    /// The object without members.
    #[must_use]
    pub fn empty() -> Self {
        let entry = Entry {
            kind: Kind::Object,
            flag: true,
            start: 0,
            end: 2,
            next: 1,
            count: 0,
        };
        Payload {
            text: "{}".into(),
            tape: vec![entry],
        }
    }

    /// The canonical JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many keys and values it is made of.
    pub(crate) fn size(&self) -> usize {
        self.tape.len()
    }

    /// The object.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node {
            text: &self.text,
            tape: &self.tape,
            index: 0,
        }
    }

    /// The value at a place, see [`Node::pointer`].
    #[must_use]
    pub fn pointer(&self, pointer: &Pointer) -> Option<Node<'_>> {
        self.root().pointer(pointer)
    }
}

/// Walks with a stack of its own: dropping or printing a very deep tree would overflow the real one.
pub(crate) fn refuse_deep(value: &serde_json::Value, limit: usize) -> Result<(), JsonError> {
    let mut open = vec![(value, 1)];
    while let Some((value, depth)) = open.pop() {
        let children: Box<dyn Iterator<Item = &serde_json::Value>> = match value {
            serde_json::Value::Array(elements) => Box::new(elements.iter()),
            serde_json::Value::Object(members) => Box::new(members.values()),
            _ => continue,
        };
        if depth > limit {
            return Err(JsonError {
                code: Code::TooDeep,
                offset: 0,
                pointer: String::new(),
            });
        }
        open.extend(children.map(|child| (child, depth + 1)));
    }
    Ok(())
}

/// Drops a tree of any depth without recursion: its own drop would overflow the stack.
pub(crate) fn dismantle(value: serde_json::Value) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::Array(elements) => open.extend(elements),
            serde_json::Value::Object(members) => open.extend(members.into_iter().map(|(_, member)| member)),
            _ => {}
        }
    }
}

/// A string as JSON text, escaped canonically.
#[must_use]
pub(crate) fn quote(string: &str) -> String {
    let mut out = String::with_capacity(string.len() + 2);
    quote_into(&mut out, string);
    out
}

/// Appends a string as JSON text, escaped canonically; true if there was anything to escape.
#[inline]
pub(crate) fn quote_into(out: &mut String, string: &str) -> bool {
    out.reserve(string.len() + 2);
    out.push('"');
    let escaped = canonical::first_to_escape(string.as_bytes()).is_some();
    if escaped {
        canonical::escape_into(out, string);
    } else {
        out.push_str(string);
    }
    out.push('"');
    escaped
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Payload {}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Payload").field(&self.text).finish()
    }
}

impl serde::Serialize for Payload {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Raw, so that canonical text reaches a JSON writer as it is.
        let raw: &serde_json::value::RawValue = serde_json::from_str(&self.text).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_written_is_taken_whatever_the_limits_are_now() {
        let key = "k".repeat(Limits::DEFAULT.key_bytes + 1);
        let many: Vec<String> = (0..=Limits::DEFAULT.nodes).map(|at| format!("\"{at}\":1")).collect();
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        for text in [
            format!("{{\"{key}\":1}}"),
            format!("{{{}}}", many.join(",")),
            nested(100),
        ] {
            assert!(parse(&text).is_err());
            assert_eq!(Payload::from_canonical(text.clone()).unwrap().as_str(), text);
        }
        assert_eq!(Payload::from_canonical(nested(101)).unwrap_err().code, Code::TooDeep);
        for text in ["[]", "1", "null", "\"a\""] {
            assert_eq!(
                Payload::from_canonical(text.to_owned()).unwrap_err().code,
                Code::PayloadNotObject
            );
        }
        assert!(Payload::from_canonical("{".to_owned()).is_err());
    }

    fn parse(text: &str) -> Result<Payload, JsonError> {
        Payload::parse(text.as_bytes(), &Limits::default())
    }

    fn code(text: &str) -> Code {
        parse(text).unwrap_err().code
    }

    #[test]
    fn grammar_is_rfc_8259() {
        for text in [
            "",
            "{",
            "{}x",
            "{} {}",
            "{\"a\":01}",
            "{\"a\":+1}",
            "{\"a\":.5}",
            "{\"a\":1.}",
            "{\"a\":NaN}",
        ] {
            assert_eq!(code(text), Code::MalformedJson, "{text}");
        }
        for text in [
            "{\"a\":1,}",
            "{'a':1}",
            "{\"a\":1 /*x*/}",
            "\u{feff}{}",
            "{\"a\":\"\t\"}",
            "{\"a\":\"\\x\"}",
        ] {
            assert_eq!(code(text), Code::MalformedJson, "{text}");
        }
        assert_eq!(
            Payload::parse(b"{\"a\":\"\xff\"}", &Limits::default())
                .unwrap_err()
                .code,
            Code::InvalidUtf8
        );
    }

    #[test]
    fn what_cannot_be_stored_everywhere_is_refused_with_its_place() {
        let error = parse(r#"{"a":{"b":1,"c":2,"b":3}}"#).unwrap_err();
        assert_eq!((error.code, error.pointer.as_str()), (Code::DuplicateKey, "/a/b"));
        assert_eq!(code(r#"{"a":1,"\u0061":2}"#), Code::DuplicateKey);
        assert_eq!(code(r#"{"a":"\u0000"}"#), Code::NulCharacter);
        assert_eq!(code(r#"{"\u0000":1}"#), Code::NulCharacter);
        assert_eq!(code(r#"{"a":"\ud800"}"#), Code::InvalidUnicode);
        assert_eq!(code(r#"{"a":"\ud800\u0041"}"#), Code::InvalidUnicode);
        assert_eq!(code(r#"{"a":"\udc00"}"#), Code::InvalidUnicode);
        assert_eq!(code(r#"{"":1}"#), Code::InvalidKey);
        let error = parse(r#"{"a":[0,18446744073709551616]}"#).unwrap_err();
        assert_eq!(
            (error.code, error.pointer.as_str(), error.offset),
            (Code::NumberOutOfRange, "/a/1", 8)
        );
        assert_eq!(code("[]"), Code::PayloadNotObject);
    }

    #[test]
    fn depth_and_nodes_are_bounded_to_the_last_one() {
        let nested = |depth: usize| format!("{}{}", "{\"a\":".repeat(depth - 1), "{}") + &"}".repeat(depth - 1);
        assert!(parse(&nested(20)).is_ok());
        assert_eq!(code(&nested(21)), Code::TooDeep);
        assert_eq!(code(&"[".repeat(100_000)), Code::TooDeep);
        let wide = |nodes: usize| format!("{{\"a\":[{}]}}", vec!["1"; nodes - 2].join(","));
        assert!(parse(&wide(2_000)).is_ok());
        assert_eq!(code(&wide(2_001)), Code::TooManyNodes);
        let key = |length: usize| format!("{{\"{}\":1}}", "k".repeat(length));
        assert!(parse(&key(128)).is_ok());
        assert_eq!(code(&key(129)), Code::InvalidKey);
    }

    #[test]
    fn a_tree_of_any_depth_is_refused_without_recursion() {
        let mut value = serde_json::Value::Null;
        for _ in 0..30_000 {
            value = serde_json::Value::Array(vec![value]);
        }
        let payload = serde_json::Value::Object([("a".to_owned(), value)].into_iter().collect());
        assert_eq!(
            Payload::from_value(&payload, &Limits::default()).unwrap_err().code,
            Code::TooDeep
        );
        // Its own drop would overflow the stack of this thread.
        std::mem::forget(payload);
    }

    #[test]
    fn canonical_text_is_minimal_and_ordered() {
        let payload = parse(
            "{ \"\\u20ac\" : \"\\u0041\\n\\u000f\\/\", \"b\":[ true , null ], \"a\":-0.0, \"\u{10000}\":1, \"\u{fffd}\":2 }",
        );
        let expected = "{\"a\":0,\"b\":[true,null],\"€\":\"A\\n\\u000f/\",\"\u{10000}\":1,\"\u{fffd}\":2}";
        assert_eq!(payload.unwrap().as_str(), expected);
    }

    #[test]
    fn places_are_found() {
        let payload = parse(r#"{"a":{"0":"zero","b":[10,{"c":true}]},"m~/n":"x\"y"}"#).unwrap();
        let at = |pointer: &str| {
            payload
                .pointer(&pointer.parse().unwrap())
                .map(|node| node.text().to_owned())
        };
        assert_eq!(at("/a/0").as_deref(), Some("\"zero\""));
        assert_eq!(at("/a/b/1/c").as_deref(), Some("true"));
        assert_eq!(at("/a/b/2"), None);
        assert_eq!(at("/m~0~1n").as_deref(), Some(r#""x\"y""#));
        assert_eq!(
            payload.pointer(&"/m~0~1n".parse().unwrap()).unwrap().as_str().unwrap(),
            "x\"y"
        );
    }

    proptest! {
        #[test]
        fn canonical_form_is_a_fixed_point_that_means_the_same(value in crate::arbitrary::json_object()) {
            let payload = Payload::from_value(&value, &Limits::default().with_depth(100)).unwrap();
            let again = parse(payload.as_str()).unwrap();
            prop_assert_eq!(again.as_str(), payload.as_str());
            let back: serde_json::Value = serde_json::from_str(payload.as_str()).unwrap();
            prop_assert_eq!(payload.root().to_value(), back);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Payload::parse(&bytes, &Limits::default());
        }

        #[test]
        fn it_accepts_what_serde_accepts(text in "[\\[\\]{}\",:0-9eE.+\\-truefalsn\\\\u \n]{0,40}") {
            let ours = Document::parse(text.as_bytes(), &Limits::default());
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            match ours {
                Ok(document) => prop_assert!(!document.root().to_value().to_string().is_empty() && theirs.is_ok()),
                Err(error) if error.code == Code::MalformedJson => prop_assert!(theirs.is_err(), "{}", text),
                Err(_) => {}
            }
        }
    }
}
