//! Bytes → records and where they stand; never more than one record and a piece of the next are held.

use std::io::{ErrorKind, Read};

use super::failure::Failure;
use super::input::TooMany;

/// So many bytes a record may have.
pub(super) const MOST_BYTES: usize = 1 << 20;
/// So many bytes are read at once.
const PIECE: usize = 256 * 1024;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// What ends a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The end of a line that is not inside quotes; fields end at this byte.
    Fields(u8),
    /// The end of a line.
    Lines,
}

/// A record in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Where it begins: the line from 1, and the byte from 0.
    pub(super) line: u64,
    pub(super) offset: u64,
    /// Whether a line end follows.
    pub(super) ended: bool,
    /// Without its line end, and with it.
    content: usize,
    whole: usize,
}

/// Where the records that were taken end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) line: u64,
    /// The hash of all bytes before it.
    pub(super) hash: String,
}

/// A file, record by record.
pub(super) struct Records {
    input: Box<dyn Read + Send>,
    shape: Shape,
    buffer: Vec<u8>,
    /// How much of the buffer is filled, taken and hashed.
    filled: usize,
    taken: usize,
    hashed: usize,
    /// Where the buffer begins in the file.
    base: u64,
    line: u64,
    ended: bool,
    /// `None` where nobody asks what was read.
    hasher: Option<blake3::Hasher>,
    expected: Option<(u64, String)>,
    compressed: bool,
}

impl Records {
    pub(super) fn new(input: Box<dyn Read + Send>, shape: Shape, compressed: bool) -> Self {
        Records {
            input,
            shape,
            buffer: vec![0; 2 * PIECE],
            filled: 0,
            taken: 0,
            hashed: 0,
            base: 0,
            line: 1,
            ended: false,
            hasher: Some(blake3::Hasher::new()),
            expected: None,
            compressed,
        }
    }

    /// Does without the hash of what is read, which takes a good part of the time.
    pub(super) fn without_hash(mut self) -> Self {
        self.hasher = None;
        self
    }

    /// Has the bytes before a place compared with what they were: it fails with [`Failure::FileChanged`]
    /// if they differ, or if there are fewer.
    pub(super) fn expect(&mut self, place: u64, hash: String) {
        self.expected = Some((place, hash));
    }

