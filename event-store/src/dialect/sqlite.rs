//! SQLite: one writer, readers beside it on the write-ahead log.

mod prepared;
mod session;

use std::time::{Duration, Instant};

use event_core::Pointer;
use sea_orm::sqlx::error::DatabaseError as _;
use sea_orm::sqlx::sqlite::SqliteError;
use sea_orm::sqlx::{AssertSqlSafe, Executor as _};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, RuntimeErr, SqlxError, sqlx,
};

use super::bind::{Insert, Row};
use super::failure::exec;
use super::grammar::{Grammar, plain_keys};
use super::{BUSY_TIMEOUT, Connections, Dialect, Owner, READERS};
use crate::error::{Cause, Error};
use crate::options::{Durability, Options};
use crate::private;
pub(super) use session::Session;

/// The first release without the defect that could corrupt the log when it is reset.
const MIN_VERSION: [u32; 3] = [3, 51, 3];

/// How long to try to open a file that others are opening, too.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
const OPEN_PAUSE: Duration = Duration::from_millis(20);

pub(super) async fn connect(url: &str, options: &Options) -> Result<Connections, Error> {
    let writer = open(url, options, 1, false).await?;
    // Every connection to a database in memory would have one of its own.
    let reader = if is_in_memory(url) {
        writer.clone()
    } else {
        open(url, options, READERS, true).await?
    };
    Ok(Connections {
        worker: writer.clone(),
        keeper: writer.clone(),
        writer,
        reader,
        owner: Owner::Store,
    })
}

fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

async fn open(url: &str, options: &Options, connections: u32, read_only: bool) -> Result<DatabaseConnection, Error> {
    let synchronous = match options.durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    // A database in memory has a name, too.
    let makes_file = url.contains("mode=rwc") && !is_in_memory(url);
    let mut connect = ConnectOptions::new(url);
    connect
        .min_connections(1)
        .max_connections(connections)
        // A connection lost is a lock lost: the writer's is never closed for being old or idle.
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .acquire_timeout(options.request_timeout)
        // There is no network between us that could have cut it.
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            let sqlite = sqlite.busy_timeout(BUSY_TIMEOUT).foreign_keys(true).statement_cache_capacity(200);
            if read_only {
                return sqlite.pragma("query_only", "ON").pragma("cache_size", "-16000");
            }
            if makes_file {
                // SQLite gives its log beside it the same mode. What fails here it tells itself. One that is there must not be
                // opened here, see there.
                let _ = private::make(&private::end_of_links(sqlite.get_filename()));
            }
            sqlite
                .page_size(8192)
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", synchronous)
                // Fewer, longer checkpoints: a page written often is copied once.
                .pragma("wal_autocheckpoint", "8000")
                .pragma("cache_size", "-64000")
                .pragma("temp_store", "MEMORY")
                .pragma("mmap_size", "0")
        });
    let started = Instant::now();
    loop {
        match Database::connect(connect.clone()).await {
            Ok(database) => return Ok(database),
            // To switch a new file to WAL nobody waits for the lock: several who open it at once collide.
            Err(DbErr::Conn(RuntimeErr::SqlxError(error))) if is_busy(&error) && started.elapsed() < OPEN_TIMEOUT => {
                tokio::time::sleep(OPEN_PAUSE).await;
            }
            Err(error) => {
                let file = url.trim_start_matches("sqlite:").trim_start_matches("//");
                let file = file.split_once('?').map_or(file, |(file, _)| file);
                return Err(Error::Unavailable(Cause::new(format!("{file}: {error}"))));
            }
        }
    }
}

/// Connections that read refuse whatever writes, also to another file: for this one statement, one of them does not.
pub(super) async fn run_alone(db: &DatabaseConnection, sql: &str, text: &str) -> Result<(), Error> {
    let failed = |error: SqlxError| Error::from(exec(error));
    let mut connection = db.get_sqlite_connection_pool().acquire().await.map_err(failed)?;
    let read_only: i64 = sqlx::query_scalar("PRAGMA query_only")
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    if read_only != 0 {
        // Whatever happens, nobody reads with it any more.
        connection.close_on_drop();
        (&mut *connection)
            .execute("PRAGMA query_only = OFF")
            .await
            .map_err(failed)?;
    }
    let statement = sqlx::query(AssertSqlSafe(sql.to_owned())).bind(text);
    statement.execute(&mut *connection).await.map_err(failed)?;
    Ok(())
}

