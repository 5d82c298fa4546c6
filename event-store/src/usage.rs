//! How many events keys with a quota have sent today, for all processes: added up in the database.

use std::sync::Arc;

use sea_orm::{ConnectionTrait as _, QueryResult};

use crate::dialect::{Bind, Insert, Kind, Merge, Taken};
use crate::error::Error;
use crate::inner::Inner;

const KEY_DAYS: Insert<3> = Insert {
    table: "{key_days}",
    columns: [("day", Kind::Int), ("prefix", Kind::Text), ("events", Kind::Int)],
    taken: Taken::Merges {
        key: "day, prefix",
        changes: &[("events", Merge::Add)],
    },
};

/// Saves what this process has counted, and learns what all of them have.
///
/// # Errors
/// If the database fails; what is not saved is saved the next time.
pub(crate) async fn settle(inner: Arc<Inner>) -> Result<(), Error> {
    save(&inner).await?;
    let day = inner.moment().day();
    let sql = inner.tables.sql("SELECT prefix, events FROM {key_days} WHERE day = ?");
    let statement = inner.dialect.statement(&sql, [day.into()]);
    let rows = inner.reader.query_all_raw(statement).await?;
    let row = |row: &QueryResult| -> Result<(String, u64), Error> {
        let events: i64 = row.try_get_by_index(1)?;
        Ok((row.try_get_by_index(0)?, events.max(0).unsigned_abs()))
    };
    let rows = rows.iter().map(row).collect::<Result<_, _>>()?;
    inner.allowances.known(day, rows);
    Ok(())
}

/// Saves what this process has counted.
///
/// # Errors
/// If the database fails; what is not saved is saved the next time.
pub(crate) async fn save(inner: &Inner) -> Result<(), Error> {
    let unsaved = inner.allowances.unsaved();
    if unsaved.is_empty() {
        return Ok(());
    }
    let saved = add(inner, &unsaved).await;
    // Where a commit has failed, the rows may be there: to count twice is safe, not to count is not.
    if saved.is_err() {
        inner.allowances.still_unsaved(unsaved);
    }
    saved
}

async fn add(inner: &Inner, rows: &[(i64, String, u64)]) -> Result<(), Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let row = |(day, prefix, events): &'_ (i64, String, u64)| (*day, prefix.clone(), events.cast_signed());
    let rows: Vec<_> = rows.iter().map(row).collect();
    let rows: Vec<[Bind<'_>; 3]> = rows
        .iter()
        .map(|(day, prefix, events)| [Bind::Int(*day), Bind::Text(prefix), Bind::Int(*events)])
        .collect();
    let transaction = dialect.begin(&inner.writer).await?;
    transaction.insert(&KEY_DAYS, tables, &rows).await?;
    transaction.commit().await
}
