//! Events that a projection could not take: kept with their reason, until they are replayed or discarded.
//!
//! Whoever asks for that only says so in the row. The holder of the shard does it, in its own order and under its token.

use event_core::Timestamp;
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde::Serialize;

use super::failure::Failure;
use super::key::{Digest, Keyed};
use super::shard::Held;
use crate::entity::event::time;
use crate::error::Error;
use crate::inner::{Inner, detached, now};
use crate::store::EventStore;

/// What becomes of a parked event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ParkedState {
    /// It could not be applied.
    Parked,
    /// It was not tried: an earlier event of its key is parked.
    Waiting,
    /// It will be tried again.
    Replay,
    /// It will be given up.
    Discard,
}

const STATES: [(ParkedState, &str); 4] = [
    (ParkedState::Parked, "parked"),
    (ParkedState::Waiting, "waiting"),
    (ParkedState::Replay, "replay"),
    (ParkedState::Discard, "discard"),
];

impl ParkedState {
    fn text(self) -> &'static str {
        let found = STATES.iter().find(|(state, _)| *state == self);
        found.map_or("parked", |(_, text)| text)
    }

    fn of(text: &str) -> Self {
        let found = STATES.iter().find(|(_, known)| *known == text);
        found.map_or(ParkedState::Parked, |(state, _)| *state)
    }
}

/// An event that a projection could not take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Parked {
    /// Of which tables.
    pub generation: i64,
    /// Where it is in the log.
    pub position: i64,
    /// Its id.
    pub event_id: String,
    /// What becomes of it.
    pub state: ParkedState,
    /// What kind of failure it was: `failed`, `refused`, `panicked`, `timed_out`, or `behind` another one.
    pub code: String,
    /// What was said.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was parked.
    pub parked_at: Timestamp,
}

impl EventStore {
    /// Lists events that a projection has parked, by position, behind one; at most `limit`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn parked(&self, name: &str, after: i64, limit: usize) -> Result<Vec<Parked>, Error> {
        let (inner, name) = (self.inner().clone(), name.to_owned());
        detached(async move {
            let sql = format!(
                "SELECT generation, position, event_id, state, code, reason, attempts, parked_at FROM {{parked}} \
                 WHERE name = ? AND position > ? ORDER BY position, generation LIMIT {}",
                limit.min(10_000)
            );
            let statement = inner
                .dialect
                .statement(&inner.tables.sql(&sql), [name.into(), after.into()]);
            let rows = inner.reader.query_all_raw(statement).await?;
            rows.iter().map(read).collect()
        })
        .await
    }

    /// Has parked events tried again by whoever holds their shards, within a second: those of some positions, or all.
    /// Answers how many. What fails again is parked again.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn replay_parked(&self, name: &str, positions: Option<&[i64]>) -> Result<u64, Error> {
        self.mark(name, positions, ParkedState::Replay).await
    }

    /// Gives parked events up. Others that wait behind them go on.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn discard_parked(&self, name: &str, positions: &[i64]) -> Result<u64, Error> {
        self.mark(name, Some(positions), ParkedState::Discard).await
    }

    async fn mark(&self, name: &str, positions: Option<&[i64]>, state: ParkedState) -> Result<u64, Error> {
        let (inner, name) = (self.inner().clone(), name.to_owned());
        let positions = positions.map(<[i64]>::to_vec);
        detached(async move {
            let chunks: Vec<String> = match &positions {
                None => vec![String::new()],
                Some(positions) => {
                    let list = |some: &[i64]| some.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
                    let chunk = |some: &[i64]| format!(" AND position IN ({})", list(some));
                    positions.chunks(500).map(chunk).collect()
                }
            };
            let mut marked = 0;
            for chosen in chunks {
                let sql =
                    format!("UPDATE {{parked}} SET state = ? WHERE name = ? AND state IN ('parked', 'replay'){chosen}");
                let values = [state.text().into(), name.as_str().into()];
                let statement = inner.dialect.statement(&inner.tables.sql(&sql), values);
                marked += inner.worker.execute_raw(statement).await?.rows_affected();
            }
            Ok(marked)
        })
        .await
    }
}

