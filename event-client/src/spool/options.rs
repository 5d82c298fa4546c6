//! Where a spool lies, how much it may hold, and what it survives.

use std::path::PathBuf;
use std::time::Duration;

/// When a spool waits for the disk, and so what a failure can take from it.
///
/// Whatever is chosen, an event that was taken survives the end of the process, `kill -9` included: it was handed to
/// the operating system before the call returned. The choice is about a loss of power and a crash of the operating
/// system.
///
/// That holds as long as the disk takes events. While it refuses, because it is full or broken, they wait in memory,
/// which is bounded, and are counted as [`queued`](crate::Stats::queued) instead of as
/// [`spooled`](crate::Stats::spooled) until the disk takes them again: the end of the process takes those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fsync {
    /// The disk is waited for with each event: a loss of power takes nothing that was taken. The application waits
    /// too, for as long as its disk needs, which is milliseconds rather than microseconds.
    Always,
    /// The disk is waited for in the background, this often: a loss of power takes at most the events of about the
    /// last such stretch. The application does not wait.
    Every(Duration),
    /// The disk is never waited for: a loss of power takes what the operating system had not written out yet, on
    /// Linux usually the last half minute, and may leave holes, which are counted where a later event tells of them.
    Never,
}

/// Once a second.
impl Default for Fsync {
    fn default() -> Self {
        Fsync::Every(Duration::from_secs(1))
    }
}

/// The options of a spool: a queue on disk for events that are not delivered yet.
///
/// ```
/// use event_client::{SpoolOptions, Fsync};
/// let options = SpoolOptions::new("/var/spool/shop").bytes(64 * 1024 * 1024).fsync(Fsync::Always);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SpoolOptions {
    pub(crate) directory: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) age: Duration,
    pub(crate) segment_bytes: u64,
    pub(crate) sync: Fsync,
}

impl SpoolOptions {
    /// The defaults, for a spool in this directory. It is made where it does not exist, for the eyes of its owner only,
    /// and belongs to one client of one process at a time.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        SpoolOptions {
            directory: directory.into(),
            bytes: 256 * 1024 * 1024,
            age: Duration::from_secs(7 * 24 * 60 * 60),
            segment_bytes: 8 * 1024 * 1024,
            sync: Fsync::default(),
        }
    }

    /// How much disk the events may take; 256 MiB by default. Beyond that new ones are refused: the old ones stay.
    /// Files of a few bytes come on top, and what forked children of the process keep for themselves; also files that the
    /// disk did not give back: they are put aside as `….unreadable`, for people to look at and to delete.
    ///
    /// A quarter of this has to hold the largest event that the client takes: 256 KiB, if its limits say nothing else.
    #[must_use]
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// How old an event may become before it is given up, and counted as expired; seven days by default.
    #[must_use]
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// How large one file becomes; 8 MiB by default. Space comes free by whole files, so it is never more than a
    /// quarter of all. An event that is larger has a file of its own.
    #[must_use]
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.segment_bytes = bytes;
        self
    }

    /// When the disk is waited for; once a second by default.
    #[must_use]
    pub fn fsync(mut self, sync: Fsync) -> Self {
        self.sync = sync;
        self
    }

    /// How large one file becomes, once the bound of all is respected.
    pub(crate) fn most_of_a_segment(&self) -> u64 {
        self.segment_bytes.min(self.bytes / 4)
    }

    /// How large one record can be: what waits behind it has to fit too.
    pub(crate) fn most_of_a_record(&self) -> u64 {
        self.bytes / 4
    }

    pub(crate) fn age_micros(&self) -> i64 {
        i64::try_from(self.age.as_micros()).unwrap_or(i64::MAX)
    }
}
