//! Cells as rows: what the metrics have counted.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use foldhash::fast::RandomState;

use event_core::aggregate::{Cell, CellKey, Cells, GroupKey, Level, Observation};
use event_core::metric::Metric;
use event_core::{Event, EventType, Timestamp};
use sea_orm::ConnectionTrait;

use crate::dialect::{Bind, Dialect, Insert, Kind, Merge, Row, Taken, Transaction};
use crate::entity::metric::MetricRow;
use crate::error::Error;
use crate::revision;
use crate::sketch;
use crate::tables::Tables;
use crate::trail::is_too_much;

/// What stands for a group is remembered where its values have no more letters: of longer ones it is found anew, and senders say
/// how long they are.
const SHORT: usize = 128;
/// So many cells are added at once.
const CHUNK: usize = 8_192;
/// Stands for the exponent of events without a number.
pub(crate) const NO_NUMBER: i64 = 32_767;

/// What stands for a group.
pub(crate) type Digest = [u8; 16];

/// The metrics as a transaction finds them, and the groups that have rows.
#[derive(Debug, Default)]
pub(crate) struct Rollup {
    /// The change of the catalog that this is of.
    change: Option<i64>,
    by_type: HashMap<EventType, Vec<(i64, Metric)>, RandomState>,
    known: HashSet<(i64, Digest), RandomState>,
    digests: HashMap<GroupKey, Digest, RandomState>,
}

/// New cells of several metrics, by the numbers of these.
pub(crate) type New = BTreeMap<i64, Cells>;

/// So many minutes are in the making at the most.
const MOST_MINUTES: usize = 8_192;

/// New cells in the making. An event is counted in its minute alone; hours and days are made of the minutes, of which
/// there are fewer.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// By metric, group, start and exponent.
    minutes: HashMap<(i64, GroupKey, Timestamp, Option<i16>), Cell, RandomState>,
    cells: New,
}

/// A cell as it is stored.
#[derive(Clone, Copy, Debug)]
struct Stored {
    metric: i64,
    level: Level,
    at: Timestamp,
    digest: Digest,
    exponent: Option<i16>,
    cell: Cell,
}

impl Stored {
    /// What no two of them have in common, in the order of the table: cells that are written one after the other lie together.
    fn key(&self) -> (i64, i64, i64, &Digest, i64) {
        let exponent = self.exponent.map_or(NO_NUMBER, i64::from);
        (
            self.metric,
            minutes(self.level),
            self.at.as_micros(),
            &self.digest,
            exponent,
        )
    }

