//! Sketches without the events that are gone: a sketch gives no value back, and is made anew of what is left.

use event_core::aggregate::{Level, Sketch, SketchKey};
use event_core::filter::Field;
use sea_orm::{ConnectionTrait as _, QueryResult, Value};

use super::rows::counted;
use super::{Touched, lists};
use crate::dialect::Transaction;
use crate::dictionary::Dictionary;
use crate::entity::metric::MetricRow;
use crate::error::Error;
use crate::inner::Inner;
use crate::rollup::{Digest, digest, minutes, texts};
use crate::sketch;

/// One sketch of a metric.
pub(super) struct Place<'a> {
    inner: &'a Inner,
    db: &'a Transaction,
    metric: i64,
    key: &'a SketchKey,
    digest: Digest,
}

const KEY: &str = "metric_id = ? AND level = ? AND at = ? AND digest = ?";

impl<'a> Place<'a> {
    pub(super) fn new(inner: &'a Inner, db: &'a Transaction, metric: i64, key: &'a SketchKey) -> Self {
        let digest = digest(&texts(&key.group));
        Place {
            inner,
            db,
            metric,
            key,
            digest,
        }
    }

    fn values(&self) -> [Value; 4] {
        [
            self.metric.into(),
            minutes(self.key.level).into(),
            self.key.at.as_micros().into(),
            self.digest.to_vec().into(),
        ]
    }

    async fn one(&self, select: &str) -> Result<Option<QueryResult>, Error> {
        let sql = format!("{} WHERE {KEY}", self.inner.tables.sql(select));
        let statement = self.inner.dialect.statement(&sql, self.values());
        Ok(self.db.query_all_raw(statement).await?.into_iter().next())
    }

    async fn change(&self, sql: &str, first: Option<Value>) -> Result<(), Error> {
        let sql = format!("{} WHERE {KEY}", self.inner.tables.sql(sql));
        let values = first.into_iter().chain(self.values());
        self.db.execute_raw(self.inner.dialect.statement(&sql, values)).await?;
        Ok(())
    }

    /// Makes the sketch anew, once its cells are; those of minutes come first.
    pub(super) async fn recount(
        &self,
        dictionary: &Dictionary,
        metric: &MetricRow,
        touched: &mut Touched,
    ) -> Result<(), Error> {
        let Some(row) = self.one("SELECT sketch FROM {sketches}").await? else {
            // Of a day whose cells were dropped.
            return Ok(());
        };
        if self.one("SELECT events FROM {cells}").await?.is_none() {
            self.change("DELETE FROM {sketches}", None).await?;
            touched.sketches_changed += 1;
            return Ok(());
        }
        let known = sketch::look(&row, 0)?;
        let left = match self.key.level {
            Level::Minute => self.of_rows(dictionary, metric, known.as_ref()).await?,
            Level::Hour | Level::Day => Some(self.of_minutes().await?),
        };
        match left {
            None => touched.sketches_kept += 1,
            Some(left) if Some(&left) != known.as_ref() => {
                let bytes = left.to_bytes().into();
                self.change("UPDATE {sketches} SET sketch = ?", Some(bytes)).await?;
                touched.sketches_changed += 1;
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Of a minute: what its rows say. Where some are gone, nobody knows what is left, but for subjects,
    /// which are taken out of lists afterwards.
    async fn of_rows(
        &self,
        dictionary: &Dictionary,
        metric: &MetricRow,
        known: Option<&Sketch>,
    ) -> Result<Option<Sketch>, Error> {
        let start = self.key.at.as_micros();
        let end = start + self.key.level.micros();
        if let Some(cells) = counted(self.inner, self.db, dictionary, metric, start, end).await? {
            let found = cells.sketches().find(|(key, _)| *key == self.key);
            return Ok(found.map(|(_, sketch)| sketch.clone()));
        }
        let of_subject = metric.metric.unique() == Some(&Field::Subject);
        Ok(known.filter(|_| of_subject).cloned())
    }

    async fn of_minutes(&self) -> Result<Sketch, Error> {
        let (start, level) = (self.key.at.as_micros(), self.key.level);
        let mut whole = Sketch::new();
        for (_, sketch) in lists::of_minutes(self.inner, self.db, self.metric, &self.digest, start, level).await? {
            whole.merge(&sketch);
        }
        Ok(whole)
    }
}
