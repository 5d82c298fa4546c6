//! What all verbs of a store share.

use std::collections::HashSet;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use event_core::{Pointer, Registry, StoredEvent, Timestamp};
use sea_orm::{ConnectionTrait, DatabaseConnection, QueryResult};
use tokio::sync::{Notify, RwLock as AsyncRwLock, Semaphore, watch};

use crate::allowance::{Allowances, Moment};
use crate::api_key::KeyRing;
use crate::dialect::{Connections, Dialect, Owner};
use crate::dictionary::{Dictionary, Newest};
use crate::entity::event::stored;
use crate::error::Error;
use crate::options::Options;
use crate::queue::Queue;
use crate::remembered::Remembered;
use crate::stats::Counts;
use crate::tables::Tables;

/// So many places that hold something else than numbers are remembered.
const MOST_MIXED: usize = 1_000;

/// The inside of an `EventStore`.
pub(crate) struct Inner {
    pub(crate) dialect: Dialect,
    pub(crate) tables: Tables,
    pub(crate) options: Options,
    pub(crate) writer: DatabaseConnection,
    pub(crate) reader: DatabaseConnection,
    /// Projections write by it.
    pub(crate) worker: DatabaseConnection,
    /// Their leases are kept by it.
    pub(crate) keeper: DatabaseConnection,
    pub(crate) owner: Owner,
    pub(crate) queue: Queue,
    /// A permit for each batch that may be judged at the same time.
    pub(crate) judging: Arc<Semaphore>,
    pub(crate) counts: Counts,
    registry: RwLock<Dated>,
    keys: RwLock<Arc<KeyRing>>,
    pub(crate) allowances: Allowances,
    dictionary: AsyncRwLock<Arc<Dictionary>>,
    /// Whether the last question found neither metrics nor events without rows.
    pub(crate) only_rows: AtomicBool,
    /// Days of cells that were read for questions.
    pub(crate) remembered: Remembered,
    /// Places in data where something else than numbers was found when they were measured.
    mixed: RwLock<HashSet<Pointer>>,
    /// Wakes the writer: events of applications' transactions wait for their places.
    pub(crate) waiting: Notify,
    /// How often such were handed in since nobody looked out for them.
    pub(crate) watching: AtomicU64,
    /// The newest place that this process knows of; whoever follows the log waits for it to change.
    pub(crate) arrivals: watch::Sender<i64>,
    /// Whether news of other processes are listened to.
    pub(crate) listening: AtomicBool,
    opened: Instant,
    /// Milliseconds from `opened` to the writer's last sign of life.
    heartbeat: AtomicU64,
}

/// The registry after a change of the catalog; the changes are counted in the database, for all processes.
struct Dated {
    change: i64,
    registry: Arc<Registry>,
}

impl Inner {
    pub(crate) fn new(
        dialect: Dialect,
        tables: Tables,
        options: Options,
        connections: Connections,
        queue: Queue,
        (change, registry): (i64, Registry),
        keys: KeyRing,
    ) -> Self {
        let Connections {
            writer,
            reader,
            worker,
            keeper,
            owner,
        } = connections;
        Inner {
            dialect,
            tables,
            options,
            writer,
            reader,
            worker,
            keeper,
            owner,
            queue,
            judging: Arc::new(Semaphore::new(available_parallelism().map_or(1, NonZero::get))),
            counts: Counts::new(),
            registry: RwLock::new(Dated {
                change,
                registry: Arc::new(registry),
            }),
            keys: RwLock::new(Arc::new(keys)),
            allowances: Allowances::default(),
            dictionary: AsyncRwLock::default(),
            only_rows: AtomicBool::new(false),
            remembered: Remembered::default(),
            mixed: RwLock::default(),
            waiting: Notify::new(),
            watching: AtomicU64::new(0),
            arrivals: watch::Sender::new(0),
            listening: AtomicBool::new(false),
            opened: Instant::now(),
            heartbeat: AtomicU64::new(0),
        }
    }

