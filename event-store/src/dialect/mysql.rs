//! MySQL and MariaDB.

mod rows;

pub(super) use rows::insert;

use std::time::Duration;

use event_core::Pointer;
use sea_orm::sqlx::Executor as _;
use sea_orm::sqlx::mysql::MySqlDatabaseError;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend};

use super::failure::unreachable;
use super::grammar::{Grammar, Numbers, is_number, plain_keys};
use super::{Connections, Dialect, Owner, Role};
use crate::error::{Cause, Error};
use crate::options::{Durability, Options};

/// A question may have as many groups as there are subjects or sessions, which would be looked for on disk: 64 MiB, unless there is
/// more.
const MEMORY: &str = "SET tmp_table_size = GREATEST(@@tmp_table_size, 67108864), \
                      max_heap_table_size = GREATEST(@@max_heap_table_size, 67108864)";

pub(super) async fn connect(url: &str, options: &Options) -> Result<Connections, Error> {
    Ok(Connections {
        writer: open(url, options, Role::Writer).await?,
        reader: open(url, options, Role::Reader).await?,
        worker: open(url, options, Role::Worker).await?,
        keeper: open(url, options, Role::Keeper).await?,
        owner: Owner::Store,
    })
}

async fn open(url: &str, options: &Options, role: Role) -> Result<DatabaseConnection, Error> {
    // SeaORM knows them by the older name.
    let url = url
        .strip_prefix("mariadb:")
        .map_or(url.to_owned(), |rest| format!("mysql:{rest}"));
    let mut connect = ConnectOptions::new(url.clone());
    connect
        .max_connections(role.connections())
        .connect_lazy(role.is_lazy())
        .acquire_timeout(options.request_timeout)
        .test_before_acquire_if_idle_for(role.asked_after())
        // A pool that looks after their age may do so for ever, on a thread of ours: sqlx 0.9.0 counts its idle ones below
        // zero for a moment (transact-rs/sqlx#3645).
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .sqlx_logging(false)
        .map_sqlx_mysql_pool_opts(move |pool| {
            pool.after_connect(move |connection, _| {
                Box::pin(async move {
                    // Fifty seconds by default, which no caller waits.
                    connection.execute("SET innodb_lock_wait_timeout = 2").await?;
                    if role == Role::Reader {
                        connection.execute(MEMORY).await?;
                    }
                    // Whatever a server has by default: nothing is to be seen that may yet be taken back.
                    let isolation = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";
                    connection.execute(isolation).await.map(drop)
                })
            })
        });
    Database::connect(connect)
        .await
        .map_err(|error| unreachable(&error, &url))
}

/// Which of the two a server is.
pub(super) async fn flavor(db: &DatabaseConnection) -> Result<Dialect, Error> {
    let row = db
        .query_one_raw(Dialect::MySql.statement("SELECT VERSION()", []))
        .await?;
    let version: String = row.ok_or_else(|| Error::corrupt("no version"))?.try_get_by_index(0)?;
    Ok(if version.contains("MariaDB") {
        Dialect::MariaDb
    } else {
        Dialect::MySql
    })
}

pub(super) async fn check(dialect: Dialect, db: &DatabaseConnection, options: &Options) -> Result<(), Error> {
    let sql = "SELECT @@innodb_flush_log_at_trx_commit, @@log_bin, @@sync_binlog, @@sql_mode";
    let row = db.query_one_raw(dialect.statement(sql, [])).await?;
    let row = row.ok_or_else(|| Error::corrupt("no settings"))?;
    let number = |index: usize| -> Result<i64, Error> {
        // Servers differ in whether these have a sign.
        let signed = row.try_get_by_index::<i64>(index);
        Ok(signed.or_else(|_| row.try_get_by_index::<u64>(index).map(u64::cast_signed))?)
    };
    let mode: String = row.try_get_by_index(3)?;
    if !mode.contains("STRICT_") {
        let message = "the server's sql_mode is not strict, and would cut what does not fit: add STRICT_ALL_TABLES";
        return Err(Error::Config(message.to_owned()));
    }
    if options.durability == Durability::Full {
        if number(0)? != 1 {
            let message = "the server has innodb_flush_log_at_trx_commit other than 1 and could lose answered events \
                           with the power: set it, or ask for Durability::Normal";
            return Err(Error::Config(message.to_owned()));
        }
        if number(1)? == 1 && number(2)? != 1 {
            tracing::warn!("the server has sync_binlog other than 1: its replicas may differ after a loss of power");
        }
    }
    Ok(())
}

