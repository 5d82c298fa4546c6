//! A day of a metric's cells: the stretch of time in which they are compared, counted anew and dropped.

use std::collections::BTreeSet;

use event_core::Timestamp;
use event_core::aggregate::Level;
use sea_orm::{ConnectionTrait, Value};

use crate::error::Error;
use crate::inner::Inner;
use crate::rollup::minutes;

/// The first day from an instant on of which there are cells of a metric, or rows of some kinds.
pub(crate) async fn first(
    inner: &Inner,
    db: &impl ConnectionTrait,
    metric: i64,
    kinds: &BTreeSet<i64>,
    from: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let mut first: Option<i64> = None;
    let cells = inner
        .tables
        .sql("SELECT MIN(at) FROM {cells} WHERE metric_id = ? AND level = ? AND at >= ?");
    let rows = inner
        .tables
        .sql("SELECT MIN(occurred_at) FROM {events} WHERE kind_id = ? AND occurred_at >= ?");
    let of_cells = Level::ALL.map(|level| {
        let values: Vec<Value> = vec![metric.into(), minutes(level).into(), from.as_micros().into()];
        (&cells, values)
    });
    let of_rows = kinds
        .iter()
        .map(|kind| (&rows, vec![(*kind).into(), from.as_micros().into()]));
    for (sql, values) in of_cells.into_iter().chain(of_rows) {
        let row = db.query_one_raw(inner.dialect.statement(sql, values)).await?;
        let least: Option<i64> = row
            .ok_or_else(|| Error::corrupt("no row for a minimum"))?
            .try_get_by_index(0)?;
        first = first.into_iter().chain(least).min();
    }
    Ok(first.map(|micros| Level::Day.start(Timestamp::MIN.saturating_add_micros(micros))))
}

/// Takes the cells of a day away.
pub(crate) async fn forget(
    inner: &Inner,
    db: &impl ConnectionTrait,
    metric: i64,
    first: Timestamp,
) -> Result<(), Error> {
    let sql = "DELETE FROM {cells} WHERE metric_id = ? AND level = ? AND at >= ? AND at < ?";
    let start = first.as_micros();
    for level in Level::ALL {
        let values: [Value; 4] = [
            metric.into(),
            minutes(level).into(),
            start.into(),
            (start + Level::Day.micros()).into(),
        ];
        db.execute_raw(inner.dialect.statement(&inner.tables.sql(sql), values))
            .await?;
    }
    Ok(())
}
