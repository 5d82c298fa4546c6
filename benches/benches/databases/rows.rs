//! Events as finished rows: what is left to do is the database's work alone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use event_core::aggregate::{Cell, Cells, GroupKey, Observation};
use event_core::metric::Metric;
use event_core::{Event, ValidEvent};

/// A row of the events; its source is the first.
pub(crate) struct Row {
    pub(crate) position: i64,
    pub(crate) event_id: Vec<u8>,
    pub(crate) kind: i64,
    pub(crate) trail: i64,
    pub(crate) occurred_at: i64,
    pub(crate) flags: i64,
    pub(crate) hash: Vec<u8>,
    pub(crate) data: String,
}

/// A row of the trails: id, session, subject.
pub(crate) type Trail = (i64, String, String);

/// What stands for the values of a group.
pub(crate) type Digest = [u8; 16];

/// A row of the cells, whose metric is the first: level, start, group and exponent, and what is counted.
pub(crate) type CellRow = ((i64, i64, Digest, i64), Cell);

/// A row of the groups, whose metric is the first: its digest and its texts.
pub(crate) type Group = (Digest, String);

/// What goes into one transaction.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) rows: Vec<Row>,
    pub(crate) trails: Vec<Trail>,
    /// In the order of their keys.
    pub(crate) cells: Vec<CellRow>,
    pub(crate) groups: Vec<Group>,
}

/// Finished cells of one metric.
struct Counting {
    metric: Metric,
    /// Events that were there before: they are not counted again.
    ids: HashSet<String>,
    digests: HashMap<GroupKey, Digest>,
    hashes: [RandomState; 2],
}

impl Counting {
    fn add(&mut self, event: &Event, cells: &mut Cells) {
        let envelope = event.envelope();
        if envelope.event_type == *self.metric.event_type() && self.ids.insert(envelope.id.to_string()) {
            cells.add(&Observation::of(&self.metric, envelope, event.payload()));
        }
    }

    fn finish(&mut self, cells: &Cells, batch: &mut Batch) {
        let mut rows = BTreeMap::new();
        for (key, cell) in cells.iter() {
            let digest = *self.digests.entry(key.group.clone()).or_insert_with(|| {
                let [one, other] = &self.hashes;
                let halves = [one.hash_one(&key.group), other.hash_one(&key.group)];
                let mut digest = Digest::default();
                digest[..8].copy_from_slice(&halves[0].to_be_bytes());
                digest[8..].copy_from_slice(&halves[1].to_be_bytes());
                let texts: Vec<&str> = key.group.texts().collect();
                batch.groups.push((digest, texts.join("\n")));
                digest
            });
            let exponent = key.exponent.map_or(32_767, i64::from);
            rows.insert(
                (key.level.micros() / 60_000_000, key.at.as_micros(), digest, exponent),
                *cell,
            );
        }
        batch.cells = rows.into_iter().collect();
    }
}

/// Makes rows; knows what it made before.
#[derive(Default)]
pub(crate) struct Finisher {
    position: i64,
    trails: HashMap<String, i64>,
    counting: Option<Counting>,
}

impl Finisher {
    /// One that makes the cells of a metric, too.
    pub(crate) fn counting(metric: Metric) -> Self {
        let counting = Counting {
            metric,
            ids: HashSet::new(),
            digests: HashMap::new(),
            hashes: [RandomState::new(), RandomState::new()],
        };
        Finisher {
            counting: Some(counting),
            ..Finisher::default()
        }
    }

    pub(crate) fn batch(&mut self, events: &[ValidEvent]) -> Batch {
        let mut batch = Batch::default();
        let mut cells = Cells::new();
        for event in events {
            let event = event.event();
            if let Some(counting) = &mut self.counting {
                counting.add(event, &mut cells);
            }
            let envelope = event.envelope();
            self.position += 1;
            let (session, subject) = (
                envelope.session_id.as_ref().unwrap(),
                envelope.subject.as_ref().unwrap(),
            );
            let trail = *self.trails.entry(session.to_string()).or_insert_with(|| {
                batch
                    .trails
                    .push((self.position, session.to_string(), subject.to_string()));
                self.position
            });
            let mut event_id = vec![0; 17];
            event_id[1..].copy_from_slice(uuid::Uuid::parse_str(envelope.id.as_str()).unwrap().as_bytes());
            batch.rows.push(Row {
                position: self.position,
                event_id,
                kind: if envelope.event_type.name.as_str() == "created" {
                    1
                } else {
                    2
                },
                trail,
                occurred_at: envelope.occurred_at.as_micros(),
                flags: i64::from(event.flags().bits()),
                hash: event.content_hash().to_vec(),
                data: event.payload().as_str().to_owned(),
            });
        }
        if let Some(counting) = &mut self.counting {
            counting.finish(&cells, &mut batch);
        }
        batch
    }
}

/// The columns of the cells and of the groups, and what becomes of those of a cell that is there: sums and extremes.
pub(crate) const CELL: &str = "metric_id, level, at, digest, exponent, events, numbers, high, low, least, greatest";
pub(crate) const GROUP: &str = "metric_id, digest, lead_digest, texts";
pub(crate) const SUMS: [&str; 4] = ["events", "numbers", "high", "low"];

/// The numbers of a cell, in the order of its columns.
pub(crate) fn numbers(cell: &Cell) -> [i64; 6] {
    [
        cell.events,
        cell.numbers,
        cell.high,
        cell.low,
        cell.least,
        cell.greatest,
    ]
}

/// The columns of the events, in the order of a table's definition.
pub(crate) const COLUMNS: &str = "position, source_id, event_id, kind_id, trail_id, sequence, occurred_at, \
                                  received_at, sent_at, flags, hash, data, violations";
