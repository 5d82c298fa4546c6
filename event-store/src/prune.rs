//! Old events, by type and age: their rows go, what was counted of them stays or goes.

use std::collections::BTreeSet;

use event_core::aggregate::Level;
use event_core::{EventType, Timestamp};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde::Serialize;

use crate::backfill::Progress;
use crate::day;
use crate::dialect::{Bind, Insert, Kind, Merge, Taken, Transaction};
use crate::dictionary::only_number;
use crate::entity::metric::MetricRow;
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::position;
use crate::rowless::{self, Counted, Rowless};
use crate::store::EventStore;

/// Rows that go in one transaction, where cells stay.
const STEP: usize = 2_000;
/// Places in one statement.
const CHUNK: usize = 500;

/// What becomes of the cells that count pruned events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PrunedCells {
    /// They stay: the metrics of the type answer as before. Without a metric nothing stays.
    #[default]
    Keep,
    /// They go.
    Drop,
}

/// What was pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Events whose rows are gone.
    pub events: u64,
    /// Up to here, the start of a day in UTC.
    pub before: Timestamp,
}

impl EventStore {
    /// Takes away the rows of a type's events that occurred before an instant, which is cut down to
    /// the start of its day in UTC. Their ids stay, so that none of them is stored again.
    ///
    /// It can be interrupted: what is left is for the next time. Where cells stay, it works in short
    /// transactions; where they go, a day of the type goes in one: for as long as that takes, writers
    /// are told that the database is busy. Pairs of session and subject stay.
    ///
    /// # Errors
    /// [`Error::MetricNotReady`] while older events are still being counted; otherwise if the
    /// database fails.
    pub async fn prune(
        &self,
        event_type: &EventType,
        before: Timestamp,
        cells: PrunedCells,
        mut progress: impl FnMut(Progress),
    ) -> Result<Pruned, Error> {
        let before = Level::Day.start(before);
        let (inner, of_type) = (self.inner().clone(), event_type.clone());
        let plan = detached(async move { Plan::new(&inner, &of_type, before, cells).await }).await?;
        let (mut pruned, total) = (0, plan.total);
        loop {
            let (inner, plan) = (self.inner().clone(), plan.clone());
            let Some(events) = detached(async move { plan.step(&inner).await }).await? else {
                return Ok(Pruned { events: pruned, before });
            };
            pruned += events;
            let done = i64::try_from(pruned).unwrap_or(i64::MAX);
            progress(Progress::new(done, total));
        }
    }
}

/// What is to go.
#[derive(Clone, Debug)]
struct Plan {
    event_type: EventType,
    before: Timestamp,
    cells: PrunedCells,
    total: i64,
}

impl Plan {
    async fn new(inner: &Inner, event_type: &EventType, before: Timestamp, cells: PrunedCells) -> Result<Self, Error> {
        let kinds = inner.dictionary().await?.of_type(event_type);
        let sql = inner
            .tables
            .sql("SELECT COUNT(*) FROM {events} WHERE kind_id = ? AND occurred_at < ?");
        let mut total = 0;
        for kind in &kinds {
            let statement = inner
                .dialect
                .statement(&sql, [(*kind).into(), before.as_micros().into()]);
            total += only_number(&inner.reader, statement).await?;
        }
        Ok(Plan {
            event_type: event_type.clone(),
            cells,
            before,
            total,
        })
    }

    /// Some rows, or a day of rows and cells; how many rows they were, or that there are no more.
    async fn step(&self, inner: &Inner) -> Result<Option<u64>, Error> {
        let transaction = inner.dialect.begin(&inner.writer).await?;
        position::lock(inner.dialect, &transaction, &inner.tables).await?;
        // Asked in every transaction: one may have been declared since the last.
        let mut metrics = MetricRow::all(inner.dialect, &transaction, &inner.tables).await?;
        metrics.retain(|row| *row.metric.event_type() == self.event_type);
        if !metrics.iter().all(MetricRow::is_ready) {
            transaction.rollback().await?;
            return Err(Error::MetricNotReady);
        }
        // So may a version have been met.
        let kinds = inner.dictionary_in(&transaction).await?.of_type(&self.event_type);
        let events = match (self.cells, metrics.is_empty()) {
            // Where nothing counts the events, nothing of them stays.
            (_, true) => self.rows(inner, &transaction, &kinds, Counted::Nowhere).await?,
            (PrunedCells::Keep, false) => self.rows(inner, &transaction, &kinds, Counted::InCells).await?,
            (PrunedCells::Drop, false) => self.day(inner, &transaction, &kinds, &metrics).await?,
        };
        transaction.commit().await?;
        Ok(events)
    }

