//! Declares what is counted while events are stored, and lists it.

use std::collections::BTreeSet;
use std::sync::Arc;

use event_core::metric::Metric;
use event_core::{Label, Registry, Timestamp};
use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;

use crate::backfill::{self, Progress};
use crate::catalog;
use crate::day;
use crate::dialect::Transaction;
use crate::entity::metric::MetricRow;
use crate::error::{Cause, Error};
use crate::inner::{Inner, detached, now};
use crate::position;
use crate::register::Registered;
use crate::rowless;
use crate::store::EventStore;

/// A metric, and how far the events are counted that were stored before it was declared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricRecord {
    /// What is counted.
    #[serde(flatten)]
    pub metric: Metric,
    /// Whether all events are counted, so that questions are answered from its cells.
    pub ready: bool,
    /// Up to this position events are counted.
    pub built: i64,
    /// Up to this position events were stored before it was declared.
    pub since: i64,
    /// When it was declared.
    pub declared_at: Timestamp,
}

impl From<MetricRow> for MetricRecord {
    fn from(row: MetricRow) -> Self {
        MetricRecord {
            ready: row.is_ready(),
            metric: row.metric,
            built: row.built,
            since: row.since,
            declared_at: row.declared_at,
        }
    }
}

impl EventStore {
    /// Declares a metric. From now on every new event of its type is counted in the transaction
    /// that stores it; those that are stored already are counted in the background, see
    /// [`EventStore::backfill`].
    ///
    /// # Errors
    /// [`Error::MetricTaken`] where a metric of this name counts something else.
    pub async fn declare(&self, metric: Metric) -> Result<Registered, Error> {
        let inner = self.inner().clone();
        let label = metric.label().clone();
        let patience = inner.options.request_timeout;
        let work = detached(async move {
            let declared = declare(&inner, &metric).await;
            // Whether or not the caller still listens; and where it was declared before, it may be unfinished.
            if matches!(declared, Ok(_) | Err(Error::Unknown(_))) {
                backfill::spawn(&inner, label);
            }
            declared
        });
        let answer = tokio::time::timeout(patience, work).await;
        answer.unwrap_or_else(|_| Err(Error::Unknown(Cause::new("no answer in time"))))
    }

    /// Counts the events that were stored before a metric was declared, and tells after each step
    /// how many places of the log are done. It goes on where it, or the work in the background,
    /// was interrupted; several may work on it at once, and every event is counted once.
    ///
    /// # Errors
    /// [`Error::MetricNotFound`]; otherwise if the database fails. What was done stays done.
    pub async fn backfill(&self, label: &Label, mut progress: impl FnMut(Progress)) -> Result<(), Error> {
        loop {
            let (inner, label) = (self.inner().clone(), label.clone());
            let (built, since) = detached(async move { backfill::step(&inner, &label).await }).await?;
            progress(Progress::new(built, since));
            if built >= since {
                return Ok(());
            }
        }
    }

    /// All metrics, in the order of their declaration.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn metrics(&self) -> Result<Vec<MetricRecord>, Error> {
        let inner = self.inner().clone();
        detached(async move {
            let rows = MetricRow::all(inner.dialect, &inner.reader, &inner.tables).await?;
            Ok(rows.into_iter().map(MetricRecord::from).collect())
        })
        .await
    }

    /// Counts no longer, and forgets what was counted; false if there is no such metric. The
    /// events stay.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn drop_metric(&self, label: &Label) -> Result<bool, Error> {
        let (inner, label) = (self.inner().clone(), label.clone());
        detached(async move { drop_metric(&inner, &label).await }).await
    }
}

