//! A connection for as long as a transaction has it.
//!
//! What goes through sqlx goes to another thread and back, statement by statement: some tens of microseconds each, several
//! times what SQLite itself takes. So the lock on the handle is taken once, and kept until something does go through sqlx.

use futures_util::future::BoxFuture;
use ouroboros::self_referencing;
use sea_orm::sqlx::Sqlite;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::{SqlxError, Value};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::prepared::Direct;
use crate::dialect::bind::{Bind, Cell, Kind};
use crate::dialect::failure::exec;
use crate::error::Error;

/// A connection, now spoken to through sqlx, now without it.
pub(in crate::dialect) struct Session(State);

enum State {
    Plain(Armed),
    Locked(Box<Locked>),
    /// On the way from one to the other. Whoever is cancelled there has no connection any more.
    Between,
}

/// A connection that is closed, not given back, unless it is taken out: its transaction may be open.
struct Armed(Option<PoolConnection<Sqlite>>);

impl Drop for Armed {
    fn drop(&mut self) {
        if let Some(connection) = &mut self.0 {
            connection.close_on_drop();
        }
    }
}

/// A connection, and the lock on its handle.
#[self_referencing]
struct Locked {
    connection: Armed,
    #[borrows(mut connection)]
    #[not_covariant]
    handle: Direct<'this>,
}

fn lock(armed: &mut Armed) -> BoxFuture<'_, Result<Direct<'_>, SqlxError>> {
    Box::pin(async {
        match &mut armed.0 {
            Some(connection) => connection.lock_handle().await.map(Direct::new),
            None => Err(SqlxError::WorkerCrashed),
        }
    })
}

impl Session {
    pub(in crate::dialect) fn new(connection: PoolConnection<Sqlite>) -> Self {
        Session(State::Plain(Armed(Some(connection))))
    }

    /// The connection as sqlx has it.
    pub(in crate::dialect) fn plain(&mut self) -> Result<&mut PoolConnection<Sqlite>, SqlxError> {
        if let State::Locked(_) = self.0
            && let State::Locked(locked) = std::mem::replace(&mut self.0, State::Between)
        {
            self.0 = State::Plain(locked.into_heads().connection);
        }
        match &mut self.0 {
            State::Plain(Armed(Some(connection))) => Ok(connection),
            _ => Err(SqlxError::WorkerCrashed),
        }
    }

    /// Gives the connection back, whose transaction is over.
    pub(in crate::dialect) fn release(&mut self) {
        if self.plain().is_ok()
            && let State::Plain(armed) = &mut self.0
        {
            drop(armed.0.take());
        }
    }

    /// Does something by the handle itself. Where other tasks share the thread, they are moved out of the way first: pages
    /// are read and written here, not only bound.
    pub(super) async fn directly<T>(
        &mut self,
        work: impl FnOnce(&mut Direct<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.lock().await?;
        let State::Locked(locked) = &mut self.0 else {
            return Err(exec(SqlxError::WorkerCrashed).into());
        };
        let several = Handle::try_current().is_ok_and(|it| it.runtime_flavor() == RuntimeFlavor::MultiThread);
        locked.with_handle_mut(|handle| {
            if several {
                tokio::task::block_in_place(|| work(handle))
            } else {
                work(handle)
            }
        })
    }

    async fn lock(&mut self) -> Result<(), Error> {
        if let State::Plain(_) = self.0
            && let State::Plain(connection) = std::mem::replace(&mut self.0, State::Between)
        {
            let locked = LockedAsyncSendTryBuilder {
                connection,
                handle_builder: lock,
            };
            self.0 = State::Locked(Box::new(locked.try_build().await.map_err(exec)?));
        }
        Ok(())
    }

    /// Runs a statement that may answer any number of rows, on a thread where it may take its time, and shows such columns of
    /// each of them to a function, where they lie.
    pub(in crate::dialect) async fn scan<S: Send + 'static>(
        &mut self,
        sql: String,
        values: Vec<Value>,
        columns: Vec<Kind>,
        mut state: S,
        mut row: impl FnMut(&mut S, &[Bind<'_>]) -> Result<(), Error> + Send + 'static,
    ) -> Result<S, Error> {
        self.lock().await?;
        let State::Locked(mut locked) = std::mem::replace(&mut self.0, State::Between) else {
            return Err(exec(SqlxError::WorkerCrashed).into());
        };
        let work = move || {
            let done = locked.with_handle_mut(|handle| {
                let statement = handle.prepare(&sql)?;
                statement.each(&values, &columns, |found| row(&mut state, found))
            });
            (locked, done.map(|()| state))
        };
        let (locked, done) = tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Error::corrupt(format!("the reading failed: {error}")))?;
        self.0 = State::Locked(locked);
        done
    }

    /// Runs a statement that answers rows of such columns.
    pub(in crate::dialect) async fn rows<const N: usize>(
        &mut self,
        sql: &str,
        values: &[Bind<'_>],
        columns: [Kind; N],
    ) -> Result<Vec<[Cell; N]>, Error> {
        self.directly(|handle| handle.prepare(sql)?.rows(values, columns)).await
    }

    /// Runs a statement once for each of these values, and answers the rows of all.
    pub(in crate::dialect) async fn rows_each<const K: usize, const N: usize>(
        &mut self,
        sql: &str,
        values: &[[Bind<'_>; K]],
        columns: [Kind; N],
    ) -> Result<Vec<[Cell; N]>, Error> {
        self.directly(|handle| {
            let mut rows = Vec::new();
            for values in values {
                rows.extend(handle.prepare(sql)?.rows(values, columns)?);
            }
            Ok(rows)
        })
        .await
    }
}
