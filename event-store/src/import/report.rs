//! What an import has done, and what of it is new since the last time.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

use super::failure::Failure;
pub use crate::checkpoint::Tally;

/// How far an import has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Rows of this run that have a verdict.
    pub rows: u64,
    /// Those of them that were quarantined or rejected.
    pub errors: u64,
    /// Bytes of the file that were read, as it is, and how many there are where that is known.
    pub bytes: u64,
    /// How many bytes there are, where that is known.
    pub size: Option<u64>,
    /// Whether it still reads what was imported before.
    pub resuming: bool,
}

/// How an import has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The file was read to its end.
    Complete,
    /// All of the file was imported before.
    NothingNew,
    /// It ended before the file did; the rows that were read are stored.
    Stopped,
}

impl Outcome {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Complete => "complete",
            Outcome::NothingNew => "nothing_new",
            Outcome::Stopped => "stopped",
        }
    }
}

/// What an import has done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Imported {
    /// What it is called; `None` if it cannot be taken up again.
    pub label: Option<String>,
    /// How it has ended.
    pub outcome: Outcome,
    /// What became of the rows since the file was last read to its end: those of this run, and of runs
    /// before it that were interrupted.
    pub pass: Tally,
    /// The same of all rows that were ever read.
    pub total: Tally,
    /// What became of the rows the last time that the file was read to its end before.
    pub previous: Option<Tally>,
    /// The line that this run began on, where one before it had come so far.
    pub resumed_at_line: Option<u64>,
    /// Rows that this run has read.
    pub rows: u64,
    /// Bytes that this run has read of the file, as it is.
    pub bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
}

impl Imported {
    /// Rows of this run in a second.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a rate is a float")]
    pub fn rows_per_second(&self) -> f64 {
        self.rows as f64 / self.elapsed.as_secs_f64().max(0.001)
    }
}

/// The report as programs read it: the fields, `elapsed` as `seconds`, and `rows_per_second`.
impl Serialize for Imported {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut report = serializer.serialize_struct("Imported", 10)?;
        report.serialize_field("label", &self.label)?;
        report.serialize_field("outcome", self.outcome.as_str())?;
        report.serialize_field("pass", &self.pass)?;
        report.serialize_field("previous", &self.previous)?;
        report.serialize_field("total", &self.total)?;
        report.serialize_field("resumed_at_line", &self.resumed_at_line)?;
        report.serialize_field("rows", &self.rows)?;
        report.serialize_field("bytes", &self.bytes)?;
        report.serialize_field("seconds", &self.elapsed.as_secs_f64())?;
        report.serialize_field("rows_per_second", &self.rows_per_second().round())?;
        report.end()
    }
}

/// An import that has ended before its file did, and what it had done by then.
#[derive(Debug)]
pub struct Stopped {
    /// Why.
    pub failure: Failure,
    /// What it has done; `None` where it never began.
    pub imported: Option<Box<Imported>>,
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        let imported = None;
        Stopped { failure, imported }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl Error for Stopped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failure.source()
    }
}
