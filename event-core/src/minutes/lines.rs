//! The lines of a part of a file, of which most are plain.

use super::counter::Counter;
use super::marks::Marks;
use super::plain::{Line, MOST_BYTES, PlainRows};
use super::question::Cut;

/// So many bytes are looked at before what they say is read: few enough to be in the nearest cache still.
const WINDOW: usize = 8 << 10;
const _: () = assert!(WINDOW > MOST_BYTES + 2, "a plain row fits in");

/// Lines that are counted one after the other, as long as they are plain.
///
/// ```
/// use event_core::minutes::{Counter, Cut, PlainColumn, PlainLines, PlainRows};
/// let columns = [PlainColumn::Subject, PlainColumn::Time];
/// let rows = PlainRows::new(b',', &columns, chrono_tz::Tz::UTC, "2026-01-01".parse()?).unwrap();
/// let text = b"c-1,2021-03-01 00:01:11Z\nc-2,2021-03-01 00:01:12Z\n\"c-3\",2021-03-01 00:01:13Z\n";
/// let (mut lines, mut counter) = (PlainLines::new(&rows, text, 0), Counter::new(1_000));
/// assert_eq!(lines.count(text.len(), &Cut::NONE, &mut counter), 2);
/// assert_eq!(&text[lines.at()..][..5], b"\"c-3\"");
/// assert_eq!(counter.take().subjects(), 2);
/// # Ok::<(), event_core::timestamp::TimestampError>(())
/// ```
#[derive(Debug)]
pub struct PlainLines<'a> {
    rows: &'a PlainRows,
    text: &'a [u8],
    /// Where the next line begins.
    at: usize,
    marks: Marks,
    /// The part of the text that they are of.
    window: std::ops::Range<usize>,
    /// The first of them that is not behind the next line's start.
    next: usize,
}

impl<'a> PlainLines<'a> {
    /// The lines of a text from a place on, where one begins.
    #[must_use]
    pub fn new(rows: &'a PlainRows, text: &'a [u8], at: usize) -> Self {
        PlainLines {
            rows,
            text,
            at,
            marks: Marks::default(),
            window: at..at,
            next: 0,
        }
    }

    /// Where the first line begins that was not counted.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Leaves out what stands before a place, where a line begins.
    pub fn go_on(&mut self, at: usize) {
        self.at = at;
        let behind = |place: &&u32| self.window.start + (**place as usize) < at;
        self.next += self.marks.places()[self.next..].iter().take_while(behind).count();
    }

