//! The days of a metric's cells: those that are in memory and have not changed since, and those that have to be read.

use std::collections::HashMap;
use std::sync::Arc;

use event_core::aggregate::{Cell, GroupKey, Level, Stretch};
use foldhash::fast::RandomState;
use futures_util::TryStreamExt as _;
use sea_orm::{ConnectionTrait, StreamTrait, Value};

use crate::dialect::Snapshot;
#[cfg(feature = "sqlite")]
use crate::dialect::{Bind, Kind, Transaction};
use crate::error::Error;
use crate::inner::Inner;
use crate::remembered::{Day, DayCell, OfMetric};
use crate::revision;
use crate::rollup::{Digest, cell, group, minutes, whole};

/// So many groups are looked up at once.
const CHUNK: usize = 256;

/// The days of a stretch of time that have cells.
pub(super) struct Days {
    groups: Arc<Vec<GroupKey>>,
    /// The start of each, in the order of time.
    days: Vec<(i64, Day)>,
}

/// The columns of cells that are read one by one.
pub(super) const COLUMNS: &str = "at, digest, exponent, events, numbers, high, low, least, greatest";

/// What they hold: the start of a stretch, the digest of a group, an exponent as it is stored, and the cell.
pub(super) type Row<'a> = (i64, &'a [u8], i64, Cell);

/// A cell of a day, as it is read.
type Read = (Digest, i16, Cell);

/// Days that are read, in the order of time.
#[derive(Default)]
struct Reading {
    days: Vec<(i64, Vec<Read>)>,
    cells: usize,
}

impl Reading {
    fn add(&mut self, (at, digest, exponent, cell): Row<'_>) -> Result<(), Error> {
        let exponent = i16::try_from(exponent).map_err(|_| Error::corrupt("an exponent beyond any float"))?;
        let read = (whole(digest)?, exponent, cell);
        match self.days.last_mut() {
            Some((last, cells)) if *last == at => cells.push(read),
            _ => self.days.push((at, vec![read])),
        }
        self.cells += 1;
        Ok(())
    }
}

impl Days {
    /// The days of a metric as a snapshot has them, which has seen such a change of the catalog; nothing, if they are more
    /// than are remembered.
    pub(super) async fn read(
        metric: i64,
        stretch: &Stretch,
        inner: &Inner,
        db: &Snapshot,
        change: i64,
    ) -> Result<Option<Self>, Error> {
        let Some(known) = inner.remembered.of(metric, change) else {
            return Ok(None);
        };
        let days = Days::look(metric, stretch, inner, db, &known).await;
        inner.remembered.shrink(inner.options.remembered_bytes);
        days
    }

    async fn look(
        metric: i64,
        stretch: &Stretch,
        inner: &Inner,
        db: &Snapshot,
        known: &OfMetric,
    ) -> Result<Option<Self>, Error> {
        let ends = (stretch.from, stretch.to);
        let revisions = revision::all(metric, ends, inner.dialect, db, &inner.tables).await?;
        let Some(mut days) = known.days(&revisions) else {
            return Ok(None);
        };
        let cells_of = |days: &[Option<Day>]| days.iter().flatten().map(|day| day.len()).sum::<usize>();
        let most = inner.options.remembered_bytes / size_of::<DayCell>();
        // Days that follow each other and are not known are read by one statement.
        let missing: Vec<usize> = (0..days.len()).filter(|place| days[*place].is_none()).collect();
        for run in missing.chunk_by(|one, next| one + 1 == *next) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else {
                continue;
            };
            let (first, last) = (revisions[*first].0, revisions[*last].0);
            let room = most.saturating_sub(cells_of(&days));
            let read = cells(metric, first, last, room, inner, db).await?;
            if read.cells > room {
                if let (Some((first, _)), Some((last, _))) = (revisions.first(), revisions.last()) {
                    known.refuse(*first, *last);
                }
                return Ok(None);
            }
            let digests = read
                .days
                .iter()
                .flat_map(|(_, cells)| cells.iter().map(|(digest, ..)| digest));
            let unknown = known.unknown(digests);
            known.learn(groups(metric, &unknown, inner, db).await?);
            let mut read = read.days.into_iter().peekable();
            for place in run {
                let (at, revision) = revisions[*place];
                // Days without a revision are of a program that knows none, and do not count.
                while read.next_if(|(read, _)| *read < at).is_some() {}
                let cells = read.next_if(|(read, _)| *read == at).map(|(_, cells)| cells);
                days[*place] = Some(known.remember(at, revision, &cells.unwrap_or_default()));
            }
        }
        let days = revisions.iter().zip(days);
        Ok(Some(Days {
            groups: known.groups(),
            days: days.filter_map(|((at, _), day)| day.map(|day| (*at, day))).collect(),
        }))
    }

    /// Tells the sum of the cells of each group and exponent within each bucket. Times of one bucket follow each other.
    pub(super) fn add_up(
        &self,
        bucket: impl Fn(i64) -> i64,
        mut tell: impl FnMut(i64, &GroupKey, i16, &Cell) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut sums = Sums::default();
        for days in self.days.chunk_by(|(one, _), (next, _)| bucket(*one) == bucket(*next)) {
            for cell in days.iter().flat_map(|(_, day)| day.iter()) {
                sums.add(cell, self.groups.len());
            }
            let bucket = days.first().map_or(0, |(at, _)| bucket(*at));
            sums.take(|group, exponent, sum| tell(bucket, &self.groups[group as usize], exponent, sum))?;
        }
        Ok(())
    }
}

