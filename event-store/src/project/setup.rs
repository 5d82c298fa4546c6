//! The tables of a projection: made, built beside those that readers use, and put in their place.

use sea_orm::ConnectionTrait as _;

use super::Projection;
use super::generation::{self, ASKED, BUILDING, CLOSING, Generation, LIVE, OLD};
use super::rows::Rows;
use super::shard::{self, ShardRow};
use super::shared::Shared;
use crate::dialect::Transaction;
use crate::error::Error;
use crate::follow;
use crate::inner::{Inner, detached, now};
use crate::position;
use crate::store::EventStore;

/// So near behind the head the tables that are built have caught up, and those that readers use stand still until the
/// others have passed them.
const NEAR: i64 = 10_000;

impl EventStore {
    /// Asks for a projection to be built anew from the start of the log, beside the tables that readers use; they change over
    /// when the new ones have come as far. Whoever runs the projection, in whatever process, begins within seconds. False if
    /// it is being built already.
    ///
    /// # Errors
    /// [`Error::Config`] if there is no projection of this name; otherwise if the database fails.
    pub async fn rebuild_projection(&self, name: &str) -> Result<bool, Error> {
        let (inner, name) = (self.inner().clone(), name.to_owned());
        detached(async move {
            let transaction = inner.dialect.begin(&inner.worker).await?;
            let found = generation::locked(&inner, &transaction, &name).await?;
            let Some(shown) = found.iter().find(|it| it.is_shown()) else {
                transaction.rollback().await?;
                return Err(Error::Config(format!("there is no projection {name}")));
            };
            if found.iter().any(|it| it.version >= shown.version && is_coming(it)) {
                transaction.rollback().await?;
                return Ok(false);
            }
            let asked = Generation {
                generation: found.iter().map(|it| it.generation).max().unwrap_or(0) + 1,
                state: ASKED.to_owned(),
                switched_at: None,
                ..shown.clone()
            };
            generation::insert(&inner, &transaction, &asked).await?;
            transaction.commit().await?;
            Ok(true)
        })
        .await
    }

    /// Drops the tables that a projection has no use for any more: those that were replaced. Answers how many
    /// generations they were of.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn drop_old_projections(&self, name: &str) -> Result<usize, Error> {
        let (inner, name) = (self.inner().clone(), name.to_owned());
        detached(async move {
            let found = generation::all(&inner, &inner.reader, Some(&name)).await?;
            let old: Vec<Generation> = found.into_iter().filter(|it| it.state == OLD).collect();
            for row in &old {
                let transaction = inner.dialect.begin(&inner.worker).await?;
                let tables: Vec<&str> = row.tables.iter().map(String::as_str).collect();
                let names = super::rows::Names::new(&tables, row.generation, inner.dialect);
                for (_, table) in names.pairs() {
                    transaction
                        .execute_unprepared(&format!("DROP TABLE IF EXISTS {table}"))
                        .await?;
                }
                generation::forget(&inner, &transaction, row).await?;
                transaction.commit().await?;
            }
            Ok(old.len())
        })
        .await
    }
}

fn is_coming(row: &Generation) -> bool {
    row.state == ASKED || row.state == BUILDING
}

/// Makes the tables of this version, if they are not there.
pub(super) async fn ensure(shared: &Shared, projection: &impl Projection) -> Result<(), Error> {
    let (inner, dialect) = (&*shared.inner, shared.inner.dialect);
    let found = generation::all(inner, &inner.reader, Some(&shared.name)).await?;
    check(shared, &found)?;
    let ours = |row: &&Generation| row.version == shared.version && row.state != OLD;
    let asked = found.iter().filter(ours).any(|row| row.state == ASKED);
    if !asked && found.iter().any(|row| ours(&row)) {
        // A process may have ended between the change and its views.
        if dialect.ddl_commits()
            && let Some(live) = found
                .iter()
                .find(|row| row.state == LIVE && row.version == shared.version)
        {
            let transaction = dialect.begin(&inner.worker).await?;
            show(shared, &transaction, live.generation).await?;
            transaction.commit().await?;
        }
        return Ok(());
    }
    let transaction = dialect.begin(&inner.worker).await?;
    let lock = || [inner.tables.sql("projections {migrations}").into()];
    if let Some(sql) = dialect.lock_tables() {
        transaction.execute_raw(dialect.statement(sql, lock())).await?;
    }
    make(shared, &transaction, projection).await?;
    if let Some(sql) = dialect.unlock_tables() {
        transaction.execute_raw(dialect.statement(sql, lock())).await?;
    }
    transaction.commit().await
}