    /// Where the next record begins.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.taken as u64
    }

    /// Whether there is nothing at all.
    pub(super) fn is_empty(&mut self) -> Result<bool, Failure> {
        // A byte more tells whether there is anything behind the mark.
        while !self.ended && self.filled <= BOM.len() {
            self.fill()?;
        }
        if self.base == 0 && self.taken == 0 && self.buffer[..self.filled].starts_with(BOM) {
            self.taken = BOM.len();
        }
        Ok(self.offset() <= BOM.len() as u64 && self.taken == self.filled)
    }

    /// The next record that is not an empty line, which stays the next until it is taken.
    pub(super) fn peek(&mut self) -> Result<Option<Record>, Failure> {
        loop {
            let rest = &self.buffer[self.taken..self.filled];
            let whole = end(rest, self.shape);
            let (whole, ended) = match whole {
                Some(whole) => (whole, true),
                None if !self.ended && rest.len() <= MOST_BYTES => {
                    self.fill()?;
                    continue;
                }
                None => (rest.len(), false),
            };
            let record = &rest[..whole];
            let content = record.strip_suffix(b"\n").unwrap_or(record);
            let content = content.strip_suffix(b"\r").unwrap_or(content).len();
            if content > MOST_BYTES {
                return Err(Failure::RecordTooLarge {
                    line: self.line,
                    offset: self.offset(),
                    limit: MOST_BYTES,
                });
            }
            if whole == 0 {
                return self.at_end().map(|()| None);
            }
            let record = Record {
                line: self.line,
                offset: self.offset(),
                ended,
                content,
                whole,
            };
            let bytes = self.bytes(&record);
            let empty = match self.shape {
                Shape::Fields(_) => bytes.is_empty(),
                Shape::Lines => bytes.iter().all(u8::is_ascii_whitespace),
            };
            if !empty {
                return Ok(Some(record));
            }
            self.take(&record);
        }
    }

    /// What a record holds that was just looked at.
    pub(super) fn bytes(&self, record: &Record) -> &[u8] {
        &self.buffer[self.taken..self.taken + record.content]
    }

    /// Goes on behind a record.
    pub(super) fn take(&mut self, record: &Record) {
        let lines = memchr::memchr_iter(b'\n', &self.buffer[self.taken..self.taken + record.whole]);
        self.line += lines.count() as u64;
        self.taken += record.whole;
    }

    /// Where the records that were taken end. All before it is what it was, if that was expected.
    pub(super) fn place(&mut self) -> Result<Place, Failure> {
        self.hash()?;
        Ok(Place {
            offset: self.offset(),
            line: self.line,
            hash: self.hasher.as_ref().map_or(String::new(), digest),
        })
    }

    /// Takes everything up to the end of the file, of which nothing is looked at.
    pub(super) fn skim(&mut self, mut passed: impl FnMut(u64) -> bool) -> Result<(), Failure> {
        while !self.ended {
            self.fill()?;
            self.taken = self.filled;
            if !passed(self.offset()) {
                break;
            }
        }
        self.hash()?;
        self.at_end()
    }

    /// At the end of the file: there must have been as much as was expected.
    fn at_end(&mut self) -> Result<(), Failure> {
        self.hash()?;
        match self.expected {
            Some(_) => Err(Failure::FileChanged("it is shorter")),
            None => Ok(()),
        }
    }

    /// Hashes all that was taken.
    fn hash(&mut self) -> Result<(), Failure> {
        let Some(hasher) = &mut self.hasher else { return Ok(()) };
        if let Some((place, expected)) = &self.expected {
            let upto = usize::try_from(place.saturating_sub(self.base)).unwrap_or(usize::MAX);
            if upto <= self.taken {
                let upto = upto.max(self.hashed);
                hasher.update(&self.buffer[self.hashed..upto]);
                self.hashed = upto;
                if digest(hasher) != *expected {
                    return Err(Failure::FileChanged("what comes first in it is different"));
                }
                self.expected = None;
            }
        }
        hasher.update(&self.buffer[self.hashed..self.taken]);
        self.hashed = self.taken;
        Ok(())
    }

    /// Reads a piece more; what was taken makes room for it.
    fn fill(&mut self) -> Result<(), Failure> {
        if self.buffer.len() - self.filled < PIECE {
            self.hash()?;
            self.buffer.copy_within(self.taken..self.filled, 0);
            self.base += self.taken as u64;
            self.filled -= self.taken;
            (self.taken, self.hashed) = (0, 0);
            if self.buffer.len() - self.filled < PIECE {
                self.buffer.resize(self.filled + 2 * PIECE, 0);
            }
        }
        let room = &mut self.buffer[self.filled..self.filled + PIECE];
        match self.input.read(room) {
            Ok(0) => self.ended = true,
            Ok(bytes) => self.filled += bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.get_ref().is_some_and(|error| error.is::<TooMany>()) => {
                let too_many = error
                    .downcast::<TooMany>()
                    .map(|TooMany(limit)| Failure::TooLarge { limit });
                return Err(too_many.unwrap_or_else(Failure::Unreadable));
            }
            Err(cause) if self.compressed => {
                let offset = self.base + self.filled as u64;
                return Err(Failure::BadContentEncoding { offset, cause });
            }
            Err(error) => return Err(Failure::Unreadable(error)),
        }
        Ok(())
    }
}

fn digest(hasher: &blake3::Hasher) -> String {
    hasher.finalize().to_hex().to_string()
}

