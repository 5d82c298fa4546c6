//! Another program with the collector's database open: it can keep the collector from writing.

#![allow(dead_code, reason = "each test takes of it what it needs")]

use std::path::Path;

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection};
use tokio::runtime::Runtime;

/// An open database, by default with a lock that lets nobody else write.
pub(crate) struct Lock {
    runtime: Runtime,
    database: DatabaseConnection,
}

impl Lock {
    /// Opens the database and takes nothing yet.
    pub(crate) fn open(file: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        // One connection, so that the statements of a transaction meet on it.
        let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rw", file.display()));
        options.max_connections(1).sqlx_logging(false);
        let database = runtime.block_on(Database::connect(options)).unwrap();
        Lock { runtime, database }
    }

    /// Opens the database and locks it.
    pub(crate) fn hold(file: &Path) -> Self {
        let lock = Lock::open(file);
        lock.execute("BEGIN EXCLUSIVE");
        lock
    }

    /// Runs a statement.
    pub(crate) fn execute(&self, sql: &str) {
        self.runtime.block_on(self.database.execute_unprepared(sql)).unwrap();
    }

    /// Lets the others write again.
    pub(crate) fn release(self) {
        self.execute("ROLLBACK");
        self.runtime.block_on(self.database.close()).unwrap();
    }
}
