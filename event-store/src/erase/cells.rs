//! Cells without the events that are gone: exactly what is left of the rows.

use std::collections::BTreeSet;

use event_core::aggregate::{Cell, CellKey, Level};
use event_core::filter::Field;
use event_core::{StoredEvent, Subject};
use sea_orm::{ConnectionTrait, Value};

use super::rows::counted;
use super::{Touched, sketches};
use crate::dialect::Transaction;
use crate::dictionary::Dictionary;
use crate::entity::metric::MetricRow;
use crate::error::Error;
use crate::inner::Inner;
use crate::revision;
use crate::rollup::{Digest, Gathered, NO_NUMBER, Rollup, cell, digest, minutes, texts};

/// Takes events out of the cells that have counted them. Their rows are gone by now.
pub(super) async fn without(
    inner: &Inner,
    db: &Transaction,
    dictionary: &Dictionary,
    events: &[StoredEvent],
    touched: &mut Touched,
) -> Result<(), Error> {
    for metric in MetricRow::all(inner.dialect, db, &inner.tables).await? {
        let (rollup, mut gathered) = (Rollup::of(metric.clone()), Gathered::default());
        for event in events {
            // Those before its declaration are counted up to where the counting has come.
            if event.position <= metric.built || event.position > metric.since {
                rollup.count(&event.event, &mut gathered);
            }
        }
        let gone = gathered.cells().remove(&metric.id).unwrap_or_default();
        let (mut digests, mut days) = (BTreeSet::new(), BTreeSet::new());
        // Minutes first: hours and days take their extremes from them.
        for level in [Level::Minute, Level::Hour, Level::Day] {
            for (key, gone) in gone.iter().filter(|(key, _)| key.level == level) {
                let place = Place::new(metric.id, key);
                digests.insert(place.digest);
                days.insert((metric.id, revision::day(key.at)));
                place.subtract(inner, db, dictionary, &metric, gone, touched).await?;
            }
        }
        revision::renew(&days, db, &inner.tables).await?;
        for (key, _) in gone.sketches() {
            let place = sketches::Place::new(inner, db, metric.id, key);
            place.recount(dictionary, &metric, touched).await?;
        }
        for digest in digests {
            touched.groups += forget_empty(inner, db, metric.id, &digest).await?;
        }
    }
    Ok(())
}

/// One cell of a metric.
struct Place<'a> {
    metric: i64,
    key: &'a CellKey,
    digest: Digest,
}

const KEY: &str = "metric_id = ? AND level = ? AND at = ? AND digest = ? AND exponent = ?";

impl<'a> Place<'a> {
    fn new(metric: i64, key: &'a CellKey) -> Self {
        Place {
            metric,
            key,
            digest: digest(&texts(&key.group)),
        }
    }

    fn exponent(&self) -> Value {
        self.key.exponent.map_or(NO_NUMBER, i64::from).into()
    }

    fn values(&self) -> [Value; 5] {
        [
            self.metric.into(),
            minutes(self.key.level).into(),
            self.key.at.as_micros().into(),
            self.digest.to_vec().into(),
            self.exponent(),
        ]
    }

    async fn subtract(
        &self,
        inner: &Inner,
        db: &Transaction,
        dictionary: &Dictionary,
        metric: &MetricRow,
        gone: &Cell,
        touched: &mut Touched,
    ) -> Result<(), Error> {
        let select = "SELECT events, numbers, high, low, least, greatest FROM {cells} WHERE ";
        let sql = format!("{}{KEY}", inner.tables.sql(select));
        let Some(row) = db.query_one_raw(inner.dialect.statement(&sql, self.values())).await? else {
            // Of a day whose cells were dropped.
            return Ok(());
        };
        let mut left = cell(&row, 0)?;
        left.events -= gone.events;
        if left.events <= 0 {
            let sql = format!("{}{KEY}", inner.tables.sql("DELETE FROM {cells} WHERE "));
            db.execute_raw(inner.dialect.statement(&sql, self.values())).await?;
            touched.cells_removed += 1;
            return Ok(());
        }
        left.numbers -= gone.numbers;
        left.high -= gone.high;
        left.low -= gone.low;
        if gone.numbers > 0
            && (gone.least <= left.least || gone.greatest >= left.greatest)
            && let Some((least, greatest)) = self.extremes(inner, db, dictionary, metric).await?
        {
            (left.least, left.greatest) = (least, greatest);
        }
        let set = "UPDATE {cells} SET events = ?, numbers = ?, high = ?, low = ?, least = ?, greatest = ? WHERE ";
        let sql = format!("{}{KEY}", inner.tables.sql(set));
        let counts = [
            left.events,
            left.numbers,
            left.high,
            left.low,
            left.least,
            left.greatest,
        ];
        let values = counts.into_iter().map(Value::from).chain(self.values());
        db.execute_raw(inner.dialect.statement(&sql, values)).await?;
        touched.cells_changed += 1;
        Ok(())
    }

