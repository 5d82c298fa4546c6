//! How far projections are, for pages, health and metrics.

use std::time::Duration;

use event_core::Timestamp;
use sea_orm::{ConnectionTrait, Value};
use serde::{Serialize, Serializer};

use super::generation::{self, ASKED, BUILDING, CLOSING, Generation, OLD};
use super::shard::{self, ShardRow};
use crate::backfill::Progress;
use crate::entity::event::time;
use crate::error::Error;
use crate::inner::{Inner, detached, now};
use crate::position;
use crate::store::EventStore;

/// What tables are there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// Readers see them.
    Live,
    /// Readers see them, for the moment that the next ones need to pass them.
    Closing,
    /// They are built beside those that readers see.
    Building,
    /// They are to be built.
    Asked,
    /// They were replaced.
    Old,
}

/// How far the tables of one generation of a projection are.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ProjectionStatus {
    /// Which projection.
    pub name: String,
    /// Which of its tables: the number at the end of their names.
    pub generation: i64,
    /// The version of the code that makes them.
    pub version: i64,
    /// What they are there for.
    pub stage: Stage,
    /// They are made of all events up to here.
    pub position: i64,
    /// The newest place of the log.
    pub head: i64,
    /// How old the oldest event is that is not applied yet, by the time of its receipt; written as seconds.
    #[serde(rename = "lag_seconds", serialize_with = "seconds")]
    pub lag: Duration,
    /// Events that were applied.
    pub applied: u64,
    /// Events that could not be applied.
    pub parked: u64,
    /// Events that wait behind those.
    pub waiting: u64,
    /// When they were begun.
    pub created_at: Timestamp,
    /// When readers were shown them, if they were built beside others.
    pub switched_at: Option<Timestamp>,
    /// Their shards.
    pub shards: Vec<ShardStatus>,
}

/// How far one shard is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ShardStatus {
    /// Its number.
    pub shard: i64,
    /// All of its events up to here are applied.
    pub position: i64,
    /// Who works on it, while the lease lasts.
    pub holder: Option<String>,
    /// Why it does not come any further.
    pub error: Option<String>,
    /// When it was written last.
    pub updated_at: Timestamp,
}

impl ProjectionStatus {
    /// How much of the log is behind it.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress::new(self.position, self.head)
    }

    /// Whether readers see its tables.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        matches!(self.stage, Stage::Live | Stage::Closing)
    }

    /// Whether somebody works on every shard, and none of them is stuck.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.shards
            .iter()
            .all(|shard| shard.holder.is_some() && shard.error.is_none())
    }
}

impl EventStore {
    /// How far all projections are, whichever process works on them, those that are built or were replaced included.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn projections(&self) -> Result<Vec<ProjectionStatus>, Error> {
        self.statuses(None).await
    }

    /// The same of one projection: its generations, the oldest first; none if there is no such projection.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn projection(&self, name: &str) -> Result<Vec<ProjectionStatus>, Error> {
        self.statuses(Some(name.to_owned())).await
    }

    async fn statuses(&self, name: Option<String>) -> Result<Vec<ProjectionStatus>, Error> {
        let inner = self.inner().clone();
        detached(async move {
            let head = position::head(inner.dialect, &inner.reader, &inner.tables).await?;
            let mut all = Vec::new();
            for row in generation::all(&inner, &inner.reader, name.as_deref()).await? {
                let shards = shard::all(&inner, &inner.reader, &row.name).await?;
                all.push(status(&inner, row, shards, head).await?);
            }
            Ok(all)
        })
        .await
    }

    /// The name behind which readers find a table of a projection, for statements that views do not serve; `None` if there
    /// is no such projection.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn projected_table(&self, name: &str, table: &str) -> Result<Option<String>, Error> {
        let (inner, name) = (self.inner().clone(), name.to_owned());
        let shown = detached(async move { super::setup::shown(&inner, &name).await }).await?;
        Ok(shown.map(|generation| format!("{table}_g{generation}")))
    }
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

async fn status(inner: &Inner, row: Generation, shards: Vec<ShardRow>, head: i64) -> Result<ProjectionStatus, Error> {
    let shards: Vec<ShardRow> = shards
        .into_iter()
        .filter(|shard| shard.generation == row.generation)
        .collect();
    let position = shards.iter().map(|shard| shard.position).min().unwrap_or(0);
    let (parked, waiting) = counts(inner, &row).await?;
    Ok(ProjectionStatus {
        stage: match row.state.as_str() {
            ASKED => Stage::Asked,
            BUILDING => Stage::Building,
            CLOSING => Stage::Closing,
            OLD => Stage::Old,
            _ => Stage::Live,
        },
        position,
        head: head.max(position),
        lag: lag(inner, position).await?,
        applied: shards.iter().map(|shard| shard.applied.max(0).unsigned_abs()).sum(),
        parked,
        waiting,
        created_at: time(row.created_at)?,
        switched_at: row.switched_at.map(time).transpose()?,
        name: row.name,
        generation: row.generation,
        version: row.version,
        shards: shards.into_iter().map(of_shard).collect::<Result<_, _>>()?,
    })
}

fn of_shard(row: ShardRow) -> Result<ShardStatus, Error> {
    Ok(ShardStatus {
        shard: row.shard,
        position: row.position,
        holder: row.is_held().then_some(row.holder).flatten(),
        error: row.last_error,
        updated_at: time(row.updated_at)?,
    })
}

/// Those that were tried, and those that were not.
async fn counts(inner: &Inner, row: &Generation) -> Result<(u64, u64), Error> {
    let sql = inner.tables.sql(
        "SELECT COUNT(CASE WHEN state <> 'waiting' THEN 1 END), COUNT(CASE WHEN state = 'waiting' THEN 1 END) \
         FROM {parked} WHERE name = ? AND generation = ?",
    );
    let of: [Value; 2] = [row.name.as_str().into(), row.generation.into()];
    let found = inner.reader.query_one_raw(inner.dialect.statement(&sql, of)).await?;
    let found = found.ok_or_else(|| Error::corrupt("no row for a count"))?;
    let (parked, waiting): (i64, i64) = (found.try_get_by_index(0)?, found.try_get_by_index(1)?);
    Ok((parked.max(0).unsigned_abs(), waiting.max(0).unsigned_abs()))
}

async fn lag(inner: &Inner, position: i64) -> Result<Duration, Error> {
    let sql = inner
        .tables
        .sql("SELECT received_at FROM {events} WHERE position > ? ORDER BY position LIMIT 1");
    let statement = inner.dialect.statement(&sql, [position.into()]);
    let Some(row) = inner.reader.query_one_raw(statement).await? else {
        return Ok(Duration::ZERO);
    };
    let received_at: i64 = row.try_get_by_index(0)?;
    let micros = now().as_micros().saturating_sub(received_at);
    Ok(Duration::from_micros(micros.max(0).unsigned_abs()))
}
