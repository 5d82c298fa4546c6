//! A row of the metrics: what is counted while events are stored, and how far the older ones are.

use event_core::Timestamp;
use event_core::metric::Metric;
use sea_orm::{ConnectionTrait, QueryResult};

use crate::dialect::Dialect;
use crate::error::Error;
use crate::tables::Tables;

/// A metric, as declared.
#[derive(Clone, Debug)]
pub(crate) struct MetricRow {
    pub(crate) id: i64,
    pub(crate) metric: Metric,
    /// Events up to here were stored before it was declared.
    pub(crate) since: i64,
    /// Up to here they are counted.
    pub(crate) built: i64,
    /// The first and the last time of events that had no rows by then.
    pub(crate) blind: Option<(Timestamp, Timestamp)>,
    pub(crate) declared_at: Timestamp,
}

impl MetricRow {
    /// Whether its cells count all events.
    pub(crate) fn is_ready(&self) -> bool {
        self.built >= self.since
    }

    fn read(row: &QueryResult) -> Result<Self, Error> {
        let definition: String = row.try_get_by_index(1)?;
        let blind: (Option<i64>, Option<i64>) = (row.try_get_by_index(4)?, row.try_get_by_index(5)?);
        let time = |micros| Timestamp::from_micros(micros).map_err(|_| Error::corrupt("a time of no calendar"));
        Ok(MetricRow {
            id: row.try_get_by_index(0)?,
            metric: serde_json::from_str(&definition).map_err(|_| Error::corrupt("a metric that is none"))?,
            since: row.try_get_by_index(2)?,
            built: row.try_get_by_index(3)?,
            blind: match blind {
                (Some(from), Some(to)) => Some((time(from)?, time(to)?)),
                _ => None,
            },
            declared_at: time(row.try_get_by_index(6)?)?,
        })
    }

    /// Every metric, in the order of their declaration.
    pub(crate) async fn all(dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> Result<Vec<Self>, Error> {
        let sql = "SELECT id, definition, since, built, blind_from, blind_to, declared_at FROM {metrics} ORDER BY id";
        let rows = db.query_all_raw(dialect.statement(&tables.sql(sql), [])).await?;
        rows.iter().map(MetricRow::read).collect()
    }
}