/// So many exponents have a place for each group.
const LAID_OUT: usize = 3;

/// Sums by group and exponent.
#[derive(Default)]
struct Sums {
    /// Of the first exponents: by group, and which groups there are.
    laid_out: Vec<(i16, Vec<Option<Cell>>, Vec<u32>)>,
    /// Of others. Most metrics have none, but a sender may use any.
    others: HashMap<(u32, i16), Cell, RandomState>,
}

impl Sums {
    fn add(&mut self, DayCell { group, exponent, cell }: &DayCell, groups: usize) {
        let mut place = self.laid_out.iter().position(|(known, ..)| known == exponent);
        if place.is_none() && self.laid_out.len() < LAID_OUT {
            place = Some(self.laid_out.len());
            self.laid_out.push((*exponent, vec![None; groups], Vec::new()));
        }
        let Some(place) = place else {
            let sum = self.others.entry((*group, *exponent));
            sum.and_modify(|sum| sum.merge(cell)).or_insert(*cell);
            return;
        };
        let (_, of_groups, found) = &mut self.laid_out[place];
        match &mut of_groups[*group as usize] {
            Some(sum) => sum.merge(cell),
            sum => {
                *sum = Some(*cell);
                found.push(*group);
            }
        }
    }

    /// Tells all of them, and has none any more.
    fn take(&mut self, mut tell: impl FnMut(u32, i16, &Cell) -> Result<(), Error>) -> Result<(), Error> {
        for (exponent, of_groups, found) in &mut self.laid_out {
            for group in found.drain(..) {
                if let Some(sum) = of_groups[group as usize].take() {
                    tell(group, *exponent, &sum)?;
                }
            }
        }
        for ((group, exponent), sum) in self.others.drain() {
            tell(group, exponent, &sum)?;
        }
        Ok(())
    }
}

/// The cells of the days from one start to another, in the order of time: at most one more than there is room for.
async fn cells(
    metric: i64,
    first: i64,
    last: i64,
    room: usize,
    inner: &Inner,
    db: &Snapshot,
) -> Result<Reading, Error> {
    // The order of the primary key, so that nothing is sorted.
    let sql = format!(
        "SELECT {COLUMNS} FROM {} \
         WHERE metric_id = ? AND level = ? AND at >= ? AND at <= ? ORDER BY metric_id, level, at LIMIT ?",
        inner.tables.sql("{cells}")
    );
    let most = i64::try_from(room).unwrap_or(i64::MAX).saturating_add(1);
    let values: [Value; 5] = [
        metric.into(),
        minutes(Level::Day).into(),
        first.into(),
        last.into(),
        most.into(),
    ];
    let statement = inner.dialect.statement(&sql, values);
    match db {
        #[cfg(feature = "sqlite")]
        Snapshot::InProcess(db) => scan(statement, db, Reading::default(), Reading::add).await,
        Snapshot::Served(db) => {
            let mut reading = Reading::default();
            let mut rows = std::pin::pin!(db.stream_raw(statement).await?);
            while let Some(row) = rows.try_next().await? {
                let digest: Vec<u8> = row.try_get_by_index(1)?;
                reading.add((
                    row.try_get_by_index(0)?,
                    &digest,
                    row.try_get_by_index(2)?,
                    cell(&row, 3)?,
                ))?;
            }
            Ok(reading)
        }
    }
}

