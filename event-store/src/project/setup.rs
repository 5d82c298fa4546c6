//! The tables of a projection: made, built beside those that readers use, and put in their place.

use sea_orm::ConnectionTrait as _;

use super::Projection;
use super::generation::{self, ASKED, BUILDING, CLOSING, Generation, LIVE, OLD};
use super::parked;
use super::rows::Rows;
use super::shard::{self, ShardRow};
use super::shared::Shared;
use crate::dialect::Transaction;
use crate::error::Error;
use crate::follow;
use crate::inner::{Inner, now};
use crate::position;

/// So near behind the head the tables that are built have caught up, and those that readers use stand still until the
/// others have passed them.
const NEAR: i64 = 10_000;

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

/// Whether somebody has given up what this version was building, and nothing of it is left to work on.
pub(super) fn is_abandoned(shared: &Shared, found: &[Generation]) -> bool {
    !found
        .iter()
        .any(|row| row.version == shared.version && row.state != OLD)
}

pub(super) fn abandoned(shared: &Shared) -> Error {
    impossible(shared, "what was built of this version was abandoned".to_owned())
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
        generation::change(inner, &inner.keeper, shown, CLOSING).await?;
        return Ok(false);
    }
    let transaction = inner.dialect.begin(&inner.keeper).await?;
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
        if row.is_shown() || (row.is_coming() && row.version < shared.version) {
            generation::change(inner, &transaction, row, OLD).await?;
            // Nobody writes there any more, and what it could not take is of no use.
            shard::take_away(inner, &transaction, row).await?;
            parked::forget(inner, &transaction, row).await?;
        }
    }
    generation::change(inner, &transaction, new, LIVE).await?;
    if inner.dialect.ddl_commits() {
        // The row is the truth; views follow it, also after a crash.
        transaction.commit().await?;
        let transaction = inner.dialect.begin(&inner.keeper).await?;
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

/// Tables of this version that stand still go on, if nobody is left who builds those that were to take their place: the
/// leases of a later version have all ended.
pub(super) async fn reopen(shared: &Shared, found: &[Generation], rows: &[ShardRow]) -> Result<(), Error> {
    let closing = |row: &&Generation| row.state == CLOSING && row.version == shared.version;
    let Some(closing) = found.iter().find(closing) else {
        return Ok(());
    };
    let is_built = |row: &Generation| {
        let is_held = || {
            rows.iter()
                .any(|shard| shard.generation == row.generation && shard.is_held_beside(shared.options.lease))
        };
        // What is of this version, this process builds.
        row.state == BUILDING && (row.version == shared.version || is_held())
    };
    if found.iter().any(is_built) {
        return Ok(());
    }
    tracing::warn!(
        name = shared.name,
        generation = closing.generation,
        "nobody builds the tables that were to take the place of these, which go on"
    );
    let inner = &*shared.inner;
    generation::change(inner, &inner.keeper, closing, LIVE).await?;
    Ok(())
}

/// Where an application finds the tables that readers see.
pub(super) async fn shown(inner: &Inner, name: &str) -> Result<Option<i64>, Error> {
    let found = generation::all(inner, &inner.reader, Some(name)).await?;
    Ok(found.iter().find(|row| row.is_shown()).map(|row| row.generation))
}