/// Makes the tables first and writes down at last that they are there: on some databases each statement stands alone.
async fn make(shared: &Shared, transaction: &Transaction, projection: &impl Projection) -> Result<(), Error> {
    let inner = &*shared.inner;
    // Asked again under the lock: another process may have been faster.
    let found = generation::all(inner, transaction, Some(&shared.name)).await?;
    check(shared, &found)?;
    let ours: Vec<&Generation> = found
        .iter()
        .filter(|row| row.version == shared.version && row.state != OLD)
        .collect();
    let asked = ours.iter().find(|row| row.state == ASKED);
    if asked.is_none() && !ours.is_empty() {
        return Ok(());
    }
    let next = found.iter().map(|row| row.generation).max().unwrap_or(0) + 1;
    let is_first = !found.iter().any(Generation::is_shown);
    let row = Generation {
        name: shared.name.clone(),
        generation: asked.map_or(next, |asked| asked.generation),
        version: shared.version,
        state: if is_first { LIVE } else { BUILDING }.to_owned(),
        tables: shared.tables.clone(),
        shards: i64::from(shared.options.shards),
        pruned_to: follow::floor(inner, transaction, 0).await?,
        created_at: now().as_micros(),
        switched_at: None,
    };
    let names = shared.names(row.generation);
    let created = projection.create(&Rows::new(transaction, &names)).await;
    created.map_err(|failure| impossible(shared, failure.reason))?;
    if is_first {
        show(shared, transaction, row.generation).await?;
    }
    shard::insert(inner, transaction, &row).await?;
    if let Some(asked) = asked {
        let delete = inner
            .tables
            .sql("DELETE FROM {projections} WHERE name = ? AND generation = ?");
        let of = [asked.name.as_str().into(), asked.generation.into()];
        transaction.execute_raw(inner.dialect.statement(&delete, of)).await?;
    }
    generation::insert(inner, transaction, &row).await
}

fn impossible(shared: &Shared, reason: String) -> Error {
    Error::Projection {
        name: shared.name.clone(),
        reason,
    }
}

/// Refuses to work where readers are shown what a later version made.
pub(super) fn check(shared: &Shared, found: &[Generation]) -> Result<(), Error> {
    let shown = found.iter().filter(|row| row.is_shown()).map(|row| row.version).max();
    match shown.filter(|shown| *shown > shared.version) {
        Some(found) => Err(Error::Superseded {
            name: shared.name.clone(),
            found,
            known: shared.version,
        }),
        None => Ok(()),
    }
}

/// Shows readers the tables of a generation.
async fn show(shared: &Shared, transaction: &Transaction, generation: i64) -> Result<(), Error> {
    for (view, table) in shared.names(generation).pairs() {
        for sql in shared.inner.dialect.show(&view, &table) {
            let done = transaction.execute_unprepared(&sql).await;
            done.map_err(|error| match Error::of_reference(&error) {
                Error::Statement(cause) => impossible(shared, cause.to_string()),
                other => other,
            })?;
        }
    }
    Ok(())
}

fn positions(rows: &[ShardRow], generation: i64) -> impl Iterator<Item = i64> {
    let of = rows.iter().filter(move |row| row.generation == generation);
    of.map(|row| row.position)
}

/// Puts tables that have caught up in the place of those that readers see: first those stand still, then they are
/// passed, then readers change over, in one transaction. True once they have.
pub(super) async fn switch(shared: &Shared, found: &[Generation], rows: &[ShardRow]) -> Result<bool, Error> {
    let inner = &*shared.inner;
    let building = |row: &&Generation| row.state == BUILDING && row.version == shared.version;
    let Some(new) = found.iter().find(building) else {
        return Ok(false);
    };
    let Some(least) = positions(rows, new.generation).min() else {
        return Ok(false);
    };
    let head = position::head(inner.dialect, &inner.reader, &inner.tables).await?;
    if head - least > NEAR {
        return Ok(false);
    }
    if let Some(shown) = found.iter().find(|row| row.state == LIVE) {
        generation::change(inner, &inner.worker, shown, CLOSING).await?;
        return Ok(false);
    }
    let transaction = inner.dialect.begin(&inner.worker).await?;
    let found = generation::locked(inner, &transaction, &shared.name).await?;
    let rows = shard::locked(inner, &transaction, &shared.name).await?;
    let shown: Vec<&Generation> = found.iter().filter(|row| row.is_shown()).collect();
    let furthest = shown.iter().flat_map(|row| positions(&rows, row.generation)).max();
    let passed = positions(&rows, new.generation).min() >= furthest;
    if !passed
        || !found
            .iter()
            .any(|row| building(&row) && row.generation == new.generation)
    {
        transaction.rollback().await?;
        return Ok(false);
    }
    for row in &found {
        if row.is_shown() || (is_coming(row) && row.version < shared.version) {
            generation::change(inner, &transaction, row, OLD).await?;
        }
    }
    generation::change(inner, &transaction, new, LIVE).await?;
    if inner.dialect.ddl_commits() {
        // The row is the truth; views follow it, also after a crash.
        transaction.commit().await?;
        let transaction = inner.dialect.begin(&inner.worker).await?;
        show(shared, &transaction, new.generation).await?;
        transaction.commit().await?;
    } else {
        show(shared, &transaction, new.generation).await?;
        transaction.commit().await?;
    }
    tracing::info!(
        name = shared.name,
        generation = new.generation,
        "readers have changed over"
    );
    Ok(true)
}

/// Where an application finds the tables that readers see.
pub(super) async fn shown(inner: &Inner, name: &str) -> Result<Option<i64>, Error> {
    let found = generation::all(inner, &inner.reader, Some(name)).await?;
    Ok(found.iter().find(|row| row.is_shown()).map(|row| row.generation))
}
