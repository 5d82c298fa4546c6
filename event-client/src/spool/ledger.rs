//! What the writing and the reading side know of each other.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::spool::scan::Extent;

/// The file of the segment whose first record has this index.
pub(crate) fn path(directory: &Path, first: u64) -> PathBuf {
    directory.join(format!("{first:020}.spool"))
}

/// The index of the first record of the segment in a file of this name. Names that no counting leads to are no ones.
pub(crate) fn first(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".spool").filter(|digits| digits.len() == 20)?;
    let all = digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|first| all && (1..1 << 62).contains(first))
}

/// One file of a spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The index of its first record.
    pub(crate) first: u64,
    /// Bytes that are written, to the end of a record.
    pub(crate) bytes: u64,
}

/// The files of a spool, as far as they are written.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Oldest first.
    pub(crate) segments: VecDeque<Segment>,
    /// Whether the newest segment is written on.
    pub(crate) open: bool,
    /// Bytes in all of them.
    pub(crate) bytes: u64,
    /// The index of the next record.
    pub(crate) next: u64,
    /// The segment that is not to be written on, by its first index: it cannot be read.
    pub(crate) given_up: Option<u64>,
}

impl Ledger {
    /// A record of this size was written at the end of the newest segment.
    pub(crate) fn written(&mut self, size: u64) {
        if let Some(segment) = self.segments.back_mut() {
            segment.bytes += size;
        }
        self.bytes += size;
        self.next += 1;
    }

    /// A new segment begins with the next record.
    pub(crate) fn begin(&mut self) {
        self.segments.push_back(Segment {
            first: self.next,
            bytes: 0,
        });
        self.open = true;
    }

    /// The newest segment is gone, before anything was written into it.
    pub(crate) fn withdraw(&mut self) {
        self.segments.pop_back();
        self.open = false;
    }

    /// The segment that a record is in, or was.
    pub(crate) fn segment_of(&self, index: u64) -> Option<Extent> {
        let after = self.segments.partition_point(|segment| segment.first <= index);
        // What lies before the oldest segment is not there any more.
        self.extent(after.saturating_sub(1))
            .filter(|extent| index < extent.bound)
    }

    /// The oldest segment, if nobody needs it any more.
    pub(crate) fn done(&self, acked: u64) -> Option<Segment> {
        let closed = self.segments.len() > 1 || !self.open;
        let acked = self
            .extent(0)
            .is_some_and(|extent| extent.bound <= acked.saturating_add(1));
        self.segments.front().copied().filter(|_| closed && acked)
    }

    /// The oldest segment was removed.
    pub(crate) fn forget_oldest(&mut self) {
        if let Some(segment) = self.segments.pop_front() {
            self.bytes -= segment.bytes;
        }
    }

    fn extent(&self, place: usize) -> Option<Extent> {
        let segment = self.segments.get(place)?;
        let bound = self.segments.get(place + 1).map_or(self.next, |next| next.first);
        Some(Extent {
            first: segment.first,
            bound,
            bytes: segment.bytes,
        })
    }
}

/// A ledger for both sides. It is held for the time of a few assignments, never while the disk works.
#[derive(Debug)]
pub(crate) struct Shared(Mutex<Ledger>);

impl Shared {
    /// Shares it.
    pub(crate) fn new(ledger: Ledger) -> Shared {
        Shared(Mutex::new(ledger))
    }

    /// Alone with it.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
