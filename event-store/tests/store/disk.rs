//! A place of a test's own to store events in, on each of the databases.

use std::sync::atomic::{AtomicU32, Ordering};

use event_store::{EventStore, Options};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, Statement};
use tempfile::TempDir;

/// A file of a test's own, or tables of its own on a server.
pub(crate) struct Disk {
    url: String,
    prefix: String,
    folder: Option<TempDir>,
}

/// The server that a variable names.
fn server(variable: &str) -> Disk {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let url = std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} names no server: run `cargo xtask test`, which starts one"));
    let number = TAKEN.fetch_add(1, Ordering::Relaxed);
    Disk {
        url,
        prefix: format!("t{}_{number}_", std::process::id()),
        folder: None,
    }
}

impl Disk {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Disk {
            url: format!("sqlite://{}?mode=rwc", folder.path().join("events.db").display()),
            prefix: "event_".to_owned(),
            folder: Some(folder),
        }
    }

    pub(crate) fn postgres() -> Self {
        server("EVENT_TEST_POSTGRES")
    }

    pub(crate) fn mysql() -> Self {
        server("EVENT_TEST_MYSQL")
    }

    /// Another place on the same database.
    pub(crate) fn another(&self) -> Self {
        match self.name() {
            "sqlite" => Disk::sqlite(),
            "mysql" => Disk::mysql(),
            _ => Disk::postgres(),
        }
    }

    /// Another place on the same server, reached by its socket in the file system; nothing where there is none.
    pub(crate) async fn by_socket(&self) -> Option<Self> {
        let db = self.connect().await;
        let statement = Statement::from_string(db.get_database_backend(), "SHOW unix_socket_directories");
        let row = db.query_one_raw(statement).await.unwrap()?;
        let folders: String = row.try_get_by_index(0).unwrap();
        let folder = folders.split(',').next().map(str::trim).filter(|it| !it.is_empty())?;
        let (login, place) = self.url.rsplit_once('@')?;
        let (address, database) = place.split_once('/')?;
        let port = address.rsplit_once(':').map_or("5432", |(_, port)| port);
        let url = format!("{login}@{}:{port}/{database}", folder.replace('/', "%2F"));
        Database::connect(ConnectOptions::new(&url)).await.ok()?;
        Some(Disk { url, ..self.another() })
    }

    /// The same place, for tables of another name.
    pub(crate) fn of_prefix(&self, prefix: &str) -> Self {
        Disk {
            url: self.url.clone(),
            prefix: prefix.to_owned(),
            folder: None,
        }
    }

    /// What its tests are named for.
    pub(crate) fn name(&self) -> &str {
        self.url.split(':').next().unwrap()
    }

    /// The file, on SQLite.
    pub(crate) fn file(&self) -> Option<std::path::PathBuf> {
        Some(self.folder.as_ref()?.path().join("events.db"))
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// What the names of its tables begin with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) async fn open(&self) -> EventStore {
        self.open_with(Options::new()).await
    }

    pub(crate) async fn open_with(&self, options: Options) -> EventStore {
        EventStore::connect_with(&self.url, options.prefix(self.prefix.clone()))
            .await
            .unwrap()
    }

    /// A connection beside those of the store.
    pub(crate) async fn connect(&self) -> DatabaseConnection {
        let mut options = ConnectOptions::new(self.url.clone());
        options.sqlx_logging(false);
        Database::connect(options).await.unwrap()
    }
}
