//! Everything that differs by database, and the only file that names the backend.

mod bind;
mod grammar;
mod failure;
mod transaction;
mod snapshot;
mod news;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

pub(crate) use bind::{Bind, Cell, Insert, Kind, Merge, Row, Taken};
pub(crate) use failure::already_there;
pub(crate) use snapshot::Snapshot;
pub(crate) use transaction::{Ended, Transaction};

/// What SeaORM calls a database, for those who implement its traits and do not look at it.
pub(crate) use sea_orm::DbBackend as Backend;

use std::ops::Deref;

use sea_orm::{DatabaseConnection, DatabaseTransaction, DbBackend, Statement, Value};

use crate::error::Error;
use crate::options::Options;
use grammar::Grammar;
pub(crate) use grammar::{Numbers, is_number};

/// Which database, and how to speak to it. What it says in SQL is its [`Grammar`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    #[cfg(feature = "sqlite")]
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
    #[cfg(feature = "mysql")]
    MariaDb,
    #[cfg(feature = "mysql")]
    MySql,
}

impl Deref for Dialect {
    type Target = dyn Grammar;

    fn deref(&self) -> &Self::Target {
        match self {
            #[cfg(feature = "sqlite")]
            Dialect::Sqlite => &sqlite::Sqlite,
            #[cfg(feature = "postgres")]
            Dialect::Postgres => &postgres::Postgres,
            #[cfg(feature = "mysql")]
            Dialect::MariaDb => &mysql::MariaDb,
            #[cfg(feature = "mysql")]
            Dialect::MySql => &mysql::MySql,
        }
    }
}

/// One connection to write, some to read, and some for transactions of projections, with one more by which their leases
/// are kept, however long those take: on SQLite all of these are the one that writes, so that they and the writer take
/// turns.
pub(crate) struct Connections {
    pub(crate) writer: DatabaseConnection,
    pub(crate) reader: DatabaseConnection,
    pub(crate) worker: DatabaseConnection,
    pub(crate) keeper: DatabaseConnection,
    pub(crate) owner: Owner,
}

/// Whose connections they are, and so who closes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Store,
    Application,
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
/// Waits this long for a lock of another process, where a request waits on it.
pub(crate) const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_millis(1_500);
/// Connections to read with.
const READERS: u32 = 4;

/// What connections to a server are for.
#[cfg(any(feature = "postgres", feature = "mysql"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Writer,
    Reader,
    Worker,
    Keeper,
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
impl Role {
    /// How many there are at the most.
    fn connections(self) -> u32 {
        match self {
            Role::Writer | Role::Keeper => 1,
            Role::Reader => READERS,
            // Transactions of projections.
            Role::Worker => 4,
        }
    }

    /// Whether each is made when it is needed first: not everybody has projections.
    fn is_lazy(self) -> bool {
        matches!(self, Role::Worker | Role::Keeper)
    }

    /// Whether one is alive is asked before it is used. Who writes need not ask if it just was, which is a way to the server and
    /// back: where nothing has begun on a connection that is lost, it begins on another one.
    fn asked_after(self) -> std::time::Duration {
        match self {
            Role::Writer => std::time::Duration::from_millis(100),
            _ => std::time::Duration::ZERO,
        }
    }
}

impl Dialect {
    /// The dialect of a connection that the application made.
    pub(crate) async fn of(db: &DatabaseConnection) -> Result<Self, Error> {
        match db.get_database_backend() {
            #[cfg(feature = "sqlite")]
            DbBackend::Sqlite => Ok(Dialect::Sqlite),
            #[cfg(feature = "postgres")]
            DbBackend::Postgres => Ok(Dialect::Postgres),
            #[cfg(feature = "mysql")]
            DbBackend::MySql => mysql::flavor(db).await,
            other => Err(Error::Config(format!(
                "this build does not speak {other:?}: add the feature of event-store that is named for it"
            ))),
        }
    }

    /// Connects by URL.
    pub(crate) async fn connect(url: &str, options: &Options) -> Result<(Self, Connections), Error> {
        // The URL may hold a password, and is never repeated.
        let scheme = url.split(':').next().unwrap_or_default();
        let connections = match scheme {
            #[cfg(feature = "sqlite")]
            "sqlite" => sqlite::connect(url, options).await?,
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => postgres::connect(url, options).await?,
            #[cfg(feature = "mysql")]
            "mysql" | "mariadb" => mysql::connect(url, options).await?,
            known if ["sqlite", "postgres", "postgresql", "mysql", "mariadb"].contains(&known) => {
                return Err(Error::Config(format!(
                    "this build does not speak {scheme}: add the feature of event-store that is named for it"
                )));
            }
            _ => {
                return Err(Error::Config(format!(
                    "unknown database URL \"{scheme}:…\": write sqlite://events.db?mode=rwc, \
                     postgres://user:password@host/database or mysql://user:password@host/database"
                )));
            }
        };
        let dialect = Dialect::of(&connections.writer).await?;
        Ok((dialect, connections))
    }

    /// Refuses a database whose own settings would break the promises of the options.
    pub(crate) async fn check(self, db: &DatabaseConnection, options: &Options) -> Result<(), Error> {
        match self {
            #[cfg(feature = "sqlite")]
            Dialect::Sqlite => sqlite::check(self, db, options).await,
            #[cfg(feature = "postgres")]
            Dialect::Postgres => postgres::check(self, db, options).await,
            #[cfg(feature = "mysql")]
            Dialect::MariaDb | Dialect::MySql => mysql::check(self, db, options).await,
        }
    }

    /// Starts a transaction that will write.
    pub(crate) async fn begin(self, db: &DatabaseConnection) -> Result<Transaction, Error> {
        Transaction::begin(self, db, false, None).await
    }

    /// The same on a thread that nobody shares, if the database has one writer at a time: what can be done without handing
    /// it to the driver's thread is. `kept` is the connection of the transaction before, if it was not given back.
    pub(crate) async fn begin_alone(self, db: &DatabaseConnection, kept: Option<Ended>) -> Result<Transaction, Error> {
        Transaction::begin(self, db, self.has_one_writer(), kept).await
    }

    /// Starts a transaction that reads, and sees the same at its end as at its start.
    pub(crate) async fn snapshot(self, db: &DatabaseConnection) -> Result<DatabaseTransaction, Error> {
        snapshot::served(self, db).await
    }

    /// The same, for questions over many rows.
    pub(crate) async fn survey(self, db: &DatabaseConnection) -> Result<Snapshot, Error> {
        Snapshot::begin(self, db).await
    }

    /// Runs a statement that takes a text and writes elsewhere, on a connection that reads.
    pub(crate) async fn run_alone(self, db: &DatabaseConnection, sql: &str, text: &str) -> Result<(), Error> {
        match self {
            #[cfg(feature = "sqlite")]
            Dialect::Sqlite => sqlite::run_alone(db, sql, text).await,
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            _ => {
                let statement = self.statement(sql, [text.into()]);
                Ok(sea_orm::ConnectionTrait::execute_raw(db, statement).await.map(drop)?)
            }
        }
    }

    /// A statement with its values; `?` stands for each of them.
    pub(crate) fn statement(self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        Statement::from_sql_and_values(self.backend(), self.places(sql), values)
    }
}
