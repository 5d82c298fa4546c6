//! Cells as rows: what the metrics have counted.

use std::collections::{BTreeMap, HashMap, HashSet};

use event_core::aggregate::{Cell, CellKey, Cells, GroupKey, Level, Observation};
use event_core::metric::Metric;
use event_core::{Event, EventType, Timestamp};
use sea_orm::ConnectionTrait;

use crate::dialect::{Bind, Dialect, Insert, Kind, Merge, Taken, Transaction};
use crate::entity::metric::MetricRow;
use crate::error::Error;
use crate::sketch;
use crate::tables::Tables;

/// So many groups are remembered; then the memory starts anew.
const MOST: usize = 500_000;
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
    by_type: HashMap<EventType, Vec<(i64, Metric)>>,
    known: HashSet<(i64, Digest)>,
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
    minutes: HashMap<(i64, GroupKey, Timestamp, Option<i16>), Cell>,
    cells: New,
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

/// What stands for values.
pub(crate) fn digest(texts: &str) -> Digest {
    let mut digest = Digest::default();
    digest.copy_from_slice(&blake3::hash(texts.as_bytes()).as_bytes()[..16]);
    digest
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

    /// Adds cells, and the sketches beside them, to those that are stored, in one order for all writers and
    /// under the lock of the log.
    pub(crate) async fn add(&mut self, new: &New, db: &Transaction, tables: &Tables) -> Result<(), Error> {
        if new.is_empty() {
            return Ok(());
        }
        if self.known.len() > MOST {
            self.known.clear();
        }
        let mut digests: HashMap<&GroupKey, (String, Digest)> = HashMap::new();
        let mut groups = BTreeMap::new();
        for (metric, cells) in new {
            for (key, _) in cells.iter() {
                let (texts, digest) = digests.entry(&key.group).or_insert_with(|| {
                    let texts = texts(&key.group);
                    let digest = digest(&texts);
                    (texts, digest)
                });
                if self.known.insert((*metric, *digest)) {
                    groups.insert((*metric, *digest), (texts.clone(), lead(texts)));
                }
            }
        }
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
        let mut rows = Vec::new();
        for (metric, cells) in new {
            for (key, cell) in cells.iter() {
                let Some((_, digest)) = digests.get(&key.group) else {
                    continue;
                };
                if rows.len() == CHUNK {
                    db.insert(&CELLS, tables, &rows).await?;
                    rows.clear();
                }
                rows.push([
                    Bind::Int(*metric),
                    Bind::Int(minutes(key.level)),
                    Bind::Int(key.at.as_micros()),
                    Bind::Bytes(digest),
                    Bind::Int(key.exponent.map_or(NO_NUMBER, i64::from)),
                    Bind::Int(cell.events),
                    Bind::Int(cell.numbers),
                    Bind::Int(cell.high),
                    Bind::Int(cell.low),
                    Bind::Int(cell.least),
                    Bind::Int(cell.greatest),
                ]);
            }
        }
        db.insert(&CELLS, tables, &rows).await?;
        let mut sketches = BTreeMap::new();
        for (metric, cells) in new {
            for (key, sketch) in cells.sketches() {
                if let Some((_, digest)) = digests.get(&key.group) {
                    sketches.insert((*metric, minutes(key.level), key.at.as_micros(), *digest), sketch);
                }
            }
        }
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
