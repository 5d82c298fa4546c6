//! Writers that speak SQL themselves: transactions that dawdle, and some that take everything back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement};

use crate::disk::Disk;
use crate::process::Dice;

/// Whence a writer has its positions.
#[derive(Clone)]
pub(crate) enum Places {
    /// From the log's row, as the library: it stays locked until the transaction ends.
    Log,
    /// From a counter that nobody holds until the transaction ends, as sequences are, and identity
    /// columns, and whatever else gives out numbers at once.
    Counter(Arc<AtomicI64>),
}

/// A connection of its own.
pub(crate) struct RawWriter {
    db: DatabaseConnection,
    prefix: String,
    name: String,
    places: Places,
    dice: Dice,
    batches: usize,
}

impl RawWriter {
    pub(crate) async fn new(disk: &Disk, number: u64, places: Places) -> Self {
        let mut options = ConnectOptions::new(disk.url());
        options.max_connections(1).min_connections(1).sqlx_logging(false);
        RawWriter {
            db: Database::connect(options).await.unwrap(),
            prefix: disk.prefix().to_owned(),
            name: format!("raw{number}"),
            places,
            dice: Dice::new(number),
            batches: 0,
        }
    }

    /// One transaction of 1 to 50 copies of the event at position 1, under new ids: those ids, or
    /// nothing where it was taken back, as one of ten is.
    pub(crate) async fn write(&mut self) -> Vec<String> {
        self.batches += 1;
        let count = 1 + self.dice.below(50);
        let ids: Vec<String> = (0..count)
            .map(|number| format!("{}-{}-{number}", self.name, self.batches))
            .collect();
        match self.insert(&ids).await {
            Ok(()) => {
                tokio::time::sleep(Duration::from_millis(self.dice.below(21))).await;
                let taken_back = self.dice.below(10) == 0;
                self.run(if taken_back { "ROLLBACK" } else { "COMMIT" }).await.unwrap();
                if taken_back { Vec::new() } else { ids }
            }
            Err(error) => {
                // SQLite lets nobody wait for ever: others were faster.
                assert!(error.to_string().contains("locked"), "{error}");
                Vec::new()
            }
        }
    }

    /// Lets others write.
    pub(crate) async fn rest(&mut self) {
        tokio::time::sleep(Duration::from_millis(self.dice.below(21))).await;
    }

    async fn run(&self, sql: &str) -> Result<(), DbErr> {
        self.db.execute_unprepared(sql).await.map(drop)
    }

    async fn insert(&mut self, ids: &[String]) -> Result<(), DbErr> {
        let (backend, prefix) = (self.db.get_database_backend(), &self.prefix);
        let count = i64::try_from(ids.len()).unwrap();
        let counted = match &self.places {
            Places::Log => None,
            Places::Counter(counter) => Some(counter.fetch_add(count, Ordering::Relaxed) + 1),
        };
        match backend {
            // A transaction that is to write is the only one: in there positions could not overtake
            // each other, whatever gives them out. A counter is asked before.
            DbBackend::Sqlite => self.run("BEGIN IMMEDIATE").await?,
            DbBackend::MySql => {
                self.run("SET TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
                self.run("BEGIN").await?;
            }
            _ => self.run("BEGIN").await?,
        }
        let first = match counted {
            Some(first) => first,
            None => {
                self.run(&format!("UPDATE {prefix}log SET head = head + {count} WHERE id = 1"))
                    .await?;
                let select = Statement::from_string(backend, format!("SELECT head FROM {prefix}log WHERE id = 1"));
                let row = self.db.query_one_raw(select).await?.unwrap();
                row.try_get_by_index::<i64>(0)? - count + 1
            }
        };
        let rows: Vec<String> = (first..)
            .zip(ids)
            .map(|(position, id)| {
                // As the library writes an id that is no UUID.
                let bytes: String = id.bytes().map(|byte| format!("{byte:02x}")).collect();
                match backend {
                    DbBackend::Postgres => format!("SELECT {position} AS position, '\\x01{bytes}'::bytea AS event_id"),
                    _ => format!("SELECT {position} AS position, X'01{bytes}' AS event_id"),
                }
            })
            .collect();
        let copied = "e.source_id, e.kind_id, e.occurred_at, e.received_at, e.flags, e.hash, e.data";
        let sql = format!(
            "INSERT INTO {prefix}events (position, event_id, {}) SELECT v.position, v.event_id, {copied} \
             FROM {prefix}events e CROSS JOIN ({}) v WHERE e.position = 1",
            copied.replace("e.", ""),
            rows.join(" UNION ALL ")
        );
        self.run(&sql).await
    }
}
