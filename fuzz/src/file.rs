//! Rows of a file, counted without a store.

use std::iter;

use chrono_tz::Tz;
use event_core::minutes::{PlainColumn, PlainRows};
use event_core::{Subject, Timestamp};

/// A row that is taken for a plain one has the subject and the time that a reader of CSV finds in it.
pub(super) fn file(bytes: &[u8]) {
    let columns = [
        PlainColumn::Subject,
        PlainColumn::Label,
        PlainColumn::Text,
        PlainColumn::Time,
    ];
    let rows = PlainRows::new(b',', &columns, Tz::UTC, Timestamp::MAX).expect("a subject and a time");
    for row in bytes.split(|byte| *byte == b'\n') {
        let Some(plain) = rows.read(row) else { continue };
        let text = str::from_utf8(row).expect("a plain row that is no text");
        let fields: Vec<&str> = iter::once(text).flat_map(|text| text.split(',')).collect();
        assert_eq!(fields.len(), columns.len());
        assert!(!text.contains(['"', '\r']));
        assert_eq!(plain.subject, fields[0].as_bytes());
        Subject::new(fields[0]).expect("a plain subject that is none");
        assert_eq!(Timestamp::parse_in(fields[3], Tz::UTC), Ok(plain.at));
    }
}
