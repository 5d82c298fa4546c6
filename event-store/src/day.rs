//! A day of a metric's cells and sketches: the stretch of time in which they are compared, counted anew and dropped.

use std::collections::BTreeSet;

use event_core::Timestamp;
use event_core::aggregate::Level;
use sea_orm::{ConnectionTrait, Value};

use crate::dialect::Transaction;
use crate::error::Error;
use crate::inner::Inner;
use crate::revision;
use crate::rollup::minutes;

/// The first day from an instant on of which there are cells or sketches of a metric, or rows of some kinds.
pub(crate) async fn first(
    inner: &Inner,
    db: &impl ConnectionTrait,
    metric: i64,
    kinds: &BTreeSet<i64>,
    from: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let mut first: Option<i64> = None;
    let counted = ["{cells}", "{sketches}"].map(|table| {
        let sql = format!("SELECT MIN(at) FROM {table} WHERE metric_id = ? AND level = ? AND at >= ?");
        inner.tables.sql(&sql)
    });
    let rows = inner
        .tables
        .sql("SELECT MIN(occurred_at) FROM {events} WHERE kind_id = ? AND occurred_at >= ?");
    let of_cells = counted.iter().flat_map(|sql| {
        Level::ALL.map(|level| {
            let values: Vec<Value> = vec![metric.into(), minutes(level).into(), from.as_micros().into()];
            (sql, values)
        })
    });
    let of_rows = kinds
        .iter()
        .map(|kind| (&rows, vec![(*kind).into(), from.as_micros().into()]));
    for (sql, values) in of_cells.chain(of_rows) {
        let row = db.query_one_raw(inner.dialect.statement(sql, values)).await?;
        let least: Option<i64> = row
            .ok_or_else(|| Error::corrupt("no row for a minimum"))?
            .try_get_by_index(0)?;
        first = first.into_iter().chain(least).min();
    }
    Ok(first.map(|micros| Level::Day.start(Timestamp::MIN.saturating_add_micros(micros))))
}

/// Takes the cells and sketches of a day away.
pub(crate) async fn forget(inner: &Inner, db: &Transaction, metric: i64, first: Timestamp) -> Result<(), Error> {
    let start = first.as_micros();
    let both = |level| [(level, "{cells}"), (level, "{sketches}")];
    for (level, table) in Level::ALL.into_iter().flat_map(both) {
        let sql = format!("DELETE FROM {table} WHERE metric_id = ? AND level = ? AND at >= ? AND at < ?");
        let values: [Value; 4] = [
            metric.into(),
            minutes(level).into(),
            start.into(),
            (start + Level::Day.micros()).into(),
        ];
        db.execute_raw(inner.dialect.statement(&inner.tables.sql(&sql), values))
            .await?;
    }
    revision::renew(&BTreeSet::from([(metric, start)]), db, &inner.tables).await
}
