//! What a metric's cells say for a question.

#[cfg(feature = "sqlite")]
use std::collections::{BTreeSet, HashMap};

use event_core::Query;
use event_core::Timestamp;
#[cfg(feature = "sqlite")]
use event_core::aggregate::Sketch;
use event_core::aggregate::{Cell, GroupKey, Level, Projection, Stretch, Summary, Tally};
#[cfg(feature = "sqlite")]
use foldhash::fast::RandomState;
use futures_util::TryStreamExt as _;
use sea_orm::{ConnectionTrait, StreamTrait, Value};

#[cfg(feature = "sqlite")]
use super::days;
use super::days::Days;
use crate::dialect::Snapshot;
#[cfg(feature = "sqlite")]
use crate::dialect::{Bind, Cell as Stored, Kind, Transaction};
use crate::entity::metric::MetricRow;
use crate::error::Error;
use crate::inner::Inner;
#[cfg(feature = "sqlite")]
use crate::rollup::{Digest, whole};
use crate::rollup::{cell, digest, exponent, group, minutes};
use crate::sketch;

/// Sums of cells by group, bucket and exponent.
#[cfg(feature = "sqlite")]
type Sums = HashMap<(Digest, i64, i64), Cell, RandomState>;

/// The cells of one metric, one level and one stretch of time.
pub(super) struct Counted {
    metric: i64,
    level: Level,
    stretch: Stretch,
    /// What of `by` and of the conditions is about the groups of the metric.
    projection: Projection,
    /// No bucket's edge lies between two multiples of it.
    granule: Option<i64>,
    /// How many fields make a group.
    fields: usize,
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
            fields: metric.by().len(),
            one_group,
            kept,
        })
    }

    /// Reads the cells or sketches and adds them.
    pub(super) async fn add_to(
        &self,
        tally: Tally,
        inner: &Inner,
        db: &Snapshot,
        changes: i64,
    ) -> Result<Tally, Error> {
        if self.is_worth_remembering(inner)
            && let Some(days) = Days::read(self.metric, &self.stretch, inner, db, changes).await?
        {
            return self.add_days(tally, &days);
        }
        match (self.kept, db) {
            #[cfg(feature = "sqlite")]
            (Kept::Cells, Snapshot::InProcess(db)) => self.scan_cells(tally, inner, db).await,
            #[cfg(feature = "sqlite")]
            (Kept::Sketches, Snapshot::InProcess(db)) => self.scan_sketches(tally, inner, db).await,
            (Kept::Cells, Snapshot::Served(db)) => self.add_cells_to(tally, inner, db).await,
            (Kept::Sketches, Snapshot::Served(db)) => self.add_sketches_to(tally, inner, db).await,
        }
    }

    /// Whether it is about days of all groups of a metric that has some: of others there are few cells.
    fn is_worth_remembering(&self, inner: &Inner) -> bool {
        self.level == Level::Day
            && self.kept == Kept::Cells
            && self.fields > 0
            && self.projection.pinned().is_none()
            && inner.options.remembered_bytes > 0
    }

    fn add_days(&self, mut tally: Tally, days: &Days) -> Result<Tally, Error> {
        let bucket = |at| self.granule.map_or(0, |granule| at / granule);
        days.add_up(bucket, |bucket, group, exponent, sum| {
            let key = self.one_group.clone().or_else(|| self.projection.project(group));
            if let Some(key) = key {
                tally.add_cell(self.at(bucket), key, &summary(sum, exponent.into())?);
            }
            Ok(())
        })?;
        Ok(tally)
    }

    /// The same where cells can be looked at where they lie: to add them up here takes less than to have them sorted by their
    /// groups.
    #[cfg(feature = "sqlite")]
    async fn scan_cells(&self, mut tally: Tally, inner: &Inner, db: &Transaction) -> Result<Tally, Error> {
        let (conditions, values) = self.conditions(inner);
        let sql = format!(
            "SELECT {} FROM {} WHERE {conditions}",
            days::COLUMNS,
            self.table("cells", inner)
        );
        let (granule, one_group) = (self.granule, self.one_group.is_some());
        let add = move |sums: &mut Sums, (at, digest, exponent, cell): days::Row<'_>| {
            let digest = if one_group { Digest::default() } else { whole(digest)? };
            let bucket = granule.map_or(0, |granule| at / granule);
            let place = (digest, bucket, exponent);
            sums.entry(place).and_modify(|sum| sum.merge(&cell)).or_insert(cell);
            Ok(())
        };
        let statement = inner.dialect.statement(&sql, values);
        let sums = days::scan(statement, db, Sums::default(), add).await?;
        let keys = self.keys(&sums, inner, db).await?;
        for ((digest, bucket, stored), cell) in sums {
            let Some(key) = self.one_group.as_ref().or_else(|| keys.get(&digest)) else {
                continue;
            };
            tally.add_cell(self.at(bucket), key.clone(), &summary(&cell, stored)?);
        }
        Ok(tally)
    }

    /// What the groups of cells are in the answer, but for those that do not count.
    #[cfg(feature = "sqlite")]
    async fn keys(
        &self,
        sums: &Sums,
        inner: &Inner,
        db: &Transaction,
    ) -> Result<HashMap<Digest, GroupKey, RandomState>, Error> {
        let mut keys = HashMap::default();
        if self.one_group.is_some() {
            return Ok(keys);
        }
        let digests: BTreeSet<&Digest> = sums.keys().map(|(digest, ..)| digest).collect();
        let wanted: Vec<_> = digests
            .into_iter()
            .map(|digest| [Bind::Int(self.metric), Bind::Bytes(digest)])
            .collect();
        let select = inner.tables.sql("SELECT digest, texts FROM {groups}");
        let key = [("metric_id", Kind::Int), ("digest", Kind::Bytes)];
        for row in db.rows_with(&select, key, &wanted, [Kind::Bytes, Kind::Text]).await? {
            let [Stored::Bytes(digest), Stored::Text(texts)] = row else {
                return Err(Error::corrupt("a group whose columns are of other kinds"));
            };
            if let Some(key) = self.projection.project(&group(&texts)) {
                keys.insert(whole(&digest)?, key);
            }
        }
        Ok(keys)
    }

    #[cfg(feature = "sqlite")]
    async fn scan_sketches(&self, tally: Tally, inner: &Inner, db: &Transaction) -> Result<Tally, Error> {
        let (sql, values) = self.sketches(inner);
        let mut columns = vec![Kind::Int, Kind::Bytes];
        if self.one_group.is_none() {
            columns.push(Kind::Text);
        }
        let (one_group, projection) = (self.one_group.clone(), self.projection.clone());
        let add = move |tally: &mut Tally, row: &[Bind<'_>]| {
            let (at, bytes, key) = match *row {
                [Bind::Int(at), Bind::Bytes(bytes)] => (at, bytes, one_group.clone()),
                [Bind::Int(at), Bind::Bytes(bytes), Bind::Text(texts)] => {
                    (at, bytes, projection.project(&group(texts)))
                }
                _ => return Err(Error::corrupt("a sketch whose columns are of other kinds")),
            };
            if let Some(key) = key {
                let sketch = Sketch::from_bytes(bytes).ok_or_else(|| Error::corrupt("a sketch that is none"))?;
                tally.add_sketch(Timestamp::MIN.saturating_add_micros(at), &key, &sketch);
            }
            Ok(())
        };
        let statement = inner.dialect.statement(&sql, values);
        db.scan(statement, columns, tally, add).await
    }

    /// Start and sketch of those that count, and the texts of the group unless it is one alone.
    fn sketches(&self, inner: &Inner) -> (String, Vec<Value>) {
        let (conditions, mut values) = self.conditions(inner);
        let sketches = self.table("sketches", inner);
        if self.one_group.is_some() {
            return (format!("SELECT at, sketch FROM {sketches} WHERE {conditions}"), values);
        }
        values.push(self.metric.into());
        let sql = format!(
            "SELECT c.at, c.sketch, g.texts FROM (SELECT at, sketch, digest FROM {sketches} WHERE {conditions}) c \
             JOIN {} ON g.digest = c.digest AND g.metric_id = ?",
            inner.tables.sql("{groups} g")
        );
        (sql, values)
    }

    async fn add_sketches_to(&self, mut tally: Tally, inner: &Inner, db: &impl StreamTrait) -> Result<Tally, Error> {
        let (sql, values) = self.sketches(inner);
        // One by one: a long range has more of them than fit into memory.
        let mut rows = std::pin::pin!(db.stream_raw(inner.dialect.statement(&sql, values)).await?);
        while let Some(row) = rows.try_next().await? {
            let key = match &self.one_group {
                Some(key) => Some(key.clone()),
                None => {
                    let texts: String = row.try_get_by_index(2)?;
                    self.projection.project(&group(&texts))
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
        let mut last: Option<(String, Option<GroupKey>)> = None;
        for row in db.query_all_raw(inner.dialect.statement(&sql, values)).await? {
            let key = match &self.one_group {
                Some(key) => Some(key.clone()),
                None => {
                    let texts: String = row.try_get_by_index(8)?;
                    // Cells of one group often come together.
                    match &last {
                        Some((known, key)) if *known == texts => key.clone(),
                        _ => {
                            let key = self.projection.project(&group(&texts));
                            last = Some((texts, key.clone()));
                            key
                        }
                    }
                }
            };
            let Some(key) = key else { continue };
            let summary = summary(&cell(&row, 2)?, row.try_get_by_index(1)?)?;
            tally.add_cell(self.at(row.try_get_by_index(0)?), key, &summary);
        }
        Ok(tally)
    }

    /// Somewhere in the bucket of a number.
    fn at(&self, bucket: i64) -> Timestamp {
        match self.granule {
            None => self.stretch.from.unwrap_or(Timestamp::MIN),
            Some(granule) => Timestamp::MIN.saturating_add_micros(bucket.saturating_mul(granule)),
        }
    }

    /// A table, by the index of groups where as many are asked for as the question names.
    fn table(&self, name: &str, inner: &Inner) -> String {
        let table = inner.tables.sql(&format!("{{{name}}}"));
        if self.fields != 1 || self.projection.pinned().is_none() {
            return table;
        }
        let index = inner.tables.sql(&format!("{{p}}{name}_group"));
        format!("{table}{}", inner.dialect.by_index(&index))
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
            self.table("cells", inner)
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

/// A sum of cells, with the exponent as it is stored, for a tally.
fn summary(cell: &Cell, stored: i64) -> Result<Summary, Error> {
    let summary = cell.summary(exponent(stored)?);
    summary.ok_or_else(|| Error::corrupt("a cell that counts nothing"))
}
