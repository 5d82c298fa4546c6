//! Rows of a table that are events at a glance, without quotes or anything else that needs a closer look.

use std::ops::Range;

use super::before::Before;
use super::clock::{Clock, MINUTE};
use super::counter::Counter;
use super::marks::Marks;
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
    pub(super) delimiter: u8,
    columns: usize,
    subject: usize,
    time: usize,
    labels: Vec<usize>,
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
pub(super) const MOST_BYTES: usize = 4_000;

/// A row in a text.
#[derive(Clone, Copy)]
pub(super) struct Line<'a, 'b> {
    pub(super) text: &'a [u8],
    pub(super) start: usize,
    /// Where its fields end.
    pub(super) ends: &'b [u32],
}

impl Line<'_, '_> {
    /// Where a field begins and ends.
    #[inline]
    fn field(&self, number: usize) -> Range<usize> {
        let start = match number {
            0 => self.start,
            _ => self.ends[number - 1] as usize + 1,
        };
        start..self.ends[number] as usize
    }
}

/// The minutes of which every event is plain, and counted.
#[derive(Clone, Copy)]
pub(super) struct Whole {
    first: i64,
    /// One behind the last.
    end: i64,
}

impl PlainRows {
    /// Rows of these columns, of which none lies behind `latest`; `None` if a subject or a time is not among
    /// them once.
    #[must_use]
    pub fn new(delimiter: u8, columns: &[PlainColumn], zone: chrono_tz::Tz, latest: Timestamp) -> Option<Self> {
        let of = |kind| (0..columns.len()).filter(move |number| columns[*number] == kind);
        let once = |kind| of(kind).next().filter(|_| of(kind).count() == 1);
        let plain = delimiter.is_ascii() && !matches!(delimiter, b'\n' | b'\r');
        Some(PlainRows {
            delimiter: Some(delimiter).filter(|_| plain)?,
            columns: columns.len(),
            subject: once(PlainColumn::Subject)?,
            time: once(PlainColumn::Time)?,
            labels: of(PlainColumn::Label).collect(),
            utc: zone == chrono_tz::Tz::UTC,
            latest,
        })
    }