    pub(crate) fn registry(&self) -> Arc<Registry> {
        let known = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&known.registry)
    }

    /// Whether something else than numbers was found at a place in data.
    pub(crate) fn is_mixed(&self, pointer: &Pointer) -> bool {
        self.mixed
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(pointer)
    }

    /// Something else than numbers was found there.
    pub(crate) fn learn_mixed(&self, pointer: &Pointer) {
        let mut mixed = self.mixed.write().unwrap_or_else(PoisonError::into_inner);
        // Whoever asks names it, and it is only to spare time.
        if mixed.len() < MOST_MIXED {
            mixed.insert(pointer.clone());
        }
    }

    /// The change of the catalog that the registry is of.
    pub(crate) fn registry_change(&self) -> i64 {
        self.registry.read().unwrap_or_else(PoisonError::into_inner).change
    }

    /// Judges by this registry from now on, unless a later change was faster to arrive here.
    pub(crate) fn replace_registry(&self, change: i64, registry: Registry) {
        let mut known = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        if change > known.change {
            *known = Dated {
                change,
                registry: Arc::new(registry),
            };
        }
    }

    /// All keys, as they were a second ago at the most, while the database answers.
    pub(crate) fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Knows these keys from now on, unless a later change was faster to arrive here.
    pub(crate) fn replace_keys(&self, keys: KeyRing) {
        let mut known = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.change() > known.change() {
            *known = Arc::new(keys);
        }
    }

    /// The kinds and sources as they are in the database now.
    pub(crate) async fn dictionary(&self) -> Result<Arc<Dictionary>, Error> {
        self.dictionary_in(&self.reader).await
    }

    /// The kinds and sources as they were when somebody asked last. They never change; those that are
    /// missing are looked up by [`Inner::events`].
    pub(crate) async fn known(&self) -> Arc<Dictionary> {
        Arc::clone(&*self.dictionary.read().await)
    }

    /// The kinds and sources as a transaction sees them; those of later ones may be among them.
    pub(crate) async fn dictionary_in(&self, db: &impl ConnectionTrait) -> Result<Arc<Dictionary>, Error> {
        let newest = Newest::read(self.dialect, db, &self.tables).await?;
        self.dictionary_of(newest, db).await
    }

    /// The same where it is known which came last.
    pub(crate) async fn dictionary_of(
        &self,
        newest: Newest,
        db: &impl ConnectionTrait,
    ) -> Result<Arc<Dictionary>, Error> {
        let known = self.known().await;
        if known.newest() == newest {
            return Ok(known);
        }
        let mut fresh = Dictionary::clone(&known);
        fresh.refresh(self.dialect, db, &self.tables).await?;
        let fresh = Arc::new(fresh);
        *self.dictionary.write().await = Arc::clone(&fresh);
        Ok(fresh)
    }

    /// Rows as events. Types and sources that came after the dictionary was read are looked up.
    pub(crate) async fn events(
        &self,
        rows: &[QueryResult],
        dictionary: &Dictionary,
    ) -> Result<Vec<StoredEvent>, Error> {
        let read = |dictionary: &Dictionary| rows.iter().map(|row| stored(row, dictionary)).collect();
        match read(dictionary) {
            Err(Error::Corrupt { .. }) => read(&*self.dictionary().await?),
            events => events,
        }
    }

    /// Now, by both clocks.
    pub(crate) fn moment(&self) -> Moment {
        Moment {
            since_start: self.opened.elapsed(),
            time: now(),
        }
    }

    /// Events up to this place are committed: whoever follows the log is told.
    pub(crate) fn arrived(&self, head: i64) {
        self.arrivals.send_if_modified(|known| {
            let newer = head > *known;
            *known = head.max(*known);
            newer
        });
    }

    /// Something may have been stored elsewhere, or the store was closed: whoever follows the log looks.
    pub(crate) fn heard(&self) {
        self.arrivals.send_modify(|_| {});
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
