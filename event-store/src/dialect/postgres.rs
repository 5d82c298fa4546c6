//! PostgreSQL: rows go in as arrays, a column each, and many of them by COPY.

use std::borrow::Cow;
use std::collections::HashSet;
use std::time::Duration;

use event_core::Pointer;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::postgres::{PgArguments, PgDatabaseError};
use sea_orm::sqlx::{self, AssertSqlSafe, Executor as _, Row as _};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, QueryResult};

use super::bind::{Bind, Insert, Kind, Row, Taken};
use super::failure::{exec, query, unreachable};
use super::grammar::{Grammar, Numbers, numbered, plain_keys};
use super::{BUSY_TIMEOUT, Connections, Dialect, Owner, Role};
use crate::error::{Cause, Error};
use crate::options::{Durability, Options};
use crate::tables::Tables;

/// Bytes of rows in one statement, about.
const MOST_BYTES: usize = 16 << 20;
/// Bytes of rows that are copied at once, about.
const MOST_COPIED: usize = 1 << 20;
/// So many rows go in faster by COPY, which bears no key that is taken, even if those have to be looked for before: three ways to
/// the server and back more.
pub(super) const COPIED: usize = 256;
/// What binary rows begin with: a signature, flags, and the length of an extension that is not there.
const COPY_HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// A question may have as many groups as there are subjects, which would be sorted on disk: 64 MiB, unless there is more.
const MEMORY: &str = "SELECT set_config('work_mem', \
                      GREATEST(pg_size_bytes(current_setting('work_mem')), 67108864) / 1024 || 'kB', false)";

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
    let loose = options.durability == Durability::Normal;
    let mut connect = ConnectOptions::new(url);
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
        .map_sqlx_postgres_pool_opts(move |pool| {
            pool.after_connect(move |connection, _| {
                Box::pin(async move {
                    if role == Role::Reader {
                        connection.execute(MEMORY).await?;
                    }
                    Ok(())
                })
            })
        })
        .map_sqlx_postgres_opts(move |postgres| {
            let postgres = postgres.application_name("event-store").options([
                // A client that is gone must not hold what others wait for.
                ("idle_in_transaction_session_timeout", "30s".to_owned()),
                ("lock_timeout", format!("{}ms", BUSY_TIMEOUT.as_millis())),
                ("statement_timeout", "60s".to_owned()),
            ]);
            if loose {
                return postgres.options([("synchronous_commit", "off")]);
            }
            postgres
        });
    Database::connect(connect)
        .await
        .map_err(|error| unreachable(&error, url))
}

pub(super) async fn check(dialect: Dialect, db: &DatabaseConnection, options: &Options) -> Result<(), Error> {
    let sql = "SELECT current_setting('fsync'), current_setting('synchronous_commit'), \
               current_setting('server_encoding'), current_setting('full_page_writes')";
    let row = db.query_one_raw(dialect.statement(sql, [])).await?;
    let row = row.ok_or_else(|| Error::corrupt("no settings"))?;
    let setting = |index: usize| -> Result<String, Error> { Ok(row.try_get_by_index(index)?) };
    if setting(2)? != "UTF8" {
        return Err(Error::Config(
            "the database's encoding is not UTF8: create it so".to_owned(),
        ));
    }
    if options.durability == Durability::Full {
        for (index, name) in [(0, "fsync"), (1, "synchronous_commit"), (3, "full_page_writes")] {
            if setting(index)? == "off" {
                return Err(Error::Config(format!(
                    "the server has {name} = off and could lose answered events with the power: \
                     set it, or ask for Durability::Normal"
                )));
            }
        }
    }
    Ok(())
}