    /// Counts lines up to one that needs a closer look, that begins at `end` or behind, or that has no line end; how
    /// many they are.
    pub fn count(&mut self, end: usize, cut: &Cut, counter: &mut Counter) -> u64 {
        let (whole, columns) = (self.rows.whole(cut), self.rows.columns());
        let mut counted = 0;
        loop {
            let window = self.window.start;
            let text = &self.text[window..];
            let mut marks = &self.marks.places()[self.next..];
            let stopped = loop {
                let Some((ends, behind)) = marks.split_at_checked(columns).filter(|_| self.at < end) else {
                    break false;
                };
                let last = ends[columns - 1] as usize;
                let (behind, line_end) = match (text[last], behind.split_first()) {
                    (b'\n', _) => (behind, last),
                    (b'\r', Some((next, behind))) if text[last + 1] == b'\n' && *next as usize == last + 1 => {
                        (behind, last + 1)
                    }
                    // Its line end may be in the next window.
                    (b'\r', None) => break false,
                    _ => break true,
                };
                let start = self.at - window;
                let line = Line { text, start, ends };
                if last - start > MOST_BYTES || !self.rows.count_later(line, cut, whole, counter) {
                    break true;
                }
                marks = behind;
                self.at = window + line_end + 1;
                counted += 1;
            };
            self.next = self.marks.places().len() - marks.len();
            counter.add_all(text);
            let all = self.window.end == self.text.len() && !self.window.is_empty();
            let stuck = window == self.at && self.window.len() == WINDOW;
            if stopped || self.at >= end || all || stuck {
                return counted;
            }
            self.window = self.at..(self.at + WINDOW).min(self.text.len());
            self.marks.find(&self.text[self.window.clone()], self.rows.delimiter);
            self.next = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::minutes::PlainColumn;
    use crate::timestamp::Timestamp;
    use proptest::prelude::*;

    fn row() -> impl Strategy<Value = Vec<u8>> {
        let time = r"2021-0[23]-[0-3][0-9] [0-2][0-9]:00:[0-6][0-9](\.[0-9]{1,3})?(\+00|Z|\+01|)";
        let subject = prop_oneof![8 => "[a-d]{1,40}", 1 => Just(String::new()), 1 => Just("\"a\"".to_owned()), 1 => Just("é".to_owned())];
        let more = prop_oneof![40 => 0..30_usize, 1 => 3_950..4_020_usize, 1 => 8_100..8_300_usize];
        let end =
            prop_oneof![9 => Just("\n"), 3 => Just("\r\n"), 1 => Just(",\n"), 1 => Just("\r\r\n"), 1 => Just("\n\n")];
        (subject, more, time, end).prop_map(|(subject, more, time, end)| {
            let (short, more) = (more == 7, "x".repeat(more));
            let text = if short {
                format!("{subject},{more}{end}")
            } else {
                format!("{subject},a,{more},{time}{end}")
            };
            text.into_bytes()
        })
    }

    proptest! {
        // Each is of many rows, so that there is more than one window.
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn lines_are_counted_as_one_by_one(rows in prop::collection::vec(row(), 0..400), from in 0..3_u8, cut_off: bool) {
            let columns = [PlainColumn::Subject, PlainColumn::Label, PlainColumn::Text, PlainColumn::Time];
            let latest = "2021-03-20 12:00:30".parse().unwrap();
            let plain = PlainRows::new(b',', &columns, chrono_tz::Tz::UTC, latest).unwrap();
            let cut = match from {
                0 => Cut::NONE,
                _ => Cut { from: "2021-02-10 07:00:30".parse().ok(), to: "2021-03-12 00:00:10".parse().ok() },
            };
            let mut text = rows.concat();
            if cut_off {
                text.pop();
            }
            let (mut one_by_one, mut expected) = (Counter::new(100), Vec::new());
            let mut at = 0;
            while at < text.len() {
                let end = text[at..].iter().position(|byte| *byte == b'\n').map(|end| at + end);
                let line = &text[at..end.unwrap_or(text.len())];
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if let (Some(row), Some(_)) = (plain.read(line), end) {
                    if cut.covers(row.at) {
                        let subject = std::str::from_utf8(row.subject).unwrap().parse().unwrap();
                        one_by_one.add(Some(&subject), row.at);
                    }
                } else {
                    expected.push(at);
                }
                at = end.map_or(text.len(), |end| end + 1);
            }
            let (mut counter, mut stopped) = (Counter::new(77), Vec::new());
            let mut lines = PlainLines::new(&plain, &text, 0);
            while lines.at() < text.len() {
                lines.count(text.len(), &cut, &mut counter);
                let at = lines.at();
                if at < text.len() {
                    stopped.push(at);
                    let end = text[at..].iter().position(|byte| *byte == b'\n');
                    lines.go_on(end.map_or(text.len(), |end| at + end + 1));
                }
            }
            prop_assert_eq!(stopped, expected);
            let counted = |mut counter: Counter| {
                counter.compact();
                let minutes = counter.take();
                let pairs: Vec<_> = minutes.runs.iter().flat_map(|run| run.iter()).collect();
                (minutes.subjects.bytes.clone(), pairs)
            };
            prop_assert_eq!(counted(counter), counted(one_by_one));
        }
    }

    #[test]
    fn no_line_from_the_end_on_is_counted() {
        let columns = [PlainColumn::Subject, PlainColumn::Time];
        let plain = PlainRows::new(b',', &columns, chrono_tz::Tz::UTC, Timestamp::MAX).unwrap();
        let text = b"a,2021-03-01 00:00:00Z\n".repeat(3);
        let (mut lines, mut counter) = (PlainLines::new(&plain, &text, 0), Counter::new(9));
        assert_eq!((lines.count(24, &Cut::NONE, &mut counter), lines.at()), (2, 46));
    }
}
