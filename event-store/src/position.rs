//! Places in the log: taken inside the transaction that fills them.

use sea_orm::{ConnectionTrait, DbErr};

use crate::dialect::{Dialect, Transaction};
use crate::dictionary::only_number;
use crate::error::Error;
use crate::tables::Tables;

/// What the row of the log counts that a transaction has locked: everybody who writes locks the
/// first row first, so that writers never wait for each other in a circle.
pub(crate) const HEAD: i64 = 1;
pub(crate) const CHANGES: i64 = 2;
pub(crate) const ROWLESS: i64 = 3;

/// The log, as the transaction that holds its lock finds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Log {
    /// The newest place.
    pub(crate) head: i64,
    /// Changes of what is registered and declared, and of the keys.
    pub(crate) changes: i64,
    /// Events without rows.
    pub(crate) rowless: i64,
}

/// Takes `count` places, which are the last up to the head that is answered. The row stays locked
/// until the transaction ends, so that no later place can become visible before an earlier one.
pub(crate) async fn take(count: usize, db: &Transaction, tables: &Tables) -> Result<Log, Error> {
    raise(HEAD, i64::try_from(count).unwrap_or(i64::MAX), db, tables).await?;
    Log::of(db.numbers(&tables.sql(LOG), &[]).await?)
}

/// Takes the lock without taking a place.
pub(crate) async fn lock(dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> Result<Log, Error> {
    let sql = tables.sql("SELECT head FROM {log} WHERE id = 1") + dialect.for_update();
    only_number(db, dialect.statement(&sql, [])).await?;
    log(dialect, db, tables).await
}

/// Counts a change of what is registered or declared, or of the keys, and answers its number.
pub(crate) async fn change(db: &Transaction, tables: &Tables) -> Result<i64, Error> {
    raise(CHANGES, 1, db, tables).await?;
    Ok(log(db.dialect(), db, tables).await?.changes)
}

/// Counts events without rows.
pub(crate) async fn rowless(events: usize, db: &Transaction, tables: &Tables) -> Result<(), Error> {
    raise(ROWLESS, i64::try_from(events).unwrap_or(i64::MAX), db, tables).await
}

async fn raise(id: i64, count: i64, db: &Transaction, tables: &Tables) -> Result<(), Error> {
    let update = tables.sql("UPDATE {log} SET head = head + ? WHERE id = ?");
    db.numbers::<0>(&update, &[count, id]).await.map(drop)
}

/// The newest place; 0 in an empty log.
pub(crate) async fn head(dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> Result<i64, Error> {
    Ok(log(dialect, db, tables).await?.head)
}

/// All that the log counts.
pub(crate) async fn log(dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> Result<Log, Error> {
    let rows = db.query_all_raw(dialect.statement(&tables.sql(LOG), [])).await?;
    let rows = rows
        .iter()
        .map(|row| Ok([row.try_get_by_index(0)?, row.try_get_by_index(1)?]));
    Log::of(rows.collect::<Result<_, DbErr>>()?)
}

/// All rows of the log: what each counts, and how many.
const LOG: &str = "SELECT id, head FROM {log}";

impl Log {
    fn of(rows: Vec<[i64; 2]>) -> Result<Self, Error> {
        if rows.is_empty() {
            return Err(Error::corrupt("a log without its rows"));
        }
        let mut log = Log::default();
        for [id, count] in rows {
            match id {
                HEAD => log.head = count,
                CHANGES => log.changes = count,
                ROWLESS => log.rowless = count,
                _ => {}
            }
        }
        Ok(log)
    }
}
