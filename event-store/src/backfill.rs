//! Counts the events that were stored before their metric was declared.

use std::sync::Arc;

use event_core::Label;
use sea_orm::ConnectionTrait;

use crate::entity::event::{SELECTED, stored};
use crate::entity::metric::MetricRow;
use crate::error::Error;
use crate::inner::Inner;
use crate::position;
use crate::rollup::{Gathered, Rollup};

/// So many places of the log are counted in one transaction: others wait for it to end.
const STEP: i64 = 2_000;

/// How far long work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// So much is done.
    pub done: u64,
    /// So much there is.
    pub total: u64,
}

impl Progress {
    pub(crate) fn new(done: i64, total: i64) -> Self {
        Progress {
            done: done.max(0).unsigned_abs(),
            total: total.max(0).unsigned_abs(),
        }
    }
}

/// Counts in the background. What it does not come to is done when the store is opened again.
pub(crate) fn spawn(inner: &Arc<Inner>, label: Label) {
    let inner = Arc::clone(inner);
    tokio::spawn(async move {
        loop {
            if inner.queue.is_closed() {
                return;
            }
            match step(&inner, &label).await {
                Ok((built, since)) if built >= since => return,
                Ok((built, since)) => tracing::debug!(metric = label.as_str(), built, since, "counting"),
                Err(Error::Contention(_) | Error::Unavailable(_) | Error::Unknown(_) | Error::Full(_)) => {
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
                Err(Error::MetricNotFound | Error::Closed) => return,
                Err(error) => {
                    tracing::error!(metric = label.as_str(), %error, "counting older events failed");
                    return;
                }
            }
        }
    });
}

/// Goes on with every metric that is not ready.
pub(crate) async fn resume(inner: &Arc<Inner>) -> Result<(), Error> {
    for row in MetricRow::all(inner.dialect, &inner.reader, &inner.tables).await? {
        if !row.is_ready() {
            spawn(inner, row.metric.label().clone());
        }
    }
    Ok(())
}

/// Counts the next places of the log; answers up to where events are counted, and up to where they
/// have to be.
pub(crate) async fn step(inner: &Inner, label: &Label) -> Result<(i64, i64), Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let transaction = dialect.begin(&inner.writer).await?;
    // Nobody else counts the same places, nor takes rows away, in the meantime.
    position::lock(dialect, &transaction, tables).await?;
    let all = MetricRow::all(dialect, &transaction, tables).await?;
    let Some(row) = all.into_iter().find(|row| row.metric.label() == label) else {
        transaction.rollback().await?;
        return Err(Error::MetricNotFound);
    };
    if row.is_ready() {
        transaction.rollback().await?;
        return Ok((row.built, row.since));
    }
    let built = row.since.min(row.built + STEP);
    let dictionary = inner.dictionary_in(&transaction).await?;
    let tables_read = tables.sql("{events} e LEFT JOIN {trails} t ON t.id = e.trail_id");
    // Of other types not even the data is read.
    let kinds: Vec<String> = dictionary
        .of_type(row.metric.event_type())
        .iter()
        .map(i64::to_string)
        .collect();
    let kinds = if kinds.is_empty() {
        "0".to_owned()
    } else {
        kinds.join(", ")
    };
    let sql = format!(
        "SELECT {SELECTED} FROM {tables_read} WHERE e.position > ? AND e.position <= ? AND e.kind_id IN ({kinds})"
    );
    let statement = dialect.statement(&sql, [row.built.into(), built.into()]);
    let (id, mut rollup, mut gathered) = (row.id, Rollup::of(row.clone()), Gathered::default());
    for found in transaction.query_all_raw(statement).await? {
        rollup.count(&stored(&found, &dictionary)?.event, &mut gathered);
    }
    rollup.add(&gathered, &transaction, tables).await?;
    let update = tables.sql("UPDATE {metrics} SET built = ? WHERE id = ?");
    let statement = dialect.statement(&update, [built.into(), id.into()]);
    transaction.execute_raw(statement).await?;
    transaction.commit().await?;
    Ok((built, row.since))
}
