//! What a metric's cells say for a question.

use event_core::Query;
use event_core::Timestamp;
use event_core::aggregate::{GroupKey, Level, Projection, Stretch, Tally};
use futures_util::TryStreamExt as _;
use sea_orm::{ConnectionTrait, StreamTrait, Value};

use crate::entity::metric::MetricRow;
use crate::error::Error;
use crate::inner::Inner;
use crate::rollup::{cell, digest, exponent, minutes};
use crate::sketch;

/// The cells of one metric, one level and one stretch of time.
pub(super) struct Counted {
    metric: i64,
    level: Level,
    stretch: Stretch,
    /// What of `by` and of the conditions is about the groups of the metric.
    projection: Projection,
    /// No bucket's edge lies between two multiples of it.
    granule: Option<i64>,
    /// The one group that all cells count for, where the question asks nothing of the metric's fields.
    one_group: Option<GroupKey>,
    kept: Kept,
}

/// What is read of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// Its cells.
    Cells,
    /// The sketches beside them.
    Sketches,
}

impl Counted {
    pub(super) fn new(
        row: &MetricRow,
        query: &Query,
        granule: Option<i64>,
        level: Level,
        stretch: Stretch,
    ) -> Result<Self, Error> {
        let metric = &row.metric;
        let projection =
            Projection::new(metric, query).ok_or_else(|| Error::corrupt("a metric that covers nothing"))?;
        let (kept, query) = if metric.sketches(query) {
            (Kept::Sketches, query.clone())
        } else {
            (Kept::Cells, query.counting())
        };
        let mut asked = query
            .filter
            .all
            .iter()
            .map(|condition| &condition.field)
            .chain(&query.by);
        let one_group = if asked.any(|field| metric.by().contains(field)) {
            None
        } else {
            projection.project(&GroupKey::new(metric.by().iter().map(|_| None)))
        };
        Ok(Counted {
            metric: row.id,
            level,
            stretch,
            projection,
            granule,
            one_group,
            kept,
        })
    }

    /// Reads the cells or sketches and adds them.
    pub(super) async fn add_to(
        &self,
        tally: Tally,
        inner: &Inner,
        db: &(impl ConnectionTrait + StreamTrait),
    ) -> Result<Tally, Error> {
        match self.kept {
            Kept::Cells => self.add_cells_to(tally, inner, db).await,
            Kept::Sketches => self.add_sketches_to(tally, inner, db).await,
        }
    }

    async fn add_sketches_to(&self, mut tally: Tally, inner: &Inner, db: &impl StreamTrait) -> Result<Tally, Error> {
        let (conditions, mut values) = self.conditions(inner);
        let sketches = inner.tables.sql("{sketches}");
        let sql = if self.one_group.is_some() {
            format!("SELECT at, sketch FROM {sketches} WHERE {conditions}")
        } else {
            values.push(self.metric.into());
            format!(
                "SELECT c.at, c.sketch, g.texts FROM (SELECT at, sketch, digest FROM {sketches} WHERE {conditions}) c \
                 JOIN {} ON g.digest = c.digest AND g.metric_id = ?",
                inner.tables.sql("{groups} g")
            )
        };
        // One by one: a long range has more of them than fit into memory.
        let mut rows = std::pin::pin!(db.stream_raw(inner.dialect.statement(&sql, values)).await?);
        while let Some(row) = rows.try_next().await? {
            let key = match &self.one_group {
                Some(key) => Some(key.clone()),
                None => {
                    let texts: String = row.try_get_by_index(2)?;
                    self.projection.project(&GroupKey::new(texts.split('\n').map(Some)))
                }
            };
            if let Some(key) = key {
                let at = Timestamp::MIN.saturating_add_micros(row.try_get_by_index(0)?);
                tally.add_sketch(at, &key, &sketch::read(&row, 1)?);
            }
        }
        Ok(tally)
    }

