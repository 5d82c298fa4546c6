//! Record after record of one segment, over whatever is damaged in between.

use std::fs::File;
use std::io;
use std::path::Path;

use event_core::Timestamp;

use crate::spool::disk;
use crate::spool::record::{self, Header};

/// How much is read at once, if no record needs more.
const WINDOW: usize = 256 * 1024;

/// How far a segment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The index of its first record.
    pub(crate) first: u64,
    /// The index of the first record that is not in it any more.
    pub(crate) bound: u64,
    /// Bytes that are written.
    pub(crate) bytes: u64,
}

/// What comes next in a segment.
#[derive(Debug)]
pub(crate) enum Found {
    /// A good record.
    Record {
        /// The indexes from here to its own are those of damaged ones.
        from: u64,
        /// Its own index.
        index: u64,
        /// When it was taken.
        time: Timestamp,
        /// Bytes of it, for [`Scan::line`].
        size: usize,
    },
    /// Nothing more: the indexes from here to the bound are those of damaged records.
    End {
        /// Where they begin.
        from: u64,
    },
}

/// A place in a segment, between two records.
#[derive(Debug)]
pub(crate) struct Scan {
    file: File,
    /// The file's bytes from `at - start` on.
    window: Vec<u8>,
    start: usize,
    at: u64,
    /// The index that the next record has, if none is damaged.
    expected: u64,
}

impl Scan {
    /// At the start of a segment whose first record has this index.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub(crate) fn open(path: &Path, first: u64) -> io::Result<Scan> {
        Ok(Scan {
            file: disk::open(path)?,
            window: Vec::new(),
            start: 0,
            at: 0,
            expected: first,
        })
    }

    /// Goes behind the next good record, or to the end of what is written. A record is good if its checksum holds and
    /// its index can stand here; where none is, the next is looked for byte by byte.
    ///
    /// # Errors
    /// If the file cannot be read: then the place is kept, and another call tries again.
    pub(crate) fn next(&mut self, extent: Extent) -> io::Result<Found> {
        let from = self.expected;
        loop {
            let left = extent.bytes.saturating_sub(self.at);
            if left < record::SMALLEST as u64 {
                self.at = self.at.max(extent.bytes);
                self.window.clear();
                self.start = 0;
                self.expected = extent.bound.max(from);
                return Ok(Found::End { from });
            }
            self.fill(record::HEADER, left)?;
            if let Some((header, size)) = self.header(left, from..extent.bound) {
                self.fill(size, left)?;
                if let Some(time) = header.verify(&self.window[self.start..self.start + size]) {
                    self.skip(size);
                    self.expected = header.index + 1;
                    let index = header.index;
                    return Ok(Found::Record {
                        from,
                        index,
                        time,
                        size,
                    });
                }
            }
            self.skip(1);
        }
    }

    /// The event of the record that was just found, and its line feed.
    pub(crate) fn line(&self, size: usize) -> &[u8] {
        &self.window[self.start - size + record::HEADER..self.start]
    }

    /// Goes back before the record that was just found, so that it is found again.
    pub(crate) fn back(&mut self, index: u64, size: usize) {
        self.start -= size;
        self.at -= size as u64;
        self.expected = index;
    }

    /// Bytes before this place.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// The header that stands here, if it can be one.
    fn header(&self, left: u64, indexes: std::ops::Range<u64>) -> Option<(Header, usize)> {
        let header = Header::read(&self.window[self.start..])?;
        let size = header.size().filter(|size| *size as u64 <= left)?;
        indexes.contains(&header.index).then_some((header, size))
    }

    fn skip(&mut self, bytes: usize) {
        self.start += bytes;
        self.at += bytes as u64;
    }

    /// Has at least so many bytes from here on in the window; so many are left.
    fn fill(&mut self, bytes: usize, left: u64) -> io::Result<()> {
        if self.window.len() - self.start >= bytes {
            return Ok(());
        }
        self.window.drain(..self.start);
        self.start = 0;
        let have = self.window.len();
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.max(WINDOW));
        self.window.resize(want, 0);
        let read = disk::read_at(&self.file, self.at + have as u64, &mut self.window[have..]);
        if read.is_err() {
            self.window.truncate(have);
        }
        read
    }
}
