//! A transaction that writes, or on SQLite reads, on a connection that it has for itself.

use sea_orm::sqlx::{self, AssertSqlSafe, Executor as _};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, SqlxError, Statement, Value,
};
use sea_query_sqlx::SqlxValues;
use tokio::sync::Mutex;

use super::Dialect;
use super::bind::{Bind, Cell, Insert, Kind, Row};
use super::failure::{exec, query};
use super::grammar::Grammar;
use crate::error::{Cause, Error};
use crate::tables::Tables;

/// A transaction that writes, or on SQLite reads row by row.
///
/// SeaORM's own would do, but for two things: it hides the connection, and rows go in several times
/// as fast by the one way that each database is good at (see the bench `append`); and it gives a
/// connection back to the pool whose transaction may still be open, or be in doubt.
pub(crate) struct Transaction {
    dialect: Dialect,
    open: Mutex<Open>,
}

/// Keys that are looked up at once, where a statement has places for each of them, and is prepared once.
#[cfg(any(feature = "postgres", feature = "mysql"))]
const CHUNK: usize = 256;
/// More of them PostgreSQL is given as arrays.
#[cfg(feature = "postgres")]
const FEW: usize = 16;

/// A connection of whichever database.
enum Connection {
    #[cfg(feature = "sqlite")]
    Sqlite(super::sqlite::Session),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::pool::PoolConnection<sqlx::Postgres>),
    #[cfg(feature = "mysql")]
    MySql(sqlx::pool::PoolConnection<sqlx::MySql>),
}

/// The same work on a connection of whichever database, through its driver.
macro_rules! on {
    ($connection:expr, $it:ident => $work:expr) => {
        match $connection {
            #[cfg(feature = "sqlite")]
            Connection::Sqlite(session) => {
                let $it = session.plain().map_err(exec)?;
                $work
            }
            #[cfg(feature = "postgres")]
            Connection::Postgres($it) => $work,
            #[cfg(feature = "mysql")]
            Connection::MySql($it) => $work,
        }
    };
}

/// The connection, for as long as the outcome is open.
struct Open {
    connection: Connection,
    ended: bool,
    /// Whether the thread is the transaction's own, so that it may wait there for the disk.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only SQLite is in this process"))]
    own_thread: bool,
    /// So many rows go in faster where it is known before that none of their keys is taken.
    copied: Option<usize>,
}

impl Drop for Open {
    fn drop(&mut self) {
        // The database may have rolled back by itself, or not; after an I/O error SQLite's view of the
        // file may differ from the file. Only a new connection is sure to begin afresh.
        match &mut self.connection {
            #[cfg(feature = "sqlite")]
            Connection::Sqlite(session) if self.ended => session.release(),
            // Is closed unless it is released.
            #[cfg(feature = "sqlite")]
            Connection::Sqlite(_) => {}
            #[cfg(feature = "postgres")]
            Connection::Postgres(it) if !self.ended => it.close_on_drop(),
            #[cfg(feature = "mysql")]
            Connection::MySql(it) if !self.ended => it.close_on_drop(),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            _ => {}
        }
    }
}

/// A connection whose transaction is over, for the next one. Dropped, it is given back.
pub(crate) struct Ended(Open);

impl Ended {
    /// One of the pool.
    async fn acquire(dialect: Dialect, db: &DatabaseConnection, own_thread: bool) -> Result<Self, Error> {
        #[cfg(feature = "postgres")]
        let copied = (dialect == Dialect::Postgres && super::postgres::is_near(db.get_postgres_connection_pool()))
            .then_some(super::postgres::COPIED);
        #[cfg(not(feature = "postgres"))]
        let copied = None;
        let connection = match dialect {
            #[cfg(feature = "sqlite")]
            Dialect::Sqlite => {
                let connection = db.get_sqlite_connection_pool().acquire().await.map_err(taken)?;
                Connection::Sqlite(super::sqlite::Session::new(connection))
            }
            #[cfg(feature = "postgres")]
            Dialect::Postgres => {
                let pool = db.get_postgres_connection_pool();
                Connection::Postgres(pool.acquire().await.map_err(|error| taken_or_gone(pool, error))?)
            }
            #[cfg(feature = "mysql")]
            Dialect::MariaDb | Dialect::MySql => {
                let pool = db.get_mysql_connection_pool();
                Connection::MySql(pool.acquire().await.map_err(|error| taken_or_gone(pool, error))?)
            }
        };
        let open = Open {
            connection,
            ended: true,
            own_thread,
            copied,
        };
        Ok(Ended(open))
    }
}

