//! Rows of a table that are events at a glance, without quotes or anything else that needs a closer look.

use super::before::Before;
use super::counter::Counter;
use super::digits::{self, Month};
use super::question::Cut;
use crate::timestamp::Timestamp;

/// What a column of a plain row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainColumn {
    /// Any text.
    Text,
    /// A [`Label`](crate::Label).
    Label,
    /// The [`Subject`](crate::Subject), which is not empty.
    Subject,
    /// When it happened.
    Time,
}

/// How the rows of a table are read that are plain: printable ASCII, no quotes, as many fields as there are
/// columns, a subject, and a time as most logs write it, which is not in the future.
///
/// Whatever is not plain may be an event or none: another reader has to take a closer look, by all the rules.
/// What is plain is an event by these rules, too, as long as columns that are [`PlainColumn::Text`] may hold any
/// text.
///
/// ```
/// use event_core::minutes::{PlainColumn, PlainRow, PlainRows};
/// let columns = [PlainColumn::Subject, PlainColumn::Text, PlainColumn::Time];
/// let rows = PlainRows::new(b',', &columns, chrono_tz::Tz::UTC, "2026-01-01".parse()?).unwrap();
/// let row = rows.read(b"c-1,INGEST,2021-03-01 00:01:11.055+00");
/// assert_eq!(row, Some(PlainRow { subject: b"c-1", at: "2021-03-01 00:01:11.055".parse()? }));
/// for row in ["\"c-1\",INGEST,2021-03-01 00:01:11", ",INGEST,2021-03-01 00:01:11", "c-1,2021-03-01 00:01:11"] {
///     assert_eq!(rows.read(row.as_bytes()), None);
/// }
/// # Ok::<(), event_core::timestamp::TimestampError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PlainRows {
    delimiter: u8,
    columns: Vec<PlainColumn>,
    utc: bool,
    latest: Timestamp,
}

/// What a plain row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainRow<'a> {
    /// The text of its subject, which is ASCII.
    pub subject: &'a [u8],
    /// When it happened.
    pub at: Timestamp,
}

/// Longer rows are looked at closely: an event has a limit.
const MOST_BYTES: usize = 4_000;

impl PlainRows {
    /// Rows of these columns, of which none lies behind `latest`; `None` if a subject or a time is not among
    /// them once.
    #[must_use]
    pub fn new(delimiter: u8, columns: &[PlainColumn], zone: chrono_tz::Tz, latest: Timestamp) -> Option<Self> {
        let once = |kind| columns.iter().filter(|column| **column == kind).count() == 1;
        let plain = once(PlainColumn::Subject) && once(PlainColumn::Time) && delimiter.is_ascii();
        plain.then(|| PlainRows {
            delimiter,
            columns: columns.to_vec(),
            utc: zone == chrono_tz::Tz::UTC,
            latest,
        })
    }