fn read(row: &QueryResult) -> Result<Parked, Error> {
    let state: String = row.try_get_by_index(3)?;
    let attempts: i64 = row.try_get_by_index(6)?;
    Ok(Parked {
        generation: row.try_get_by_index(0)?,
        position: row.try_get_by_index(1)?,
        event_id: row.try_get_by_index(2)?,
        state: ParkedState::of(&state),
        code: row.try_get_by_index(4)?,
        reason: row.try_get_by_index(5)?,
        attempts: u32::try_from(attempts).unwrap_or(0),
        parked_at: time(row.try_get_by_index(7)?)?,
    })
}

/// Parks an event.
pub(super) async fn insert(
    inner: &Inner,
    db: &impl ConnectionTrait,
    held: &Held,
    keyed: &Keyed,
    state: ParkedState,
    failure: &Failure,
    attempts: u32,
) -> Result<(), Error> {
    let sql = inner.tables.sql(
        "INSERT INTO {parked} (name, generation, position, shard, digest, event_id, state, code, reason, attempts, \
         parked_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    let values: [Value; 11] = [
        held.name.as_str().into(),
        held.generation.into(),
        keyed.stored.position.into(),
        held.shard.into(),
        keyed.digest.to_vec().into(),
        keyed.stored.event.envelope().id.to_string().into(),
        state.text().into(),
        failure.code.into(),
        failure.reason.as_str().into(),
        i64::from(attempts).into(),
        now().as_micros().into(),
    ];
    db.execute_raw(inner.dialect.statement(&sql, values)).await?;
    Ok(())
}

/// Takes a parked event away; `false` if it is gone already.
pub(super) async fn delete(
    inner: &Inner,
    db: &impl ConnectionTrait,
    held: &Held,
    position: i64,
) -> Result<bool, Error> {
    let sql = inner
        .tables
        .sql("DELETE FROM {parked} WHERE name = ? AND generation = ? AND position = ?");
    let values: [Value; 3] = [held.name.as_str().into(), held.generation.into(), position.into()];
    let deleted = db.execute_raw(inner.dialect.statement(&sql, values)).await?;
    Ok(deleted.rows_affected() > 0)
}

/// Says that a parked event failed again.
pub(super) async fn failed_again(inner: &Inner, held: &Held, position: i64, failure: &Failure) -> Result<(), Error> {
    let sql = inner.tables.sql(
        "UPDATE {parked} SET state = 'parked', code = ?, reason = ?, attempts = attempts + 1, parked_at = ? \
         WHERE name = ? AND generation = ? AND position = ?",
    );
    let values: [Value; 6] = [
        failure.code.into(),
        failure.reason.as_str().into(),
        now().as_micros().into(),
        held.name.as_str().into(),
        held.generation.into(),
        position.into(),
    ];
    inner.worker.execute_raw(inner.dialect.statement(&sql, values)).await?;
    Ok(())
}

/// All of a shard, in their order.
pub(super) async fn of_shard(inner: &Inner, held: &Held) -> Result<Vec<(i64, Digest, ParkedState)>, Error> {
    let sql = inner.tables.sql(
        "SELECT position, digest, state FROM {parked} WHERE name = ? AND generation = ? AND shard = ? ORDER BY position",
    );
    let values: [Value; 3] = [held.name.as_str().into(), held.generation.into(), held.shard.into()];
    let rows = inner
        .worker
        .query_all_raw(inner.dialect.statement(&sql, values))
        .await?;
    let read = |row: &QueryResult| {
        let (digest, state): (Vec<u8>, String) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let digest = digest
            .try_into()
            .map_err(|_| Error::corrupt("a malformed digest of a key"))?;
        Ok((row.try_get_by_index(0)?, digest, ParkedState::of(&state)))
    };
    rows.iter().map(read).collect()
}

/// Whether somebody asks for something to be done with one of them.
pub(super) async fn is_asked(inner: &Inner, held: &Held) -> Result<bool, Error> {
    let sql = inner.tables.sql(
        "SELECT position FROM {parked} WHERE name = ? AND generation = ? AND shard = ? \
         AND state IN ('replay', 'discard') LIMIT 1",
    );
    let values: [Value; 3] = [held.name.as_str().into(), held.generation.into(), held.shard.into()];
    let found = inner
        .worker
        .query_one_raw(inner.dialect.statement(&sql, values))
        .await?;
    Ok(found.is_some())
}
