//! Which part of an answer comes from cells, and which from rows.

use std::collections::{BTreeMap, BTreeSet};

use event_core::aggregate::{Origin, Part, stretches};
use event_core::{EventType, Query, Timestamp};
use sea_orm::ConnectionTrait;

use super::counted::Counted;
use super::moment::Moment;
use crate::dictionary::Dictionary;
use crate::entity::metric::MetricRow;
use crate::error::Error;
use crate::inner::Inner;
use crate::rowless::{self, Times, overlaps};
use crate::selection::Selection;

/// The parts of an answer; no event is in two of them.
pub(super) struct Plan {
    pub(super) work: Vec<Work>,
}

/// A part of an answer.
pub(super) enum Work {
    /// From the rows of some kinds and a range of time.
    Rows {
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        kinds: BTreeSet<i64>,
    },
    /// From the cells of a metric.
    Cells(Box<Counted>),
}

impl Plan {
    /// What has to be read for a question.
    pub(super) async fn new(
        query: &Query,
        moment: &Moment,
        inner: &Inner,
        db: &impl ConnectionTrait,
        dictionary: &Dictionary,
    ) -> Result<Self, Error> {
        let selection = Selection::new(
            &query.filter,
            query.from,
            query.to,
            dictionary,
            inner.dialect,
            &inner.tables,
        );
        let rowless = if moment.any_rowless() {
            rowless::times(inner.dialect, db, &inner.tables).await?
        } else {
            Times::new()
        };
        let mut metrics = if moment.any_metrics() {
            MetricRow::all(inner.dialect, db, &inner.tables).await?
        } else {
            Vec::new()
        };
        metrics.retain(|row| row.is_ready() && row.metric.covers(query));
        // A sketch is less than a cell for each value; the fewer fields, the fewer cells.
        metrics.sort_by_key(|row| (!row.metric.sketches(query), row.metric.by().len()));
        let granule = match query.bucket {
            Some(bucket) if !metrics.is_empty() => Some(bucket.granule(query.from, query.to)),
            _ => None,
        };
        let mut types: BTreeMap<EventType, BTreeSet<i64>> = BTreeMap::new();
        for id in &selection.kinds {
            let kind = dictionary.kind(*id).ok_or_else(|| Error::corrupt("an unknown kind"))?;
            types.entry(kind.event_type.clone()).or_default().insert(*id);
        }
        let mut work = Vec::new();
        let mut whole = BTreeSet::new();
        for (event_type, kinds) in types {
            let sees = |row: &&MetricRow| {
                *row.metric.event_type() == event_type
                    && row
                        .blind
                        .is_none_or(|(first, last)| !overlaps(query.from, query.to, first, last))
            };
            let Some(row) = metrics.iter().find(sees) else {
                whole.extend(kinds);
                continue;
            };
            for stretch in stretches(query.from, query.to, granule) {
                work.push(match stretch.part {
                    Part::Rows => Work::Rows {
                        from: stretch.from,
                        to: stretch.to,
                        kinds: kinds.clone(),
                    },
                    Part::Cells(level) => Work::Cells(Box::new(Counted::new(row, query, granule, level, stretch)?)),
                });
            }
        }
        if !whole.is_empty() {
            work.push(Work::Rows {
                from: query.from,
                to: query.to,
                kinds: whole,
            });
        }
        let plan = Plan { work };
        plan.check(&rowless, dictionary)?;
        Ok(plan)
    }

    /// That no part is to come from rows that are not there.
    fn check(&self, rowless: &Times, dictionary: &Dictionary) -> Result<(), Error> {
        for work in &self.work {
            let Work::Rows { from, to, kinds } = work else {
                continue;
            };
            rowless::refuse(rowless, |kind| kinds.contains(&kind), *from, *to, dictionary)?;
        }
        Ok(())
    }

    /// What is read.
    pub(super) fn source(&self) -> Origin {
        if self.work.iter().any(|work| matches!(work, Work::Cells(_))) {
            Origin::Cells
        } else {
            Origin::Rows
        }
    }
}
