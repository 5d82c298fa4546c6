//! What clients had to give up, by their own account: reports are counted once, and listed.

use event_core::wire::{InvalidLossReport, Loss, LossReport};
use event_core::{Source, Timestamp};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde::Serialize;

use crate::dialect::{Bind, Insert, Kind, Merge, Taken, Transaction};
use crate::entity::loss::SELECTED;
use crate::error::{Cause, Error};
use crate::inner::{Inner, detached, now};
use crate::position;
use crate::store::EventStore;

pub use crate::entity::loss::ReportedLoss;

/// So many rows are listed at once.
const MOST_ROWS: usize = 10_000;

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reported {
    /// It is counted now.
    Stored,
    /// A report of this source and id was counted before; nothing is changed, whatever this one says.
    Duplicate,
}

/// Which losses to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LossFilter {
    /// From the hour of this instant on.
    pub from: Option<Timestamp>,
    /// Only hours that start before this instant.
    pub to: Option<Timestamp>,
    /// Only those of this application.
    pub source: Option<Source>,
}

const LOSSES: Insert<4> = Insert {
    table: "{losses}",
    columns: [
        ("hour", Kind::Int),
        ("source", Kind::Text),
        ("reason", Kind::Text),
        ("events", Kind::Int),
    ],
    taken: Taken::Merges {
        key: "hour, source, reason",
        changes: &[("events", Merge::Add)],
    },
};

impl EventStore {
    /// Counts what a client had to give up: all of a report or nothing, and the same report, by its
    /// source and id, once, whoever takes it. Answers after the commit.
    ///
    /// Hours are cut down to their start, lines of one hour and reason are added up.
    ///
    /// # Errors
    /// [`Error::LossReport`] for what cannot be counted: see [`LossReport::lines`], with the tolerance
    /// of the options; and where a source would have lost more than [`Loss::MAX_EVENTS`] in an hour
    /// for a reason. [`Error::Unknown`] where it may be counted or not: offer it again under its id.
    ///
    /// ```
    /// use event_core::wire::LossReport;
    /// use event_store::EventStore;
    /// use event_store::loss::{LossFilter, Reported};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let store = EventStore::connect("sqlite::memory:").await?;
    /// let report: LossReport = serde_json::from_str(
    ///     r#"{"id": "r-1", "source": "shop-web",
    ///         "losses": [{"hour": "2021-01-01T14:00:00Z", "reason": "queue_full", "events": 37}]}"#,
    /// )?;
    /// assert_eq!(store.report_losses(report.clone()).await?, Reported::Stored);
    /// assert_eq!(store.report_losses(report).await?, Reported::Duplicate);
    /// assert_eq!(store.losses(&LossFilter::default()).await?[0].events, 37);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn report_losses(&self, report: LossReport) -> Result<Reported, Error> {
        let inner = self.inner().clone();
        if inner.queue.is_closed() {
            return Err(Error::Closed);
        }
        let lines = report.lines(now(), inner.options.future_tolerance_seconds)?;
        let patience = inner.options.request_timeout;
        let work = detached(async move {
            let reported = count(&inner, &report, &lines).await?;
            if reported == Reported::Stored {
                inner.counts.lost(lines.iter().map(|line| line.events).sum());
            }
            Ok(reported)
        });
        let answer = tokio::time::timeout(patience, work).await;
        answer.unwrap_or_else(|_| Err(Error::Unknown(Cause::new("no answer in time"))))
    }

    /// Lists what clients have reported, added up by hour, source and reason, and in this order.
    ///
    /// # Errors
    /// [`Error::TooManyLosses`] where that would be more than 10,000 rows; otherwise if the database
    /// fails.
    pub async fn losses(&self, filter: &LossFilter) -> Result<Vec<ReportedLoss>, Error> {
        let (inner, filter) = (self.inner().clone(), filter.clone());
        detached(async move {
            let rows = select(&inner, &filter, "hour, source, reason", MOST_ROWS + 1).await?;
            if rows.len() > MOST_ROWS {
                return Err(Error::TooManyLosses { limit: MOST_ROWS });
            }
            rows.iter().map(ReportedLoss::read).collect()
        })
        .await
    }

    /// The latest of what clients have reported, at the most so many rows: the same in the opposite order.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn latest_losses(&self, filter: &LossFilter, limit: usize) -> Result<Vec<ReportedLoss>, Error> {
        let (inner, filter) = (self.inner().clone(), filter.clone());
        let limit = limit.min(MOST_ROWS);
        detached(async move {
            // One direction for all columns, so that the key is read backwards and nothing is sorted.
            let rows = select(&inner, &filter, "hour DESC, source DESC, reason DESC", limit).await?;
            rows.iter().map(ReportedLoss::read).collect()
        })
        .await
    }
}