    /// How many marks a row has, with its end.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Reads a row without its line end, if it is plain.
    #[must_use]
    pub fn read<'a>(&self, row: &'a [u8]) -> Option<PlainRow<'a>> {
        let mut before = Before::default();
        let [subject, time] = self.fields(self.line(row, &mut before.marks)?)?;
        let at = self.instant(&row[time], &mut before.clock)?;
        let subject = &row[subject];
        Some(PlainRow { subject, at })
    }

    /// Finds the fields of a row without its line end.
    #[inline]
    fn line<'a, 'b>(&self, row: &'a [u8], marks: &'b mut Marks) -> Option<Line<'a, 'b>> {
        if row.len() > MOST_BYTES {
            return None;
        }
        marks.find(row, self.delimiter);
        marks.add_end(row.len());
        let ends = Some(marks.places()).filter(|ends| ends.len() == self.columns)?;
        let line = Line {
            text: row,
            start: 0,
            ends,
        };
        Some(line)
    }

    /// Where the fields of a row stand that are looked at, if all of them are plain: the subject, and the time.
    #[inline]
    fn fields(&self, line: Line<'_, '_>) -> Option<[Range<usize>; 2]> {
        let Line { text, ends, .. } = line;
        let (_, between) = ends.split_last()?;
        // Another mark is a byte that is not plain.
        let wrong = between
            .iter()
            .fold(0, |wrong, end| wrong | text[*end as usize] ^ self.delimiter);
        if wrong != 0 {
            return None;
        }
        let within = |field: Range<usize>, most: usize| {
            // Space at an end is part of the text, or is taken away: not here.
            let text = text.get(field.clone())?;
            let (first, last) = (text.first()?, text.last()?);
            (text.len() <= most && *first != b' ' && *last != b' ').then_some(field)
        };
        for label in &self.labels {
            within(line.field(*label), 100)?;
        }
        Some([within(line.field(self.subject), 256)?, line.field(self.time)])
    }

    fn instant(&self, time: &[u8], clock: &mut Clock) -> Option<Timestamp> {
        clock.instant(time, self.utc).filter(|at| *at <= self.latest)
    }

    /// Counts a row without its line end if it is plain; false if it needs a closer look.
    pub fn count(&self, row: &[u8], cut: &Cut, counter: &mut Counter) -> bool {
        let mut marks = std::mem::take(&mut counter.before.marks);
        let line = self.line(row, &mut marks);
        let counted = line.is_some_and(|line| self.count_later(line, cut, self.whole(cut), counter));
        counter.add_all(row);
        counter.before.marks = marks;
        counted
    }

    /// The minutes whose seconds need not be looked at.
    pub(super) fn whole(&self, cut: &Cut) -> Whole {
        let first = cut.from.map_or(0, |from| (from.as_micros() + MINUTE - 1) / MINUTE);
        let latest = (self.latest.as_micros() + 1) / MINUTE;
        let end = cut.to.map_or(latest, |to| latest.min(to.as_micros() / MINUTE));
        Whole { first, end }
    }

    /// Counts a row whose fields end at marks, once [`Counter::add_all`] is asked to; false if it needs a closer look.
    #[inline]
    pub(super) fn count_later(&self, line: Line<'_, '_>, cut: &Cut, whole: Whole, counter: &mut Counter) -> bool {
        let Some([subject, time]) = self.fields(line) else {
            return false;
        };
        let minute = counter.before.clock.minute(line.text, time.clone(), self.utc);
        let whole = minute.filter(|minute| whole.first <= *minute && *minute < whole.end);
        if let Some(minute) = whole {
            counter.add_later(line.text, subject, minute);
            return true;
        }
        let at = self.instant(&line.text[time], &mut counter.before.clock);
        if let Some(at) = at.filter(|at| cut.covers(*at)) {
            counter.add_later(line.text, subject, at.as_micros() / MINUTE);
        }
        at.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(columns: &[PlainColumn], latest: &str) -> PlainRows {
        PlainRows::new(b',', columns, chrono_tz::Tz::UTC, latest.parse().unwrap()).unwrap()
    }

    #[test]
    fn a_row_is_plain_up_to_its_bounds() {
        let columns = [
            PlainColumn::Subject,
            PlainColumn::Label,
            PlainColumn::Text,
            PlainColumn::Time,
        ];
        let rows = rows(&columns, "2021-03-01 00:00:30Z");
        let row = |subject: &str, label: &str, text: &str, time: &str| format!("{subject},{label},{text},{time}");
        let time = "2021-03-01 00:00:30Z";
        // Without its subject, its label, its text and three delimiters.
        let rest = MOST_BYTES - time.len() - 3;
        for (row, is_plain) in [
            (row("s", "l", "t", time), true),
            (row("s", "l", "", time), true),
            (row("s", "l", " t ", time), true),
            (row(&"s".repeat(256), "l", "t", time), true),
            (row(&"s".repeat(257), "l", "t", time), false),
            (row("s", &"l".repeat(100), "t", time), true),
            (row("s", &"l".repeat(101), "t", time), false),
            (row("s", "l", &"t".repeat(rest - 2), time), true),
            (row("s", "l", &"t".repeat(rest - 1), time), false),
            (row("", "l", "t", time), false),
            (row("s", "", "t", time), false),
            (row(" s", "l", "t", time), false),
            (row("s ", "l", "t", time), false),
            (row("s", " l", "t", time), false),
            (row("s", "l ", "t", time), false),
            (row("s", "l", "t,", time), false),
            (row("s", "l", "\"t\"", time), false),
            (row("s", "l", "é", time), false),
            (row("s", "l", "t", "2021-03-01 00:00:30.000001Z"), false),
            (row("s", "l", "t", "2021-03-01 00:00:60Z"), false),
        ] {
            assert_eq!(rows.read(row.as_bytes()).is_some(), is_plain, "{row}");
            assert_eq!(
                rows.count(row.as_bytes(), &Cut::NONE, &mut Counter::new(9)),
                is_plain,
                "{row}"
            );
        }
    }

    #[test]
    fn a_column_of_each_kind_is_where_it_is_said_to_be() {
        use PlainColumn::{Subject, Text, Time};
        let new = |delimiter, columns: &[PlainColumn]| {
            PlainRows::new(delimiter, columns, chrono_tz::Tz::UTC, Timestamp::MAX).is_some()
        };
        assert!(new(b',', &[Subject, Time]) && new(b'\t', &[Time, Text, Subject, Text]));
        for columns in [
            &[Subject][..],
            &[Time],
            &[],
            &[Subject, Subject, Time],
            &[Subject, Time, Time],
        ] {
            assert!(!new(b',', columns), "{columns:?}");
        }
        assert!(!new(b'\n', &[Subject, Time]) && !new(b'\r', &[Subject, Time]) && !new(0xe9, &[Subject, Time]));
    }

    #[test]
    fn minutes_are_whole_within_a_cut() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let minute = |text: &str| at(text).as_micros() / MINUTE;
        let start = "2021-03-01 00:01:00Z";
        for (from, to, latest, first, end) in [
            ("00:01:00", "00:05:00", "00:09:59.999999", "00:01:00", "00:05:00"),
            ("00:01:00.000001", "00:05:00.000001", "00:09:00", "00:02:00", "00:05:00"),
            ("00:01:59.999999", "00:05:59.999999", "00:09:00", "00:02:00", "00:05:00"),
            // Later than the latest there is none: a minute is whole if its last instant is there.
            ("00:01:00", "00:09:00", "00:05:59.999999", "00:01:00", "00:06:00"),
            ("00:01:00", "00:09:00", "00:05:59.999998", "00:01:00", "00:05:00"),
        ] {
            let text = |clock: &str| format!("2021-03-01 {clock}Z");
            let rows = rows(&[PlainColumn::Subject, PlainColumn::Time], &text(latest));
            let cut = Cut {
                from: Some(at(&text(from))),
                to: Some(at(&text(to))),
            };
            let whole = rows.whole(&cut);
            assert_eq!(
                (whole.first, whole.end),
                (minute(&text(first)), minute(&text(end))),
                "{from} {to}"
            );
            // Whether its minute is whole or not, an event is counted if it is there.
            let mut counter = Counter::new(9);
            let mut known = Counter::new(9);
            let instants = (0..=9 * 60).flat_map(|second| {
                let micros = at(start).as_micros() - MINUTE + second * 1_000_000;
                [micros - 1, micros, micros + 1]
            });
            // The clock is learned from a first row.
            for micros in std::iter::once(at(start).as_micros()).chain(instants) {
                let instant = Timestamp::from_micros(micros).unwrap();
                let row = format!("s,{instant}");
                assert_eq!(
                    rows.count(row.as_bytes(), &cut, &mut counter),
                    instant <= at(&text(latest)),
                    "{row}"
                );
                if cut.covers(instant) && instant <= at(&text(latest)) {
                    known.add(Some(&"s".parse().unwrap()), instant);
                }
            }
            let pairs = |mut counter: Counter| -> Vec<_> {
                counter.compact();
                counter
                    .take()
                    .runs
                    .iter()
                    .flat_map(|run| run.iter().collect::<Vec<_>>())
                    .collect()
            };
            assert_eq!(pairs(counter), pairs(known), "{from} {to} {latest}");
        }
    }
}
