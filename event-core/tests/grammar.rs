//! The grammar of RFC 8259, corner by corner: what must be taken, what must be refused, and what this house refuses
//! although the grammar has it. Every verdict is compared with that of `serde_json`, which knows nothing of ours; so is
//! every verdict on those texts with one byte left out, put in or changed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "grammar/json.rs"]
mod json;
#[path = "grammar/not_json.rs"]
mod not_json;
#[path = "grammar/ours.rs"]
mod ours;

use event_core::event::Reception;
use event_core::json::{Document, JsonError};
use event_core::{Code, Event, EventId, Limits, Payload, Schema, Source, Timestamp};
use json::TAKEN;
use jsonschema::json::cmp::equal;
use not_json::{MALFORMED, NOT_UTF8};
use ours::OURS;
use serde_json::Value;

/// What is refused here, and is JSON all the same.
const HOUSE: [Code; 6] = [
    Code::DuplicateKey,
    Code::NulCharacter,
    Code::InvalidKey,
    Code::NumberOutOfRange,
    Code::TooDeep,
    Code::TooManyNodes,
];

fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    Document::parse(bytes, &Limits::default()).map(|document| document.root().to_value())
}

/// Whether both read the same. `serde_json` has a float where a whole number has a fraction or an exponent; it is exact here.
fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(a), Value::Number(b)) => equal(ours, theirs) || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => ours == theirs,
    }
}

fn shown(bytes: &[u8]) -> String {
    let start: String = bytes.escape_ascii().to_string().chars().take(120).collect();
    format!("{start} ({} bytes)", bytes.len())
}

/// The verdict on a text, which `serde_json` shares, or which is a rule of this house.
fn agreed(bytes: &[u8]) -> Result<Value, Code> {
    let theirs = serde_json::from_slice::<Value>(bytes);
    match (parse(bytes), theirs) {
        (Ok(ours), Ok(theirs)) => {
            assert!(same(&ours, &theirs), "{}: {ours} and {theirs}", shown(bytes));
            Ok(ours)
        }
        (Ok(ours), Err(error)) => panic!("{} was taken as {ours}: {error}", shown(bytes)),
        (Err(error), theirs) => {
            assert!(error.offset <= bytes.len(), "{}: {error}", shown(bytes));
            let by_the_house = HOUSE.contains(&error.code);
            assert!(by_the_house || theirs.is_err(), "{} is JSON: {error}", shown(bytes));
            Err(error.code)
        }
    }
}

/// The text as a value of an object.
fn within(bytes: &[u8]) -> Vec<u8> {
    [b"{\"v\":", bytes, b"}"].concat()
}

/// The object as the data of an event.
fn event(data: &[u8]) -> Vec<u8> {
    [b"{\"category\":\"a\",\"name\":\"b\",\"id\":\"1\",\"data\":", data, b"}"].concat()
}

fn is_event(bytes: &[u8]) -> bool {
    let source = Source::new("grammar").unwrap();
    let reception = Reception {
        received_at: Timestamp::MAX,
        source: &source,
        zone: chrono_tz::Tz::UTC,
        limits: Limits::default(),
        new_id: &|| EventId::new("none").unwrap(),
    };
    Event::from_slice(bytes, &reception).is_ok()
}

/// Every text of the tables.
fn all() -> impl Iterator<Item = &'static [u8]> {
    let taken = TAKEN.iter().map(|text| text.as_bytes());
    let malformed = MALFORMED.iter().map(|text| text.as_bytes());
    let ours = OURS.iter().map(|(text, ..)| text.as_bytes());
    taken.chain(malformed).chain(NOT_UTF8.iter().copied()).chain(ours)
}

#[test]
fn no_text_stands_in_the_tables_twice_and_they_are_many() {
    let mut texts: Vec<_> = all().collect();
    let count = texts.len();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), count);
    assert!(count >= 300, "only {count} texts");
}

#[test]
fn what_is_json_is_taken_for_what_it_says() {
    for text in TAKEN {
        assert!(agreed(text.as_bytes()).is_ok(), "{text}");
        let object = within(text.as_bytes());
        let payload = Payload::parse(&object, &Limits::default()).expect(text);
        let again = Payload::parse(payload.as_str().as_bytes(), &Limits::default()).expect(text);
        assert_eq!(payload.as_str(), again.as_str(), "{text}");
        let theirs: Value = serde_json::from_str(payload.as_str()).expect(text);
        let ours = agreed(&object).unwrap();
        assert!(same(&ours, &theirs), "{text}: {}", payload.as_str());
        assert!(is_event(&event(&object)), "{text}");
    }
}

#[test]
fn what_is_not_json_is_refused_wherever_it_stands() {
    let malformed = MALFORMED.iter().map(|text| (text.as_bytes(), Code::MalformedJson));
    let not_utf8 = NOT_UTF8.iter().map(|text| (*text, Code::InvalidUtf8));
    for (text, code) in malformed.chain(not_utf8) {
        assert_eq!(agreed(text), Err(code), "{}", shown(text));
        assert!(serde_json::from_slice::<Value>(text).is_err(), "{}", shown(text));
        assert!(!is_event(&event(text)), "{}", shown(text));
        let object = within(text);
        assert!(agreed(&object).is_err(), "{}", shown(text));
        assert!(!is_event(&event(&object)), "{}", shown(text));
    }
}

