//! Everything that differs by database, and the only file that names the backend.

mod sqlite;

use std::time::Duration;

use event_core::Pointer;
use sea_orm::{ConnAcquireErr, DatabaseConnection, DbBackend, DbErr, Statement, Value};

use crate::error::{Cause, Error};
use crate::options::Options;

/// Which database, and how to speak to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
}

/// A value of a row that is inserted, where it lies.
pub(crate) use sqlite::Bind;
/// A transaction that writes.
pub(crate) use sqlite::Transaction;

/// One connection to write, some to read.
pub(crate) struct Connections {
    pub(crate) writer: DatabaseConnection,
    pub(crate) reader: DatabaseConnection,
    pub(crate) owner: Owner,
}

/// Whose connections they are, and so who closes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Store,
    Application,
}

impl Dialect {
    /// The dialect of a connection that the application made.
    pub(crate) fn of(db: &DatabaseConnection) -> Result<Self, Error> {
        match db.get_database_backend() {
            DbBackend::Sqlite => Ok(Dialect::Sqlite),
            other => Err(Error::Config(format!("this build does not speak {other:?}"))),
        }
    }

    /// Connects by URL.
    pub(crate) async fn connect(url: &str, options: &Options) -> Result<(Self, Connections), Error> {
        if url.starts_with("sqlite:") {
            return Ok((Dialect::Sqlite, sqlite::connect(url, options).await?));
        }
        // The URL may hold a password.
        let scheme = url.split(':').next().unwrap_or_default();
        Err(Error::Config(format!(
            "unknown database URL \"{scheme}:…\": write sqlite://events.db?mode=rwc"
        )))
    }

    /// Refuses a database whose own settings would break the promises of the options.
    pub(crate) async fn check(self, db: &DatabaseConnection, options: &Options) -> Result<(), Error> {
        match self {
            Dialect::Sqlite => sqlite::check(db, options).await,
        }
    }

    fn backend(self) -> DbBackend {
        match self {
            Dialect::Sqlite => DbBackend::Sqlite,
        }
    }

    /// Starts a transaction that will write: it takes its lock now, so that it cannot fail half-way.
    pub(crate) async fn begin(self, db: &DatabaseConnection) -> Result<Transaction, Error> {
        match self {
            Dialect::Sqlite => Transaction::begin(db).await,
        }
    }

    /// A statement with its values; `?` stands for each of them.
    pub(crate) fn statement(self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        Statement::from_sql_and_values(self.backend(), sql, values)
    }

    /// Data definition, with the words that differ filled in: `{serial}`, `{int}`, `{text:N}`,
    /// `{long}`, `{bytes:N}`, `{blob}` and `{table}` behind the closing parenthesis.
    pub(crate) fn ddl(self, template: &str) -> String {
        match self {
            Dialect::Sqlite => sqlite::ddl(template),
        }
    }

    /// What to write behind an insert so that a row whose key exists is left as it is.
    pub(crate) fn keep_existing(self, key: &str) -> String {
        match self {
            Dialect::Sqlite => format!("ON CONFLICT ({key}) DO NOTHING"),
        }
    }

    /// What to write behind an insert so that a row whose key exists is changed.
    pub(crate) fn update_existing(self, key: &str, changes: &str) -> String {
        match self {
            Dialect::Sqlite => format!("ON CONFLICT ({key}) DO UPDATE SET {changes}"),
        }
    }

    /// The canonical JSON text at a place of the column, NULL where there is none or JSON null;
    /// `None` where this database cannot say that in SQL.
    pub(crate) fn json_at(self, column: &str, pointer: &Pointer) -> Option<String> {
        match self {
            Dialect::Sqlite => sqlite::json_at(column, pointer),
        }
    }

    /// A condition: the text of `haystack` holds the bound value, byte by byte.
    pub(crate) fn contains(self, haystack: &str) -> String {
        match self {
            Dialect::Sqlite => format!("instr({haystack}, ?) > 0"),
        }
    }

    /// The unescaped string for JSON text that is one.
    pub(crate) fn json_string(self, json: &str) -> String {
        match self {
            Dialect::Sqlite => format!("json_extract({json}, '$')"),
        }
    }

    /// The number for JSON text that is one, comparable exactly with bound numbers.
    pub(crate) fn json_number(self, json: &str) -> String {
        match self {
            Dialect::Sqlite => format!("json_extract({json}, '$')"),
        }
    }

    /// The decimal mantissa of canonical number text as an integer.
    pub(crate) fn mantissa(self, number: &str) -> String {
        match self {
            Dialect::Sqlite => sqlite::mantissa(number),
        }
    }

    /// The decimal exponent of canonical number text.
    pub(crate) fn exponent(self, number: &str) -> String {
        match self {
            Dialect::Sqlite => sqlite::exponent(number),
        }
    }
}

/// Waits this long for a lock of another process, where a request waits on it.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_millis(1_500);

/// What a driver's error means for the caller.
fn classify(error: &DbErr) -> Error {
    let cause = Cause::from(error);
    match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => Error::Closed,
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Error::Unavailable(cause),
        DbErr::Exec(runtime) | DbErr::Query(runtime) => sqlite::classify(runtime, cause),
        DbErr::Type(what) | DbErr::Json(what) => Error::corrupt(what.clone()),
        _ => Error::Statement(cause),
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        classify(&error)
    }
}
