//! The databases that are there.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a bench that cannot reach its database ends, and says why"
)]

use event_store::{EventStore, Options};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement, Value};
use tempfile::TempDir;

use crate::arguments::wants;

/// A database to measure on.
pub enum Backend {
    /// Files in a folder; one for each prefix, as there is one writer to a file.
    Sqlite(TempDir),
    /// The URL of a server.
    Postgres(String),
    /// The URL of a server.
    MariaDb(String),
}

/// One of them, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Which {
    /// SQLite, which is always there.
    Sqlite,
    /// PostgreSQL, where `EVENT_TEST_POSTGRES` says where it is.
    Postgresql,
    /// MariaDB, where `EVENT_TEST_MYSQL` says where it is.
    Mariadb,
}

impl Backend {
    /// SQLite, and those servers whose URLs are in the environment; of these the one that is asked for, if one is.
    pub async fn all(only: Option<Which>) -> Vec<Self> {
        let here = std::env::current_dir().unwrap();
        let mut all = Vec::new();
        let url = |name: &str| std::env::var(name).ok().filter(|url| !url.is_empty());
        if wants(only, Which::Sqlite) {
            all.push(Backend::Sqlite(tempfile::tempdir_in(here).unwrap()));
        }
        if let Some(url) = url("EVENT_TEST_POSTGRES").filter(|_| wants(only, Which::Postgresql)) {
            all.push(Backend::Postgres(url).by_socket().await);
        }
        let mariadb = url("EVENT_TEST_MYSQL").filter(|_| wants(only, Which::Mariadb));
        all.extend(mariadb.map(Backend::MariaDb));
        all
    }

    /// The same server by its socket in the file system, if it has one that can be reached. The driver
    /// leaves Nagle's algorithm on, which holds the end of every COPY over TCP back for 40 ms.
    async fn by_socket(self) -> Self {
        let db = self.connection("").await;
        let statement = self.statement("SHOW unix_socket_directories", Vec::new());
        let row = db.query_one_raw(statement).await.unwrap().unwrap();
        let folders: String = row.try_get_by_index(0).unwrap();
        let folder = folders.split(',').next().unwrap_or_default().trim();
        let tcp = self.url("");
        let (login, place) = tcp.rsplit_once('@').unwrap();
        let (address, database) = place.split_once('/').unwrap();
        let port = address.rsplit_once(':').map_or("5432", |(_, port)| port);
        let url = format!("{login}@{}:{port}/{database}", folder.replace('/', "%2F"));
        let works = !folder.is_empty() && Database::connect(ConnectOptions::new(&url)).await.is_ok();
        if works { Backend::Postgres(url) } else { self }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Backend::Sqlite(_) => "SQLite",
            Backend::Postgres(_) => "PostgreSQL",
            Backend::MariaDb(_) => "MariaDB",
        }
    }

    /// Where it is; of SQLite the file for this prefix.
    #[must_use]
    pub fn url(&self, prefix: &str) -> String {
        match self {
            Backend::Sqlite(folder) => format!("sqlite://{}/{prefix}.db?mode=rwc", folder.path().display()),
            Backend::Postgres(url) | Backend::MariaDb(url) => url.clone(),
        }
    }

    fn db(&self) -> DbBackend {
        match self {
            Backend::Sqlite(_) => DbBackend::Sqlite,
            Backend::Postgres(_) => DbBackend::Postgres,
            Backend::MariaDb(_) => DbBackend::MySql,
        }
    }

    /// A store whose tables have this prefix.
    pub async fn store(&self, prefix: &str) -> EventStore {
        self.store_with(prefix, Options::new()).await
    }

    /// The same, with options.
    pub async fn store_with(&self, prefix: &str, options: Options) -> EventStore {
        let options = options.prefix(prefix);
        EventStore::connect_with(&self.url(prefix), options).await.unwrap()
    }

    /// One connection, as an expert would open it.
    pub async fn connection(&self, prefix: &str) -> DatabaseConnection {
        let mut options = ConnectOptions::new(self.url(prefix));
        // An expert would not ask the server whether it is there before each question, nor does the store.
        options
            .max_connections(1)
            .test_before_acquire(false)
            .sqlx_logging(false);
        let db = Database::connect(options).await.unwrap();
        if let Backend::Sqlite(_) = self {
            // What the store's readers have, too.
            db.execute_unprepared("PRAGMA cache_size = -16000").await.unwrap();
        }
        db
    }

    /// A statement with its values; `?` stands for each of them.
    #[must_use]
    pub fn statement(&self, sql: &str, values: Vec<Value>) -> Statement {
        let mut text = String::with_capacity(sql.len() + 16);
        for (place, part) in sql.split('?').enumerate() {
            if place > 0 {
                text.push_str(&match self {
                    Backend::Postgres(_) => format!("${place}"),
                    _ => "?".to_owned(),
                });
            }
            text.push_str(part);
        }
        Statement::from_sql_and_values(self.db(), text, values)
    }

    /// Lets the database look at what it holds, as it does by itself after a while.
    pub async fn analyze(&self, prefix: &str) {
        let db = self.connection(prefix).await;
        for table in ["events", "trails", "cells", "groups"] {
            let sql = match self {
                Backend::Sqlite(_) => "PRAGMA wal_checkpoint(TRUNCATE)".to_owned(),
                Backend::Postgres(_) => format!("VACUUM ANALYZE {prefix}{table}"),
                Backend::MariaDb(_) => format!("ANALYZE TABLE {prefix}{table}"),
            };
            db.execute_unprepared(&sql).await.unwrap();
        }
        db.close().await.unwrap();
    }

    /// Its name and its version.
    pub async fn version(&self) -> String {
        let (db, sql) = (
            self.connection("version").await,
            match self {
                Backend::Sqlite(_) => "SELECT sqlite_version()",
                _ => "SELECT version()",
            },
        );
        let row = db
            .query_one_raw(self.statement(sql, Vec::new()))
            .await
            .unwrap()
            .unwrap();
        let version: String = row.try_get_by_index(0).unwrap();
        let version = version.trim_start_matches("PostgreSQL ");
        let version = version.split([' ', '-']).next().unwrap_or_default();
        format!("{} {version}", self.name())
    }

    /// Leaves nothing behind on a server.
    pub async fn clean(&self) {
        let db = self.connection("version").await;
        let (sql, quote) = match self {
            Backend::Sqlite(_) => return,
            Backend::Postgres(_) => (
                "SELECT tablename::text FROM pg_tables WHERE tablename LIKE 'bench%'",
                '"',
            ),
            Backend::MariaDb(_) => (
                "SELECT CAST(table_name AS CHAR) FROM information_schema.tables \
                 WHERE table_schema = DATABASE() AND table_name LIKE 'bench%'",
                '`',
            ),
        };
        for row in db.query_all_raw(self.statement(sql, Vec::new())).await.unwrap() {
            let table: String = row.try_get_by_index(0).unwrap();
            db.execute_unprepared(&format!("DROP TABLE {quote}{table}{quote}"))
                .await
                .unwrap();
        }
    }
}