impl Open {
    async fn run(&mut self, sql: &'static str) -> Result<(), Error> {
        #[cfg(feature = "sqlite")]
        if self.own_thread
            && let Connection::Sqlite(session) = &mut self.connection
        {
            return session.rows::<0>(sql, &[], []).await.map(drop);
        }
        let run: Result<(), DbErr> =
            async { on!(&mut self.connection, it => (**it).execute(sql).await.map(drop).map_err(exec)) }.await;
        Ok(run?)
    }

    /// The connection, where the database is in this process.
    #[cfg(feature = "sqlite")]
    #[cfg_attr(
        not(any(feature = "postgres", feature = "mysql")),
        allow(clippy::unnecessary_wraps, reason = "it is always there then")
    )]
    fn in_process(&mut self) -> Result<&mut super::sqlite::Session, Error> {
        match &mut self.connection {
            Connection::Sqlite(session) => Ok(session),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            _ => Err(Error::corrupt("rows of a server are not read where they lie")),
        }
    }
}

fn values(statement: &mut Statement) -> SqlxValues {
    SqlxValues(statement.values.take().unwrap_or(sea_orm::Values(Vec::new())))
}

/// Where no connection was free in time another transaction of this store has it, and nothing has begun.
fn taken(error: SqlxError) -> Error {
    match error {
        SqlxError::PoolTimedOut => Error::Contention(Cause::new(error.to_string())),
        error => exec(error).into(),
    }
}

/// The same of a server. Where not all of the connections are there that may be, one more could have been made, if only the
/// server had been: until the time is over it is tried again where it is refused.
#[cfg(any(feature = "postgres", feature = "mysql"))]
fn taken_or_gone<D: sqlx::Database>(pool: &sqlx::Pool<D>, error: SqlxError) -> Error {
    match error {
        SqlxError::PoolTimedOut if pool.size() < pool.options().get_max_connections() => {
            Error::Unavailable(Cause::new("no connection could be made in time"))
        }
        error => taken(error),
    }
}

/// A row of such columns.
fn cells<const N: usize>(row: &QueryResult, columns: [Kind; N]) -> Result<[Cell; N], Error> {
    let mut cells = columns.map(|_| Cell::Int(0));
    for (place, (cell, kind)) in cells.iter_mut().zip(columns).enumerate() {
        *cell = match kind {
            Kind::Int => Cell::Int(row.try_get_by_index(place)?),
            Kind::Text => Cell::Text(row.try_get_by_index(place)?),
            Kind::Bytes => Cell::Bytes(row.try_get_by_index(place)?),
        };
    }
    Ok(cells)
}

impl Transaction {
    /// Begins on the connection that was kept of the transaction before, or on one of the pool.
    pub(super) async fn begin(
        dialect: Dialect,
        db: &DatabaseConnection,
        own_thread: bool,
        kept: Option<Ended>,
    ) -> Result<Self, Error> {
        let ended = match kept {
            Some(kept) => kept,
            None => Ended::acquire(dialect, db, own_thread).await?,
        };
        match Transaction::begin_on(dialect, ended).await {
            // The connection was lost since somebody had it, and nothing has begun.
            Err(Error::Unavailable(_)) if !dialect.has_one_writer() => {
                let ended = Ended::acquire(dialect, db, own_thread).await?;
                Transaction::begin_on(dialect, ended).await
            }
            begun => begun,
        }
    }

