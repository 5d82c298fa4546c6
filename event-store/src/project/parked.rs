//! Events that a projection could not take, as rows: kept with their reason, until they are replayed or discarded.

use event_core::{Label, Timestamp};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde::Serialize;

use super::failure::Failure;
use super::generation::Generation;
use super::history::{self, ParkedAction};
use super::key::{Digest, Keyed};
use super::shard::Held;
use crate::entity::event::time;
use crate::error::Error;
use crate::inner::{Inner, now};

/// So many are looked at by one statement.
const PAGE: usize = 500;

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

/// The text names no [`ParkedState`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a parked event is parked, waiting, replay or discard")]
pub struct ParkedStateError;

impl ParkedState {
    /// The name that goes over the wire, and into the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            ParkedState::Parked => "parked",
            ParkedState::Waiting => "waiting",
            ParkedState::Replay => "replay",
            ParkedState::Discard => "discard",
        }
    }
}

impl std::str::FromStr for ParkedState {
    type Err = ParkedStateError;

    fn from_str(text: &str) -> Result<Self, ParkedStateError> {
        let all = [
            ParkedState::Parked,
            ParkedState::Waiting,
            ParkedState::Replay,
            ParkedState::Discard,
        ];
        all.into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(ParkedStateError)
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
    /// When it was parked, the last time.
    pub parked_at: Timestamp,
    /// When somebody has asked for something to be done with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    /// Who, where that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<Label>,
}

pub(super) const COLUMNS: &str =
    "generation, position, event_id, state, code, reason, attempts, parked_at, asked_at, asked_by";

pub(super) fn read(row: &QueryResult) -> Result<Parked, Error> {
    let attempts: i64 = row.try_get_by_index(6)?;
    let (asked_at, asked_by): (Option<i64>, Option<String>) = (row.try_get_by_index(8)?, row.try_get_by_index(9)?);
    Ok(Parked {
        generation: row.try_get_by_index(0)?,
        position: row.try_get_by_index(1)?,
        event_id: row.try_get_by_index(2)?,
        state: state(row, 3)?,
        code: row.try_get_by_index(4)?,
        reason: row.try_get_by_index(5)?,
        attempts: u32::try_from(attempts).unwrap_or(0),
        parked_at: time(row.try_get_by_index(7)?)?,
        asked_at: asked_at.map(time).transpose()?,
        asked_by: asked_by.and_then(|actor| Label::new(actor).ok()),
    })
}

fn state(row: &QueryResult, column: usize) -> Result<ParkedState, Error> {
    let text: String = row.try_get_by_index(column)?;
    text.parse()
        .map_err(|error: ParkedStateError| Error::corrupt(error.to_string()))
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
        state.as_str().into(),
        failure.code.into(),
        failure.reason.as_str().into(),
        i64::from(attempts).into(),
        now().as_micros().into(),
    ];
    db.execute_raw(inner.dialect.statement(&sql, values)).await?;
    Ok(())
}

/// Takes a parked event away, and writes down why; `false` if it is gone already.
pub(super) async fn delete(
    inner: &Inner,
    db: &impl ConnectionTrait,
    held: &Held,
    position: i64,
    action: ParkedAction,
) -> Result<bool, Error> {
    let sql = inner
        .tables
        .sql("DELETE FROM {parked} WHERE name = ? AND generation = ? AND position = ?");
    let values: [Value; 3] = [held.name.as_str().into(), held.generation.into(), position.into()];
    let deleted = db.execute_raw(inner.dialect.statement(&sql, values)).await?;
    if deleted.rows_affected() == 0 {
        return Ok(false);
    }
    history::record(inner, db, held, position, action).await?;
    Ok(true)
}

/// Says that a parked event failed again.
pub(super) async fn failed_again(
    inner: &Inner,
    db: &impl ConnectionTrait,
    held: &Held,
    position: i64,
    failure: &Failure,
) -> Result<(), Error> {
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
    let changed = db.execute_raw(inner.dialect.statement(&sql, values)).await?;
    if changed.rows_affected() > 0 {
        history::record(inner, db, held, position, ParkedAction::FailedAgain).await?;
    }
    Ok(())
}

/// Takes away all that the tables of a generation could not take.
pub(super) async fn forget(inner: &Inner, db: &impl ConnectionTrait, row: &Generation) -> Result<(), Error> {
    let sql = inner
        .tables
        .sql("DELETE FROM {parked} WHERE name = ? AND generation = ?");
    let of: [Value; 2] = [row.name.as_str().into(), row.generation.into()];
    db.execute_raw(inner.dialect.statement(&sql, of)).await?;
    Ok(())
}

/// Those of a shard behind a place, in their order, page by page: all of them, or without those of which nothing is
/// asked. An empty page is the end.
pub(super) async fn of_shard(
    inner: &Inner,
    held: &Held,
    after: i64,
    all: bool,
) -> Result<Vec<(i64, Digest, ParkedState)>, Error> {
    let asked = if all { "" } else { " AND state <> 'parked'" };
    let sql = inner.tables.sql(&format!(
        "SELECT position, digest, state FROM {{parked}} WHERE name = ? AND generation = ? AND shard = ? \
         AND position > ?{asked} ORDER BY position LIMIT {PAGE}"
    ));
    let values: [Value; 4] = [
        held.name.as_str().into(),
        held.generation.into(),
        held.shard.into(),
        after.into(),
    ];
    let rows = inner
        .worker
        .query_all_raw(inner.dialect.statement(&sql, values))
        .await?;
    let read = |row: &QueryResult| {
        let digest: Vec<u8> = row.try_get_by_index(1)?;
        let digest = digest
            .try_into()
            .map_err(|_| Error::corrupt("a malformed digest of a key"))?;
        Ok((row.try_get_by_index(0)?, digest, state(row, 2)?))
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
