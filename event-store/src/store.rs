//! The noun: a store of events in one database. Each verb has a file of its own.

use std::sync::Arc;
use std::time::Duration;

use event_core::Registry;
use sea_orm::DatabaseConnection;
use tokio::sync::watch;

use crate::api_key::KeyRing;
use crate::backfill;
use crate::catalog;
use crate::dialect::{Connections, Dialect, Owner};
use crate::error::Error;
use crate::herald;
use crate::inner::{Inner, detached};
use crate::migration;
use crate::options::Options;
use crate::position;
use crate::queue::Queue;
use crate::refresh;
use crate::stats::Stats;
use crate::tables::Tables;
use crate::usage;
use crate::writer;

/// A store of events. Cloning it is cheap; all clones are one store.
///
/// ```
/// use event_core::{Event, Query, Source};
/// use event_core::query::Measure;
/// use event_store::{EventStore, Offer, Origin};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let store = EventStore::connect("sqlite::memory:").await?;
/// let offer = Offer::Json(br#"{"id": "1", "category": "page interaction", "name": "pageview"}"#.to_vec());
/// let origin = Origin::new(Source::new("shop")?);
/// let verdicts = store.ingest(vec![offer.clone(), offer], &origin).await?;
/// assert_eq!(verdicts[0].status, event_core::verdict::Status::Stored);
/// assert_eq!(verdicts[1].status, event_core::verdict::Status::Duplicate);
///
/// let answer = store.answer(&Query::new(Measure::Count)).await?;
/// assert_eq!(answer.rows[0].value.as_ref().map(ToString::to_string).as_deref(), Some("1"));
/// store.close().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct EventStore {
    inner: Arc<Inner>,
    writer: Arc<Writer>,
}

/// The task that writes. When the last clone of a store goes, it stores what it was given, and ends.
struct Writer {
    /// Whether it has come to its end; gone without having said so, it has failed.
    end: watch::Receiver<bool>,
    queue: Queue,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// How the store is doing.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Health {
    /// Whether the task that writes is there.
    pub writer_alive: bool,
    /// How long ago it showed a sign of life; it does so twice a second, unless a commit hangs.
    pub last_heartbeat_age: Duration,
    /// Events that wait to be stored.
    pub queued_events: usize,
    /// Bytes that wait to be stored, about.
    pub queued_bytes: usize,
}

impl EventStore {
    /// Connects by URL (`sqlite://events.db?mode=rwc`) with the default options, brings the tables
    /// up to date and starts the writer.
    ///
    /// # Errors
    /// If the database cannot be reached, has tables of a later version, or settings that would
    /// break a promise.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        EventStore::connect_with(url, Options::default()).await
    }

    /// As [`EventStore::connect`], with options.
    ///
    /// # Errors
    /// As [`EventStore::connect`].
    pub async fn connect_with(url: &str, options: Options) -> Result<Self, Error> {
        options.check()?;
        let (dialect, connections) = Dialect::connect(url, &options).await?;
        EventStore::open(dialect, connections, options).await
    }

    /// Opens a store inside an application's own database. The tables have a prefix and a record
    /// of migrations of their own; the connection stays open when the store closes.
    /// Connections to SQLite that share a cache get in each other's way: have one of them, or none that share.
    ///
    /// # Errors
    /// As [`EventStore::connect`].
    pub async fn from_connection(db: DatabaseConnection, options: Options) -> Result<Self, Error> {
        options.check()?;
        let dialect = Dialect::of(&db).await?;
        EventStore::open(
            dialect,
            Connections {
                reader: db.clone(),
                worker: db.clone(),
                keeper: db.clone(),
                writer: db,
                owner: Owner::Application,
            },
            options,
        )
        .await
    }

    async fn open(dialect: Dialect, connections: Connections, options: Options) -> Result<Self, Error> {
        let Connections { writer, reader, .. } = &connections;
        dialect.check(writer, &options).await?;
        let tables = Tables::new(&options.prefix, dialect.quote());
        migration::migrate(dialect, writer, &tables).await?;
        let registry = catalog::current(dialect, reader, &tables, &options, &Registry::default()).await?;
        let keys = KeyRing::current(dialect, reader, &tables).await?;
        let (queue, jobs) = Queue::new(options.queue_events, options.queue_bytes, options.queue_time);
        let inner = Arc::new(Inner::new(
            dialect,
            tables,
            options,
            connections,
            queue.clone(),
            registry,
            keys,
        ));
        if inner.keys().has_quotas() {
            usage::settle(Arc::clone(&inner)).await?;
        }
        // From here on whoever drops it ends its writer, also if it cannot be opened after all.
        let store = EventStore {
            inner: Arc::clone(&inner),
            writer: Arc::new(Writer {
                end: writer::start(Arc::clone(&inner), jobs).await?,
                queue,
            }),
        };
        tokio::spawn(refresh::run(Arc::downgrade(&inner)));
        if dialect.carries_news() {
            tokio::spawn(herald::tell(Arc::downgrade(&inner), inner.arrivals.subscribe()));
        }
        backfill::resume(&inner).await?;
        Ok(store)
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// The event types that are known now, ready to judge.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        self.inner.registry()
    }

    /// How the store is doing; asks nobody.
    #[must_use]
    pub fn health(&self) -> Health {
        let inner = &self.inner;
        let (queued_events, queued_bytes) = inner.queue.waiting();
        Health {
            writer_alive: !*self.writer.end.borrow() && self.writer.end.has_changed().is_ok(),
            last_heartbeat_age: inner.heartbeat_age(),
            queued_events,
            queued_bytes,
        }
    }

    /// What it has done since it was opened; asks nobody.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.counts.read()
    }

    /// Asks the database whether it answers.
    ///
    /// # Errors
    /// If it does not, in the time that requests wait.
    pub async fn ping(&self) -> Result<(), Error> {
        self.position().await.map(drop)
    }

    /// The newest place in the log, whichever process has taken it; 0 in an empty log.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn position(&self) -> Result<i64, Error> {
        let inner = Arc::clone(&self.inner);
        detached(async move { position::head(inner.dialect, &inner.reader, &inner.tables).await }).await
    }

    /// Takes nothing more, stores all that was taken, and lets go of the database; a connection
    /// that the application made stays open.
    ///
    /// # Errors
    /// If the database cannot be closed; what was answered as stored is stored all the same.
    pub async fn close(&self) -> Result<(), Error> {
        self.inner.queue.close();
        self.inner.heard();
        // No connection goes before its end, however many wait for it.
        if self.writer.end.clone().wait_for(|ended| *ended).await.is_err() {
            tracing::error!("the writer had failed");
        }
        let inner = Arc::clone(&self.inner);
        let saved = tokio::time::timeout(
            self.inner.options.request_timeout,
            detached(async move { usage::save(&inner).await }),
        );
        if !matches!(saved.await, Ok(Ok(()))) {
            tracing::warn!("what keys have used of their quotas was not saved to the end");
        }
        if self.inner.owner == Owner::Store {
            self.inner.keeper.close_by_ref().await?;
            self.inner.worker.close_by_ref().await?;
            self.inner.reader.close_by_ref().await?;
            self.inner.writer.close_by_ref().await?;
        }
        Ok(())
    }
}
