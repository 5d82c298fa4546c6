//! Shards as rows: how far each is, and who holds it.
//!
//! Leases are kept by a connection of their own: those of the workers may all be in an `apply` that hangs.

use std::time::Duration;

use sea_orm::{ConnectionTrait, QueryResult, Value};

use super::generation::Generation;
use crate::error::Error;
use crate::inner::{Inner, now};

/// A row of `{shards}`.
#[derive(Clone, Debug)]
pub(super) struct ShardRow {
    pub(super) generation: i64,
    pub(super) shard: i64,
    pub(super) position: i64,
    pub(super) applied: i64,
    pub(super) token: i64,
    pub(super) holder: Option<String>,
    /// Microseconds until its lease ends.
    left: i64,
    pub(super) last_error: Option<String>,
    pub(super) updated_at: i64,
}

impl ShardRow {
    /// Whether its lease has not ended.
    pub(super) fn is_held(&self) -> bool {
        self.holder.is_some() && self.left > 0
    }

    /// The same, for somebody whose own leases are so long.
    pub(super) fn is_held_beside(&self, lease: Duration) -> bool {
        self.is_held() && self.left <= longest(lease)
    }
}

/// A lease that lasts for more of ours was written while the clock was ahead of what it is now. Its holder may be gone, and
/// nobody waits until that time comes; should it be there, its token is not the newest any more.
const LEASES: u32 = 10;

fn longest(lease: Duration) -> i64 {
    micros(lease.saturating_mul(LEASES))
}

/// Who writes: whoever has another token by then does not.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) name: String,
    pub(super) generation: i64,
    pub(super) shard: i64,
    pub(super) token: i64,
}

impl Held {
    fn values(&self) -> [Value; 4] {
        [
            self.name.as_str().into(),
            self.generation.into(),
            self.shard.into(),
            self.token.into(),
        ]
    }
}

const OURS: &str = "name = ? AND generation = ? AND shard = ? AND token = ?";

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 4)
}

/// The shards of a name, of all its generations.
pub(super) async fn all(inner: &Inner, db: &impl ConnectionTrait, name: &str) -> Result<Vec<ShardRow>, Error> {
    select(inner, db, name, "").await
}

/// The same, and nobody comes any further until the transaction ends.
pub(super) async fn locked(inner: &Inner, db: &impl ConnectionTrait, name: &str) -> Result<Vec<ShardRow>, Error> {
    select(inner, db, name, inner.dialect.for_update()).await
}

async fn select(inner: &Inner, db: &impl ConnectionTrait, name: &str, lock: &str) -> Result<Vec<ShardRow>, Error> {
    let clock = inner.dialect.now();
    let sql = format!(
        "SELECT generation, shard, position, applied, token, holder, lease_until - {clock}, last_error, updated_at \
         FROM {{shards}} WHERE name = ? ORDER BY generation, shard{lock}"
    );
    let statement = inner.dialect.statement(&inner.tables.sql(&sql), [name.into()]);
    let read = |row: &QueryResult| -> Result<ShardRow, Error> {
        Ok(ShardRow {
            generation: row.try_get_by_index(0)?,
            shard: row.try_get_by_index(1)?,
            position: row.try_get_by_index(2)?,
            applied: row.try_get_by_index(3)?,
            token: row.try_get_by_index(4)?,
            left: row.try_get_by_index(6)?,
            holder: row.try_get_by_index(5)?,
            last_error: row.try_get_by_index(7)?,
            updated_at: row.try_get_by_index(8)?,
        })
    };
    db.query_all_raw(statement).await?.iter().map(read).collect()
}