    fn order(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// The values of [`CELLS`].
impl Row<11> for Stored {
    fn binds(&self) -> [Bind<'_>; 11] {
        let (metric, level, at, digest, exponent) = self.key();
        [
            Bind::Int(metric),
            Bind::Int(level),
            Bind::Int(at),
            Bind::Bytes(digest),
            Bind::Int(exponent),
            Bind::Int(self.cell.events),
            Bind::Int(self.cell.numbers),
            Bind::Int(self.cell.high),
            Bind::Int(self.cell.low),
            Bind::Int(self.cell.least),
            Bind::Int(self.cell.greatest),
        ]
    }
}

/// Groups that may have no rows yet, by metric and digest: their texts, and what stands for the first of these.
type Groups = BTreeMap<(i64, Digest), (String, Digest)>;

impl From<New> for Gathered {
    fn from(cells: New) -> Self {
        Gathered {
            cells,
            ..Gathered::default()
        }
    }
}

impl Gathered {
    fn add(&mut self, metric: i64, observation: Observation) {
        if observation.unique.is_some() {
            return self.cells.entry(metric).or_default().add(&observation);
        }
        let Observation { at, group, number, .. } = observation;
        let cell = Cell::of(number.map(|(mantissa, _)| mantissa));
        let key = (metric, group, at, number.map(|(_, exponent)| exponent));
        let merged = self.minutes.get_mut(&key).map(|known| known.merge(&cell));
        if merged.is_none() {
            self.minutes.insert(key, cell);
            if self.minutes.len() == MOST_MINUTES {
                self.settle();
            }
        }
    }

    fn settle(&mut self) {
        for ((metric, group, at, exponent), cell) in self.minutes.drain() {
            let cells = self.cells.entry(metric).or_default();
            for level in Level::ALL {
                let (group, at) = (group.clone(), level.start(at));
                let key = CellKey {
                    level,
                    group,
                    at,
                    exponent,
                };
                cells.add_cell(key, &cell);
            }
        }
    }

    /// All of them.
    pub(crate) fn cells(mut self) -> New {
        self.settle();
        self.cells
    }
}

const GROUPS: Insert<4> = Insert {
    table: "{groups}",
    columns: [
        ("metric_id", Kind::Int),
        ("digest", Kind::Bytes),
        ("lead_digest", Kind::Bytes),
        ("texts", Kind::Text),
    ],
    taken: Taken::Ignored {
        key: "metric_id, digest",
    },
};

const CELLS: Insert<11> = Insert {
    table: "{cells}",
    columns: [
        ("metric_id", Kind::Int),
        ("level", Kind::Int),
        ("at", Kind::Int),
        ("digest", Kind::Bytes),
        ("exponent", Kind::Int),
        ("events", Kind::Int),
        ("numbers", Kind::Int),
        ("high", Kind::Int),
        ("low", Kind::Int),
        ("least", Kind::Int),
        ("greatest", Kind::Int),
    ],
    taken: Taken::Merges {
        key: "metric_id, level, at, digest, exponent",
        changes: &[
            ("events", Merge::Add),
            ("numbers", Merge::Add),
            ("high", Merge::Add),
            ("low", Merge::Add),
            ("least", Merge::Least),
            ("greatest", Merge::Greatest),
        ],
    },
};

/// A level as it is stored: in minutes.
pub(crate) fn minutes(level: Level) -> i64 {
    level.micros() / Level::Minute.micros()
}

/// A group as it is stored.
pub(crate) fn texts(group: &GroupKey) -> String {
    group.texts().collect::<Vec<_>>().join("\n")
}

/// The group that such texts are.
pub(crate) fn group(texts: &str) -> GroupKey {
    GroupKey::new(texts.split('\n').map(Some))
}

/// What stands for values.
pub(crate) fn digest(texts: &str) -> Digest {
    let mut digest = Digest::default();
    digest.copy_from_slice(&blake3::hash(texts.as_bytes()).as_bytes()[..16]);
    digest
}

/// A digest as it is stored.
pub(crate) fn whole(digest: &[u8]) -> Result<Digest, Error> {
    Digest::try_from(digest).map_err(|_| Error::corrupt("a digest of another length"))
}

/// What stands for the first of a group's values.
fn lead(texts: &str) -> Digest {
    digest(texts.split('\n').next().unwrap_or_default())
}

impl Rollup {
    /// One metric alone.
    pub(crate) fn of(row: MetricRow) -> Self {
        let mut rollup = Rollup::default();
        let event_type = row.metric.event_type().clone();
        rollup.by_type.insert(event_type, vec![(row.id, row.metric)]);
        rollup
    }

    /// Sees to it that the metrics are those of this change.
    pub(crate) async fn refresh(
        &mut self,
        change: i64,
        dialect: Dialect,
        db: &impl ConnectionTrait,
        tables: &Tables,
    ) -> Result<(), Error> {
        if self.change == Some(change) {
            return Ok(());
        }
        self.by_type.clear();
        self.known.clear();
        self.digests.clear();
        for row in MetricRow::all(dialect, db, tables).await? {
            let of_type = self.by_type.entry(row.metric.event_type().clone()).or_default();
            of_type.push((row.id, row.metric));
        }
        self.change = Some(change);
        Ok(())
    }

    /// Counts a new event in the cells of every metric of its type.
    pub(crate) fn count(&self, event: &Event, gathered: &mut Gathered) {
        if self.by_type.is_empty() {
            return;
        }
        let envelope = event.envelope();
        for (id, metric) in self.by_type.get(&envelope.event_type).into_iter().flatten() {
            gathered.add(*id, Observation::of(metric, envelope, event.payload()));
        }
    }

    /// What stands for a group, which is new unless this metric is known to have had it.
    fn digest(&mut self, metric: i64, group: &GroupKey, new: &mut Groups) -> Digest {
        let remembered = self.digests.get(group).copied();
        if let Some(digest) = remembered
            && self.known.contains(&(metric, digest))
        {
            return digest;
        }
        let texts = texts(group);
        let digest = remembered.unwrap_or_else(|| digest(&texts));
        if texts.len() <= SHORT {
            self.digests.insert(group.clone(), digest);
        }
        if self.known.insert((metric, digest)) {
            let lead = lead(&texts);
            new.insert((metric, digest), (texts, lead));
        }
        digest
    }

    /// Adds cells, and the sketches beside them, to those that are stored, in one order for all writers and
    /// under the lock of the log.
    pub(crate) async fn add(&mut self, gathered: &Gathered, db: &Transaction, tables: &Tables) -> Result<(), Error> {
        if gathered.minutes.is_empty() && gathered.cells.is_empty() {
            return Ok(());
        }
        if is_too_much(self.known.len().max(self.digests.len())) {
            self.known.clear();
            self.digests.clear();
        }
        let (mut groups, mut sketches) = (Groups::new(), BTreeMap::new());
        let mut in_minutes = Vec::with_capacity(gathered.minutes.len());
        for ((metric, group, at, exponent), cell) in &gathered.minutes {
            in_minutes.push(Stored {
                metric: *metric,
                level: Level::Minute,
                at: *at,
                digest: self.digest(*metric, group, &mut groups),
                exponent: *exponent,
                cell: *cell,
            });
        }
        // In their order hours and days are nearly in theirs, and to sort what is sorted is no work.
        in_minutes.sort_unstable_by(Stored::order);
        let mut rows = Vec::with_capacity(in_minutes.len() * Level::ALL.len());
        for level in Level::ALL {
            rows.extend(in_minutes.iter().map(|row| Stored {
                level,
                at: level.start(row.at),
                ..*row
            }));
        }
        for (metric, cells) in &gathered.cells {
            for (key, cell) in cells.iter() {
                rows.push(Stored {
                    metric: *metric,
                    level: key.level,
                    at: key.at,
                    digest: self.digest(*metric, &key.group, &mut groups),
                    exponent: key.exponent,
                    cell: *cell,
                });
            }
            for (key, sketch) in cells.sketches() {
                let digest = self.digest(*metric, &key.group, &mut groups);
                sketches.insert((*metric, minutes(key.level), key.at.as_micros(), digest), sketch);
            }
        }
        rows.sort_by(Stored::order);
        rows.dedup_by(|next, first| {
            let is_same = next.key() == first.key();
            if is_same {
                first.cell.merge(&next.cell);
            }
            is_same
        });
        let groups: Vec<_> = groups
            .iter()
            .map(|((metric, digest), (texts, lead))| {
                [
                    Bind::Int(*metric),
                    Bind::Bytes(digest),
                    Bind::Bytes(lead),
                    Bind::Text(texts),
                ]
            })
            .collect();
        if !groups.is_empty() {
            db.insert(&GROUPS, tables, &groups).await?;
        }
        for rows in rows.chunks(CHUNK) {
            db.insert(&CELLS, tables, rows).await?;
        }
        let of_days = rows.iter().filter(|row| row.level == Level::Day);
        let days: BTreeSet<_> = of_days.map(|row| (row.metric, row.at.as_micros())).collect();
        revision::renew(&days, db, tables).await?;
        sketch::add(&sketches, db, tables).await
    }
}

/// Six columns of a row, from `first` on, as a cell.
pub(crate) fn cell(row: &sea_orm::QueryResult, first: usize) -> Result<Cell, Error> {
    let number = |index: usize| -> Result<i64, Error> { Ok(row.try_get_by_index(first + index)?) };
    Ok(Cell {
        events: number(0)?,
        numbers: number(1)?,
        high: number(2)?,
        low: number(3)?,
        least: number(4)?,
        greatest: number(5)?,
    })
}

/// An exponent as it is stored.
pub(crate) fn exponent(stored: i64) -> Result<Option<i16>, Error> {
    if stored == NO_NUMBER {
        return Ok(None);
    }
    let exponent = i16::try_from(stored).map_err(|_| Error::corrupt("an exponent beyond any float"))?;
    Ok(Some(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(text: &str) -> GroupKey {
        GroupKey::new([Some(text)])
    }

    #[test]
    fn what_stands_for_a_short_group_is_remembered() {
        let mut rollup = Rollup::default();
        let mut digests = |letters: usize| {
            let mut new = Groups::new();
            let text = "x".repeat(letters);
            let found = rollup.digest(1, &group(&text), &mut new);
            assert_eq!((found, new.len()), (digest(&text), 1));
            // It has its row, once for each metric.
            assert_eq!((rollup.digest(1, &group(&text), &mut new), new.len()), (found, 1));
            assert_eq!((rollup.digest(2, &group(&text), &mut new), new.len()), (found, 2));
            rollup.digests.len()
        };
        assert_eq!((digests(SHORT), digests(SHORT + 1), digests(1)), (1, 1, 2));
    }

    #[test]
    fn minutes_become_cells_where_they_are_many() {
        let mut gathered = Gathered::default();
        let mut add = |minute: usize| {
            let at = i64::try_from(minute).unwrap() * Level::Minute.micros();
            let (at, number) = (Timestamp::MIN.saturating_add_micros(at), Some((1, 0)));
            gathered.add(
                1,
                Observation {
                    at,
                    group: group("1"),
                    number,
                    unique: None,
                },
            );
            (gathered.minutes.len(), gathered.cells.is_empty())
        };
        assert_eq!((add(0), add(0), add(1)), ((1, true), (1, true), (2, true)));
        for minute in 2..MOST_MINUTES - 1 {
            add(minute);
        }
        assert_eq!(add(0), (MOST_MINUTES - 1, true));
        assert_eq!(add(MOST_MINUTES), (0, false));
        let cells = gathered.cells().remove(&1).unwrap();
        let minutes = cells.iter().filter(|(key, _)| key.level == Level::Minute);
        assert_eq!(
            minutes.map(|(_, cell)| cell.events).sum::<i64>(),
            i64::try_from(MOST_MINUTES).unwrap() + 2
        );
    }
}