    async fn rows(
        &self,
        inner: &Inner,
        db: &Transaction,
        kinds: &BTreeSet<i64>,
        counted: Counted,
    ) -> Result<Option<u64>, Error> {
        for kind in kinds {
            let sql = format!("{SELECT} AND occurred_at < ? ORDER BY occurred_at, position LIMIT {STEP}");
            let statement = inner.dialect.statement(
                &inner.tables.sql(&sql),
                [(*kind).into(), self.before.as_micros().into()],
            );
            let found = db.query_all_raw(statement).await?;
            if !found.is_empty() {
                return take_away(&found, *kind, counted, inner, db).await.map(Some);
            }
        }
        Ok(None)
    }

    /// The first day that has rows or cells. Its rows go with its cells, so that the two are never
    /// of two minds.
    async fn day(
        &self,
        inner: &Inner,
        db: &Transaction,
        kinds: &BTreeSet<i64>,
        metrics: &[MetricRow],
    ) -> Result<Option<u64>, Error> {
        let mut first: Option<Timestamp> = None;
        for metric in metrics {
            let found = day::first(inner, db, metric.id, kinds, Timestamp::MIN).await?;
            first = first.into_iter().chain(found).min();
        }
        let Some(first) = first.filter(|first| *first < self.before) else {
            return Ok(None);
        };
        for row in metrics {
            day::forget(inner, db, row.id, first).await?;
        }
        let mut events = 0;
        for kind in kinds {
            let sql = format!("{SELECT} AND occurred_at >= ? AND occurred_at < ? LIMIT {STEP}");
            let start = first.as_micros();
            loop {
                let values: [Value; 3] = [(*kind).into(), start.into(), (start + Level::Day.micros()).into()];
                let found = db
                    .query_all_raw(inner.dialect.statement(&inner.tables.sql(&sql), values))
                    .await?;
                if found.is_empty() {
                    break;
                }
                events += take_away(&found, *kind, Counted::Nowhere, inner, db).await?;
            }
        }
        Ok(Some(events))
    }
}

/// Up to where events of a kind may be missing, for those who follow the log.
const PRUNED: Insert<2> = Insert {
    table: "{pruned}",
    columns: [("kind_id", Kind::Int), ("position", Kind::Int)],
    taken: Taken::Merges {
        key: "kind_id",
        changes: &[("position", Merge::Greatest)],
    },
};

const SELECT: &str = "SELECT position, event_id, source_id, hash, occurred_at FROM {events} WHERE kind_id = ?";

/// Keeps the ids of rows, and takes the rows away.
async fn take_away(
    rows: &[QueryResult],
    kind_id: i64,
    counted: Counted,
    inner: &Inner,
    db: &Transaction,
) -> Result<u64, Error> {
    let events = rows
        .iter()
        .map(|row| {
            Ok(Rowless {
                position: row.try_get_by_index(0)?,
                event_id: row.try_get_by_index(1)?,
                source_id: row.try_get_by_index(2)?,
                hash: row.try_get_by_index(3)?,
                kind_id,
                occurred_at: row.try_get_by_index(4)?,
            })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    rowless::keep(&events, counted, inner, db).await?;
    if let Some(last) = events.iter().map(|event| event.position).max() {
        db.insert(&PRUNED, &inner.tables, &[[Bind::Int(kind_id), Bind::Int(last)]])
            .await?;
    }
    for chunk in events.chunks(CHUNK) {
        let places: Vec<String> = chunk.iter().map(|event| event.position.to_string()).collect();
        let sql = format!(
            "{} ({})",
            inner.tables.sql("DELETE FROM {events} WHERE position IN"),
            places.join(", ")
        );
        db.execute_raw(inner.dialect.statement(&sql, [])).await?;
    }
    Ok(u64::try_from(events.len()).unwrap_or(u64::MAX))
}