/// The values of a column, of all rows.
enum Column<'a> {
    Int(Vec<Option<i64>>),
    Text(Vec<Option<&'a str>>),
    Bytes(Vec<Option<&'a [u8]>>),
}

impl<'a> Column<'a> {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Int => Column::Int(Vec::new()),
            Kind::Text => Column::Text(Vec::new()),
            Kind::Bytes => Column::Bytes(Vec::new()),
        }
    }

    /// Columns of rows, as far as these fit into one statement.
    fn of<const N: usize, R: Row<N> + 'a>(kinds: [Kind; N], rows: &mut impl Iterator<Item = &'a R>) -> [Self; N] {
        let mut columns = kinds.map(Column::new);
        let mut bytes = 0;
        for row in rows {
            for (column, value) in columns.iter_mut().zip(row.binds()) {
                bytes += column.push(value);
            }
            if bytes > MOST_BYTES {
                break;
            }
        }
        columns
    }

    /// Adds a value, and answers about how many bytes it takes.
    fn push(&mut self, value: Bind<'a>) -> usize {
        match (self, value) {
            (Column::Int(column), Bind::Int(int)) => column.push(Some(int)),
            (Column::Int(column), _) => column.push(None),
            (Column::Text(column), Bind::Text(text)) => {
                column.push(Some(text));
                return text.len();
            }
            (Column::Text(column), _) => column.push(None),
            (Column::Bytes(column), Bind::Bytes(bytes)) => {
                column.push(Some(bytes));
                return bytes.len();
            }
            (Column::Bytes(column), _) => column.push(None),
        }
        8
    }
}

/// The places of columns of such kinds.
fn unnest(kinds: &[Kind]) -> String {
    let array = |kind: &Kind| match kind {
        Kind::Int => "bigint",
        Kind::Text => "text",
        Kind::Bytes => "bytea",
    };
    let places = (1..).zip(kinds);
    let arrays: Vec<String> = places
        .map(|(place, kind)| format!("${place}::{}[]", array(kind)))
        .collect();
    format!("UNNEST({})", arrays.join(", "))
}

/// Inserts rows by one statement whose text is the same for any number of them.
pub(super) async fn insert<const N: usize, R: Row<N>>(
    connection: &mut PoolConnection<sqlx::Postgres>,
    insert: &Insert<N>,
    head: &str,
    tail: &str,
    rows: &[R],
) -> Result<Vec<bool>, Error> {
    let kinds = insert.columns.map(|(_, kind)| kind);
    let stays = matches!(insert.taken, Taken::Stays { .. });
    let returning = if stays {
        format!(" RETURNING {}", insert.columns[0].0)
    } else {
        String::new()
    };
    let sql = format!("{head} SELECT * FROM {} {tail}{returning}", unnest(&kinds));
    let mut new = HashSet::new();
    let mut rest = rows.iter().peekable();
    while rest.peek().is_some() {
        let mut statement = sqlx::query::<sqlx::Postgres>(AssertSqlSafe(sql.clone()));
        for column in Column::of(kinds, &mut rest) {
            statement = bind(statement, column);
        }
        for row in statement.fetch_all(&mut **connection).await.map_err(query)? {
            new.insert(row.try_get::<i64, _>(0).map_err(query)?);
        }
    }
    if !stays {
        return Ok(Vec::new());
    }
    let is_new = |row: &R| matches!(&row.binds()[0], Bind::Int(place) if new.contains(place));
    Ok(rows.iter().map(is_new).collect())
}

/// Whether a server is reached by a socket in the file system. Over TCP the driver leaves Nagle's algorithm on, and the end of what is copied,
/// a small message behind a large one, waits up to 40 ms until the server has acknowledged the rest.
pub(super) fn is_near(pool: &sqlx::PgPool) -> bool {
    let options = pool.connect_options();
    options.get_socket().is_some() || options.get_host().starts_with('/')
}

