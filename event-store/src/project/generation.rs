//! Generations of a projection, as rows: which tables there are, and which of them readers see.

use sea_orm::{ConnectionTrait, QueryResult, Value};

use crate::error::Error;
use crate::inner::{Inner, now};

pub(super) const ASKED: &str = "asked";
pub(super) const BUILDING: &str = "building";
pub(super) const LIVE: &str = "live";
pub(super) const CLOSING: &str = "closing";
pub(super) const OLD: &str = "old";

/// A row of `{projections}`.
#[derive(Clone, Debug)]
pub(super) struct Generation {
    pub(super) name: String,
    pub(super) generation: i64,
    pub(super) version: i64,
    pub(super) state: String,
    pub(super) tables: Vec<String>,
    pub(super) shards: i64,
    pub(super) pruned_to: i64,
    pub(super) created_at: i64,
    pub(super) switched_at: Option<i64>,
}

const SELECT: &str = "SELECT name, generation, version, state, tables, shards, pruned_to, created_at, switched_at \
                      FROM {projections}";

impl Generation {
    /// Whether readers see its tables.
    pub(super) fn is_shown(&self) -> bool {
        self.state == LIVE || self.state == CLOSING
    }

    /// Whether its tables are built, or are to be.
    pub(super) fn is_coming(&self) -> bool {
        self.state == ASKED || self.state == BUILDING
    }

    fn read(row: &QueryResult) -> Result<Self, Error> {
        let tables: String = row.try_get_by_index(4)?;
        Ok(Generation {
            name: row.try_get_by_index(0)?,
            generation: row.try_get_by_index(1)?,
            version: row.try_get_by_index(2)?,
            state: row.try_get_by_index(3)?,
            tables: tables.lines().map(str::to_owned).collect(),
            shards: row.try_get_by_index(5)?,
            pruned_to: row.try_get_by_index(6)?,
            created_at: row.try_get_by_index(7)?,
            switched_at: row.try_get_by_index(8)?,
        })
    }
}

/// The generations of a name, or of all, the oldest first.
pub(super) async fn all(
    inner: &Inner,
    db: &impl ConnectionTrait,
    name: Option<&str>,
) -> Result<Vec<Generation>, Error> {
    select(inner, db, name, "").await
}

/// The same, and nobody else changes them until the transaction ends.
pub(super) async fn locked(inner: &Inner, db: &impl ConnectionTrait, name: &str) -> Result<Vec<Generation>, Error> {
    select(inner, db, Some(name), inner.dialect.for_update()).await
}

async fn select(
    inner: &Inner,
    db: &impl ConnectionTrait,
    name: Option<&str>,
    lock: &str,
) -> Result<Vec<Generation>, Error> {
    let of_name = if name.is_some() { " WHERE name = ?" } else { "" };
    let sql = inner
        .tables
        .sql(&format!("{SELECT}{of_name} ORDER BY name, generation{lock}"));
    let values = name.map(Value::from);
    let rows = db.query_all_raw(inner.dialect.statement(&sql, values)).await?;
    rows.iter().map(Generation::read).collect()
}

/// Writes down a generation.
pub(super) async fn insert(inner: &Inner, db: &impl ConnectionTrait, row: &Generation) -> Result<(), Error> {
    let sql = inner.tables.sql(
        "INSERT INTO {projections} (name, generation, version, state, tables, shards, pruned_to, created_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    );
    let values: [Value; 8] = [
        row.name.as_str().into(),
        row.generation.into(),
        row.version.into(),
        row.state.as_str().into(),
        row.tables.join("\n").into(),
        row.shards.into(),
        row.pruned_to.into(),
        now().as_micros().into(),
    ];
    db.execute_raw(inner.dialect.statement(&sql, values)).await?;
    Ok(())
}

/// Changes the state of a generation, if it is still the one that was found.
pub(super) async fn change(
    inner: &Inner,
    db: &impl ConnectionTrait,
    row: &Generation,
    state: &str,
) -> Result<bool, Error> {
    let sql = inner
        .tables
        .sql("UPDATE {projections} SET state = ?, switched_at = ? WHERE name = ? AND generation = ? AND state = ?");
    let switched_at = if state == LIVE && row.state == BUILDING {
        Some(now().as_micros())
    } else {
        row.switched_at
    };
    let values: [Value; 5] = [
        state.into(),
        switched_at.into(),
        row.name.as_str().into(),
        row.generation.into(),
        row.state.as_str().into(),
    ];
    let changed = db.execute_raw(inner.dialect.statement(&sql, values)).await?;
    Ok(changed.rows_affected() == 1)
}

/// Takes down a generation and all that is known of it.
pub(super) async fn forget(inner: &Inner, db: &impl ConnectionTrait, row: &Generation) -> Result<(), Error> {
    for table in ["{parked}", "{parked_history}", "{shards}", "{projections}"] {
        let sql = inner
            .tables
            .sql(&format!("DELETE FROM {table} WHERE name = ? AND generation = ?"));
        let values: [Value; 2] = [row.name.as_str().into(), row.generation.into()];
        db.execute_raw(inner.dialect.statement(&sql, values)).await?;
    }
    Ok(())
}