/// How far the tables are that readers see; `None` where there are none.
pub(super) async fn reached(inner: &Inner, name: &str) -> Result<Option<i64>, Error> {
    let sql = "SELECT MIN(s.position) FROM {shards} s JOIN {projections} p ON p.name = s.name \
               AND p.generation = s.generation WHERE p.name = ? AND p.state IN ('live', 'closing')";
    let statement = inner.dialect.statement(&inner.tables.sql(sql), [name.into()]);
    match inner.reader.query_one_raw(statement).await? {
        Some(row) => Ok(row.try_get_by_index(0)?),
        None => Ok(None),
    }
}

/// Writes down the shards of a new generation.
pub(super) async fn insert(inner: &Inner, db: &impl ConnectionTrait, row: &Generation) -> Result<(), Error> {
    let delete = inner
        .tables
        .sql("DELETE FROM {shards} WHERE name = ? AND generation = ?");
    let of: [Value; 2] = [row.name.as_str().into(), row.generation.into()];
    db.execute_raw(inner.dialect.statement(&delete, of)).await?;
    for shard in 0..row.shards {
        let sql = inner.tables.sql(
            "INSERT INTO {shards} (name, generation, shard, position, applied, token, lease_until, updated_at) \
             VALUES (?, ?, ?, 0, 0, 0, 0, ?)",
        );
        let values: [Value; 4] = [
            row.name.as_str().into(),
            row.generation.into(),
            shard.into(),
            now().as_micros().into(),
        ];
        db.execute_raw(inner.dialect.statement(&sql, values)).await?;
    }
    Ok(())
}

/// Takes a shard over, unless somebody holds it or was faster.
pub(super) async fn claim(
    inner: &Inner,
    name: &str,
    row: &ShardRow,
    holder: &str,
    lease: Duration,
) -> Result<Option<Held>, Error> {
    let clock = inner.dialect.now();
    let sql = format!(
        "UPDATE {{shards}} SET token = token + 1, holder = ?, lease_until = {clock} + ? \
         WHERE {OURS} AND (holder IS NULL OR lease_until <= {clock} OR lease_until > {clock} + ?)"
    );
    let held = Held {
        name: name.to_owned(),
        generation: row.generation,
        shard: row.shard,
        token: row.token,
    };
    let values = [Value::from(holder), micros(lease).into()]
        .into_iter()
        .chain(held.values())
        .chain([longest(lease).into()]);
    let statement = inner.dialect.statement(&inner.tables.sql(&sql), values);
    let taken = inner.keeper.execute_raw(statement).await?;
    let token = row.token + 1;
    Ok((taken.rows_affected() == 1).then_some(Held { token, ..held }))
}

/// Prolongs the leases of all shards of a holder.
pub(super) async fn renew(inner: &Inner, name: &str, holder: &str, lease: Duration) -> Result<(), Error> {
    let clock = inner.dialect.now();
    let sql = format!("UPDATE {{shards}} SET lease_until = {clock} + ? WHERE name = ? AND holder = ?");
    let values: [Value; 3] = [micros(lease).into(), name.into(), holder.into()];
    let statement = inner.dialect.statement(&inner.tables.sql(&sql), values);
    inner.keeper.execute_raw(statement).await?;
    Ok(())
}

/// Lets go of a shard.
pub(super) async fn release(inner: &Inner, held: &Held) -> Result<(), Error> {
    let sql = format!("UPDATE {{shards}} SET holder = NULL, lease_until = 0 WHERE {OURS}");
    let statement = inner.dialect.statement(&inner.tables.sql(&sql), held.values());
    inner.keeper.execute_raw(statement).await?;
    Ok(())
}

/// Takes the shards of a generation away from whoever holds them: nobody commits anything to its tables any more.
pub(super) async fn take_away(inner: &Inner, db: &impl ConnectionTrait, row: &Generation) -> Result<(), Error> {
    let sql = inner
        .tables
        .sql("UPDATE {shards} SET token = token + 1, holder = NULL, lease_until = 0 WHERE name = ? AND generation = ?");
    let of: [Value; 2] = [row.name.as_str().into(), row.generation.into()];
    db.execute_raw(inner.dialect.statement(&sql, of)).await?;
    Ok(())
}