/// MariaDB's words.
pub(super) struct MariaDb;
/// MySQL's words.
pub(super) struct MySql;

/// What the two have in common; they differ in the name of the collation that compares bytes and
/// keeps spaces at the end, and in what they do to JSON.
macro_rules! common {
    ($collation:literal) => {
        fn backend(&self) -> DbBackend {
            DbBackend::MySql
        }

        fn quote(&self) -> char {
            '`'
        }

        fn word(&self, word: &str, length: &str) -> String {
            match word {
                "serial" => "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY".to_owned(),
                "int" => "BIGINT".to_owned(),
                "text" => format!("VARCHAR({length}) CHARACTER SET utf8mb4 COLLATE {}", $collation),
                "long" => format!("LONGTEXT CHARACTER SET utf8mb4 COLLATE {}", $collation),
                "bytes" => format!("VARBINARY({length})"),
                "blob" => "LONGBLOB".to_owned(),
                "table" | "clustered" | "updated" => "ENGINE=InnoDB ROW_FORMAT=DYNAMIC".to_owned(),
                _ => String::new(),
            }
        }

        fn begin(&self) -> &'static str {
            // Repeatable reads would lock the gaps between keys, too.
            "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; START TRANSACTION"
        }

        fn now(&self) -> &'static str {
            "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)"
        }

        fn ddl_commits(&self) -> bool {
            true
        }

        fn show(&self, view: &str, table: &str) -> Vec<String> {
            vec![format!("CREATE OR REPLACE VIEW {view} AS SELECT * FROM {table}")]
        }

        fn lock_tables(&self) -> Option<&'static str> {
            // Every statement that changes a table ends the transaction.
            Some("SELECT GET_LOCK(?, 60)")
        }

        fn unlock_tables(&self) -> Option<&'static str> {
            Some("SELECT RELEASE_LOCK(?)")
        }

        fn keep_existing(&self, key: &str) -> String {
            // Not INSERT IGNORE, which would also cut what does not fit.
            let column = key.split(',').next().unwrap_or(key);
            format!("ON DUPLICATE KEY UPDATE {column} = {column}")
        }

        fn update_existing(&self, _key: &str, changes: &str) -> String {
            format!("ON DUPLICATE KEY UPDATE {changes}")
        }

        fn offered(&self, column: &str) -> String {
            format!("VALUES({column})")
        }

        fn beyond(&self, first: &str, second: &str, sign: char) -> (String, &'static [usize]) {
            // A comparison of rows would not be found in an index.
            (
                format!("({first} {sign}= ? AND ({first} {sign} ? OR {second} {sign} ?))"),
                &[0, 0, 1],
            )
        }

        fn run(&self, column: &str, value: i64, direction: &str) -> (String, String) {
            // Where it is equal to a value they look at nothing but that, and read all that has it up to the bound.
            (
                format!("{column} >= {value} AND {column} <= {value}"),
                format!("{column} {direction}, "),
            )
        }

        fn once(&self) -> &'static str {
            " LIMIT 18446744073709551615"
        }

        fn divide(&self, dividend: &str, divisor: i64) -> String {
            format!("({dividend} DIV {divisor})")
        }

        fn total(&self, expression: &str) -> String {
            format!("CAST(SUM({expression}) AS SIGNED)")
        }

        fn contains(&self, haystack: &str) -> String {
            format!("LOCATE(CAST(? AS BINARY), CAST({haystack} AS BINARY)) > 0")
        }

        fn json_string(&self, json: &str) -> String {
            format!("(JSON_UNQUOTE({json}) COLLATE {})", $collation)
        }

        fn json_number(&self, json: &str) -> String {
            format!("CAST({json} AS DOUBLE)")
        }
    };
}

