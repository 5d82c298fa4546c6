//! How many rows there were, and what became of them.

use std::collections::BTreeMap;

use event_core::verdict::Status;
use event_core::{Code, Timestamp, Verdict};
use serde::{Deserialize, Serialize};

/// Rows of a file, by what became of them: `rows` is the sum of the four below it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tally {
    /// Rows that were read.
    pub rows: u64,
    /// They are new events, and stored.
    pub stored: u64,
    /// The same events were stored before.
    pub duplicates: u64,
    /// They are no events, or break rules, and are kept in the quarantine.
    pub quarantined: u64,
    /// They break rules, and are not kept.
    pub rejected: u64,
    /// Those that were quarantined or rejected, by reason.
    pub codes: BTreeMap<Code, u64>,
    /// When the first of the events happened, be it new or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Timestamp>,
    /// When the last of them happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
}

impl Tally {
    /// Rows that were quarantined or rejected.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.quarantined + self.rejected
    }

    pub(crate) fn count(&mut self, verdict: &Verdict, occurred_at: Option<Timestamp>) {
        self.rows += 1;
        match verdict.status {
            Status::Stored => self.stored += 1,
            Status::Duplicate => self.duplicates += 1,
            Status::Rejected => self.rejected += 1,
            _ => self.quarantined += 1,
        }
        if let Some(code) = verdict.code {
            *self.codes.entry(code).or_default() += 1;
        } else if let Some(at) = occurred_at {
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
            self.last = Some(self.last.map_or(at, |last| last.max(at)));
        }
    }

    pub(crate) fn add(&mut self, other: &Tally) {
        let Tally {
            rows,
            stored,
            duplicates,
            quarantined,
            rejected,
            codes,
            first,
            last,
        } = other;
        self.rows += rows;
        self.stored += stored;
        self.duplicates += duplicates;
        self.quarantined += quarantined;
        self.rejected += rejected;
        for (code, rows) in codes {
            *self.codes.entry(*code).or_default() += rows;
        }
        // `None` is less than any time.
        self.first = self.first.into_iter().chain(*first).min();
        self.last = self.last.max(*last);
    }
}