    async fn add_cells_to(&self, mut tally: Tally, inner: &Inner, db: &impl ConnectionTrait) -> Result<Tally, Error> {
        let (sql, values) = self.sql(inner);
        let start = self.stretch.from.unwrap_or(Timestamp::MIN);
        let mut group: Option<(String, Option<GroupKey>)> = None;
        for row in db.query_all_raw(inner.dialect.statement(&sql, values)).await? {
            let at = match self.granule {
                None => start,
                Some(granule) => {
                    let number: i64 = row.try_get_by_index(0)?;
                    Timestamp::MIN.saturating_add_micros(number.saturating_mul(granule))
                }
            };
            let key = match &self.one_group {
                Some(key) => Some(key.clone()),
                None => {
                    let texts: String = row.try_get_by_index(8)?;
                    // Cells of one group often come together.
                    match &group {
                        Some((known, key)) if *known == texts => key.clone(),
                        _ => {
                            let key = self.projection.project(&GroupKey::new(texts.split('\n').map(Some)));
                            group = Some((texts, key.clone()));
                            key
                        }
                    }
                }
            };
            let Some(key) = key else { continue };
            let summary = cell(&row, 2)?.summary(exponent(row.try_get_by_index(1)?)?);
            let summary = summary.ok_or_else(|| Error::corrupt("a cell that counts nothing"))?;
            tally.add_cell(at, key, &summary);
        }
        Ok(tally)
    }

    /// Which cells or sketches count, as far as the database can tell.
    fn conditions(&self, inner: &Inner) -> (String, Vec<Value>) {
        let tables = &inner.tables;
        let mut values: Vec<Value> = vec![self.metric.into(), minutes(self.level).into()];
        let mut conditions = "metric_id = ? AND level = ?".to_owned();
        for (sign, end) in [(">=", self.stretch.from), ("<", self.stretch.to)] {
            if let Some(end) = end {
                conditions.push_str(&format!(" AND at {sign} ?"));
                values.push(end.as_micros().into());
            }
        }
        if let Some(pinned) = self.projection.pinned() {
            let places = match pinned.len() {
                0 => "NULL".to_owned(),
                count => vec!["?"; count].join(", "),
            };
            let groups = tables.sql("SELECT digest FROM {groups} WHERE metric_id = ? AND lead_digest IN");
            conditions.push_str(&format!(" AND digest IN ({groups} ({places}))"));
            values.push(self.metric.into());
            values.extend(pinned.into_iter().map(|text| Value::from(digest(text).to_vec())));
        }
        (conditions, values)
    }

    /// Bucket, exponent, the six columns of a cell, and the texts of the group.
    fn sql(&self, inner: &Inner) -> (String, Vec<Value>) {
        let (dialect, tables) = (inner.dialect, &inner.tables);
        let (conditions, mut values) = self.conditions(inner);
        let bucket = match self.granule {
            Some(granule) => dialect.divide("at", granule),
            None => "metric_id".to_owned(),
        };
        let grouped = if self.one_group.is_some() { "" } else { ", digest" };
        let sums = ["events", "numbers", "high", "low"].map(|column| format!("{} AS {column}", dialect.total(column)));
        let cells = format!(
            "SELECT {bucket} AS bucket, exponent, {}, MIN(least) AS least, MAX(greatest) AS greatest{grouped} \
             FROM {} WHERE {conditions} GROUP BY {bucket}, exponent{grouped}",
            sums.join(", "),
            tables.sql("{cells}")
        );
        if self.one_group.is_some() {
            return (cells, values);
        }
        values.push(self.metric.into());
        let sql = format!(
            "SELECT c.bucket, c.exponent, c.events, c.numbers, c.high, c.low, c.least, c.greatest, g.texts \
             FROM ({cells}) c JOIN {} ON g.digest = c.digest AND g.metric_id = ?",
            tables.sql("{groups} g")
        );
        (sql, values)
    }
}
