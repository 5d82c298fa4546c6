//! The days of a metric's cells: those that are in memory and have not changed since, and those that have to be read.

use std::sync::Arc;

use event_core::aggregate::{Cell, GroupKey, Level, Stretch};
use futures_util::TryStreamExt as _;
use sea_orm::{ConnectionTrait, StreamTrait, Value};

use crate::dialect::Snapshot;
#[cfg(feature = "sqlite")]
use crate::dialect::{Bind, Kind, Transaction};
use crate::error::Error;
use crate::inner::Inner;
use crate::remembered::{Day, DayCell};
use crate::revision;
use crate::rollup::{Digest, cell, group, minutes};

/// So many groups are looked up at once.
const CHUNK: usize = 256;

/// The days of a stretch of time that have cells.
pub(super) struct Days {
    groups: Arc<Vec<GroupKey>>,
    /// The start of each, in the order of time.
    days: Vec<(i64, Day)>,
}

/// A cell of a day, as it is read.
type Read = (Digest, i16, Cell);

/// Days that are read, in the order of time.
#[derive(Default)]
struct Reading {
    days: Vec<(i64, Vec<Read>)>,
    cells: usize,
}

impl Reading {
    fn add(&mut self, at: i64, (digest, exponent, cell): (&[u8], i64, Cell)) -> Result<(), Error> {
        let digest = Digest::try_from(digest).map_err(|_| Error::corrupt("a digest of another length"))?;
        let exponent = i16::try_from(exponent).map_err(|_| Error::corrupt("an exponent beyond any float"))?;
        let read = (digest, exponent, cell);
        match self.days.last_mut() {
            Some((last, cells)) if *last == at => cells.push(read),
            _ => self.days.push((at, vec![read])),
        }
        self.cells += 1;
        Ok(())
    }
}

impl Days {
    /// The days of a metric as a snapshot has them; nothing, if they are more than are remembered.
    pub(super) async fn read(
        metric: i64,
        stretch: &Stretch,
        inner: &Inner,
        db: &Snapshot,
    ) -> Result<Option<Self>, Error> {
        let of_metric = inner.remembered.of(metric);
        let ends = (stretch.from, stretch.to);
        let revisions = revision::all(metric, ends, inner.dialect, db, &inner.tables).await?;
        let Some(mut days) = of_metric.days(&revisions) else {
            return Ok(None);
        };
        // Days that follow each other and are not known are read by one statement.
        let missing: Vec<usize> = (0..days.len()).filter(|place| days[*place].is_none()).collect();
        let mut room = inner.options.remembered_bytes / size_of::<DayCell>();
        for run in missing.chunk_by(|one, next| one + 1 == *next) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else {
                continue;
            };
            let (first, last) = (revisions[*first].0, revisions[*last].0);
            let read = cells(metric, first, last, room, inner, db).await?;
            if read.cells > room {
                of_metric.refuse(revisions.len());
                return Ok(None);
            }
            room -= read.cells;
            let digests = read
                .days
                .iter()
                .flat_map(|(_, cells)| cells.iter().map(|(digest, ..)| digest));
            let unknown = of_metric.unknown(digests);
            of_metric.learn(groups(metric, &unknown, inner, db).await?);
            let mut read = read.days.into_iter().peekable();
            for place in run {
                let (at, revision) = revisions[*place];
                let cells = read.next_if(|(read, _)| *read == at).map(|(_, cells)| cells);
                days[*place] = Some(of_metric.remember(at, revision, &cells.unwrap_or_default()));
            }
        }
        let groups = of_metric.groups();
        inner.remembered.shrink(inner.options.remembered_bytes);
        let days = revisions.iter().zip(days);
        Ok(Some(Days {
            groups,
            days: days.filter_map(|((at, _), day)| day.map(|day| (*at, day))).collect(),
        }))
    }

    /// Tells the sum of the cells of each group and exponent within each bucket. Times of one bucket follow each other.
    pub(super) fn add_up(
        &self,
        bucket: impl Fn(i64) -> i64,
        mut tell: impl FnMut(i64, &GroupKey, i16, &Cell) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // By exponent, of which there are few; by group; and which groups there are.
        let mut sums: Vec<(i16, Vec<Option<Cell>>, Vec<u32>)> = Vec::new();
        for days in self.days.chunk_by(|(one, _), (next, _)| bucket(*one) == bucket(*next)) {
            for DayCell { group, exponent, cell } in days.iter().flat_map(|(_, day)| day.iter()) {
                let place = sums.iter().position(|(known, ..)| known == exponent);
                let place = place.unwrap_or_else(|| {
                    sums.push((*exponent, vec![None; self.groups.len()], Vec::new()));
                    sums.len() - 1
                });
                let (_, of_groups, found) = &mut sums[place];
                match &mut of_groups[*group as usize] {
                    Some(sum) => sum.merge(cell),
                    sum => {
                        *sum = Some(*cell);
                        found.push(*group);
                    }
                }
            }
            let bucket = days.first().map_or(0, |(at, _)| bucket(*at));
            for (exponent, of_groups, found) in &mut sums {
                for group in found.drain(..) {
                    if let Some(sum) = of_groups[group as usize].take() {
                        tell(bucket, &self.groups[group as usize], *exponent, &sum)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The cells of the days from one start to another, in the order of time; one more than there is room for, if they are more.
async fn cells(
    metric: i64,
    first: i64,
    last: i64,
    room: usize,
    inner: &Inner,
    db: &Snapshot,
) -> Result<Reading, Error> {
    // The order of the primary key, so that nothing is sorted.
    let sql = inner.tables.sql(
        "SELECT at, digest, exponent, events, numbers, high, low, least, greatest FROM {cells} \
         WHERE metric_id = ? AND level = ? AND at >= ? AND at <= ? ORDER BY metric_id, level, at LIMIT ?",
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
        Snapshot::InProcess(db) => scanned(statement, db).await,
        Snapshot::Served(db) => {
            let mut reading = Reading::default();
            let mut rows = std::pin::pin!(db.stream_raw(statement).await?);
            while let Some(row) = rows.try_next().await? {
                let digest: Vec<u8> = row.try_get_by_index(1)?;
                reading.add(
                    row.try_get_by_index(0)?,
                    (&digest, row.try_get_by_index(2)?, cell(&row, 3)?),
                )?;
            }
            Ok(reading)
        }
    }
}

#[cfg(feature = "sqlite")]
async fn scanned(statement: sea_orm::Statement, db: &Transaction) -> Result<Reading, Error> {
    let columns = [Kind::Int, Kind::Bytes].into_iter().chain([Kind::Int; 7]).collect();
    let add = |reading: &mut Reading, row: &[Bind<'_>]| {
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
        reading.add(at, (digest, exponent, cell))
    };
    db.scan(statement, columns, Reading::default(), add).await
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
            let digest = Digest::try_from(digest).map_err(|_| Error::corrupt("a digest of another length"))?;
            found.push((digest, group(&texts)));
        }
    }
    Ok(found)
}
