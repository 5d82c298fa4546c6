//! A place in canonical text, found without a tape: what stands behind it is not read.

use super::scan::Scanner;
use super::tape::unescape;
use super::{JsonError, Pointer, pointer_index};
use crate::code::Code;

impl Pointer {
    /// The text of the value at this place of a text that a [`Payload`](super::Payload) wrote, as
    /// [`Payload::pointer`](super::Payload::pointer) would find it: for who asks for a value or two of an event, and
    /// for that need not take all of it apart.
    ///
    /// ```
    /// use event_core::{Limits, Payload, Pointer};
    /// let payload = Payload::parse(br#"{"lines": [{"sku": "A-1"}], "total": 19.90}"#, &Limits::default())?;
    /// let at = |pointer: &str| pointer.parse::<Pointer>().unwrap().find_in(payload.as_str());
    /// assert_eq!(at("/total")?, Some("19.9"));
    /// assert_eq!(at("/lines/0/sku")?, Some("\"A-1\""));
    /// assert_eq!(at("/lines/1")?, None);
    /// # Ok::<(), event_core::json::JsonError>(())
    /// ```
    ///
    /// # Errors
    /// If the text is no JSON as far as it was read, which is to the byte behind the value. That it is canonical is taken on
    /// trust.
    pub fn find_in<'a>(&self, canonical: &'a str) -> Result<Option<&'a str>, JsonError> {
        let mut scanner = Scanner::new(canonical);
        find(&mut scanner, self).map_err(|code| JsonError {
            code,
            offset: scanner.at,
            pointer: String::new(),
        })
    }
}

fn find<'a>(scanner: &mut Scanner<'a>, pointer: &Pointer) -> Result<Option<&'a str>, Code> {
    for token in pointer.tokens() {
        let is_there = match scanner.peek() {
            b'{' => to_member(scanner, token)?,
            b'[' => to_element(scanner, token)?,
            b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => false,
            _ => return Err(Code::MalformedJson),
        };
        if !is_there {
            return Ok(None);
        }
    }
    let start = scanner.at;
    skip(scanner)?;
    let is_whole = match scanner.peek() {
        b',' | b'}' | b']' => pointer.tokens().len() > 0,
        _ => scanner.is_at_end() && pointer.tokens().len() == 0,
    };
    if is_whole {
        Ok(Some(&scanner.text[start..scanner.at]))
    } else {
        // Say `01`, or a number that the end of the text cuts off.
        Err(Code::MalformedJson)
    }
}

/// From the start of an object to the value of a key, if it has it.
fn to_member(scanner: &mut Scanner<'_>, token: &str) -> Result<bool, Code> {
    scanner.at += 1;
    if scanner.peek() == b'}' {
        return Ok(false);
    }
    loop {
        if scanner.peek() != b'"' {
            return Err(Code::MalformedJson);
        }
        let key = scanner.string()?;
        let text = scanner.slice(key.span);
        scanner.colon()?;
        let is_it = if key.escaped {
            unescape(text) == token
        } else {
            text == token
        };
        if is_it {
            return Ok(true);
        }
        skip(scanner)?;
        if !scanner.more(b'}')? {
            return Ok(false);
        }
    }
}

/// From the start of an array to the element of an index, if it has it.
fn to_element(scanner: &mut Scanner<'_>, token: &str) -> Result<bool, Code> {
    let Some(index) = pointer_index(token) else {
        return Ok(false);
    };
    scanner.at += 1;
    if scanner.peek() == b']' {
        return Ok(false);
    }
    for _ in 0..index {
        skip(scanner)?;
        if !scanner.more(b']')? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// To the end of a value. Of what is inside of it only its brackets are followed.
fn skip(scanner: &mut Scanner<'_>) -> Result<(), Code> {
    let mut open = 0_usize;
    loop {
        match scanner.peek() {
            b'"' => drop(scanner.string()?),
            b'-' | b'0'..=b'9' => drop(scanner.number()?),
            b't' => drop(scanner.word("true")?),
            b'f' => drop(scanner.word("false")?),
            b'n' => drop(scanner.word("null")?),
            b'{' | b'[' => {
                open += 1;
                scanner.at += 1;
            }
            b'}' | b']' if open > 0 => {
                open -= 1;
                scanner.at += 1;
            }
            b',' | b':' if open > 0 => scanner.at += 1,
            _ => return Err(Code::MalformedJson),
        }
        if open == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Payload, Pointer};
    use crate::limits::Limits;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1.0e6..1.0e6).prop_map(|it: f64| json!(it)),
            "[a-c\"\\\\\u{e9}\u{1f600},:{}\\[\\]\n]{0,5}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[ab0-2\"\\\\\u{e9}]{1,2}", inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Every place that a value has.
    fn places(value: &Value, at: &[String], out: &mut Vec<Vec<String>>) {
        out.push(at.to_vec());
        let mut below = |token: String, value: &Value| places(value, &[at, &[token]].concat(), out);
        match value {
            Value::Array(elements) => (0..)
                .zip(elements)
                .for_each(|(index, it): (usize, _)| below(index.to_string(), it)),
            Value::Object(members) => members.iter().for_each(|(key, it)| below(key.clone(), it)),
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_a_tape_has_there(
            value in prop::collection::btree_map("[ab0-2\"\\\\\u{e9}]{1,2}", value(), 0..6),
            odd in prop::collection::vec("[ab0-9\"-]{0,2}", 0..4),
        ) {
            let value = Value::Object(value.into_iter().collect());
            let payload = Payload::from_value(&value, &Limits::default()).unwrap();
            let mut all = Vec::new();
            places(&value, &[], &mut all);
            let beside: Vec<_> = all.iter().map(|place| [&place[..], &odd[..]].concat()).collect();
            for place in all.into_iter().chain(beside) {
                let pointer = Pointer::from_tokens(place);
                let expected = payload.pointer(&pointer).map(|node| node.text());
                prop_assert_eq!(pointer.find_in(payload.as_str()).unwrap(), expected, "{} of {}", pointer, payload.as_str());
            }
        }
    }

    #[test]
    fn what_is_no_json_is_said() {
        let pointer: Pointer = "/b".parse().unwrap();
        for text in [
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":\u{1}}",
            "{\"a\":[1}",
            "{a:1}",
            "{\"b\":}",
            "{\"b\":x}",
            "{\"b\":1",
            "{\"b\":1x}",
            "{\"b\":01}",
            "",
            "x",
            " {\"b\":1}",
        ] {
            assert!(pointer.find_in(text).is_err(), "{text}");
        }
        assert_eq!(pointer.find_in("[1]"), Ok(None));
        assert_eq!(pointer.find_in("1"), Ok(None));
    }
}
