//! Why a row is refused that is plain but for one field, told without making an event of it.
//!
//! Which code a fault has is not written here a second time: rows that have it are tried once.

use chrono_tz::Tz;
use event_core::minutes::PlainColumn;
use event_core::timestamp::TimestampError;
use event_core::{Code, Timestamp};

use super::super::row::Fields;

/// Longer rows are looked at closely, as they are where nothing is wrong.
const MOST_BYTES: usize = 4_000;

/// The codes of faults; `None` where it is none, or more than one field decides.
#[derive(Debug)]
pub(super) struct Faults {
    columns: Vec<PlainColumn>,
    zone: Tz,
    latest: Timestamp,
    no_subject: Option<Code>,
    no_time: Option<Code>,
    invalid_time: Option<Code>,
}

/// A text that is plain in a column of this kind.
pub(super) fn example(column: PlainColumn) -> &'static str {
    match column {
        PlainColumn::Time => "2021-03-01 00:00:00Z",
        _ => "x",
    }
}

impl Faults {
    /// Tries them; `refused` says why a row of such texts is.
    pub(super) fn new(
        columns: Vec<PlainColumn>,
        zone: Tz,
        latest: Timestamp,
        refused: impl Fn(&dyn Fn(PlainColumn) -> &'static str) -> Option<Code>,
    ) -> Self {
        let with = |wrong: PlainColumn, text: &'static str| {
            refused(&|column| if column == wrong { text } else { example(column) })
        };
        Faults {
            no_subject: with(PlainColumn::Subject, ""),
            no_time: with(PlainColumn::Time, ""),
            invalid_time: with(PlainColumn::Time, "x"),
            columns,
            zone,
            latest,
        }
    }

    /// Why a row of these fields is refused, if it has one of these faults and no other.
    pub(super) fn of_fields(&self, fields: &Fields) -> Option<Code> {
        let mut fault = None;
        let mut bytes = 0;
        for (text, column) in fields.iter().zip(&self.columns) {
            let wrong = self.wrong(*column, text)?;
            bytes += text.len();
            match (wrong, fault) {
                (None, _) => {}
                (wrong, None) => fault = wrong,
                // Which of them is told is not known here.
                (Some(_), Some(_)) => return None,
            }
        }
        fault.filter(|_| bytes <= MOST_BYTES)
    }

    /// What is wrong with a field; `None` if that is not known.
    #[allow(clippy::option_option)]
    fn wrong(&self, column: PlainColumn, text: &str) -> Option<Option<Code>> {
        let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"';
        let (start, end) = (text.as_bytes().first(), text.as_bytes().last());
        if start == Some(&b' ') || end == Some(&b' ') || !text.bytes().all(plain) {
            return None;
        }
        match column {
            PlainColumn::Text => Some(None),
            PlainColumn::Label => (1..=100).contains(&text.len()).then_some(None),
            PlainColumn::Subject if text.is_empty() => self.no_subject.map(Some),
            PlainColumn::Subject => (text.len() <= 256).then_some(None),
            PlainColumn::Time if text.is_empty() => self.no_time.map(Some),
            PlainColumn::Time => match Timestamp::parse_in(text, self.zone) {
                Ok(at) => (at <= self.latest).then_some(None),
                Err(TimestampError::Invalid) => self.invalid_time.map(Some),
                Err(_) => None,
            },
        }
    }
}
