//! A folder for one trial: the database, alone in a folder of its own that faults may strike, and beside it what they may not.

use std::path::PathBuf;
use std::time::Duration;

use event_store::{EventStore, Options};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use tempfile::TempDir;

/// Where a trial keeps its files.
pub(crate) struct Place {
    root: PathBuf,
    /// Removed with the place, where it is ours.
    _folder: Option<TempDir>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::at(folder.path().to_owned());
        std::fs::create_dir(place.under()).unwrap();
        std::fs::write(place.counter(), [0; 8]).unwrap();
        Place {
            _folder: Some(folder),
            ..place
        }
    }

    /// That of another process.
    pub(crate) fn at(root: PathBuf) -> Self {
        Place { root, _folder: None }
    }

    pub(crate) fn root(&self) -> &std::path::Path {
        &self.root
    }

    /// The folder that faults strike.
    pub(crate) fn under(&self) -> PathBuf {
        self.root.join("db")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.under().join("events.db")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    pub(crate) fn counter(&self) -> PathBuf {
        self.root.join("counter")
    }

    fn url(&self) -> String {
        format!("sqlite://{}?mode=rwc", self.database().display())
    }

    pub(crate) async fn open(&self) -> Result<EventStore, event_store::Error> {
        EventStore::connect_with(&self.url(), Options::new()).await
    }

    /// One connection beside those of the store, as careful as its own.
    pub(crate) async fn connect(&self) -> Result<DatabaseConnection, sea_orm::DbErr> {
        let mut options = ConnectOptions::new(self.url());
        options
            .max_connections(1)
            // A pool that looks after the age of its connections may do so for ever (sqlx 0.9.0, its issue 3645: `num_idle` is below 0 for a
            // moment, and the loop over it never ends).
            .idle_timeout(None::<Duration>)
            .max_lifetime(None::<Duration>)
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(|sqlite| {
                let sqlite = sqlite.pragma("journal_mode", "WAL").pragma("synchronous", "FULL");
                sqlite.busy_timeout(Duration::from_secs(2))
            });
        Database::connect(options).await
    }
}