/// Shows the cells that a statement answers to a function, which changes a state.
#[cfg(feature = "sqlite")]
pub(super) async fn scan<S: Send + 'static>(
    statement: sea_orm::Statement,
    db: &Transaction,
    state: S,
    mut add: impl FnMut(&mut S, Row<'_>) -> Result<(), Error> + Send + 'static,
) -> Result<S, Error> {
    let columns = [Kind::Int, Kind::Bytes].into_iter().chain([Kind::Int; 7]).collect();
    let row = move |state: &mut S, row: &[Bind<'_>]| {
        let [
            Bind::Int(at),
            Bind::Bytes(digest),
            Bind::Int(exponent),
            Bind::Int(events),
            Bind::Int(numbers),
            Bind::Int(high),
            Bind::Int(low),
            Bind::Int(least),
            Bind::Int(greatest),
        ] = *row
        else {
            return Err(Error::corrupt("a cell whose columns are of other kinds"));
        };
        let cell = Cell {
            events,
            numbers,
            high,
            low,
            least,
            greatest,
        };
        add(state, (at, digest, exponent, cell))
    };
    db.scan(statement, columns, state, row).await
}

/// The groups that digests stand for.
async fn groups(
    metric: i64,
    digests: &[Digest],
    inner: &Inner,
    db: &Snapshot,
) -> Result<Vec<(Digest, GroupKey)>, Error> {
    let mut found = Vec::with_capacity(digests.len());
    for chunk in digests.chunks(CHUNK) {
        // Some of them twice, so that there are few statements to prepare.
        let size = chunk.len().next_power_of_two();
        let sql = format!(
            "{} ({})",
            inner
                .tables
                .sql("SELECT digest, texts FROM {groups} WHERE metric_id = ? AND digest IN"),
            vec!["?"; size].join(", ")
        );
        let wanted = chunk.iter().cycle().take(size);
        let values = [Value::from(metric)]
            .into_iter()
            .chain(wanted.map(|digest| digest.to_vec().into()));
        for row in db.query_all_raw(inner.dialect.statement(&sql, values)).await? {
            let (digest, texts): (Vec<u8>, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            found.push((whole(&digest)?, group(&texts)));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_of_a_bucket_a_group_and_an_exponent() {
        let cell = |group: u32, exponent: i16, number: i64| DayCell {
            group,
            exponent,
            cell: Cell::of(Some(number)),
        };
        // More exponents than are laid out.
        let exponents: Vec<i16> = (0..=LAID_OUT)
            .map(|exponent| i16::try_from(exponent).unwrap())
            .collect();
        let day = |number: i64| -> Day {
            let cells = exponents
                .iter()
                .flat_map(|exponent| [cell(0, *exponent, number), cell(1, *exponent, 10 * number)]);
            cells.collect()
        };
        let days = Days {
            groups: Arc::new(["0", "1"].map(|text| GroupKey::new([Some(text)])).into()),
            days: vec![(10, day(1)), (11, day(2)), (20, day(3))],
        };
        let mut told = Vec::new();
        let tell = |bucket: i64, group: &GroupKey, exponent: i16, sum: &Cell| {
            told.push((bucket, group.clone(), exponent, sum.events, sum.low));
            Ok(())
        };
        days.add_up(|at| at / 10, tell).unwrap();
        told.sort();
        let mut expected = Vec::new();
        for (bucket, events, sum) in [(1, 2, 3), (2, 1, 3)] {
            for (group, factor) in days.groups.iter().zip([1, 10]) {
                expected.extend(
                    exponents
                        .iter()
                        .map(|it| (bucket, group.clone(), *it, events, factor * sum)),
                );
            }
        }
        assert_eq!(told, expected);
    }
}
