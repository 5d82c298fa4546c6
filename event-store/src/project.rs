//! Projections: tables of the application's own that are made from the log, event by event.
//!
//! The rows of a batch and the place that it ends at are committed in one transaction, so that a restart, a lost
//! connection or a `kill -9` neither skips an event nor applies one twice. Several processes that run a projection of
//! one name share its work by key: each shard of the keys has one holder, whose lease ends by the database's clock, and
//! whoever lost it cannot commit any more. An event that cannot be applied is tried again and then parked with its
//! reason, and the others go on. A new version of the code is built beside the tables that readers use, and takes their
//! place when it has come as far.

mod failure;
mod key;
mod options;
mod rows;
mod generation;
mod shard;
mod history;
mod parked;
mod inspect;
mod ask;
mod shared;
mod rebuild;
mod setup;
mod batch;
mod work;
mod run;
mod status;

use std::sync::{Arc, PoisonError};

use event_core::{Filter, StoredEvent};
use tokio::task::JoinHandle;

use crate::error::Error;
use crate::herald;
use crate::inner::detached;
use crate::store::EventStore;

pub use failure::Failure;
pub use history::{ParkedAction, ParkedHistory};
pub use inspect::{InspectedParked, ParkedEvents, ParkedPage, ParkedPlace};
pub use key::of_event;
pub use options::{ProjectOptions, Siblings};
pub use parked::{Parked, ParkedState, ParkedStateError};
pub use rows::Rows;
pub use status::{ProjectionStatus, ShardStatus, Stage};

use shared::Shared;

/// What becomes of events: rows in tables of the application's own, in the database of the store.
///
/// ```
/// use event_core::{Source, StoredEvent};
/// use event_store::project::{Failure, ProjectOptions, Projection, Rows};
/// use event_store::{EventStore, Offer, Origin};
///
/// struct Visits;
///
/// impl Projection for Visits {
///     fn name(&self) -> &str {
///         "visits"
///     }
///
///     fn tables(&self) -> &[&str] {
///         &["visits"]
///     }
///
///     async fn create(&self, rows: &Rows<'_>) -> Result<(), Failure> {
///         rows.define("CREATE TABLE IF NOT EXISTS {visits} (page {text:200} NOT NULL PRIMARY KEY, n {int} NOT NULL) {table}").await
///     }
///
///     async fn apply(&self, event: &StoredEvent, rows: &Rows<'_>) -> Result<(), Failure> {
///         let page = event.event.payload().root().get("page").and_then(|page| Some(page.as_str()?.into_owned()));
///         let page = page.ok_or_else(|| Failure::lasting("no page"))?;
///         let known = rows.execute("UPDATE {visits} SET n = n + 1 WHERE page = ?", [page.as_str().into()]).await?;
///         if known == 0 {
///             rows.execute("INSERT INTO {visits} (page, n) VALUES (?, 1)", [page.into()]).await?;
///         }
///         Ok(())
///     }
/// }
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let store = EventStore::connect("sqlite::memory:").await?;
/// let projector = store.project(Visits, ProjectOptions::new()).await?;
/// let visit = Offer::Json(br#"{"category": "page", "name": "visit", "data": {"page": "/"}}"#.to_vec());
/// store.ingest(vec![visit; 3], &Origin::new(Source::new("shop")?)).await?;
/// projector.reach(store.position().await?).await?;
/// assert_eq!(store.projections().await?[0].applied, 3);
/// projector.stop().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Projection: Send + Sync + 'static {
    /// By which it is known: up to 40 lower-case letters, digits, `_` and `-`.
    fn name(&self) -> &str;

    /// Of its code. A greater one than that of the tables that are there builds new tables beside them.
    fn version(&self) -> u32 {
        1
    }

    /// Which events it is made of; all by default.
    fn filter(&self) -> Filter {
        Filter::new()
    }

    /// Its tables, which statements name in braces: up to 40 lower-case letters, digits and `_`. Readers find each by
    /// this name, as a view; the tables behind them have a number at their end, another one for each rebuild.
    fn tables(&self) -> &[&str];

    /// Events of one key are applied one after the other, in their order. By default the subject, else the session, else
    /// the event's own id.
    fn key(&self, event: &StoredEvent) -> String {
        of_event(event)
    }

    /// Makes the tables, unless they are there: it may run more than once.
    fn create(&self, rows: &Rows<'_>) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Applies an event, in the transaction in which the place behind it is written. It may run again for an event, but
    /// only what its last run wrote is committed. Whatever it does elsewhere it may do twice.
    ///
    /// A statement that the database refuses ends the attempt, whatever is answered. On SQLite in memory nothing else may
    /// be asked of the store meanwhile: there is one connection.
    fn apply(&self, event: &StoredEvent, rows: &Rows<'_>) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// A projection at work, in tasks of its own. Dropped, it ends after the batches that it is in.
#[derive(Debug)]
pub struct Projector {
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
}

impl EventStore {
    /// Runs a projection: makes its tables, catches up with the log, and goes on with what comes, until it is stopped or the
    /// store is closed. Other processes may run the same one beside it. Where the database fails it goes on by itself once
    /// that is back.
    ///
    /// # Errors
    /// [`Error::Config`] for a name that is none, [`Error::Projection`] if its tables cannot be made, [`Error::Superseded`] if
    /// readers are shown those of a later version; otherwise if the database fails.
    pub async fn project<P: Projection>(&self, projection: P, options: ProjectOptions) -> Result<Projector, Error> {
        let shared = Arc::new(Shared::new(self.inner().clone(), &projection, options)?);
        let projection = Arc::new(projection);
        let (begun, of) = (Arc::clone(&shared), Arc::clone(&projection));
        detached(async move { setup::ensure(&begun, &*of).await }).await?;
        herald::listen(self.inner());
        let task = tokio::spawn(run::run(Arc::clone(&shared), projection));
        Ok(Projector {
            shared,
            task: Some(task),
        })
    }
}

impl Projector {
    /// By which name this process holds shards.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.shared.holder
    }

    /// Why it has ended by itself, if it has.
    #[must_use]
    pub fn ended(&self) -> Option<Error> {
        let ended = self.shared.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.clone()
    }

    /// Waits until the tables that readers see are made of all events up to a position, whichever process does it.
    ///
    /// # Errors
    /// Why it has ended, if it has.
    pub async fn reach(&self, position: i64) -> Result<(), Error> {
        loop {
            if let Some(error) = self.ended() {
                return Err(error);
            }
            let shared = Arc::clone(&self.shared);
            let reached = detached(async move { shard::reached(&shared.inner, &shared.name).await }).await;
            match reached {
                Ok(Some(reached)) if reached >= position => return Ok(()),
                Err(Error::Closed) => return Err(Error::Closed),
                _ => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        }
    }

    /// Ends after the batches that it is in, and lets go of its shards.
    pub async fn stop(mut self) {
        self.shared.stop.send_replace(true);
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, name = self.shared.name, "a projection failed");
        }
    }
}

impl Drop for Projector {
    fn drop(&mut self) {
        self.shared.stop.send_replace(true);
    }
}

/// The examples of the page run, too.
#[cfg(doctest)]
#[doc = include_str!("../../docs/followers.md")]
struct Page;
