//! Records that were read together.

use event_core::Timestamp;

/// Records that will never be delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// They were damaged on disk.
    pub(crate) corrupt: u64,
    /// They had become too old.
    pub(crate) expired: u64,
}

/// The next records of a spool, and what was lost on the way to them.
///
/// What is lost is said once, unless the process ends before the batch is acknowledged: then it is said again, as the
/// events are read again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    /// Events, each with a line feed behind it.
    pub(crate) lines: Vec<u8>,
    /// Where in `lines` each of them ends, behind its line feed.
    pub(crate) ends: Vec<usize>,
    /// When each was taken.
    pub(crate) times: Vec<Timestamp>,
    /// The index of each.
    pub(crate) indexes: Vec<u64>,
    /// What lay between them, before the first and behind the last.
    pub(crate) lost: Lost,
    /// What to acknowledge when all of them are done with; `None` if nothing was read at all.
    pub(crate) through: Option<u64>,
}

impl Batch {
    /// Each event without its line feed, and when it was taken.
    pub(crate) fn events(&self) -> impl Iterator<Item = (&[u8], Timestamp)> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let lines = starts.zip(&self.ends).map(|(start, end)| &self.lines[start..end - 1]);
        lines.zip(self.times.iter().copied())
    }

    /// Takes a record in.
    pub(crate) fn push(&mut self, index: u64, time: Timestamp, line: &[u8]) {
        self.lines.extend_from_slice(line);
        self.ends.push(self.lines.len());
        self.times.push(time);
        self.indexes.push(index);
    }

    /// Whether there is room for a line of so many bytes; for the first there always is.
    pub(crate) fn has_room(&self, bytes: usize, most: usize) -> bool {
        self.ends.is_empty() || self.lines.len() + bytes <= most
    }
}