    /// Reads a row without its line end, if it is plain.
    #[must_use]
    pub fn read<'a>(&self, row: &'a [u8]) -> Option<PlainRow<'a>> {
        self.read_after(row, &mut Before::default())
    }

    #[inline]
    fn read_after<'a>(&self, row: &'a [u8], before: &mut Before) -> Option<PlainRow<'a>> {
        if row.len() > MOST_BYTES || delimiters(row, self.delimiter)? + 1 != self.columns.len() {
            return None;
        }
        before.lengths.resize(self.columns.len(), 0);
        self.split(row, before).or_else(|| {
            // A delimiter that stands where one stood in the row before need not be the next one.
            before.lengths.fill(usize::MAX);
            self.split(row, before)
        })
    }

    /// Takes the fields apart. Where a field of the row before ended, this row's may end as well: if there is a delimiter
    /// at each of these places, it is all of them, for there are no more.
    #[inline]
    fn split<'a>(&self, row: &'a [u8], before: &mut Before) -> Option<PlainRow<'a>> {
        let (mut subject, mut at) = (None, None);
        let mut rest = Some(row);
        for (number, (column, length)) in self.columns.iter().zip(&mut before.lengths).enumerate() {
            let text = rest?;
            let end = match text.get(*length) {
                // All delimiters stand before the last field.
                _ if number + 1 == self.columns.len() => None,
                Some(byte) if *byte == self.delimiter => Some(*length),
                _ => find(self.delimiter, text),
            };
            let (text, behind) = text.split_at(end.unwrap_or(text.len()));
            *length = text.len();
            self.field(*column, text, &mut before.month, &mut subject, &mut at)?;
            rest = end.map(|_| &behind[1..]);
        }
        Some(PlainRow {
            subject: subject?,
            at: at.filter(|at| *at <= self.latest)?,
        })
    }

    #[inline]
    fn field<'a>(
        &self,
        column: PlainColumn,
        text: &'a [u8],
        month: &mut Month,
        subject: &mut Option<&'a [u8]>,
        at: &mut Option<Timestamp>,
    ) -> Option<()> {
        let within = |most: usize| {
            // Space at an end is part of the text, or is taken away: not here.
            (1..=most).contains(&text.len()) && text[0] != b' ' && text[text.len() - 1] != b' '
        };
        match column {
            PlainColumn::Text => {}
            PlainColumn::Label if within(100) => {}
            PlainColumn::Subject if within(256) => *subject = Some(text),
            PlainColumn::Time => *at = Some(digits::instant(text, self.utc, month)?),
            PlainColumn::Label | PlainColumn::Subject => return None,
        }
        Some(())
    }

    /// Counts a row if it is plain; false if it needs a closer look.
    #[inline]
    pub fn count(&self, row: &[u8], cut: &Cut, counter: &mut Counter) -> bool {
        let Some(row) = self.read_after(row, &mut counter.before) else {
            return false;
        };
        if cut.covers(row.at) {
            counter.add_plain(row.subject, row.at);
        }
        true
    }
}

/// So many bytes are looked at together.
const BLOCK: usize = 16;

/// Which bytes of the last block are in no block before it, by how many they are.
const FRESH: [[u8; BLOCK]; BLOCK] = {
    let mut fresh = [[0; BLOCK]; BLOCK];
    let mut rest = 0;
    while rest < BLOCK {
        let mut place = BLOCK - rest;
        while place < BLOCK {
            fresh[rest][place] = 1;
            place += 1;
        }
        rest += 1;
    }
    fresh
};

/// How many delimiters there are; `None` if there is a byte that is not printable ASCII, or a quote.
#[inline]
fn delimiters(row: &[u8], delimiter: u8) -> Option<usize> {
    let strange = |byte: u8| ((byte.wrapping_sub(b' ') > b'~' - b' ') | (byte == b'"')) & (byte != delimiter);
    let (blocks, rest) = row.as_chunks::<BLOCK>();
    let Some(last) = row.last_chunk::<BLOCK>() else {
        let all_plain = !rest.iter().any(|byte| strange(*byte));
        return all_plain.then(|| rest.iter().filter(|byte| **byte == delimiter).count());
    };
    // All bytes of a block at once, and no branch in between. A row is too short for these sums to overflow.
    let (mut any, mut sums) = ([false; BLOCK], [0_u8; BLOCK]);
    for block in blocks {
        for (place, byte) in block.iter().enumerate() {
            any[place] |= strange(*byte);
            sums[place] += u8::from(*byte == delimiter);
        }
    }
    // The last block may overlap the one before it, so that no byte is looked at alone; none is counted twice.
    for (place, (byte, fresh)) in last.iter().zip(&FRESH[rest.len()]).enumerate() {
        any[place] |= strange(*byte);
        sums[place] += u8::from(*byte == delimiter) & fresh;
    }
    let any = any.iter().fold(false, |any, strange| any | strange);
    (!any).then(|| sums.iter().map(|sum| usize::from(*sum)).sum())
}

/// Where a byte is first, in a text that is too short for more than a few words.
#[inline]
fn find(byte: u8, text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let wanted = u64::from_ne_bytes([byte; 8]);
    let (words, rest) = text.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let differ = u64::from_le_bytes(*word) ^ wanted;
        let zero = differ.wrapping_sub(ONES) & !differ & ONES << 7;
        if zero != 0 {
            return Some(number * 8 + zero.trailing_zeros() as usize / 8);
        }
    }
    let place = rest.iter().position(|other| *other == byte)?;
    Some(words.len() * 8 + place)
}
