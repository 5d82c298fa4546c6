//! Places in the log: taken inside the transaction that fills them.

use sea_orm::ConnectionTrait;

use crate::dialect::Dialect;
use crate::dictionary::only_number;
use crate::error::Error;
use crate::tables::Tables;

/// Takes `count` places and answers the first. The row stays locked until the transaction ends, so
/// that no later place can become visible before an earlier one.
pub(crate) async fn take(
    count: usize,
    dialect: Dialect,
    db: &impl ConnectionTrait,
    tables: &Tables,
) -> Result<i64, Error> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let update = tables.sql("UPDATE {log} SET head = head + ? WHERE id = 1");
    db.execute_raw(dialect.statement(&update, [count.into()])).await?;
    Ok(head(dialect, db, tables).await? - count + 1)
}

/// The newest place; 0 in an empty log.
pub(crate) async fn head(dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> Result<i64, Error> {
    only_number(
        db,
        dialect.statement(&tables.sql("SELECT head FROM {log} WHERE id = 1"), []),
    )
    .await
}
