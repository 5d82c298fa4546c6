//! The machine-readable name of every way in which input can be wrong.
//!
//! One vocabulary serves the verdict of an event, the `type` of an HTTP problem, a row of the
//! quarantine and a Python exception, so that a code can be searched for anywhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident => $text:literal,)+) => {
        /// Why an event, or a piece of one, was not taken as it is.
        ///
        /// The text form is `snake_case` and never changes once released.
        ///
        /// ```
        /// use event_core::Code;
        /// assert_eq!(Code::TooDeep.as_str(), "too_deep");
        /// assert_eq!("too_deep".parse(), Ok(Code::TooDeep));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// Every code, in the order of this list.
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// The `snake_case` name that goes over the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)+ }
            }
        }
    };
}

codes! {
    /// Not JSON by RFC 8259.
    MalformedJson => "malformed_json",
    /// Bytes that are not UTF-8.
    InvalidUtf8 => "invalid_utf8",
    /// Not a JSON object, or an envelope field of the wrong type or grammar.
    InvalidEnvelope => "invalid_envelope",
    /// One object holds a key twice.
    DuplicateKey => "duplicate_key",
    /// U+0000 in a string or key, which PostgreSQL cannot store.
    NulCharacter => "nul_character",
    /// A lone surrogate, which is no Unicode scalar value.
    InvalidUnicode => "invalid_unicode",
    /// Nested deeper than the limit.
    TooDeep => "too_deep",
    /// More values than the limit.
    TooManyNodes => "too_many_nodes",
    /// An empty key, or one longer than the limit.
    InvalidKey => "invalid_key",
    /// A number that no `i64` and no finite `f64` holds.
    NumberOutOfRange => "number_out_of_range",
    /// NaN or an infinity, which JSON cannot write.
    NonFiniteNumber => "non_finite_number",
    /// A measured field beyond what its declared scale holds exactly.
    MeasureOutOfRange => "measure_out_of_range",
    /// The payload breaks the JSON Schema of its type.
    SchemaViolation => "schema_violation",
    /// Judging the payload would have cost more than the budget allows.
    ValidationBudget => "validation_budget",
    /// The event is larger than the limit.
    EventTooLarge => "event_too_large",
    /// The sender may not send this source or type.
    NotPermitted => "not_permitted",
    /// The event's id is not 1 to 128 bytes of printable ASCII without space.
    InvalidId => "invalid_id",
    /// The id is taken by an event with other content.
    IdConflict => "id_conflict",
    /// No type of this category and name is registered.
    UnknownType => "unknown_type",
    /// The type is registered, this version of it is not.
    UnknownVersion => "unknown_version",
    /// Category, name or version break their grammar.
    InvalidType => "invalid_type",
    /// The payload is not a JSON object.
    PayloadNotObject => "payload_not_object",
    /// Not a time in any accepted form.
    InvalidTimestamp => "invalid_timestamp",
    /// A local time that its zone has twice.
    AmbiguousTimestamp => "ambiguous_timestamp",
    /// A time before 1970 or after 9999.
    TimestampOutOfRange => "timestamp_out_of_range",
    /// A time further in the future than the tolerance.
    TimestampInFuture => "timestamp_in_future",
    /// A row of a table with more or fewer fields than the table has columns.
    ColumnCount => "column_count",
    /// A row of a table whose quotes do not close, or close before the end of their field.
    MalformedRow => "malformed_row",
    /// A foreign document that its mapping cannot lift into an event.
    MappingFailed => "mapping_failed",
    /// An event of an older version that its upcasters cannot bring to a newer one.
    UpcastFailed => "upcast_failed",
    /// A range that ends before it starts.
    InvalidRange => "invalid_range",
    /// A range with more buckets, or an answer with more rows, than the limit.
    RangeTooLarge => "range_too_large",
    /// A page or a ranking of zero, or of more entries than the limit.
    InvalidLimit => "invalid_limit",
    /// A page token that was altered, or that belongs to another question.
    InvalidCursor => "invalid_cursor",
    /// A parameter that the question does not have.
    UnknownParameter => "unknown_parameter",
    /// A parameter whose value says nothing, or that is given twice.
    InvalidParameter => "invalid_parameter",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no known [`Code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown code")]
pub struct UnknownCode;

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        Code::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == text)
            .ok_or(UnknownCode)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
