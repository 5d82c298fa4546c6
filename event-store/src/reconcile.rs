//! Cells == rows? Proves it day by day, and repairs what differs.

use std::collections::{BTreeMap, BTreeSet};

use event_core::aggregate::{Cell, Cells, Level, Sketch};
use event_core::{Label, Timestamp};
use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;

use crate::backfill::Progress;
use crate::day;
use crate::dialect::Dialect;
use crate::dictionary::Dictionary;
use crate::entity::event::{SELECTED, stored};
use crate::entity::metric::MetricRow;
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::position;
use crate::rollup::{Gathered, New, Rollup, cell, exponent, minutes, texts};
use crate::rowless;
use crate::store::EventStore;

/// Rows that are read at once.
const STEP: usize = 500;
/// Differences that are listed; the rest are only counted.
const LISTED: usize = 100;

/// What to do about cells that differ from the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repair {
    /// Only tell.
    #[default]
    Nothing,
    /// Count them anew.
    Differences,
}

/// What a metric's cells were found to be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verified {
    /// The metric.
    pub metric: Label,
    /// Cells that were compared, and are what the rows say or were made so.
    pub cells: u64,
    /// How many differed.
    pub differing: u64,
    /// The first hundred of them.
    pub differences: Vec<Difference>,
    /// Whether they were repaired.
    pub repaired: bool,
    /// Days of which some events have no rows: nothing can be proved of them.
    pub unverifiable_days: u64,
}

/// A cell, or the sketch beside it, that is not what the rows say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The start of its stretch of time.
    pub at: Timestamp,
    /// Minutes from there: 1, 60 or 1,440.
    pub minutes: i64,
    /// The values of its group, as JSON texts.
    pub group: Vec<String>,
    /// What it is wrong about: its `events` and their number, or by its sketch the `unique` values.
    pub what: &'static str,
    /// How many of them it says there are.
    pub found: i64,
    /// How many there are.
    pub expected: i64,
}

/// Level, start, group and exponent of a cell.
type Key = (i64, i64, String, Option<i16>);
/// Level, start and group of a sketch.
type SketchKey = (i64, i64, String);

/// What is stored of a day.
#[derive(Default)]
struct Found {
    cells: BTreeMap<Key, Cell>,
    /// `None` for what is no sketch.
    sketches: BTreeMap<SketchKey, Option<Sketch>>,
}

impl EventStore {
    /// Compares the cells of every metric with the rows that they count, and repairs what differs
    /// if asked to. Writers wait only while a day is repaired.
    ///
    /// # Errors
    /// If the database fails; what was repaired stays repaired.
    pub async fn verify(&self, repair: Repair, mut progress: impl FnMut(Progress)) -> Result<Vec<Verified>, Error> {
        let inner = self.inner().clone();
        let all = inner.clone();
        let metrics = detached(async move { MetricRow::all(all.dialect, &all.reader, &all.tables).await }).await?;
        let mut verified = Vec::new();
        let total = i64::try_from(metrics.len()).unwrap_or(i64::MAX);
        for (row, done) in metrics.into_iter().filter(MetricRow::is_ready).zip(1..) {
            let mut result = Verified {
                metric: row.metric.label().clone(),
                cells: 0,
                differing: 0,
                differences: Vec::new(),
                repaired: false,
                unverifiable_days: 0,
            };
            let mut from = Some(Timestamp::MIN);
            while let Some(start) = from {
                let (inner, row) = (inner.clone(), row.clone());
                let day = detached(async move { compare(&inner, &row, start, repair).await }).await?;
                from = day.next;
                result.add(day);
            }
            progress(Progress::new(done, total));
            verified.push(result);
        }
        Ok(verified)
    }
}

impl Verified {
    fn add(&mut self, day: Day) {
        self.cells += day.cells;
        self.unverifiable_days += u64::from(day.unverifiable);
        self.differing += u64::try_from(day.differences.len()).unwrap_or(u64::MAX);
        self.repaired |= day.repaired;
        let room = LISTED.saturating_sub(self.differences.len());
        self.differences.extend(day.differences.into_iter().take(room));
    }
}

/// What was found of one day.
struct Day {
    cells: u64,
    differences: Vec<Difference>,
    unverifiable: bool,
    repaired: bool,
    /// From where to look for the next day; absent, that was the last.
    next: Option<Timestamp>,
}