async fn select(inner: &Inner, filter: &LossFilter, order: &str, limit: usize) -> Result<Vec<QueryResult>, Error> {
    let from = filter.from.map_or(Timestamp::MIN, Loss::hour_of);
    let mut sql = format!("SELECT {SELECTED} FROM {{losses}} WHERE hour >= ?");
    let mut values = vec![Value::from(from.as_micros())];
    if let Some(to) = filter.to {
        sql.push_str(" AND hour < ?");
        values.push(to.as_micros().into());
    }
    if let Some(source) = &filter.source {
        sql.push_str(" AND source = ?");
        values.push(source.as_str().into());
    }
    sql.push_str(&format!(" ORDER BY {order} LIMIT {limit}"));
    let statement = inner.dialect.statement(&inner.tables.sql(&sql), values);
    Ok(inner.reader.query_all_raw(statement).await?)
}

async fn count(inner: &Inner, report: &LossReport, lines: &[Loss]) -> Result<Reported, Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let transaction = dialect.begin(&inner.writer).await?;
    // Whoever takes the same report at the same time waits here, and then finds it.
    position::lock(dialect, &transaction, tables).await?;
    let key: [Value; 2] = [report.source.as_str().into(), report.id.as_str().into()];
    let known = tables.sql("SELECT received_at FROM {loss_reports} WHERE source = ? AND report = ?");
    let known = transaction
        .query_one_raw(dialect.statement(&known, key.clone()))
        .await?;
    if known.is_some() {
        transaction.rollback().await?;
        return Ok(Reported::Duplicate);
    }
    let insert = tables.sql("INSERT INTO {loss_reports} (source, report, received_at) VALUES (?, ?, ?)");
    let values = key.into_iter().chain([now().as_micros().into()]);
    transaction.execute_raw(dialect.statement(&insert, values)).await?;
    let rows: Vec<[Bind<'_>; 4]> = lines.iter().map(|line| row(&report.source, line)).collect();
    transaction.insert(&LOSSES, tables, &rows).await?;
    if let Some(error) = beyond(inner, &transaction, report, lines).await? {
        transaction.rollback().await?;
        return Err(error.into());
    }
    transaction.commit().await?;
    Ok(Reported::Stored)
}

fn row<'a>(source: &'a Source, line: &'a Loss) -> [Bind<'a>; 4] {
    [
        Bind::Int(line.hour.as_micros()),
        Bind::Text(source.as_str()),
        Bind::Text(line.reason.as_str()),
        // Checked: no more than 2^53.
        Bind::Int(line.events.cast_signed()),
    ]
}

/// The first line of a report that leads to more events than are counted. What was there and what
/// came were both within the bound, so that their sum is never more than a column holds.
async fn beyond(
    inner: &Inner,
    db: &Transaction,
    report: &LossReport,
    lines: &[Loss],
) -> Result<Option<InvalidLossReport>, Error> {
    let mut hours: Vec<Value> = lines.iter().map(|line| line.hour.as_micros().into()).collect();
    hours.dedup();
    if hours.is_empty() {
        return Ok(None);
    }
    let sql = format!(
        "SELECT {SELECTED} FROM {{losses}} WHERE hour IN ({}) AND source = ? AND events > ?",
        vec!["?"; hours.len()].join(", ")
    );
    let most: [Value; 2] = [report.source.as_str().into(), Loss::MAX_EVENTS.cast_signed().into()];
    let statement = inner
        .dialect
        .statement(&inner.tables.sql(&sql), hours.into_iter().chain(most));
    let found = db.query_all_raw(statement).await?;
    let found = found.iter().map(ReportedLoss::read).collect::<Result<Vec<_>, _>>()?;
    let at = report.losses.iter().position(|loss| {
        let hour = Loss::hour_of(loss.hour);
        found.iter().any(|sum| sum.hour == hour && sum.reason == loss.reason)
    });
    if found.is_empty() {
        return Ok(None);
    }
    Ok(Some(InvalidLossReport {
        // A line of an hour to come is of another one by now.
        pointer: at.map_or_else(|| "/losses".to_owned(), |at| format!("/losses/{at}/events")),
        message: format!(
            "with what was reported before, the events of this hour and reason are more than {}",
            Loss::MAX_EVENTS
        ),
    }))
}
