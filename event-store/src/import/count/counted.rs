//! What was counted of a file, and what can be asked of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use event_core::aggregate::Tally;
use event_core::minutes::{Cut, Minutes};
use event_core::{Answer, Code, Query};

use super::super::failure::Failure;
use super::look::Look;
use super::spill::{Spill, Written};
use super::worker::Worker;

/// What was counted of a file.
#[non_exhaustive]
pub struct Counted {
    /// Rows that were read.
    pub rows: u64,
    /// Those of them that are no events, by reason.
    pub codes: BTreeMap<Code, u64>,
    /// The first of them, in the order of the file, as many as [`CountOptions`](super::CountOptions) ask for.
    pub rejected: Vec<Rejected>,
    /// Bytes that were read of the file, as it is.
    pub bytes: u64,
    /// Bytes that found no room in memory.
    pub spilled: u64,
    /// How long it took.
    pub elapsed: Duration,
    cut: Cut,
    kept: Vec<Minutes>,
    written: Written,
}

/// A row that does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejected {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The column that is wrong, from 1, where it is one.
    pub column: Option<usize>,
    /// The byte at which it begins, in the decompressed file.
    pub offset: u64,
    /// Why.
    pub code: Code,
    /// The same for people.
    pub message: String,
}

impl Rejected {
    /// So many of them are told, unless something else is asked for.
    pub const MOST: usize = 1_000;
}

impl Counted {
    pub(super) fn of(workers: Vec<Worker<'_>>, spill: &Spill, look: &Look, bytes: u64, started: Instant) -> Self {
        let rows = workers.iter().map(Worker::rows).sum();
        let (mut codes, mut rejected, mut kept) = (BTreeMap::new(), Vec::new(), Vec::new());
        for mut worker in workers {
            for (code, rows) in &worker.codes {
                *codes.entry(*code).or_default() += rows;
            }
            rejected.append(&mut worker.rejected);
            kept.push(worker.finish());
        }
        rejected.sort_by_key(|it: &Rejected| it.offset);
        rejected.truncate(look.rejected);
        let written = spill.written();
        Counted {
            rows,
            codes,
            rejected,
            bytes,
            spilled: written.bytes,
            elapsed: started.elapsed(),
            cut: look.cut,
            kept,
            written,
        }
    }

    /// Rows that do not count.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.codes.values().sum()
    }

    /// Answers a question about the number of events, of some subjects or by subject, in buckets or without: with the
    /// rows that a store gives that has imported the file.
    ///
    /// # Errors
    /// [`Failure::Unanswerable`] if it asks for something else, or for a range that was cut off; otherwise why the
    /// question has no answer.
    pub fn answer(&self, query: &Query) -> Result<Answer, Failure> {
        self.cut.check(query)?;
        let mut tally = Tally::new(query)?;
        for minutes in &self.kept {
            minutes.add_to(&mut tally, &self.cut)?;
        }
        self.written
            .each(|minutes| Ok(minutes.add_to(&mut tally, &self.cut)?))?;
        Ok(tally.answer()?)
    }
}
