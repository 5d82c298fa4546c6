//! A transaction that writes, on a connection that it has for itself.

use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{self, AssertSqlSafe, Sqlite};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, SqlxError, Statement,
};
use sea_query_sqlx::SqlxValues;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Mutex;

use super::prepared::Prepared;
use crate::error::{Cause, Error};

/// A transaction that holds the lock of the one writer from its start.
///
/// SeaORM's own would do, but for one thing: it hides the connection, and rows go to SQLite twice
/// as fast through one statement on the connection's own handle as through any statement with many
/// rows (see the bench `append`).
pub(crate) struct Transaction(Mutex<Open>);

/// The connection, for as long as the outcome is open.
struct Open {
    connection: PoolConnection<Sqlite>,
    ended: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        // SQLite may have rolled back by itself, or not; after an I/O error its view of the file may
        // differ from the file. Only a new connection is sure to begin afresh.
        if !self.ended {
            self.connection.close_on_drop();
        }
    }
}

impl Open {
    async fn run(&mut self, sql: &'static str) -> Result<(), SqlxError> {
        use sqlx::Executor as _;
        (*self.connection).execute(sql).await.map(drop)
    }
}

/// A value of a row that is inserted, where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bind<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

fn exec(error: SqlxError) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}

fn query(error: SqlxError) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

fn values(statement: &mut Statement) -> SqlxValues {
    SqlxValues(statement.values.take().unwrap_or(sea_orm::Values(Vec::new())))
}

impl Transaction {
    pub(crate) async fn begin(db: &DatabaseConnection) -> Result<Self, Error> {
        let connection = db.get_sqlite_connection_pool().acquire().await.map_err(exec)?;
        let mut open = Open {
            connection,
            ended: false,
        };
        if let Err(error) = open.run("BEGIN IMMEDIATE").await {
            // Where only the lock was missing nothing has begun, and nothing is in doubt.
            open.ended = super::is_busy(&error);
            return Err(exec(error).into());
        }
        Ok(Transaction(Mutex::new(open)))
    }

    /// Makes the changes last. Whatever an error says, they may have been made; but for a full disk,
    /// which is found out before the record that would commit them.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        let mut open = self.0.into_inner();
        match open.run("COMMIT").await {
            Ok(()) => {
                open.ended = true;
                Ok(())
            }
            Err(error) => {
                let cause = Cause::new(error.to_string());
                match Error::from(exec(error)) {
                    full @ Error::Full(_) => Err(full),
                    _ => Err(Error::Unknown(cause)),
                }
            }
        }
    }

    /// Takes the changes back.
    pub(crate) async fn rollback(self) -> Result<(), Error> {
        let mut open = self.0.into_inner();
        open.run("ROLLBACK").await.map_err(exec)?;
        open.ended = true;
        Ok(())
    }

    /// Inserts rows one by one through one prepared statement; answers for each whether it is
    /// new, or else a unique key of it was there.
    pub(crate) async fn insert_each<'a, const N: usize>(
        &self,
        sql: &str,
        rows: impl Iterator<Item = [Bind<'a>; N]>,
    ) -> Result<Vec<bool>, Error> {
        let mut transaction = self.0.lock().await;
        let mut handle = transaction.connection.lock_handle().await.map_err(exec)?;
        let insert = || {
            let mut statement = Prepared::new(&mut handle, sql)?;
            rows.map(|row| statement.insert(&row)).collect::<Result<Vec<_>, _>>()
        };
        // Pages are written here, not only bound: other tasks should not wait for it.
        let several = Handle::try_current().is_ok_and(|it| it.runtime_flavor() == RuntimeFlavor::MultiThread);
        if several {
            tokio::task::block_in_place(insert)
        } else {
            insert()
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Sqlite
    }

    async fn execute_raw(&self, mut statement: Statement) -> Result<ExecResult, DbErr> {
        let values = values(&mut statement);
        let mut transaction = self.0.lock().await;
        let work = sqlx::query_with(AssertSqlSafe(statement.sql), values);
        work.execute(&mut *transaction.connection)
            .await
            .map(Into::into)
            .map_err(exec)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        use sqlx::Executor as _;
        let mut transaction = self.0.lock().await;
        (*transaction.connection)
            .execute(AssertSqlSafe(sql.to_owned()))
            .await
            .map(Into::into)
            .map_err(exec)
    }

    async fn query_one_raw(&self, mut statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let values = values(&mut statement);
        let mut transaction = self.0.lock().await;
        let work = sqlx::query_with(AssertSqlSafe(statement.sql), values);
        let row = work.fetch_optional(&mut *transaction.connection).await.map_err(query)?;
        Ok(row.map(Into::into))
    }

    async fn query_all_raw(&self, mut statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let values = values(&mut statement);
        let mut transaction = self.0.lock().await;
        let work = sqlx::query_with(AssertSqlSafe(statement.sql), values);
        let rows = work.fetch_all(&mut *transaction.connection).await.map_err(query)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}
