//! An event that was not taken, with every reason and with what it says of itself.

use crate::code::Code;
use crate::event_type::EventType;
use crate::json::{JsonError, TextError};
use crate::name::{EventId, Label, SessionId, Source, Subject};
use crate::violation::Violation;

/// Why an event was refused: a value, not an error of the program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}{}", violations.first().map(|first| format!(": {}", first.message)).unwrap_or_default())]
pub struct Refusal {
    /// The first reason.
    pub code: Code,
    /// Every broken rule that was found.
    pub violations: Vec<Violation>,
    /// What the event says of itself, as far as that could be read.
    pub claims: Box<Claims>,
}

/// The readable part of a refused event's envelope. Nothing here is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Its id.
    pub id: Option<EventId>,
    /// Category and name.
    pub event_type: Option<EventType>,
    /// The version of its type.
    pub version: Option<Label>,
    /// The application it says it is from.
    pub source: Option<Source>,
    /// Its session.
    pub session_id: Option<SessionId>,
    /// Whom it is about.
    pub subject: Option<Subject>,
}

impl Refusal {
    /// A refusal for one reason, of an event of which nothing is known.
    pub fn new(code: Code, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        let violation = Violation::new(pointer, code.as_str(), message);
        Refusal {
            code,
            violations: vec![violation],
            claims: Box::default(),
        }
    }

    /// The refusal of an event of so many bytes.
    #[must_use]
    pub fn too_large(bytes: usize, limit: usize) -> Self {
        let message = format!("the event has {bytes} bytes, the limit is {limit}");
        Refusal::new(Code::EventTooLarge, "", message)
    }

    /// The same refusal, knowing what the event says of itself.
    #[must_use]
    pub fn with_claims(self, claims: Claims) -> Self {
        let claims = Box::new(claims);
        Refusal { claims, ..self }
    }

    /// The refusal of data, seen from the event that it is of.
    #[must_use]
    pub fn within_data(mut self) -> Self {
        for violation in &mut self.violations {
            violation.pointer.insert_str(0, "/data");
        }
        self
    }
}

impl From<JsonError> for Refusal {
    fn from(error: JsonError) -> Self {
        let message = format!("{} (byte {})", describe(error.code), error.offset);
        Refusal::new(error.code, error.pointer, message)
    }
}

impl From<TextError> for Refusal {
    fn from(error: TextError) -> Self {
        Refusal::new(error.code, error.pointer, error.message)
    }
}

fn describe(code: Code) -> &'static str {
    match code {
        Code::InvalidUtf8 => "the bytes are not UTF-8",
        Code::DuplicateKey => "an object holds this key twice",
        Code::NulCharacter => "a string holds U+0000, which not every database can store",
        Code::InvalidUnicode => "a string holds a lone surrogate",
        Code::TooDeep => "the data is nested too deep",
        Code::TooManyNodes => "the data has too many values",
        Code::InvalidKey => "a key is empty or too long",
        Code::NumberOutOfRange => "a number is beyond 64-bit integers and finite floats",
        Code::PayloadNotObject => "the data is not a JSON object",
        Code::EventTooLarge => "the event is too large",
        _ => "this is not JSON",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_is_wrong_with_data_has_words_of_its_own() {
        let codes = [
            Code::InvalidUtf8,
            Code::DuplicateKey,
            Code::NulCharacter,
            Code::InvalidUnicode,
            Code::TooDeep,
            Code::TooManyNodes,
            Code::InvalidKey,
            Code::NumberOutOfRange,
            Code::PayloadNotObject,
            Code::EventTooLarge,
            Code::MalformedJson,
        ];
        let told: BTreeSet<&str> = codes.into_iter().map(describe).collect();
        assert_eq!(told.len(), codes.len());
        assert!(told.iter().all(|words| words.len() > 10));
    }

    #[test]
    fn a_refusal_knows_where_and_of_whom() {
        let error = JsonError {
            code: Code::TooDeep,
            offset: 7,
            pointer: "/a".to_owned(),
        };
        let refusal = Refusal::from(error).within_data();
        let Violation { pointer, message, .. } = &refusal.violations[0];
        assert_eq!((refusal.code, pointer.as_str()), (Code::TooDeep, "/data/a"));
        assert!(message.ends_with("(byte 7)"), "{message}");
        assert_eq!(*refusal.claims, Claims::default());
        let claims = Claims {
            id: EventId::new("made-here").ok(),
            ..Claims::default()
        };
        assert_eq!(*refusal.with_claims(claims.clone()).claims, claims);
        let large = Refusal::too_large(12, 11);
        assert!(large.to_string().contains("12 bytes, the limit is 11"), "{large}");
    }
}
