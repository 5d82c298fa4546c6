//! What an answer depends on beside the rows that it is about, read by one statement.

use sea_orm::{ConnectionTrait, QueryResult};

use crate::dictionary::Newest;
use crate::error::Error;
use crate::inner::Inner;
use crate::position;

/// How many columns [`columns`] are.
pub(super) const COLUMNS: usize = 6;

/// The log, and what is known of its events, at one moment.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    /// The newest place.
    pub(super) head: i64,
    /// Changes of what is registered or declared, and erasures.
    pub(super) changes: i64,
    /// Events without rows.
    rowless: i64,
    /// Metrics that are declared.
    metrics: i64,
    /// The numbers that came last.
    pub(super) newest: Newest,
}

/// What a moment is made of, in SQL.
fn selected() -> [String; COLUMNS] {
    let head = |id: i64| format!("(SELECT head FROM {{log}} WHERE id = {id})");
    let [kind, source] = Newest::SELECTED.map(str::to_owned);
    let metrics = "(SELECT COUNT(*) FROM {metrics})".to_owned();
    [
        head(position::HEAD),
        head(position::CHANGES),
        head(position::ROWLESS),
        metrics,
        kind,
        source,
    ]
}

/// What a select has to answer for [`Moment::of`].
pub(super) fn columns() -> String {
    let named = selected()
        .into_iter()
        .zip(0..)
        .map(|(it, place)| format!("{it} AS m{place}"));
    named.collect::<Vec<_>>().join(", ")
}

/// ` AND …` for a statement that is to find nothing where there is more to be read than rows of these kinds and sources.
pub(super) fn gate(known: Newest) -> String {
    let [_, _, rowless, metrics, kind, source] = selected();
    let [newest_kind, newest_source] = known.values();
    format!(" AND {rowless} = 0 AND {metrics} = 0 AND {kind} = {newest_kind} AND {source} = {newest_source}")
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
            changes: row.try_get_by_index(1)?,
            rowless: row.try_get_by_index(2)?,
            metrics: row.try_get_by_index(3)?,
            newest: Newest::of(row, 4)?,
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
