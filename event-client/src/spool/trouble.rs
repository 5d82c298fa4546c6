//! When a segment is given up that the disk does not give back, and when it is only waited for.

use std::collections::BTreeSet;
use std::io;

use event_core::Timestamp;

/// Failures after which a segment is given up.
const FAILURES: u32 = 10;
/// How far they lie apart at the least, in microseconds: who is in a hurry tries more often, which proves nothing.
const APART: i64 = 5_000_000;

/// Why a segment could not be read.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It could not be opened, which says nothing of what is in it: descriptors, memory or rights may be short.
    Open(io::Error),
    /// It is open, and could not be read.
    Read(io::Error),
}

impl Failure {
    /// What the operating system says.
    pub(crate) fn into_error(self) -> io::Error {
        match self {
            Failure::Open(error) | Failure::Read(error) => error,
        }
    }

    /// Whether what is in the file cannot be had. Errors of a disk and of a file system's checksums are among those
    /// that the standard library has no name for, like numbers that mean nothing; those it has a name for pass.
    fn is_about_content(&self) -> bool {
        let nameless = io::Error::from_raw_os_error(i32::MAX).kind();
        matches!(self, Failure::Read(error) if error.raw_os_error().is_some() && error.kind() == nameless)
    }
}

/// What a reader remembers of segments that it could not read.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    segment: u64,
    failures: u32,
    latest: i64,
    given_up: BTreeSet<u64>,
}

impl Trouble {
    /// Counts a failure with a segment; says whether it is to be given up.
    pub(crate) fn is_hopeless(&mut self, segment: u64, failure: &Failure, now: Timestamp) -> bool {
        if !failure.is_about_content() {
            return false;
        }
        let now = now.as_micros();
        if self.segment != segment {
            (self.segment, self.failures) = (segment, 0);
        }
        // Where the clock was set, one of them counts too early.
        if self.failures == 0 || now.abs_diff(self.latest) >= APART.unsigned_abs() {
            self.failures += 1;
            self.latest = now;
        }
        self.failures >= FAILURES
    }

    /// Something could be read.
    pub(crate) fn is_over(&mut self) {
        self.failures = 0;
    }

    /// The segment is not read any more, and not deleted either.
    pub(crate) fn give_up(&mut self, segment: u64) {
        self.failures = 0;
        self.given_up.insert(segment);
    }

    /// Whether a segment was given up.
    pub(crate) fn gave_up(&self, segment: u64) -> bool {
        self.given_up.contains(&segment)
    }

    /// The file of a segment is not in the spool any more.
    pub(crate) fn forget(&mut self, segment: u64) {
        self.given_up.remove(&segment);
    }
}
