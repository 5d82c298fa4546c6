//! Which questions minutes of subjects can answer.

use super::clock::MINUTE;
use crate::aggregate::Tally;
use crate::filter::Field;
use crate::query::{Measure, Query};
use crate::timestamp::Timestamp;

/// The part of all time of which events were counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// From this instant on.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub to: Option<Timestamp>,
}

/// The question cannot be answered from minutes of subjects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unanswerable {
    /// It measures something else than events.
    #[error("only events are counted here")]
    Measure,
    /// It asks for another field than the subject.
    #[error("what was counted is told apart by subject and by time only")]
    Field,
    /// A range, or a bucket of its zone, begins or ends inside a minute, or the range was not counted.
    #[error("what was counted are whole minutes of the range that was declared")]
    Range,
}

impl Cut {
    /// All of time.
    pub const NONE: Cut = Cut { from: None, to: None };

    /// What has to be counted for a question: all, where its range consists of whole minutes, or else its range.
    #[must_use]
    pub fn of(query: &Query) -> Self {
        let whole = |at: Option<Timestamp>| at.is_none_or(|at| at.as_micros() % MINUTE == 0);
        if whole(query.from) && whole(query.to) {
            return Cut::NONE;
        }
        Cut {
            from: query.from,
            to: query.to,
        }
    }

    /// Whether an event of this time is counted.
    #[must_use]
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }

    /// Checks that minutes within this cut answer a question.
    ///
    /// # Errors
    /// Why they do not.
    pub fn check(&self, query: &Query) -> Result<(), Unanswerable> {
        if query.measure != Measure::Count {
            return Err(Unanswerable::Measure);
        }
        let conditions = query.filter.all.iter().map(|condition| &condition.field);
        if conditions.chain(&query.by).any(|field| *field != Field::Subject) {
            return Err(Unanswerable::Field);
        }
        let whole = |at: Timestamp| at.as_micros() % MINUTE == 0;
        let from = match (query.from, self.from) {
            (from, None) => from.is_none_or(whole),
            (Some(from), Some(cut)) => from == cut || (cut < from && whole(from)),
            (None, Some(_)) => false,
        };
        let to = match (query.to, self.to) {
            (to, None) => to.is_none_or(whole),
            (Some(to), Some(cut)) => to == cut || (to < cut && whole(to)),
            (None, Some(_)) => false,
        };
        let granule = query.bucket.map_or(MINUTE, |it| it.granule(query.from, query.to));
        if from && to && granule % MINUTE == 0 {
            Ok(())
        } else {
            Err(Unanswerable::Range)
        }
    }

    /// Checks it for the question of a tally.
    pub(super) fn check_tally(&self, tally: &Tally) -> Result<(), Unanswerable> {
        self.check(tally.query())
    }
}