/// Copies rows none of whose keys is taken: they go in many at a time, and nobody looks at each whether it may.
pub(super) async fn copy<const N: usize, R: Row<N>>(
    connection: &mut PoolConnection<sqlx::Postgres>,
    insert: &Insert<N>,
    tables: &Tables,
    rows: &[R],
) -> Result<(), Error> {
    let names = insert.columns.map(|(name, _)| name).join(", ");
    let sql = format!("COPY {} ({names}) FROM STDIN (FORMAT binary)", tables.sql(insert.table));
    let mut copy = connection.copy_in_raw(&sql).await.map_err(exec)?;
    let mut bytes = COPY_HEAD.to_vec();
    for row in rows {
        copied(row.binds(), &mut bytes)?;
        if bytes.len() > MOST_COPIED {
            copy.send(&bytes[..]).await.map_err(exec)?;
            bytes.clear();
        }
    }
    bytes.extend((-1_i16).to_be_bytes());
    copy.send(&bytes[..]).await.map_err(exec)?;
    copy.finish().await.map_err(exec)?;
    Ok(())
}

/// Adds a binary row.
fn copied<const N: usize>(row: [Bind<'_>; N], bytes: &mut Vec<u8>) -> Result<(), Error> {
    let too_long = |_| Error::corrupt("a row of 2 GiB");
    bytes.extend(i16::try_from(N).map_err(too_long)?.to_be_bytes());
    for value in row {
        let number: [u8; 8];
        let value: &[u8] = match value {
            Bind::Null => {
                bytes.extend((-1_i32).to_be_bytes());
                continue;
            }
            Bind::Int(int) => {
                number = int.to_be_bytes();
                &number
            }
            Bind::Float(float) => {
                number = float.to_be_bytes();
                &number
            }
            Bind::Text(text) => text.as_bytes(),
            Bind::Bytes(bytes) => bytes,
        };
        bytes.extend(i32::try_from(value.len()).map_err(too_long)?.to_be_bytes());
        bytes.extend(value);
    }
    Ok(())
}

/// The rows that have one of these keys, of which each has one row at the most: for every key a look of its own, which is one into the
/// index. It is planned anew each time: a plan that is kept may be of a time when the table was small, and reads all of it.
pub(super) async fn rows_with<const K: usize>(
    connection: &mut PoolConnection<sqlx::Postgres>,
    select: &str,
    key: [(&str, Kind); K],
    keys: &[[Bind<'_>; K]],
) -> Result<Vec<QueryResult>, Error> {
    let kinds = key.map(|(_, kind)| kind);
    let (wanted, conditions): (Vec<_>, Vec<_>) = key
        .iter()
        .enumerate()
        .map(|(place, (name, _))| (format!("k{place}"), format!("{name} = k{place}")))
        .unzip();
    let sql = format!(
        "SELECT found.* FROM {} wanted ({}), LATERAL ({select} WHERE {} LIMIT 1) found",
        unnest(&kinds),
        wanted.join(", "),
        conditions.join(" AND ")
    );
    let mut found = Vec::new();
    let mut rest = keys.iter().peekable();
    while rest.peek().is_some() {
        let mut statement = sqlx::query::<sqlx::Postgres>(AssertSqlSafe(sql.clone())).persistent(false);
        for column in Column::of(kinds, &mut rest) {
            statement = bind(statement, column);
        }
        let rows = statement.fetch_all(&mut **connection).await.map_err(query)?;
        found.extend(rows.into_iter().map(QueryResult::from));
    }
    Ok(found)
}

fn bind<'q>(
    statement: sqlx::query::Query<'q, sqlx::Postgres, PgArguments>,
    column: Column<'q>,
) -> sqlx::query::Query<'q, sqlx::Postgres, PgArguments> {
    match column {
        Column::Int(values) => statement.bind(values),
        Column::Text(values) => statement.bind(values),
        Column::Bytes(values) => statement.bind(values),
    }
}

/// PostgreSQL's words.
pub(super) struct Postgres;

/// Text is ordered and compared by its bytes.
const BYTEWISE: &str = "COLLATE \"C\"";

impl Grammar for Postgres {
    fn backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    fn word(&self, word: &str, _length: &str) -> String {
        match word {
            "serial" => "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY".to_owned(),
            "int" => "BIGINT".to_owned(),
            "text" | "long" => format!("TEXT {BYTEWISE}"),
            "bytes" | "blob" => "BYTEA".to_owned(),
            // Room beside each row for its next version: a change then touches no index.
            "updated" => "WITH (fillfactor = 50)".to_owned(),
            _ => String::new(),
        }
    }

    fn places<'a>(&self, sql: &'a str) -> Cow<'a, str> {
        numbered(sql)
    }

    fn begin(&self) -> &'static str {
        // The application's connections may wait for ever by default.
        "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '1500ms'"
    }

    fn now(&self) -> &'static str {
        "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint"
    }

    fn lock_tables(&self) -> Option<&'static str> {
        Some("SELECT pg_advisory_xact_lock(hashtext(?))")
    }

    fn with_numbers(&self) -> &'static str {
        "OVERRIDING SYSTEM VALUE"
    }

    fn go_on_behind(&self, table: &str, column: &str) -> Option<String> {
        let (table, name) = (table.trim(), table.trim().replace('\'', "''"));
        Some(format!(
            "SELECT setval(pg_get_serial_sequence('{name}', '{column}'), COALESCE(MAX({column}), 0) + 1, false) FROM {table}"
        ))
    }

    fn patience(&self) -> Option<&'static str> {
        Some("SET LOCAL statement_timeout = 0")
    }

    fn total(&self, expression: &str) -> String {
        // A sum of bigint is numeric there.
        format!("SUM({expression})::bigint")
    }

    fn json_at(&self, column: &str, pointer: &Pointer) -> Option<String> {
        // `json`, unlike `jsonb`, gives back the very text that is stored.
        let path = path(&plain_keys(pointer)?);
        Some(format!(
            "(NULLIF(({column}::json #> '{path}')::text, 'null') {BYTEWISE})"
        ))
    }

    fn contains(&self, haystack: &str) -> String {
        format!("strpos({haystack}, ?) > 0")
    }

    fn json_string(&self, json: &str) -> String {
        format!("(({json})::json #>> '{{}}' {BYTEWISE})")
    }

    fn json_number(&self, json: &str) -> String {
        format!("({json})::double precision")
    }

    fn numbers_at(&self, column: &str, pointer: &Pointer) -> Option<Numbers> {
        let keys = plain_keys(pointer)?;
        let json = match &keys[..] {
            [key] => format!("{column}::json -> '{key}'"),
            _ => format!("{column}::json #> '{}'", path(&keys)),
        };
        // What JSON text begins with is less than a minus or more than a digit where it is no number, byte by byte. Written
        // like this it is read once for each sum, and by several workers: no server does that behind an `OFFSET`.
        let number = format!("LEAST(GREATEST(({json})::text {BYTEWISE}, '-'), ':')");
        Some(Numbers {
            once: None,
            // Of any size, exponent and all.
            decimal: format!("NULLIF(NULLIF({number}, '-'), ':')::numeric"),
            // A string has its quotes, and `null` and `true` are no numbers.
            bold: Some(format!("({json})::text::numeric")),
            exponent: None,
        })
    }

    fn counts_before_it_joins(&self) -> bool {
        false
    }
}

/// Keys as a path.
fn path(keys: &[String]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
    format!("{{{}}}", keys.join(","))
}

/// What an SQLSTATE means for the caller: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
pub(super) fn classify(error: &PgDatabaseError, cause: Cause) -> Error {
    match error.code() {
        // serialization_failure, deadlock_detected, lock_not_available
        "40001" | "40P01" | "55P03" => Error::Contention(cause),
        "53100" => Error::Full(cause),
        code => match &code[..code.len().min(2)] {
            // Connections, resources, an operator or a timeout, the system, read-only servers.
            "08" | "53" | "57" | "58" | "25" => Error::Unavailable(cause),
            "XX" => Error::corrupt("the server says that its data is damaged"),
            _ => Error::Statement(cause),
        },
    }
}