/// A pointer as a path.
fn path(pointer: &Pointer) -> Option<String> {
    let keys = plain_keys(pointer)?;
    Some(
        keys.iter()
            .fold("$".to_owned(), |path, key| format!("{path}.\"{key}\"")),
    )
}

impl Grammar for MariaDb {
    common!("utf8mb4_nopad_bin");

    fn json_at(&self, column: &str, pointer: &Pointer) -> Option<String> {
        // JSON is text there, and what stands at a place comes back as it is written, but for spaces.
        let path = path(pointer)?;
        // The collation makes it text like any other: otherwise the string `"null"` would be equal to `null`.
        Some(format!(
            "(NULLIF(JSON_COMPACT(JSON_EXTRACT({column}, '{path}')) COLLATE utf8mb4_nopad_bin, 'null'))"
        ))
    }

    fn numbers_at(&self, column: &str, pointer: &Pointer) -> Option<Numbers> {
        let path = path(pointer)?;
        Some(Numbers {
            // A short text is kept in memory, where a long one would go to a file, and each letter takes what the longest one
            // would. No number is longer than 32 letters.
            once: Some(format!(
                "CONVERT(LEFT(JSON_EXTRACT({column}, '{path}'), 40) USING ascii) COLLATE ascii_nopad_bin"
            )),
            // Those without an exponent have less than 20 digits before the point, and less than 22 behind it.
            decimal: format!(
                "CASE WHEN {} THEN CAST(SUBSTRING_INDEX(n, 'e', 1) AS DECIMAL(65, 30)) END",
                is_number("n")
            ),
            bold: None,
            exponent: Some(format!(
                "LEFT(CASE WHEN {} THEN CASE WHEN LOCATE('e', n) > 0 THEN SUBSTRING_INDEX(n, 'e', -1) ELSE '' END END, 8)",
                is_number("n")
            )),
        })
    }

    fn decimal_text(&self, decimal: &str) -> String {
        format!("CAST({decimal} AS CHAR)")
    }
}

impl Grammar for MySql {
    common!("utf8mb4_0900_bin");

    fn json_at(&self, _column: &str, _pointer: &Pointer) -> Option<String> {
        // JSON is rewritten there: what comes out is not the text that was stored.
        None
    }
}

/// What an error number means for the caller: <https://mariadb.com/kb/en/mariadb-error-code-reference/>.
pub(super) fn classify(error: &MySqlDatabaseError, cause: Cause) -> Error {
    match error.number() {
        // Lock wait timeout, deadlock, "record has changed since last read".
        1205 | 1213 | 1020 => Error::Contention(cause),
        // Disk full, table full.
        1021 | 1114 => Error::Full(cause),
        // Shutdown, too many connections, read-only, killed, I/O, lost connections, statement too long.
        1040
        | 1053
        | 1077..=1080
        | 1290
        | 1836
        | 1317
        | 1927
        | 1028
        | 1030
        | 1037..=1041
        | 1152..=1161
        | 2002..=2013
        | 1969
        | 3024 => Error::Unavailable(cause),
        // Crashed tables and indexes.
        1034 | 1035 | 1194 | 1195 => Error::corrupt("the server says that its data is damaged"),
        _ => Error::Statement(cause),
    }
}

/// The table, the column, the index or the row exists.
pub(super) fn already_there(error: &MySqlDatabaseError) -> bool {
    matches!(error.number(), 1050 | 1060 | 1061 | 1062)
}
