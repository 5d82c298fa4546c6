//! A row of the quarantine: a refused event, as it came in, with every reason.

use chrono_tz::Tz;
use event_core::{Code, EventId, EventType, Label, SessionId, Source, Subject, Timestamp, Violation};
use sea_orm::QueryResult;
use serde::Serialize;

use crate::error::Error;
use crate::original::Form;

/// The columns that [`QuarantineEntry::read`] expects, in order.
pub(crate) const SELECTED: &str = "id, code, source, event_id, category, name, version, session_id, subject, \
                                   violations, raw, raw_bytes, sha256, received_at, last_received_at, occurrences, \
                                   state, edited, form, zone, revision";

/// What has become of a refused event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has dealt with it, or not to the end.
    #[default]
    Open,
    /// It was replayed, and its event is stored.
    Replayed,
    /// Somebody has said that it is of no use.
    Discarded,
}

/// The text names no [`State`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entry is open, replayed or discarded")]
pub struct StateError;

impl State {
    /// The name that goes over the wire, and into the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Replayed => "replayed",
            State::Discarded => "discarded",
        }
    }
}

impl std::str::FromStr for State {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, StateError> {
        let all = [State::Open, State::Replayed, State::Discarded];
        all.into_iter().find(|state| state.as_str() == text).ok_or(StateError)
    }
}

/// A refused event that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuarantineEntry {
    /// Its number in the quarantine.
    pub number: i64,
    /// What has become of it.
    pub state: State,
    /// The first reason; the newest one, if it was judged again.
    pub code: Code,
    /// Every broken rule that was found, in the document as it is now.
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
    /// What it was edited to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited: Option<String>,
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

/// An entry, with what it takes to judge it again.
#[derive(Clone, Debug)]
pub(crate) struct QuarantineRow {
    pub(crate) entry: QuarantineEntry,
    /// What came in, or the start of it.
    pub(crate) raw: Vec<u8>,
    pub(crate) form: Form,
    pub(crate) zone: Tz,
    /// How often it was edited.
    pub(crate) revision: i64,
}

impl QuarantineRow {
    /// The document as it is now.
    pub(crate) fn document(&self) -> &[u8] {
        self.entry.edited.as_ref().map_or(&self.raw, String::as_bytes)
    }

    /// Whether all of the document is there.
    pub(crate) fn is_whole(&self) -> bool {
        self.entry.edited.is_some() || self.entry.sha256.is_none()
    }

    /// Reads a row of [`SELECTED`].
    pub(crate) fn read(row: &QueryResult) -> Result<Self, Error> {
        let raw: Vec<u8> = row.try_get_by_index(10)?;
        let (form, zone): (Option<String>, Option<String>) = (row.try_get_by_index(18)?, row.try_get_by_index(19)?);
        Ok(QuarantineRow {
            entry: QuarantineEntry::read(row)?,
            raw,
            form: form.as_deref().map(Form::of).unwrap_or_default(),
            zone: zone.and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC),
            revision: row.try_get_by_index(20)?,
        })
    }
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
        let state: String = row.try_get_by_index(16)?;
        let edited: Option<Vec<u8>> = row.try_get_by_index(17)?;
        Ok(QuarantineEntry {
            number: row.try_get_by_index(0)?,
            state: state
                .parse()
                .map_err(|error: StateError| Error::corrupt(error.to_string()))?,
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
            edited: edited.map(|edited| String::from_utf8_lossy(&edited).into_owned()),
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