    /// A transaction of SQLite's that reads: it takes no lock that another one waits for.
    #[cfg(feature = "sqlite")]
    pub(super) async fn begin_reading(dialect: Dialect, db: &DatabaseConnection) -> Result<Self, Error> {
        let connection = db.get_sqlite_connection_pool().acquire().await;
        let connection = connection.map_err(|error| match error {
            // Other questions have them all, and no writer is in the way.
            SqlxError::PoolTimedOut => Error::Unavailable(Cause::new("no connection that reads was free in time")),
            error => exec(error).into(),
        })?;
        let open = Open {
            connection: Connection::Sqlite(super::sqlite::Session::new(connection)),
            ended: true,
            own_thread: false,
            copied: None,
        };
        Transaction::begin_by(dialect, Ended(open), "BEGIN").await
    }

    /// The next transaction on a connection.
    async fn begin_on(dialect: Dialect, ended: Ended) -> Result<Self, Error> {
        Transaction::begin_by(dialect, ended, Grammar::begin(&*dialect)).await
    }

    async fn begin_by(dialect: Dialect, Ended(mut open): Ended, words: &'static str) -> Result<Self, Error> {
        open.ended = false;
        if let Err(error) = open.run(words).await {
            // Where only the lock was missing nothing has begun, and nothing is in doubt.
            open.ended = matches!(error, Error::Contention(_));
            return Err(error);
        }
        Ok(Transaction {
            dialect,
            open: Mutex::new(open),
        })
    }

