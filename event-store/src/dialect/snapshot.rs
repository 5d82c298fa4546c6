//! A transaction that reads, and sees the same at its end as at its start.

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, IsolationLevel,
    QueryResult, Statement, TransactionTrait as _,
};

use super::Dialect;
#[cfg(feature = "sqlite")]
use super::Transaction;
use crate::error::Error;

/// A transaction that reads. What is in this process may also be read row by row, where the rows lie: to hand each over to
/// another thread, as the driver does, takes longer than to find and to count it.
pub(crate) enum Snapshot {
    #[cfg(feature = "sqlite")]
    InProcess(Transaction),
    Served(DatabaseTransaction),
}

/// The same work on whichever it is.
macro_rules! on {
    ($snapshot:expr, $it:ident => $work:expr) => {
        match $snapshot {
            #[cfg(feature = "sqlite")]
            Snapshot::InProcess($it) => $work,
            Snapshot::Served($it) => $work,
        }
    };
}

impl Snapshot {
    pub(super) async fn begin(dialect: Dialect, db: &DatabaseConnection) -> Result<Self, Error> {
        #[cfg(feature = "sqlite")]
        if dialect == Dialect::Sqlite {
            return Ok(Snapshot::InProcess(Transaction::begin_reading(dialect, db).await?));
        }
        Ok(Snapshot::Served(served(dialect, db).await?))
    }

    /// Ends it. One that is dropped instead takes its connection with it.
    pub(crate) async fn end(self) -> Result<(), Error> {
        match self {
            #[cfg(feature = "sqlite")]
            Snapshot::InProcess(it) => it.rollback().await,
            Snapshot::Served(it) => Ok(it.rollback().await?),
        }
    }
}

/// The same as SeaORM has it.
pub(super) async fn served(dialect: Dialect, db: &DatabaseConnection) -> Result<DatabaseTransaction, Error> {
    let transaction = match dialect.backend() {
        // Every transaction is one there.
        DbBackend::Sqlite => db.begin().await?,
        _ => {
            let (isolation, access) = (IsolationLevel::RepeatableRead, AccessMode::ReadOnly);
            db.begin_with_config(Some(isolation), Some(access)).await?
        }
    };
    Ok(transaction)
}

#[async_trait::async_trait]
impl ConnectionTrait for Snapshot {
    fn get_database_backend(&self) -> DbBackend {
        on!(self, it => it.get_database_backend())
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        on!(self, it => it.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        on!(self, it => it.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        on!(self, it => it.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        on!(self, it => it.query_all_raw(statement).await)
    }
}
