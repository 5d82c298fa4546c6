//! What the files of a directory say, when a spool is opened.
//!
//! Only the newest segment is read: how many records wait is known from the indexes in the names of the files, and what
//! is damaged in the older ones shows when they are read, so a start takes milliseconds whatever waits.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::spool::acked;
use crate::spool::disk;
use crate::spool::failure::SpoolError;
use crate::spool::ledger::{self, Ledger, Segment};
use crate::spool::record;
use crate::spool::scan::{Extent, Found, Scan};

/// The state of a directory.
#[derive(Debug)]
pub(crate) struct State {
    /// Its segments.
    pub(crate) ledger: Ledger,
    /// The index of the last acknowledged record.
    pub(crate) acked: u64,
    /// How many of the waiting records are known to be damaged.
    pub(crate) damaged: u64,
    /// Whether the newest segment ends with a good record, after its torn end was cut off where it had one.
    pub(crate) clean: bool,
}

/// Reads a directory whose lock is held. Where the newest segment ends in a record whose writing was cut short, that
/// is cut off.
///
/// # Errors
/// If the directory cannot be listed; nothing that is in it is an error.
pub(crate) fn read(directory: &Path) -> Result<State, SpoolError> {
    let segments = segments(directory).map_err(SpoolError::at(directory))?;
    let known = acked::read(directory);
    let mut state = State {
        acked: known.or_else(|| segments.front()?.first.checked_sub(1)).unwrap_or(0),
        ledger: Ledger {
            bytes: segments.iter().map(|segment| segment.bytes).sum(),
            segments,
            open: false,
            next: 1,
            given_up: None,
        },
        damaged: 0,
        clean: false,
    };
    if let Some(newest) = state.ledger.segments.back().copied() {
        state.finish(directory, newest);
    }
    // A loss of power can take records that were delivered and acknowledged: their indexes are not given again, and
    // what is written next goes into a segment of its own.
    if state.ledger.next <= state.acked {
        state.ledger.next = state.acked + 1;
        state.clean = false;
    }
    Ok(state)
}

impl State {
    /// How the newest segment ends.
    fn finish(&mut self, directory: &Path, newest: Segment) {
        let path = ledger::path(directory, newest.first);
        // It cannot have more than this, so it can be told from where a following one must count.
        let most = newest.first + newest.bytes / record::SMALLEST as u64;
        self.ledger.next = most;
        let Ok(end) = end(&path, newest, most, self.acked) else {
            return;
        };
        self.damaged = end.damaged;
        self.ledger.next = end.next;
        if end.good == newest.bytes {
            self.clean = true;
        } else if !end.complete {
            let cut = File::options().write(true).open(&path);
            if cut.and_then(|file| disk::cut(&file, end.good)).is_ok() {
                self.clean = true;
                self.ledger.bytes -= newest.bytes - end.good;
                self.ledger.segments.pop_back();
                self.ledger.segments.push_back(Segment {
                    first: newest.first,
                    bytes: end.good,
                });
            }
        }
    }
}

/// How a segment ends after which there is none.
struct End {
    /// Bytes up to the end of the last good record.
    good: u64,
    /// Whether whole records stand behind it, so that it must stay as it is.
    complete: bool,
    /// Damaged records that are not acknowledged.
    damaged: u64,
    /// The index of the record after the last one.
    next: u64,
}

fn end(path: &Path, segment: Segment, most: u64, acked: u64) -> io::Result<End> {
    let extent = Extent {
        first: segment.first,
        bound: most,
        bytes: segment.bytes,
    };
    let mut scan = Scan::open(path, segment.first)?;
    let (mut good, mut next, mut damaged) = (0, segment.first, 0);
    let mut count = |from: u64, to: u64| damaged += to.saturating_sub(from.max(acked + 1));
    while let Found::Record { from, index, .. } = scan.next(extent)? {
        count(from, index);
        good = scan.at();
        next = index + 1;
    }
    let mut tail = vec![0; usize::try_from(segment.bytes - good).unwrap_or(0)];
    disk::read_at(&File::open(path)?, good, &mut tail)?;
    let complete = record::complete(&tail);
    count(next, next + complete);
    Ok(End {
        good,
        complete: complete > 0,
        damaged,
        next: next + complete,
    })
}

/// The files that are segments by their names, oldest first. Whatever else lies there is left alone.
fn segments(directory: &Path) -> io::Result<VecDeque<Segment>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(first) = name.to_str().and_then(ledger::first) else {
            continue;
        };
        match entry.metadata() {
            Ok(metadata) if metadata.is_file() => segments.push(Segment {
                first,
                bytes: metadata.len(),
            }),
            _ => {}
        }
    }
    segments.sort_unstable_by_key(|segment| segment.first);
    Ok(segments.into())
}
