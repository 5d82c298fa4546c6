//! A row of the quarantine: a refused event, as it came in, with every reason.

use event_core::{Code, EventId, EventType, Label, SessionId, Source, Subject, Timestamp, Violation};
use sea_orm::QueryResult;
use serde::Serialize;

use crate::error::Error;

/// The columns that [`QuarantineEntry::read`] expects, in order.
pub(crate) const SELECTED: &str = "id, code, source, event_id, category, name, version, session_id, subject, \
                                   violations, raw, raw_bytes, sha256, received_at, last_received_at, occurrences";

/// A refused event that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuarantineEntry {
    /// Its number in the quarantine.
    pub number: i64,
    /// The first reason.
    pub code: Code,
    /// Every broken rule that was found.
    pub violations: Vec<Violation>,
    /// The application that it came from.
    pub source: Source,
    /// The id that it claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<EventId>,
    /// The type that it claims.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
    /// The version that it claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Label>,
    /// The session that it claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The subject that it claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// What came in, where that is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// What came in, in hexadecimal digits, where it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_hex: Option<String>,
    /// How many bytes came in; more than are kept where `sha256` is given.
    pub raw_bytes: i64,
    /// The SHA-256 of what came in, where only its start is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// When it first came in.
    pub received_at: Timestamp,
    /// When it came in last.
    pub last_received_at: Timestamp,
    /// How often it came in.
    pub occurrences: i64,
}

impl QuarantineEntry {
    /// Reads a row of [`SELECTED`].
    pub(crate) fn read(row: &QueryResult) -> Result<Self, Error> {
        fn parsed<T: std::str::FromStr>(row: &QueryResult, column: usize) -> Result<Option<T>, Error> {
            let text: Option<String> = row.try_get_by_index(column)?;
            Ok(text.and_then(|text| text.parse().ok()))
        }
        fn time(row: &QueryResult, column: usize) -> Result<Timestamp, Error> {
            let micros = row.try_get_by_index(column)?;
            Timestamp::from_micros(micros).map_err(|_| Error::corrupt("a time outside the years 1970 to 9999"))
        }
        let code: String = row.try_get_by_index(1)?;
        let event_type = parsed(row, 4)?
            .zip(parsed(row, 5)?)
            .map(|(category, name)| EventType { category, name });
        let violations: String = row.try_get_by_index(9)?;
        let raw: Vec<u8> = row.try_get_by_index(10)?;
        let (raw, raw_hex) = match String::from_utf8(raw) {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(hex(error.as_bytes()))),
        };
        Ok(QuarantineEntry {
            number: row.try_get_by_index(0)?,
            code: code.parse().map_err(|_| Error::corrupt(format!("the code {code:?}")))?,
            violations: serde_json::from_str(&violations).unwrap_or_default(),
            source: parsed(row, 2)?.ok_or_else(|| Error::corrupt("a malformed source"))?,
            id: parsed(row, 3)?,
            event_type,
            version: parsed(row, 6)?,
            session_id: parsed(row, 7)?,
            subject: parsed(row, 8)?,
            raw,
            raw_hex,
            raw_bytes: row.try_get_by_index(11)?,
            sha256: row.try_get_by_index(12)?,
            received_at: time(row, 13)?,
            last_received_at: time(row, 14)?,
            occurrences: row.try_get_by_index(15)?,
        })
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