#[test]
fn what_this_house_refuses_has_a_code_of_its_own() {
    for (text, code, theirs) in OURS {
        assert_eq!(agreed(text.as_bytes()), Err(*code), "{text}");
        assert_eq!(serde_json::from_str::<Value>(text).is_ok(), *theirs, "{text}");
        assert!(!is_event(&event(&within(text.as_bytes()))), "{text}");
    }
}

#[test]
fn what_is_nested_without_end_is_refused_and_no_stack_is_at_risk() {
    let limits = Limits::default();
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]"), (" [\n", "\t] ")] {
        let levels = open.matches(['[', '{']).count();
        let nested = |times: usize| [open.repeat(times), "1".to_owned(), close.repeat(times)].concat();
        assert!(agreed(nested(limits.depth / levels).as_bytes()).is_ok(), "{open}");
        assert_eq!(
            agreed(nested(limits.depth / levels + 1).as_bytes()),
            Err(Code::TooDeep),
            "{open}"
        );
        for times in [1_000, 100_000] {
            assert_eq!(
                parse(nested(times).as_bytes()).unwrap_err().code,
                Code::TooDeep,
                "{open}"
            );
            assert_eq!(
                parse(open.repeat(times).as_bytes()).unwrap_err().code,
                Code::TooDeep,
                "{open}"
            );
            assert!(parse(close.repeat(times).as_bytes()).is_err(), "{close}");
        }
    }
}

#[test]
fn what_is_long_is_read_to_its_end() {
    for length in [1, 7, 8, 9, 63, 64, 65, 4_095, 4_096, 4_097, 100_000] {
        let letters = "x".repeat(length);
        for text in [
            format!("\"{letters}\""),
            format!("{}1{}", " ".repeat(length), "\n".repeat(length)),
            format!("\"{}\"", "\\n".repeat(length)),
            format!("\"{}\"", "é\u{10ffff}".repeat(length)),
            format!("0.{}1", "0".repeat(length)),
            format!("1e-{}1", "0".repeat(length)),
        ] {
            assert!(agreed(text.as_bytes()).is_ok(), "{}", shown(text.as_bytes()));
        }
        for text in [
            format!("\"{letters}"),
            format!("\"{letters}\n\""),
            format!("\"{letters}\\\""),
            format!("\"{}", "\\u00e9".repeat(length)),
            " ".repeat(length),
            format!("1{}x", " ".repeat(length)),
            format!("0{}", "0".repeat(length)),
        ] {
            assert_eq!(
                agreed(text.as_bytes()),
                Err(Code::MalformedJson),
                "{}",
                shown(text.as_bytes())
            );
        }
        // An exponent has no end, and a number has one.
        let digits = "9".repeat(length + 3);
        assert_eq!(
            agreed(format!("1e{digits}").as_bytes()),
            Err(Code::NumberOutOfRange),
            "{length}"
        );
        assert_eq!(
            agreed(format!("-1E+{digits}").as_bytes()),
            Err(Code::NumberOutOfRange),
            "{length}"
        );
    }
}

/// The text with one byte left out, put in or changed, and cut off there.
fn mutilated(text: &[u8], mut judge: impl FnMut(&[u8])) {
    const ODD: &[u8] = b"{}[]\",:\\/u0019aAbeEftn-+. \n\r\t\x00\x0b\x0c\x1f\x7f\x80\xbf\xc2\xe2\xed\xef\xf0\xff";
    for at in 0..=text.len() {
        let (before, after) = text.split_at(at);
        judge(before);
        if let [_, rest @ ..] = after {
            judge(&[before, rest].concat());
        }
        for odd in ODD {
            judge(&[before, &[*odd], after].concat());
            if let [_, rest @ ..] = after {
                judge(&[before, &[*odd], rest].concat());
            }
        }
    }
}

#[test]
fn whatever_byte_is_changed_the_verdict_is_that_of_others() {
    let schema =
        Schema::compile(&serde_json::json!({"properties": {"v": {"type": ["object", "array", "string", "number"]}}}))
            .unwrap();
    let (mut taken, mut refused, mut glanced) = (0, 0, 0);
    for text in all().filter(|text| text.len() <= 24) {
        mutilated(text, |bytes| {
            match agreed(bytes) {
                Ok(_) => taken += 1,
                Err(_) => refused += 1,
            }
            // The reader that looks at texts without taking them apart knows the same grammar.
            let object = within(bytes);
            if schema.surely_allows(&object, &Limits::default()) {
                glanced += 1;
                assert!(parse(&object).is_ok(), "{}", shown(&object));
            }
        });
    }
    assert!(
        taken > 10_000 && refused > 50_000 && glanced > 5_000,
        "{taken} taken, {refused} refused, {glanced} at a glance"
    );
}
