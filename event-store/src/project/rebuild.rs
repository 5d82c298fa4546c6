//! Rebuilds, as outsiders ask for them: begun, given up, and what they leave behind taken away.

use sea_orm::ConnectionTrait as _;

use super::generation::{self, ASKED, CLOSING, Generation, LIVE, OLD};
use super::rows::Names;
use super::shard;
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::patience::Patience;
use crate::store::EventStore;

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
            let transaction = inner.dialect.begin(&inner.keeper).await?;
            let found = generation::locked(&inner, &transaction, &name).await?;
            let Some(shown) = found.iter().find(|it| it.is_shown()) else {
                transaction.rollback().await?;
                return Err(unknown(&name));
            };
            if found.iter().any(|it| it.version >= shown.version && it.is_coming()) {
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

    /// Gives up what is built of a projection beside the tables that readers see, and drops it: a rebuild that was asked for, or
    /// that of a later version, which cannot go on or whose code was taken back. Readers see what they saw, and those who
    /// wait for the change go on. Processes that run the later version end with [`Error::Projection`]; started again, they
    /// build again. Answers how many generations went.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let store = event_store::EventStore::connect("sqlite::memory:").await?;
    /// assert!(store.abandon_rebuild("orders").await.is_err(), "there is no such projection");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] if there is no projection of this name; otherwise if the database fails. What was given up stays so,
    /// and [`EventStore::drop_old_projections`] drops the rest of it.
    pub async fn abandon_rebuild(&self, name: &str) -> Result<usize, Error> {
        let (inner, name) = (self.inner().clone(), name.to_owned());
        detached(async move {
            let patience = Patience::with(inner.dialect);
            let given_up = loop {
                match give_up(&inner, &name).await {
                    Err(error) if patience.lasts(&error).await => {}
                    outcome => break outcome?,
                }
            };
            drop_tables(&inner, &given_up).await
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
            drop_tables(&inner, &old).await
        })
        .await
    }
}

fn unknown(name: &str) -> Error {
    Error::Config(format!("there is no projection {name}"))
}

/// From now on nobody works on what is being built, and those who stand still for it go on.
async fn give_up(inner: &Inner, name: &str) -> Result<Vec<Generation>, Error> {
    let transaction = inner.dialect.begin(&inner.keeper).await?;
    let found = generation::locked(inner, &transaction, name).await?;
    if found.is_empty() {
        transaction.rollback().await?;
        return Err(unknown(name));
    }
    let coming: Vec<Generation> = found.iter().filter(|it| it.is_coming()).cloned().collect();
    for row in &coming {
        generation::change(inner, &transaction, row, OLD).await?;
        shard::take_away(inner, &transaction, row).await?;
    }
    for row in found.iter().filter(|it| it.state == CLOSING) {
        generation::change(inner, &transaction, row, LIVE).await?;
    }
    transaction.commit().await?;
    Ok(coming)
}

async fn drop_tables(inner: &Inner, rows: &[Generation]) -> Result<usize, Error> {
    for row in rows {
        let patience = Patience::with(inner.dialect);
        loop {
            match drop_one(inner, row).await {
                // Somebody is in a last transaction on them, which cannot be committed any more.
                Err(error) if patience.lasts(&error).await => {}
                outcome => break outcome?,
            }
        }
    }
    Ok(rows.len())
}

/// The tables first: their row says that they are there.
async fn drop_one(inner: &Inner, row: &Generation) -> Result<(), Error> {
    let transaction = inner.dialect.begin(&inner.worker).await?;
    let tables: Vec<&str> = row.tables.iter().map(String::as_str).collect();
    let names = Names::new(&tables, row.generation, inner.dialect);
    for (_, table) in names.pairs() {
        transaction
            .execute_unprepared(&format!("DROP TABLE IF EXISTS {table}"))
            .await?;
    }
    generation::forget(inner, &transaction, row).await?;
    transaction.commit().await
}