    /// What it speaks.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Makes the changes last. Whatever an error says, they may have been made; but for those
    /// errors that a database finds before the record that would commit them.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        self.commit_and_keep().await.map(drop)
    }

    /// The same, and its connection is not given back yet: to get it again takes other threads, which may have other things
    /// to do.
    pub(crate) async fn commit_and_keep(self) -> Result<Ended, Error> {
        let mut open = self.open.into_inner();
        match open.run("COMMIT").await {
            Ok(()) => {
                open.ended = true;
                Ok(Ended(open))
            }
            Err(known @ (Error::Full(_) | Error::Contention(_))) => Err(known),
            Err(Error::Unavailable(cause) | Error::Statement(cause)) => Err(Error::Unknown(cause)),
            Err(error) => Err(Error::Unknown(Cause::new(error.to_string()))),
        }
    }

    /// Takes the changes back.
    pub(crate) async fn rollback(self) -> Result<(), Error> {
        let mut open = self.open.into_inner();
        open.run("ROLLBACK").await?;
        open.ended = true;
        Ok(())
    }

    /// Runs a statement over numbers, which answers rows of numbers.
    pub(crate) async fn numbers<const N: usize>(&self, sql: &str, values: &[i64]) -> Result<Vec<[i64; N]>, Error> {
        let values: Vec<Bind<'_>> = values.iter().map(|value| Bind::Int(*value)).collect();
        let rows = self.rows(sql, &values, [Kind::Int; N]).await?.into_iter();
        let number = |cell: Cell| match cell {
            Cell::Int(number) => number,
            Cell::Text(_) | Cell::Bytes(_) => 0,
        };
        Ok(rows.map(|row| row.map(number)).collect())
    }

    /// Runs a statement over values, which answers rows of such columns, none of which holds NULL.
    pub(crate) async fn rows<const N: usize>(
        &self,
        sql: &str,
        values: &[Bind<'_>],
        columns: [Kind; N],
    ) -> Result<Vec<[Cell; N]>, Error> {
        #[cfg(feature = "sqlite")]
        {
            let mut open = self.open.lock().await;
            if open.own_thread
                && let Connection::Sqlite(session) = &mut open.connection
            {
                return session.rows(sql, values, columns).await;
            }
        }
        let statement = self
            .dialect
            .statement(sql, values.iter().map(|value| Value::from(*value)));
        if N == 0 {
            self.execute_raw(statement).await?;
            return Ok(Vec::new());
        }
        let rows = self.query_all_raw(statement).await?;
        rows.iter().map(|row| cells(row, columns)).collect()
    }

    /// Runs a statement that may answer any number of rows, and shows such columns of each of them to a function, which
    /// changes a state.
    #[cfg(feature = "sqlite")]
    pub(crate) async fn scan<S: Send + 'static>(
        &self,
        statement: Statement,
        columns: Vec<Kind>,
        state: S,
        row: impl FnMut(&mut S, &[Bind<'_>]) -> Result<(), Error> + Send + 'static,
    ) -> Result<S, Error> {
        let values = statement.values.map_or(Vec::new(), |values| values.0);
        let mut open = self.open.lock().await;
        let session = open.in_process()?;
        session.scan(statement.sql, values, columns, state, row).await
    }

    /// The rows that have one of these keys, which are values of such columns; of each key there is one row at the most.
    pub(crate) async fn rows_with<const K: usize, const N: usize>(
        &self,
        select: &str,
        key: [(&str, Kind); K],
        keys: &[[Bind<'_>; K]],
        columns: [Kind; N],
    ) -> Result<Vec<[Cell; N]>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        #[cfg(any(feature = "sqlite", feature = "postgres"))]
        {
            let mut open = self.open.lock().await;
            match &mut open.connection {
                #[cfg(feature = "sqlite")]
                Connection::Sqlite(session) => {
                    // One by one: a statement of many keys would be prepared anew for each number of them.
                    let conditions = key.map(|(column, _)| format!("{column} = ?")).join(" AND ");
                    let sql = format!("{select} WHERE {conditions}");
                    return session.rows_each(&sql, keys, columns).await;
                }
                #[cfg(feature = "postgres")]
                Connection::Postgres(it) if keys.len() > FEW => {
                    let rows = super::postgres::rows_with(it, select, key, keys).await?;
                    return rows.iter().map(|row| cells(row, columns)).collect();
                }
                #[cfg(any(feature = "postgres", feature = "mysql"))]
                _ => {}
            }
        }
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        {
            let (names, mut rows) = (key.map(|(column, _)| column), Vec::new());
            for chunk in keys.chunks(CHUNK) {
                // Some of them twice, so that there are few statements to prepare.
                let size = chunk.len().next_power_of_two();
                let values: Vec<_> = chunk.iter().cycle().take(size).flatten().copied().collect();
                let wanted = self.dialect.one_of_rows(&names, size);
                rows.extend(self.rows(&format!("{select} WHERE {wanted}"), &values, columns).await?);
            }
            Ok(rows)
        }
    }

    /// Whether so many rows go in faster where it is known before that none of their keys is taken.
    pub(crate) async fn copies(&self, rows: usize) -> bool {
        self.open.lock().await.copied.is_some_and(|copied| rows >= copied)
    }

    /// Inserts rows none of whose keys is taken, which is faster where it [copies](Transaction::copies) so many.
    #[allow(
        irrefutable_let_patterns,
        reason = "there is no other connection if nothing else is built"
    )]
    pub(crate) async fn copy<const N: usize, R: Row<N>>(
        &self,
        insert: &Insert<N>,
        tables: &Tables,
        rows: &[R],
    ) -> Result<(), Error> {
        #[cfg(feature = "postgres")]
        {
            let mut open = self.open.lock().await;
            if let Connection::Postgres(it) = &mut open.connection {
                return super::postgres::copy(it, insert, tables, rows).await;
            }
        }
        let new = self.insert(insert, tables, rows).await?;
        if new.contains(&false) {
            return Err(Error::corrupt("a key is taken that was free"));
        }
        Ok(())
    }

    /// Inserts rows, in order; answers for each whether it is new. Where keys that are taken merge,
    /// nothing is answered.
    pub(crate) async fn insert<const N: usize, R: Row<N>>(
        &self,
        insert: &Insert<N>,
        tables: &Tables,
        rows: &[R],
    ) -> Result<Vec<bool>, Error> {
        let mut open = self.open.lock().await;
        let (head, tail) = (insert.head(tables), insert.tail(&*self.dialect, tables));
        match &mut open.connection {
            #[cfg(feature = "sqlite")]
            Connection::Sqlite(it) => super::sqlite::insert(it, insert, &head, &tail, rows).await,
            #[cfg(feature = "postgres")]
            Connection::Postgres(it) => super::postgres::insert(it, insert, &head, &tail, rows).await,
            #[cfg(feature = "mysql")]
            Connection::MySql(it) => super::mysql::insert(it, insert, self.dialect, tables, [&head, &tail], rows).await,
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        self.dialect.backend()
    }

    async fn execute_raw(&self, mut statement: Statement) -> Result<ExecResult, DbErr> {
        let values = values(&mut statement);
        let mut open = self.open.lock().await;
        on!(&mut open.connection, it => {
            let work = sqlx::query_with(AssertSqlSafe(statement.sql), values);
            work.execute(&mut **it).await.map(Into::into).map_err(exec)
        })
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let mut open = self.open.lock().await;
        let sql = AssertSqlSafe(sql.to_owned());
        on!(&mut open.connection, it => (**it).execute(sql).await.map(Into::into).map_err(exec))
    }

    async fn query_one_raw(&self, mut statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let values = values(&mut statement);
        let mut open = self.open.lock().await;
        on!(&mut open.connection, it => {
            let work = sqlx::query_with(AssertSqlSafe(statement.sql), values);
            let row = work.fetch_optional(&mut **it).await.map_err(query)?;
            Ok(row.map(Into::into))
        })
    }

    async fn query_all_raw(&self, mut statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let values = values(&mut statement);
        let mut open = self.open.lock().await;
        on!(&mut open.connection, it => {
            let work = sqlx::query_with(AssertSqlSafe(statement.sql), values);
            let rows = work.fetch_all(&mut **it).await.map_err(query)?;
            Ok(rows.into_iter().map(Into::into).collect())
        })
    }
}

#[cfg(test)]
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use sea_orm::{ConnectOptions, Database};

    use super::*;

    async fn connect(url: String) -> DatabaseConnection {
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).connect_lazy(true);
        options.acquire_timeout(Duration::from_millis(200));
        Database::connect(options).await.unwrap()
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_no_other_writer() {
        let is_silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let is_gone = TcpListener::bind("127.0.0.1:0").unwrap();
        let ports = [&is_silent, &is_gone].map(|listener| listener.local_addr().unwrap().port());
        drop(is_gone);
        for port in ports {
            for (dialect, scheme) in [(Dialect::Postgres, "postgres"), (Dialect::MariaDb, "mysql")] {
                let db = connect(format!("{scheme}://nobody@127.0.0.1:{port}/none")).await;
                let refused = Transaction::begin(dialect, &db, false, None).await.map(drop);
                assert!(matches!(refused, Err(Error::Unavailable(_))), "{scheme}: {refused:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_connection_that_another_transaction_has_is_contended() {
        let db = connect("sqlite::memory:".to_owned()).await;
        let first = Transaction::begin(Dialect::Sqlite, &db, false, None).await.unwrap();
        let refused = Transaction::begin(Dialect::Sqlite, &db, false, None).await.map(drop);
        assert!(matches!(refused, Err(Error::Contention(_))), "{refused:?}");
        // A server's are told from those that could not be made by their number.
        let refused = taken_or_gone(db.get_sqlite_connection_pool(), SqlxError::PoolTimedOut);
        assert!(matches!(refused, Error::Contention(_)), "{refused:?}");
        // Who only reads is in the way of no writer.
        let refused = Transaction::begin_reading(Dialect::Sqlite, &db).await.map(drop);
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
        first.rollback().await.unwrap();
    }
}