/// Compares the first day that has cells or rows, from an instant on.
async fn compare(inner: &Inner, row: &MetricRow, from: Timestamp, repair: Repair) -> Result<Day, Error> {
    let dialect = inner.dialect;
    let snapshot = dialect.snapshot(&inner.reader).await?;
    let dictionary = inner.dictionary_in(&snapshot).await?;
    let kinds = dictionary.of_type(row.metric.event_type());
    let mut day = Day {
        cells: 0,
        differences: Vec::new(),
        unverifiable: false,
        repaired: false,
        next: None,
    };
    let Some(first) = day::first(inner, &snapshot, row.id, &kinds, from).await? else {
        return Ok(day);
    };
    // Beyond the last day there is none.
    day.next = Timestamp::from_micros(first.as_micros() + Level::Day.micros()).ok();
    day.unverifiable = has_rowless(inner, &snapshot, &kinds, first).await?;
    if day.unverifiable {
        return Ok(day);
    }
    let expected = expected(inner, &snapshot, row, &kinds, &dictionary, first).await?;
    let found = found(dialect, &snapshot, inner, row.id, first).await?;
    snapshot.rollback().await?;
    day.cells = u64::try_from(found.cells.len()).unwrap_or(u64::MAX);
    day.differences = differences(&expected, &found);
    if repair == Repair::Differences && !day.differences.is_empty() {
        day.repaired = mend(inner, row, first).await?;
    }
    Ok(day)
}

/// Whether some events of a day have no rows.
async fn has_rowless(
    inner: &Inner,
    db: &impl ConnectionTrait,
    kinds: &BTreeSet<i64>,
    first: Timestamp,
) -> Result<bool, Error> {
    let rowless = rowless::times(inner.dialect, db, &inner.tables).await?;
    let end = first.as_micros() + Level::Day.micros();
    let mut of_kinds = kinds.iter().filter_map(|kind| rowless.get(kind));
    Ok(of_kinds.any(|(least, greatest)| least.as_micros() < end && first <= *greatest))
}

/// What the rows of a day say.
async fn expected(
    inner: &Inner,
    db: &impl ConnectionTrait,
    row: &MetricRow,
    kinds: &BTreeSet<i64>,
    dictionary: &Dictionary,
    first: Timestamp,
) -> Result<Cells, Error> {
    let (rollup, mut gathered) = (Rollup::of(row.clone()), Gathered::default());
    let tables = inner.tables.sql("{events} e LEFT JOIN {trails} t ON t.id = e.trail_id");
    let (behind, places) = inner.dialect.beyond("e.occurred_at", "e.position", '>');
    let sql = format!(
        "SELECT {SELECTED} FROM {tables} WHERE e.kind_id = ? AND e.occurred_at < ? AND {behind} \
         ORDER BY e.occurred_at, e.position LIMIT {STEP}"
    );
    let end = first.as_micros() + Level::Day.micros();
    for kind in kinds {
        // A day may have more rows than fit into memory. No event has the place 0.
        let mut last = Some([first.as_micros(), 0]);
        while let Some(place) = last.take() {
            let mut values: Vec<Value> = vec![(*kind).into(), end.into()];
            values.extend(places.iter().map(|index| Value::from(place[*index])));
            let found = db.query_all_raw(inner.dialect.statement(&sql, values)).await?;
            for row in &found {
                let event = stored(row, dictionary)?;
                rollup.count(&event.event, &mut gathered);
                if found.len() == STEP {
                    last = Some([event.event.envelope().occurred_at.as_micros(), event.position]);
                }
            }
        }
    }
    Ok(gathered.cells().remove(&row.id).unwrap_or_default())
}

