//! The revision of a metric's day: a number that every transaction that changes its cells draws anew, so that cells of the same
//! revision are the same. It does not count: a count would come again where a commit is lost with the server that had it.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};

use event_core::Timestamp;
use event_core::aggregate::Level;
use sea_orm::{ConnectionTrait, Value};

use crate::dialect::{Bind, Dialect, Insert, Kind, Merge, Taken, Transaction};
use crate::error::Error;
use crate::tables::Tables;

/// A metric, and the start of a day.
pub(crate) type Day = (i64, i64);

const REVISIONS: Insert<3> = Insert {
    table: "{revisions}",
    columns: [("metric_id", Kind::Int), ("at", Kind::Int), ("revision", Kind::Int)],
    taken: Taken::Merges {
        key: "metric_id, at",
        changes: &[("revision", Merge::Replace)],
    },
};

/// The start of the day in which an instant lies.
pub(crate) fn day(at: Timestamp) -> i64 {
    Level::Day.start(at).as_micros()
}

/// Says that cells of these days are changed by a transaction.
pub(crate) async fn renew(days: &BTreeSet<Day>, db: &Transaction, tables: &Tables) -> Result<(), Error> {
    let drawn = RandomState::new().hash_one(()).cast_signed();
    let rows: Vec<_> = days
        .iter()
        .map(|(metric, at)| [Bind::Int(*metric), Bind::Int(*at), Bind::Int(drawn)])
        .collect();
    if !rows.is_empty() {
        db.insert(&REVISIONS, tables, &rows).await?;
    }
    Ok(())
}

/// The days of a metric within a stretch of time that have, or had, cells, and the revision of each, in the order of time.
pub(crate) async fn all(
    metric: i64,
    (from, to): (Option<Timestamp>, Option<Timestamp>),
    dialect: Dialect,
    db: &impl ConnectionTrait,
    tables: &Tables,
) -> Result<Vec<(i64, i64)>, Error> {
    let mut sql = tables.sql("SELECT at, revision FROM {revisions} WHERE metric_id = ?");
    let mut values: Vec<Value> = vec![metric.into()];
    for (sign, end) in [(">=", from), ("<", to)] {
        if let Some(end) = end {
            sql.push_str(&format!(" AND at {sign} ?"));
            values.push(end.as_micros().into());
        }
    }
    sql.push_str(" ORDER BY at");
    let rows = db.query_all_raw(dialect.statement(&sql, values)).await?;
    let read = |row: &sea_orm::QueryResult| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
    rows.iter().map(read).collect()
}