pub(super) async fn check(dialect: Dialect, db: &DatabaseConnection, options: &Options) -> Result<(), Error> {
    let row = db
        .query_one_raw(dialect.statement("SELECT sqlite_version()", []))
        .await?;
    let version: String = row.ok_or_else(|| Error::corrupt("no version"))?.try_get_by_index(0)?;
    let numbers: Vec<u32> = version.split('.').filter_map(|number| number.parse().ok()).collect();
    if numbers.as_slice() < MIN_VERSION.as_slice() {
        return Err(Error::Config(format!(
            "SQLite {version} may corrupt its log: 3.51.3 is the oldest to use"
        )));
    }
    let row = db.query_one_raw(dialect.statement("PRAGMA synchronous", [])).await?;
    let synchronous: i32 = row
        .ok_or_else(|| Error::corrupt("no synchronous setting"))?
        .try_get_by_index(0)?;
    if options.durability == Durability::Full && synchronous < 2 {
        let message = "the connection has synchronous below FULL and could lose answered events with the power: \
                       set it, or ask for Durability::Normal";
        return Err(Error::Config(message.to_owned()));
    }
    Ok(())
}

/// Inserts rows one by one through one prepared statement.
pub(super) async fn insert<const N: usize, R: Row<N>>(
    session: &mut Session,
    insert: &Insert<N>,
    head: &str,
    tail: &str,
    rows: &[R],
) -> Result<Vec<bool>, Error> {
    let stays = matches!(insert.taken, super::Taken::Stays { .. });
    // A plain insert that fails for a key is faster than one that looks first.
    let tail = if stays { "" } else { tail };
    let sql = format!("{head} VALUES {} {tail}", insert.row());
    session
        .directly(|handle| {
            let mut statement = handle.prepare(&sql)?;
            rows.iter().map(|row| statement.insert(&row.binds())).collect()
        })
        .await
}

/// SQLite's words.
pub(super) struct Sqlite;

impl Grammar for Sqlite {
    fn backend(&self) -> DbBackend {
        DbBackend::Sqlite
    }

    fn word(&self, word: &str, _length: &str) -> String {
        match word {
            "serial" => "INTEGER PRIMARY KEY AUTOINCREMENT",
            "int" => "INTEGER",
            "text" | "long" => "TEXT",
            "bytes" | "blob" => "BLOB",
            // Types are checked, where SQLite by itself would store text in a column of integers.
            "table" => "STRICT",
            "clustered" | "updated" => "STRICT, WITHOUT ROWID",
            _ => "",
        }
        .to_owned()
    }

    fn by_index(&self, index: &str) -> String {
        format!(" INDEXED BY {index}")
    }

    fn has_one_writer(&self) -> bool {
        true
    }

    fn now(&self) -> &'static str {
        "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"
    }

    fn back_up(&self) -> Option<&'static str> {
        Some("VACUUM INTO ?")
    }

    fn begin(&self) -> &'static str {
        // With its lock from the start, so that it cannot fail half-way.
        "BEGIN IMMEDIATE"
    }

    fn lock_tables(&self) -> Option<&'static str> {
        None
    }

    fn for_update(&self) -> &'static str {
        ""
    }

    fn least_and_greatest(&self) -> (&'static str, &'static str) {
        ("min", "max")
    }

    fn one_of_rows(&self, columns: &[&str], rows: usize) -> String {
        let row = format!("({})", vec!["?"; columns.len()].join(", "));
        format!("({}) IN (VALUES {})", columns.join(", "), vec![row; rows].join(", "))
    }

    fn total(&self, expression: &str) -> String {
        format!("SUM({expression})")
    }

    fn json_at(&self, column: &str, pointer: &Pointer) -> Option<String> {
        let keys = plain_keys(pointer)?;
        let path: String = keys.iter().map(|key| format!(".\"{key}\"")).collect();
        Some(format!("NULLIF({column} -> '${path}', 'null')"))
    }

    fn contains(&self, haystack: &str) -> String {
        format!("instr({haystack}, ?) > 0")
    }

    fn json_string(&self, json: &str) -> String {
        format!("json_extract({json}, '$')")
    }

    fn json_number(&self, json: &str) -> String {
        format!("json_extract({json}, '$')")
    }
}

/// Whether another connection has the lock (SQLITE_BUSY, SQLITE_LOCKED).
fn is_busy(error: &SqlxError) -> bool {
    let code = error
        .as_database_error()
        .and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

/// What an error of the driver means for the caller.
pub(super) fn classify(error: &SqliteError, cause: Cause) -> Error {
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    code.map_or(Error::Statement(cause.clone()), |code| of_code(code, cause))
}

/// What a result code means for the caller: <https://www.sqlite.org/rescode.html>.
fn of_code(code: u32, cause: Cause) -> Error {
    match code & 0xff {
        // BUSY, LOCKED
        5 | 6 => Error::Contention(cause),
        // READONLY, IOERR, CANTOPEN, PROTOCOL
        8 | 10 | 14 | 15 => Error::Unavailable(cause),
        13 => Error::Full(cause),
        // CORRUPT, NOTADB
        11 | 26 => Error::corrupt("the file is damaged, or no database"),
        _ => Error::Statement(cause),
    }
}
