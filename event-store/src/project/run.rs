//! Which shards this process works on: it takes its share, prolongs its leases, and lets go of what others lack.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Projection;
use super::generation::{self, ASKED, BUILDING, Generation, LIVE};
use super::setup;
use super::shard::{self, Held, ShardRow};
use super::shared::Shared;
use super::work::Work;
use crate::error::Error;
use crate::follow::is_of_the_store;

/// A shard that is worked on.
struct Task {
    held: Held,
    stop: watch::Sender<bool>,
    handle: JoinHandle<()>,
}

type Tasks = HashMap<(i64, i64), Task>;

/// Works until told to stop, until the store is closed, or until a later version has taken over.
pub(super) async fn run<P: Projection>(shared: Arc<Shared>, projection: Arc<P>) {
    let beat = (shared.options.lease / 4).clamp(Duration::from_millis(50), Duration::from_secs(1));
    let mut stop = shared.stop.subscribe();
    let mut tasks = Tasks::new();
    let mut well = true;
    while !shared.is_over() {
        match look(&shared, &projection, &mut tasks).await {
            Ok(()) => well = true,
            Err(error) if is_of_the_store(&error) => {
                if well {
                    tracing::warn!(%error, name = shared.name, "shards cannot be looked after");
                }
                well = false;
            }
            Err(error) => {
                if !matches!(error, Error::Closed) {
                    tracing::error!(%error, name = shared.name, "a projection ends");
                }
                *shared.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                break;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(beat) => {}
            () = shared.freed.notified() => {}
            _ = stop.changed() => {}
        }
    }
    for task in tasks.values() {
        task.stop.send_replace(true);
    }
    for task in tasks.into_values() {
        let _ = task.handle.await;
        let _ = shard::release(&shared.inner, &task.held).await;
    }
    let _ = shard::leave(&shared.inner, &shared.name, &shared.holder, shared.options.lease).await;
    let mut ended = shared.ended.lock().unwrap_or_else(PoisonError::into_inner);
    ended.get_or_insert(Error::Closed);
}

async fn look<P: Projection>(shared: &Arc<Shared>, projection: &Arc<P>, tasks: &mut Tasks) -> Result<(), Error> {
    let inner = &*shared.inner;
    let lease = shared.options.lease;
    // Those that have ended are free for anybody.
    let over: Vec<(i64, i64)> = ended(tasks);
    for key in over {
        if let Some(task) = tasks.remove(&key) {
            shard::release(inner, &task.held).await?;
        }
    }
    if !tasks.is_empty() {
        shard::renew(inner, &shared.name, &shared.holder, lease).await?;
    }
    let members = shard::join(inner, &shared.name, shared.version, &shared.holder, lease)
        .await?
        .max(1);
    let mut found = generation::all(inner, &inner.keeper, Some(&shared.name)).await?;
    setup::check(shared, &found)?;
    if setup::is_abandoned(shared, &found) {
        return Err(setup::abandoned(shared));
    }
    if found
        .iter()
        .any(|row| row.state == ASKED && row.version == shared.version)
    {
        setup::ensure(shared, &**projection).await?;
        found = generation::all(inner, &inner.keeper, Some(&shared.name)).await?;
    }
    let rows = shard::all(inner, &inner.keeper, &shared.name).await?;
    let worked = |row: &&Generation| row.version == shared.version && (row.state == LIVE || row.state == BUILDING);
    for (key, task) in tasks.iter() {
        let is_ours = |row: &ShardRow| (row.generation, row.shard) == *key && row.token == task.held.token;
        // What another one took over, its holder would notice with the next event only.
        if !found.iter().filter(worked).any(|row| row.generation == key.0) || !rows.iter().any(is_ours) {
            task.stop.send_replace(true);
        }
    }
    for row in found.iter().filter(worked) {
        share(shared, projection, tasks, row, &rows, members).await?;
    }
    setup::switch(shared, &found, &rows).await?;
    setup::reopen(shared, &found, &rows).await
}

fn ended(tasks: &Tasks) -> Vec<(i64, i64)> {
    let over = tasks.iter().filter(|(_, task)| task.handle.is_finished());
    over.map(|(key, _)| *key).collect()
}

/// Takes free shards up to this process's share, or lets go of one above it.
async fn share<P: Projection>(
    shared: &Arc<Shared>,
    projection: &Arc<P>,
    tasks: &mut Tasks,
    row: &Generation,
    rows: &[ShardRow],
    members: i64,
) -> Result<(), Error> {
    let fair = usize::try_from((row.shards + members - 1) / members).unwrap_or(usize::MAX);
    let mine = tasks.keys().filter(|key| key.0 == row.generation).count();
    if mine > fair {
        let ours = tasks.iter().filter(|(key, _)| key.0 == row.generation);
        for (_, task) in ours.take(mine - fair) {
            task.stop.send_replace(true);
        }
        return Ok(());
    }
    let free = rows
        .iter()
        .filter(|shard| shard.generation == row.generation && !shard.is_held_beside(shared.options.lease));
    for free in free.take(fair - mine) {
        let key = (free.generation, free.shard);
        if tasks.contains_key(&key) {
            continue;
        }
        let claimed = shard::claim(&shared.inner, &shared.name, free, &shared.holder, shared.options.lease).await?;
        let Some(held) = claimed else { continue };
        let (stop, stopped) = watch::channel(false);
        let work = Work::new(shared, projection, row, held.clone(), stopped);
        let of = Arc::clone(shared);
        let handle = tokio::spawn(async move {
            work.run().await;
            of.freed.notify_one();
        });
        tasks.insert(key, Task { held, stop, handle });
    }
    Ok(())
}