async fn declare(inner: &Inner, metric: &Metric) -> Result<Registered, Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let transaction = dialect.begin(&inner.writer).await?;
    let log = position::lock(dialect, &transaction, tables).await?;
    let known = MetricRow::all(dialect, &transaction, tables).await?;
    if let Some(known) = known.into_iter().find(|row| row.metric.label() == metric.label()) {
        transaction.rollback().await?;
        return match known.metric == *metric {
            true => Ok(Registered::Unchanged),
            false => Err(Error::MetricTaken),
        };
    }
    let blind = blind(inner, &transaction, metric).await?;
    let definition = serde_json::to_string(metric).map_err(|_| Error::corrupt("no JSON"))?;
    let micros = |at: Option<Timestamp>| Value::from(at.map(Timestamp::as_micros));
    let values: [Value; 9] = [
        metric.label().as_str().into(),
        metric.event_type().category.as_str().into(),
        metric.event_type().name.as_str().into(),
        definition.into(),
        log.head.into(),
        0_i64.into(),
        micros(blind.map(|(from, _)| from)),
        micros(blind.map(|(_, to)| to)),
        now().as_micros().into(),
    ];
    let insert = tables.sql(
        "INSERT INTO {metrics} (label, category, name, definition, since, built, blind_from, blind_to, declared_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    transaction.execute_raw(dialect.statement(&insert, values)).await?;
    publish(inner, transaction).await?;
    Ok(Registered::Created)
}

/// The times of events of its type whose rows are gone, and that it so cannot count.
async fn blind(inner: &Inner, db: &Transaction, metric: &Metric) -> Result<Option<(Timestamp, Timestamp)>, Error> {
    let times = rowless::times(inner.dialect, db, &inner.tables).await?;
    if times.is_empty() {
        return Ok(None);
    }
    let dictionary = inner.dictionary_in(db).await?;
    let of_type = times.into_iter().filter(|(kind, _)| {
        dictionary
            .kind(*kind)
            .is_some_and(|kind| kind.event_type == *metric.event_type())
    });
    Ok(of_type
        .map(|(_, range)| range)
        .reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))))
}

/// Commits a change of what is declared, and judges by it from now on.
async fn publish(inner: &Inner, transaction: Transaction) -> Result<(), Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let known = Registry::clone(&inner.registry());
    let registry = catalog::load(dialect, &transaction, tables, &inner.options, &known).await?;
    let change = position::change(&transaction, tables).await?;
    transaction.commit().await?;
    inner.replace_registry(change, registry);
    Ok(())
}

async fn drop_metric(inner: &Arc<Inner>, label: &Label) -> Result<bool, Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let transaction = dialect.begin(&inner.writer).await?;
    position::lock(dialect, &transaction, tables).await?;
    let known = MetricRow::all(dialect, &transaction, tables).await?;
    let Some(row) = known.into_iter().find(|row| row.metric.label() == label) else {
        transaction.rollback().await?;
        return Ok(false);
    };
    let delete = tables.sql("DELETE FROM {metrics} WHERE id = ?");
    transaction
        .execute_raw(dialect.statement(&delete, [row.id.into()]))
        .await?;
    publish(inner, transaction).await?;
    let (inner, id) = (Arc::clone(inner), row.id);
    tokio::spawn(async move {
        if let Err(error) = sweep(&inner, id).await {
            tracing::warn!(%error, "cells of a metric that is no more could not be taken away");
        }
    });
    Ok(true)
}

/// Takes away the cells of a metric that is no more, day by day: nobody looks at them, nor adds to them.
async fn sweep(inner: &Inner, id: i64) -> Result<(), Error> {
    let dialect = inner.dialect;
    while let Some(first) = day::first(inner, &inner.reader, id, &BTreeSet::new(), Timestamp::MIN).await? {
        let transaction = dialect.begin(&inner.writer).await?;
        day::forget(inner, &transaction, id, first).await?;
        transaction.commit().await?;
    }
    let transaction = dialect.begin(&inner.writer).await?;
    for table in ["{groups}", "{revisions}"] {
        let delete = inner.tables.sql(&format!("DELETE FROM {table} WHERE metric_id = ?"));
        transaction.execute_raw(dialect.statement(&delete, [id.into()])).await?;
    }
    transaction.commit().await
}
