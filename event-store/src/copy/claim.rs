//! That one copy at a time fills a database: its sign of life stands among the migrations, as a negative number, and whatever
//! it writes is written only while that is its own.

use std::sync::atomic::{AtomicI64, Ordering};

use sea_orm::ConnectionTrait;

use crate::dialect::Dialect;
use crate::error::Error;
use crate::inner::now;
use crate::tables::Tables;

/// A copy that has shown no sign of life for so many microseconds was cut off.
const SILENT: i64 = 60_000_000;

/// When a copy wrote last, in microseconds since 1970: what it is known by.
#[derive(Debug)]
pub(super) struct Claim(AtomicI64);

impl Claim {
    /// Takes the place of a copy that was cut off, or of none. In a transaction that holds the log's row.
    ///
    /// # Errors
    /// [`Error::BeingFilled`] if there is another one.
    pub(super) async fn take(dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> Result<Self, Error> {
        let sql = tables.sql("SELECT COALESCE(MIN(version), 0) FROM {migrations}");
        let row = db.query_one_raw(dialect.statement(&sql, [])).await?;
        let row = row.ok_or_else(|| Error::corrupt("no row for a minimum"))?;
        let (now, other) = (now().as_micros(), -row.try_get_by_index::<i64>(0)?);
        // A clock of another machine may be ahead of ours.
        if other > 0 && (now - other).abs() < SILENT {
            return Err(being_filled(now - other));
        }
        let sql = tables.sql("DELETE FROM {migrations} WHERE version < 0");
        db.execute_unprepared(&sql).await?;
        let sql = tables.sql("INSERT INTO {migrations} (version) VALUES (?)");
        db.execute_raw(dialect.statement(&sql, [(-now).into()])).await?;
        Ok(Claim(AtomicI64::new(now)))
    }

    /// Shows a sign of life, in a transaction that writes.
    ///
    /// # Errors
    /// [`Error::BeingFilled`] if another copy has taken our place.
    pub(super) async fn renew(
        &self,
        dialect: Dialect,
        db: &impl ConnectionTrait,
        tables: &Tables,
    ) -> Result<(), Error> {
        let before = self.0.load(Ordering::Relaxed);
        let next = now().as_micros().max(before + 1);
        let sql = tables.sql("UPDATE {migrations} SET version = ? WHERE version = ?");
        let renewed = db
            .execute_raw(dialect.statement(&sql, [(-next).into(), (-before).into()]))
            .await?;
        if renewed.rows_affected() == 0 {
            return Err(being_filled(0));
        }
        self.0.store(next, Ordering::Relaxed);
        Ok(())
    }

    /// Gives the place back.
    ///
    /// # Errors
    /// [`Error::BeingFilled`] if another copy has it.
    pub(super) async fn give_back(
        &self,
        dialect: Dialect,
        db: &impl ConnectionTrait,
        tables: &Tables,
    ) -> Result<(), Error> {
        let sql = tables.sql("DELETE FROM {migrations} WHERE version = ?");
        let own = -self.0.load(Ordering::Relaxed);
        let given = db.execute_raw(dialect.statement(&sql, [own.into()])).await?;
        if given.rows_affected() == 0 {
            return Err(being_filled(0));
        }
        Ok(())
    }
}

fn being_filled(micros: i64) -> Error {
    Error::BeingFilled {
        seconds: u64::try_from(micros).unwrap_or_default() / 1_000_000,
    }
}
