//! What an answer depends on beside the rows that it is about, read by one statement.

use sea_orm::{ConnectionTrait, QueryResult};

use crate::dictionary::Newest;
use crate::error::Error;
use crate::inner::Inner;
use crate::position;

/// How many columns [`columns`] are.
pub(super) const COLUMNS: usize = 5;

/// The log, and what is known of its events, at one moment.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    /// The newest place.
    pub(super) head: i64,
    /// Events without rows.
    rowless: i64,
    /// Metrics that are declared.
    metrics: i64,
    /// The numbers that came last.
    pub(super) newest: Newest,
}

/// What a select has to answer for [`Moment::of`].
pub(super) fn columns() -> String {
    let [head, rowless] = [position::HEAD, position::ROWLESS];
    format!(
        "(SELECT head FROM {{log}} WHERE id = {head}) AS m0, (SELECT head FROM {{log}} WHERE id = {rowless}) AS m1, \
         (SELECT COUNT(*) FROM {{metrics}}) AS m2, {}",
        Newest::columns("m3", "m4")
    )
}

/// ` AND …` for a statement that is to find nothing where there is more to be read than rows of these kinds and sources.
pub(super) fn gate(known: Newest) -> String {
    let rowless = position::ROWLESS;
    format!(
        " AND (SELECT head FROM {{log}} WHERE id = {rowless}) = 0 AND (SELECT COUNT(*) FROM {{metrics}}) = 0{}",
        known.gate()
    )
}

impl Moment {
    pub(super) async fn read(inner: &Inner, db: &impl ConnectionTrait) -> Result<Self, Error> {
        let sql = inner.tables.sql(&format!("SELECT {}", columns()));
        let row = db.query_one_raw(inner.dialect.statement(&sql, [])).await?;
        Moment::of(&row.ok_or_else(|| Error::corrupt("no row for what is there"))?)
    }

    /// What the first columns of a row say.
    pub(super) fn of(row: &QueryResult) -> Result<Self, Error> {
        Ok(Moment {
            head: row.try_get_by_index(0)?,
            rowless: row.try_get_by_index(1)?,
            metrics: row.try_get_by_index(2)?,
            newest: Newest::of(row, 3)?,
        })
    }

    /// Whether there are events without rows.
    pub(super) fn any_rowless(&self) -> bool {
        self.rowless > 0
    }

    /// Whether metrics are declared.
    pub(super) fn any_metrics(&self) -> bool {
        self.metrics > 0
    }

    /// Whether all that can be asked for is rows.
    pub(super) fn has_only_rows(&self) -> bool {
        !self.any_rowless() && !self.any_metrics()
    }
}