/// The cells and sketches of a day.
async fn found(
    dialect: Dialect,
    db: &impl ConnectionTrait,
    inner: &Inner,
    metric: i64,
    first: Timestamp,
) -> Result<Found, Error> {
    let with_groups = |table: &str| {
        let sql = format!("{table} c LEFT JOIN {{groups}} g ON g.metric_id = c.metric_id AND g.digest = c.digest");
        inner.tables.sql(&sql)
    };
    let of_level = "WHERE c.metric_id = ? AND c.level = ? AND c.at >= ? AND c.at < ?";
    let cells = format!(
        "SELECT c.at, c.exponent, c.events, c.numbers, c.high, c.low, c.least, c.greatest, COALESCE(g.texts, '?') \
         FROM {} {of_level}",
        with_groups("{cells}")
    );
    let sketches = format!(
        "SELECT c.at, c.sketch, COALESCE(g.texts, '?') FROM {} {of_level}",
        with_groups("{sketches}")
    );
    let mut day = Found::default();
    for level in Level::ALL {
        let (start, level) = (first.as_micros(), minutes(level));
        let values: [Value; 4] = [
            metric.into(),
            level.into(),
            start.into(),
            (start + Level::Day.micros()).into(),
        ];
        for row in db.query_all_raw(dialect.statement(&cells, values.clone())).await? {
            let key = (
                level,
                row.try_get_by_index(0)?,
                row.try_get_by_index(8)?,
                exponent(row.try_get_by_index(1)?)?,
            );
            day.cells.insert(key, cell(&row, 2)?);
        }
        for row in db.query_all_raw(dialect.statement(&sketches, values)).await? {
            let key = (level, row.try_get_by_index(0)?, row.try_get_by_index(2)?);
            // One that cannot be read differs from all.
            let bytes: Vec<u8> = row.try_get_by_index(1)?;
            day.sketches.insert(key, Sketch::from_bytes(&bytes));
        }
    }
    Ok(day)
}

fn differences(expected: &Cells, found: &Found) -> Vec<Difference> {
    let cells: BTreeMap<Key, Cell> = expected
        .iter()
        .map(|(key, cell)| {
            let at = key.at.as_micros();
            ((minutes(key.level), at, texts(&key.group), key.exponent), *cell)
        })
        .collect();
    let sketches: BTreeMap<SketchKey, Option<Sketch>> = expected
        .sketches()
        .map(|(key, sketch)| {
            let at = key.at.as_micros();
            ((minutes(key.level), at, texts(&key.group)), Some(sketch.clone()))
        })
        .collect();
    let difference = |what, minutes, at, group: &str, found, expected| Difference {
        at: Timestamp::MIN.saturating_add_micros(at),
        minutes,
        group: group.split('\n').map(str::to_owned).collect(),
        what,
        found,
        expected,
    };
    let events = |cell: Option<&Cell>| cell.map_or(0, |cell| cell.events);
    let of_cells = differing(&cells, &found.cells).map(|(key, found, expected)| {
        let (minutes, at, group, _) = key;
        difference("events", *minutes, *at, group, events(found), events(expected))
    });
    let values = |sketch: Option<&Option<Sketch>>| {
        let estimate = sketch.and_then(Option::as_ref).map_or(0, Sketch::estimate);
        i64::try_from(estimate).unwrap_or(i64::MAX)
    };
    let of_sketches = differing(&sketches, &found.sketches).map(|(key, found, expected)| {
        let (minutes, at, group) = key;
        difference("unique", *minutes, *at, group, values(found), values(expected))
    });
    of_cells.chain(of_sketches).collect()
}

/// What two maps do not have alike: the key, what is found, and what is expected.
fn differing<'a, K: Ord, V: PartialEq>(
    expected: &'a BTreeMap<K, V>,
    found: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (&'a K, Option<&'a V>, Option<&'a V>)> {
    let keys: BTreeSet<&K> = expected.keys().chain(found.keys()).collect();
    let of_both = keys.into_iter().map(|key| (key, found.get(key), expected.get(key)));
    of_both.filter(|(_, found, expected)| found != expected)
}

/// Counts a day anew, while nobody writes; false where that can no longer be done, because the metric
/// or some of the day's rows are gone by now.
async fn mend(inner: &Inner, row: &MetricRow, first: Timestamp) -> Result<bool, Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let transaction = dialect.begin(&inner.writer).await?;
    position::lock(dialect, &transaction, tables).await?;
    let metrics = MetricRow::all(dialect, &transaction, tables).await?;
    let dictionary = inner.dictionary_in(&transaction).await?;
    let kinds = dictionary.of_type(row.metric.event_type());
    if !metrics.iter().any(|it| it.id == row.id) || has_rowless(inner, &transaction, &kinds, first).await? {
        transaction.rollback().await?;
        return Ok(false);
    }
    let cells = expected(inner, &transaction, row, &kinds, &dictionary, first).await?;
    day::forget(inner, &transaction, row.id, first).await?;
    let new = New::from([(row.id, cells)]);
    Rollup::default().add(&new.into(), &transaction, tables).await?;
    transaction.commit().await?;
    Ok(true)
}
