//! Places in the log: taken inside the transaction that fills them.

use sea_orm::ConnectionTrait;

use crate::dialect::Dialect;
use crate::dictionary::only_number;
use crate::error::Error;
use crate::tables::Tables;

/// What the row of the log counts that a transaction has locked: everybody who writes locks the
/// first row first, so that writers never wait for each other in a circle.
const HEAD: i64 = 1;
const CHANGES: i64 = 2;
const ROWLESS: i64 = 3;

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
pub(crate) async fn take(
    count: usize,
    dialect: Dialect,
    db: &impl ConnectionTrait,
    tables: &Tables,
) -> Result<Log, Error> {
    raise(HEAD, i64::try_from(count).unwrap_or(i64::MAX), dialect, db, tables).await?;
    log(dialect, db, tables).await
}

/// Takes the lock without taking a place.
pub(crate) async fn lock(dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> Result<Log, Error> {
    let sql = tables.sql("SELECT head FROM {log} WHERE id = 1") + dialect.for_update();
    only_number(db, dialect.statement(&sql, [])).await?;
    log(dialect, db, tables).await
}

/// Counts a change of what is registered or declared, or of the keys, and answers its number.
pub(crate) async fn change(dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> Result<i64, Error> {
    raise(CHANGES, 1, dialect, db, tables).await?;
    Ok(log(dialect, db, tables).await?.changes)
}

/// Counts events without rows.
pub(crate) async fn rowless(
    events: usize,
    dialect: Dialect,
    db: &impl ConnectionTrait,
    tables: &Tables,
) -> Result<(), Error> {
    raise(ROWLESS, i64::try_from(events).unwrap_or(i64::MAX), dialect, db, tables).await
}

async fn raise(id: i64, count: i64, dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> Result<(), Error> {
    let update = tables.sql("UPDATE {log} SET head = head + ? WHERE id = ?");
    db.execute_raw(dialect.statement(&update, [count.into(), id.into()]))
        .await?;
    Ok(())
}

/// The newest place; 0 in an empty log.
pub(crate) async fn head(dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> Result<i64, Error> {
    Ok(log(dialect, db, tables).await?.head)
}

/// All that the log counts.
pub(crate) async fn log(dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> Result<Log, Error> {
    let statement = dialect.statement(&tables.sql("SELECT id, head FROM {log}"), []);
    let mut log = Log::default();
    let rows = db.query_all_raw(statement).await?;
    if rows.is_empty() {
        return Err(Error::corrupt("a log without its rows"));
    }
    for row in rows {
        let head: i64 = row.try_get_by_index(1)?;
        match row.try_get_by_index::<i64>(0)? {
            HEAD => log.head = head,
            CHANGES => log.changes = head,
            ROWLESS => log.rowless = head,
            _ => {}
        }
    }
    Ok(log)
}
