//! What a driver's error means for the caller.

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, SqlxError};

use crate::error::{Cause, Error};

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Error::of_reference(&error)
    }
}

impl Error {
    /// What an error means that somebody else will have.
    pub(crate) fn of_reference(error: &DbErr) -> Self {
        let cause = Cause::from(error);
        match error {
            DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => Error::Closed,
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Error::Unavailable(cause),
            DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
                of_driver(error, cause)
            }
            DbErr::Type(what) | DbErr::Json(what) => Error::corrupt(what.clone()),
            _ => Error::Statement(cause),
        }
    }
}

/// A server that was not reached. What SeaORM says of a URL that it cannot read holds the whole URL,
/// and so the password.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(super) fn unreachable(error: &DbErr, url: &str) -> Error {
    let text = error.to_string();
    if text.contains(url) {
        return Error::Config(
            "the database URL cannot be read: check its port, and write @ : / in a password as %40 %3A %2F".to_owned(),
        );
    }
    Error::Unavailable(Cause::new(text))
}

/// An error that names its cause.
pub(super) fn exec(error: SqlxError) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}

/// An error of a statement that reads.
pub(super) fn query(error: SqlxError) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

fn of_driver(error: &SqlxError, cause: Cause) -> Error {
    let database = match error {
        SqlxError::Database(database) => database.as_ref(),
        SqlxError::ColumnDecode { .. } | SqlxError::Decode(_) | SqlxError::ColumnIndexOutOfBounds { .. } => {
            return Error::corrupt("a value of another type");
        }
        SqlxError::PoolClosed => return Error::Closed,
        SqlxError::Encode(_) | SqlxError::InvalidArgument(_) => return Error::Statement(cause),
        _ => return Error::Unavailable(cause),
    };
    #[cfg(feature = "sqlite")]
    if let Some(error) = database.try_downcast_ref::<sea_orm::sqlx::sqlite::SqliteError>() {
        return super::sqlite::classify(error, cause);
    }
    #[cfg(feature = "postgres")]
    if let Some(error) = database.try_downcast_ref::<sea_orm::sqlx::postgres::PgDatabaseError>() {
        return super::postgres::classify(error, cause);
    }
    #[cfg(feature = "mysql")]
    if let Some(error) = database.try_downcast_ref::<sea_orm::sqlx::mysql::MySqlDatabaseError>() {
        return super::mysql::classify(error, cause);
    }
    let _ = database;
    Error::Statement(cause)
}

/// Whether a migration's statement failed only because it was made before: MySQL commits each by itself.
pub(crate) fn already_there(error: &DbErr) -> bool {
    #[cfg(feature = "mysql")]
    if let DbErr::Exec(RuntimeErr::SqlxError(error)) = error
        && let SqlxError::Database(database) = error.as_ref()
        && let Some(error) = database.try_downcast_ref::<sea_orm::sqlx::mysql::MySqlDatabaseError>()
    {
        return super::mysql::already_there(error);
    }
    let _ = error;
    false
}
