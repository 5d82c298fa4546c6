//! What all verbs of a store share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use event_core::{Registry, Timestamp};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use tokio::sync::RwLock as AsyncRwLock;

use crate::dialect::{Connections, Dialect, Owner};
use crate::dictionary::Dictionary;
use crate::error::Error;
use crate::options::Options;
use crate::queue::Queue;
use crate::tables::Tables;

/// The inside of an `EventStore`.
pub(crate) struct Inner {
    pub(crate) dialect: Dialect,
    pub(crate) tables: Tables,
    pub(crate) options: Options,
    pub(crate) writer: DatabaseConnection,
    pub(crate) reader: DatabaseConnection,
    pub(crate) owner: Owner,
    pub(crate) queue: Queue,
    registry: RwLock<Dated>,
    /// How many transactions have changed the catalog.
    changes: AtomicU64,
    dictionary: AsyncRwLock<Arc<Dictionary>>,
    opened: Instant,
    /// Milliseconds from `opened` to the writer's last sign of life.
    heartbeat: AtomicU64,
}

/// The registry after a change of the catalog.
struct Dated {
    change: u64,
    registry: Arc<Registry>,
}

impl Inner {
    pub(crate) fn new(
        dialect: Dialect,
        tables: Tables,
        options: Options,
        connections: Connections,
        queue: Queue,
        registry: Registry,
    ) -> Self {
        let Connections { writer, reader, owner } = connections;
        Inner {
            dialect,
            tables,
            options,
            writer,
            reader,
            owner,
            queue,
            registry: RwLock::new(Dated {
                change: 0,
                registry: Arc::new(registry),
            }),
            changes: AtomicU64::new(0),
            dictionary: AsyncRwLock::default(),
            opened: Instant::now(),
            heartbeat: AtomicU64::new(0),
        }
    }

    pub(crate) fn registry(&self) -> Arc<Registry> {
        let known = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&known.registry)
    }

    /// The number of a change of the catalog; taken inside its transaction, so that the numbers
    /// follow the order of the changes.
    pub(crate) fn next_change(&self) -> u64 {
        self.changes.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Judges by this registry from now on, unless a later change was faster to arrive here.
    pub(crate) fn replace_registry(&self, change: u64, registry: Registry) {
        let mut known = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        if change > known.change {
            *known = Dated {
                change,
                registry: Arc::new(registry),
            };
        }
    }

    /// The kinds and sources as they are in the database now.
    pub(crate) async fn dictionary(&self) -> Result<Arc<Dictionary>, Error> {
        self.dictionary_in(&self.reader).await
    }

    /// The kinds and sources as a transaction sees them; those of later ones may be among them.
    pub(crate) async fn dictionary_in(&self, db: &impl ConnectionTrait) -> Result<Arc<Dictionary>, Error> {
        let known = Arc::clone(&*self.dictionary.read().await);
        let mut fresh = Dictionary::clone(&known);
        if !fresh.refresh(self.dialect, db, &self.tables).await? {
            return Ok(known);
        }
        let fresh = Arc::new(fresh);
        *self.dictionary.write().await = Arc::clone(&fresh);
        Ok(fresh)
    }

    /// The writer lives.
    pub(crate) fn beat(&self) {
        let age = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heartbeat.store(age, Ordering::Relaxed);
    }

    /// How long ago the writer showed a sign of life.
    pub(crate) fn heartbeat_age(&self) -> Duration {
        let beat = Duration::from_millis(self.heartbeat.load(Ordering::Relaxed));
        self.opened.elapsed().saturating_sub(beat)
    }
}

/// Runs to its end whatever becomes of the caller: a statement or transaction that is abandoned
/// half-way would leave a pooled connection in doubt.
pub(crate) async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    tokio::spawn(work)
        .await
        .map_err(|error| Error::corrupt(format!("the work failed: {error}")))?
}

/// Now, by this machine's clock.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::MIN.saturating_add_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