/// Where the first record ends, its line end included.
pub(super) fn end(bytes: &[u8], shape: Shape) -> Option<usize> {
    let line = memchr::memchr(b'\n', bytes);
    let Shape::Fields(delimiter) = shape else {
        return line.map(|at| at + 1);
    };
    let first = &bytes[..line.unwrap_or(bytes.len())];
    if memchr::memchr(b'"', first).is_none() {
        return line.map(|at| at + 1);
    }
    let mut at = 0;
    loop {
        // Quotes mean something at the start of a field only.
        if bytes.get(at) == Some(&b'"') {
            at += 1;
            loop {
                at += memchr::memchr(b'"', bytes.get(at..)?)? + 1;
                if bytes.get(at) != Some(&b'"') {
                    break;
                }
                at += 1;
            }
        }
        let found = memchr::memchr2(delimiter, b'\n', bytes.get(at..)?)?;
        at += found + 1;
        if bytes[at - 1] == b'\n' {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in small pieces, as a pipe does.
    struct Drops(std::io::Cursor<Vec<u8>>, usize);

    impl Read for Drops {
        fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
            let most = room.len().min(self.1);
            self.0.read(&mut room[..most])
        }
    }

    fn records(text: &[u8], piece: usize, shape: Shape) -> Records {
        let input = Drops(std::io::Cursor::new(text.to_vec()), piece);
        Records::new(Box::new(input), shape, false)
    }

    fn all(text: &[u8], piece: usize, shape: Shape) -> Vec<(u64, u64, String)> {
        let mut records = records(text, piece, shape);
        assert_eq!(records.is_empty().unwrap(), text.is_empty() || text == BOM);
        let mut all = Vec::new();
        while let Some(record) = records.peek().unwrap() {
            let text = String::from_utf8_lossy(records.bytes(&record)).into_owned();
            all.push((record.line, record.offset, text));
            records.take(&record);
        }
        let place = records.place().unwrap();
        assert_eq!(place.offset, text.len() as u64);
        assert_eq!(place.hash, blake3::hash(text).to_hex().to_string());
        all
    }

    #[test]
    fn records_are_the_same_in_whatever_pieces_they_come() {
        let text = b"\xef\xbb\xbfa,\"b\n\"\"c\"\r\n\r\n\n d\"e,f\n\"x\"y\n,\"\"\nlast,\"\"\"";
        let expected = [
            (1, 3, "a,\"b\n\"\"c\""),
            (5, 17, " d\"e,f"),
            (6, 24, "\"x\"y"),
            (7, 29, ",\"\""),
            (8, 33, "last,\"\"\""),
        ]
        .map(|(line, offset, text)| (line, offset, text.to_owned()));
        for piece in [1, 2, 3, 7, 1_000] {
            assert_eq!(all(text, piece, Shape::Fields(b',')), expected, "{piece}");
        }
        assert_eq!(all(b"{\"a\"}\r\n\n{\n", 1, Shape::Lines).len(), 2);
        assert!(all(b"", 1, Shape::Lines).is_empty());
        assert!(all(BOM, 1, Shape::Lines).is_empty());
    }

    #[test]
    fn a_record_has_a_limit_whatever_comes_behind_it() {
        for (before, more) in [("a\n", 0), ("a\n", 1), ("", 3 << 20)] {
            let text = [before.as_bytes(), &vec![b'x'; MOST_BYTES + more][..], b"\nb\n"].concat();
            let mut records = records(&text, 70_000, Shape::Fields(b','));
            let mut count = 0;
            let outcome = loop {
                match records.peek() {
                    Ok(Some(record)) => {
                        count += 1;
                        records.take(&record);
                    }
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                }
            };
            match outcome {
                None => assert_eq!((count, more), (3, 0)),
                Some(Failure::RecordTooLarge { line, offset, .. }) => {
                    assert_eq!((line, offset), (1 + before.len() as u64 / 2, before.len() as u64));
                    assert!(more > 0);
                }
                Some(other) => panic!("{other}"),
            }
            assert!(records.buffer.len() < 4 * MOST_BYTES);
        }
    }

    #[test]
    fn what_was_read_before_must_be_there_and_the_same() {
        let expect = |text: &[u8], place: usize, before: &[u8]| {
            let mut records = records(text, 5, Shape::Lines);
            records.expect(place as u64, blake3::hash(before).to_hex().to_string());
            loop {
                match records.peek() {
                    Ok(Some(record)) => records.take(&record),
                    Ok(None) => return records.place().map(drop).map_err(|error| error.code()),
                    Err(error) => return Err(error.code()),
                }
            }
        };
        let text = b"one\ntwo\nthree\n";
        for place in [0, 4, 8, 10, text.len()] {
            assert_eq!(expect(text, place, &text[..place]), Ok(()), "{place}");
        }
        assert_eq!(expect(text, 8, b"One\ntwo\n"), Err("file_changed"));
        assert_eq!(expect(&text[..6], 8, &text[..8]), Err("file_changed"));
    }
}
