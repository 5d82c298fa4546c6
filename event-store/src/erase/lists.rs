//! Sketches of subjects, where some of their events have no rows: a list gives the subject back by its hash.

use event_core::Subject;
use event_core::aggregate::{Level, Sketch};
use event_core::filter::{Field, Scalar};
use sea_orm::{ConnectionTrait, Value};

use super::Touched;
use crate::dialect::Transaction;
use crate::entity::metric::MetricRow;
use crate::error::Error;
use crate::inner::Inner;
use crate::rollup::minutes;
use crate::rowless;
use crate::sketch;

/// A minute of a group whose sketch may have the subject.
struct Minute {
    metric: i64,
    digest: Vec<u8>,
    at: i64,
    sketch: Sketch,
}

/// The minutes of a day that may have the subject.
pub(super) struct Found {
    minutes: Vec<Minute>,
    /// From where to look for the next day; absent, that was the last.
    pub(super) next: Option<i64>,
}

impl Found {
    /// How many of them surely have it.
    pub(super) fn sure(&self, subject: &Subject) -> u64 {
        let text = text(subject);
        let sure = self.minutes.iter().filter(|minute| minute.sketch.clone().remove(&text));
        u64::try_from(sure.count()).unwrap_or(0)
    }
}

fn text(subject: &Subject) -> String {
    Scalar::from(subject.as_str()).text()
}

/// Looks through the first day, from an instant on, in which events without rows may be whose subjects a
/// metric tells.
pub(super) async fn find(
    inner: &Inner,
    db: &impl ConnectionTrait,
    subject: &Subject,
    after: i64,
) -> Result<Found, Error> {
    let mut found = Found {
        minutes: Vec::new(),
        next: None,
    };
    let rowless = rowless::times(inner.dialect, db, &inner.tables).await?;
    let mut metrics = MetricRow::all(inner.dialect, db, &inner.tables).await?;
    metrics.retain(|row| row.metric.unique() == Some(&Field::Subject));
    if rowless.is_empty() || metrics.is_empty() {
        return Ok(found);
    }
    let dictionary = inner.dictionary_in(db).await?;
    let mut days = Vec::new();
    for row in metrics {
        let kinds = dictionary.of_type(row.metric.event_type());
        let times = kinds.iter().filter_map(|kind| rowless.get(kind));
        let Some((least, greatest)) = times.copied().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else {
            continue;
        };
        let sql = "SELECT MIN(at) FROM {sketches} WHERE metric_id = ? AND level = ? AND at >= ? AND at <= ?";
        let values: [Value; 4] = [
            row.id.into(),
            minutes(Level::Day).into(),
            after.max(Level::Day.start(least).as_micros()).into(),
            greatest.as_micros().into(),
        ];
        let statement = inner.dialect.statement(&inner.tables.sql(sql), values);
        let first = db.query_one_raw(statement).await?;
        let first: Option<i64> = first.map(|row| row.try_get_by_index(0)).transpose()?.flatten();
        days.extend(first.map(|day| (day, row.id)));
    }
    let Some(day) = days.iter().map(|(day, _)| *day).min() else {
        return Ok(found);
    };
    found.next = Some(day + Level::Day.micros());
    let text = text(subject);
    for (_, metric) in days.into_iter().filter(|(first, _)| *first == day) {
        let sql = "SELECT digest, sketch FROM {sketches} WHERE metric_id = ? AND level = ? AND at = ?";
        let values: [Value; 3] = [metric.into(), minutes(Level::Day).into(), day.into()];
        for row in db
            .query_all_raw(inner.dialect.statement(&inner.tables.sql(sql), values))
            .await?
        {
            let digest: Vec<u8> = row.try_get_by_index(0)?;
            // A day has what its minutes have.
            if sketch::look(&row, 1)?.is_none_or(|day| day.may_have(&text)) {
                for (at, sketch) in of_minutes(inner, db, metric, &digest, day, Level::Day).await? {
                    let digest = digest.clone();
                    found.minutes.extend(sketch.may_have(&text).then_some(Minute {
                        metric,
                        digest,
                        at,
                        sketch,
                    }));
                }
            }
        }
    }
    Ok(found)
}

/// The sketches of a group's minutes in one of its longer stretches.
pub(super) async fn of_minutes(
    inner: &Inner,
    db: &impl ConnectionTrait,
    metric: i64,
    digest: &[u8],
    start: i64,
    level: Level,
) -> Result<Vec<(i64, Sketch)>, Error> {
    let sql = inner.tables.sql(
        "SELECT at, sketch FROM {sketches} WHERE metric_id = ? AND digest = ? AND level = ? AND at >= ? AND at < ?",
    );
    let values: [Value; 5] = [
        metric.into(),
        digest.to_vec().into(),
        minutes(Level::Minute).into(),
        start.into(),
        (start + level.micros()).into(),
    ];
    let rows = db.query_all_raw(inner.dialect.statement(&sql, values)).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        // One that is none has nothing to give back.
        if let Some(sketch) = sketch::look(row, 1)? {
            found.push((row.try_get_by_index(0)?, sketch));
        }
    }
    Ok(found)
}

/// Takes a subject without rows out of the sketches of a day; answers from where to go on.
pub(super) async fn step(
    inner: &Inner,
    db: &Transaction,
    subject: &Subject,
    after: i64,
    touched: &mut Touched,
) -> Result<Option<i64>, Error> {
    let Found { minutes: found, next } = find(inner, db, subject, after).await?;
    let text = text(subject);
    for mut minute in found {
        if !minute.sketch.remove(&text) {
            touched.sketches_kept += 1;
            continue;
        }
        minute
            .write(inner, db, Level::Minute, minute.at, &minute.sketch)
            .await?;
        touched.sketches_changed += 1;
        for level in [Level::Hour, Level::Day] {
            let at = minute.at / level.micros() * level.micros();
            let mut whole = Sketch::new();
            for (_, sketch) in of_minutes(inner, db, minute.metric, &minute.digest, at, level).await? {
                whole.merge(&sketch);
            }
            minute.write(inner, db, level, at, &whole).await?;
            touched.sketches_changed += 1;
        }
    }
    Ok(next)
}

impl Minute {
    async fn write(
        &self,
        inner: &Inner,
        db: &Transaction,
        level: Level,
        at: i64,
        sketch: &Sketch,
    ) -> Result<(), Error> {
        let sql = "UPDATE {sketches} SET sketch = ? WHERE metric_id = ? AND level = ? AND at = ? AND digest = ?";
        let values: [Value; 5] = [
            sketch.to_bytes().into(),
            self.metric.into(),
            minutes(level).into(),
            at.into(),
            self.digest.clone().into(),
        ];
        db.execute_raw(inner.dialect.statement(&inner.tables.sql(sql), values))
            .await?;
        Ok(())
    }
}