    /// The least and the greatest of what is left: of a minute by its rows, of an hour or a day by its
    /// minutes; `None` where some events have no rows, so that nobody knows.
    async fn extremes(
        &self,
        inner: &Inner,
        db: &Transaction,
        dictionary: &Dictionary,
        metric: &MetricRow,
    ) -> Result<Option<(i64, i64)>, Error> {
        let (start, length) = (self.key.at.as_micros(), self.key.level.micros());
        if self.key.level == Level::Minute {
            let cells = counted(inner, db, dictionary, metric, start, start + length).await?;
            let cells = cells.unwrap_or_default();
            let found = cells.iter().find(|(key, _)| *key == self.key);
            return Ok(found.map(|(_, cell)| (cell.least, cell.greatest)));
        }
        let sql = inner.tables.sql(
            "SELECT MIN(least), MAX(greatest) FROM {cells} \
             WHERE metric_id = ? AND digest = ? AND level = ? AND at >= ? AND at < ? AND exponent = ?",
        );
        let values: [Value; 6] = [
            self.metric.into(),
            self.digest.to_vec().into(),
            minutes(Level::Minute).into(),
            start.into(),
            (start + length).into(),
            self.exponent(),
        ];
        let row = db.query_one_raw(inner.dialect.statement(&sql, values)).await?;
        let row = row.ok_or_else(|| Error::corrupt("no row for a minimum"))?;
        let (least, greatest): (Option<i64>, Option<i64>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        Ok(least.zip(greatest))
    }
}

/// Takes a group away that has no cells any more.
async fn forget_empty(inner: &Inner, db: &Transaction, metric: i64, digest: &Digest) -> Result<u64, Error> {
    let values: [Value; 2] = [metric.into(), digest.to_vec().into()];
    let sql = inner
        .tables
        .sql("SELECT at FROM {cells} WHERE metric_id = ? AND digest = ? LIMIT 1");
    let left = db.query_one_raw(inner.dialect.statement(&sql, values.clone())).await?;
    if left.is_some() {
        return Ok(0);
    }
    let sql = inner
        .tables
        .sql("DELETE FROM {groups} WHERE metric_id = ? AND digest = ?");
    let gone = db.execute_raw(inner.dialect.statement(&sql, values)).await?;
    Ok(gone.rows_affected())
}

/// The groups of a subject, in the metrics that are counted by subject.
pub(super) async fn found(
    inner: &Inner,
    db: &impl ConnectionTrait,
    subject: &Subject,
) -> Result<Vec<(i64, Vec<u8>)>, Error> {
    let named = serde_json::Value::from(subject.as_str()).to_string();
    let sql = inner
        .tables
        .sql("SELECT digest, texts FROM {groups} WHERE metric_id = ? AND ");
    let sql = format!("{sql}{}", inner.dialect.contains("texts"));
    let mut found = Vec::new();
    for metric in MetricRow::all(inner.dialect, db, &inner.tables).await? {
        let Some(at) = metric.metric.by().iter().position(|field| *field == Field::Subject) else {
            continue;
        };
        let values: [Value; 2] = [metric.id.into(), named.as_str().into()];
        for row in db.query_all_raw(inner.dialect.statement(&sql, values)).await? {
            let texts: String = row.try_get_by_index(1)?;
            if texts.split('\n').nth(at) == Some(named.as_str()) {
                found.push((metric.id, row.try_get_by_index(0)?));
            }
        }
    }
    Ok(found)
}

/// Takes the groups of a subject away with their cells: what is left there counts events without rows.
pub(super) async fn groups_of(
    inner: &Inner,
    db: &Transaction,
    subject: &Subject,
    touched: &mut Touched,
) -> Result<(), Error> {
    for (metric, digest) in found(inner, db, subject).await? {
        let days = inner
            .tables
            .sql("SELECT at FROM {cells} WHERE metric_id = ? AND digest = ? AND level = ?");
        let values: [Value; 3] = [metric.into(), digest.clone().into(), minutes(Level::Day).into()];
        let days = db.query_all_raw(inner.dialect.statement(&days, values)).await?;
        let days: Result<BTreeSet<_>, sea_orm::DbErr> =
            days.iter().map(|row| Ok((metric, row.try_get_by_index(0)?))).collect();
        revision::renew(&days?, db, &inner.tables).await?;
        let delete = |table: &str| {
            let sql = format!("DELETE FROM {table} WHERE metric_id = ? AND digest = ?");
            let values: [Value; 2] = [metric.into(), digest.clone().into()];
            inner.dialect.statement(&inner.tables.sql(&sql), values)
        };
        touched.cells_removed += db.execute_raw(delete("{cells}")).await?.rows_affected();
        touched.sketches_changed += db.execute_raw(delete("{sketches}")).await?.rows_affected();
        touched.groups += db.execute_raw(delete("{groups}")).await?.rows_affected();
    }
    Ok(())
}