/// Writes how far a shard is, in the transaction of its rows. False where it is not what was thought: then nothing
/// of the transaction may stay.
pub(super) async fn advance(
    inner: &Inner,
    db: &impl ConnectionTrait,
    held: &Held,
    (from, to): (i64, i64),
    applied: i64,
) -> Result<bool, Error> {
    let sql = format!(
        "UPDATE {{shards}} SET position = ?, applied = applied + ?, last_error = NULL, updated_at = ? \
         WHERE {OURS} AND position = ?"
    );
    let values = [to.into(), applied.into(), now().as_micros().into()]
        .into_iter()
        .chain(held.values())
        .chain([from.into()]);
    let statement = inner.dialect.statement(&inner.tables.sql(&sql), values);
    Ok(db.execute_raw(statement).await?.rows_affected() == 1)
}

/// Says why a shard does not come any further.
pub(super) async fn say(inner: &Inner, held: &Held, error: &str) -> Result<(), Error> {
    let sql = format!("UPDATE {{shards}} SET last_error = ?, updated_at = ? WHERE {OURS}");
    let values = [error.into(), now().as_micros().into()]
        .into_iter()
        .chain(held.values());
    let statement = inner.dialect.statement(&inner.tables.sql(&sql), values);
    inner.keeper.execute_raw(statement).await?;
    Ok(())
}

/// Where a shard is, while it is held by this token.
pub(super) async fn position(inner: &Inner, held: &Held) -> Result<Option<i64>, Error> {
    let sql = format!("SELECT position FROM {{shards}} WHERE {OURS}");
    let statement = inner.dialect.statement(&inner.tables.sql(&sql), held.values());
    match inner.worker.query_one_raw(statement).await? {
        Some(row) => Ok(Some(row.try_get_by_index(0)?)),
        None => Ok(None),
    }
}

/// A sign of life among those who share the work of a version; answers how many show one, this one included.
pub(super) async fn join(inner: &Inner, name: &str, version: i64, holder: &str, lease: Duration) -> Result<i64, Error> {
    let clock = inner.dialect.now();
    let put = inner.dialect.update_existing(
        "name, holder",
        &format!("lease_until = {}", inner.dialect.offered("lease_until")),
    );
    let sql =
        format!("INSERT INTO {{members}} (name, holder, version, lease_until) VALUES (?, ?, ?, {clock} + ?) {put}");
    let values: [Value; 4] = [name.into(), holder.into(), version.into(), micros(lease).into()];
    inner
        .keeper
        .execute_raw(inner.dialect.statement(&inner.tables.sql(&sql), values))
        .await?;
    let sql = format!(
        "SELECT COUNT(*) FROM {{members}} WHERE name = ? AND version = ? AND lease_until > {clock} \
         AND lease_until <= {clock} + ?"
    );
    let values: [Value; 3] = [name.into(), version.into(), longest(lease).into()];
    let statement = inner.dialect.statement(&inner.tables.sql(&sql), values);
    crate::dictionary::only_number(&inner.keeper, statement).await
}

/// Leaves those who share the work, and takes along those who left without a word.
pub(super) async fn leave(inner: &Inner, name: &str, holder: &str, lease: Duration) -> Result<(), Error> {
    let clock = inner.dialect.now();
    let sql = format!(
        "DELETE FROM {{members}} WHERE name = ? AND (holder = ? OR lease_until < {clock} OR lease_until > {clock} + ?)"
    );
    let values: [Value; 3] = [name.into(), holder.into(), longest(lease).into()];
    let statement = inner.dialect.statement(&inner.tables.sql(&sql), values);
    inner.keeper.execute_raw(statement).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_of_any_length_has_ten_times_its_length() {
        assert_eq!(longest(Duration::from_secs(10)), 100_000_000);
        assert_eq!(longest(Duration::MAX), micros(Duration::MAX));
    }
}
