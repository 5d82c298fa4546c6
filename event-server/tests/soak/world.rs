//! All that is in the database, and all that its clients were told.

use std::collections::BTreeMap;
use std::path::Path;

use event_core::{Query, StoredEvent, Timestamp};
use event_store::loss::LossFilter;
use event_store::{EventStore, Options, QuarantineEntry, QuarantinePage, Repair};
use serde_json::Value;

use crate::collector::Place;
use crate::journal::Told;
use crate::plan::{CLIENTS, Planned};

/// A row.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) source: String,
    pub(crate) id: String,
    pub(crate) position: i64,
    /// By the clock of the collector that received it.
    pub(crate) received_at: Timestamp,
    pub(crate) data: Value,
}

/// What a refused event says of itself.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) key: String,
    pub(crate) entry: QuarantineEntry,
}

pub(crate) struct World {
    pub(crate) told: Vec<Told>,
    /// In the order of the log.
    pub(crate) rows: Vec<Row>,
    pub(crate) refused: Vec<Refused>,
    pub(crate) head: i64,
    /// By source.
    pub(crate) losses: BTreeMap<String, u64>,
    /// Cells that were compared, and what is wrong with them.
    pub(crate) cells: u64,
    pub(crate) wrong_cells: Vec<String>,
}

pub(crate) async fn open(place: &Place) -> EventStore {
    let options = Options::new().prefix(place.prefix());
    EventStore::connect_with(place.url(), options).await.unwrap()
}

impl World {
    pub(crate) async fn read(place: &Place, folder: &Path) -> Self {
        let store = open(place).await;
        let log = log(&store).await;
        let (cells, wrong_cells) = cells(&store, &log).await;
        let world = World {
            told: (0..CLIENTS).map(|client| Told::read(folder, client)).collect(),
            rows: log.iter().map(Row::of).collect(),
            refused: refused(&store).await,
            head: store.head().await.unwrap(),
            losses: losses(&store).await,
            cells,
            wrong_cells,
        };
        store.close().await.unwrap();
        world
    }
}

/// What was reported as lost, by source.
pub(crate) async fn losses(store: &EventStore) -> BTreeMap<String, u64> {
    let mut losses = BTreeMap::new();
    for loss in store.losses(&LossFilter::default()).await.unwrap() {
        *losses.entry(loss.source.as_str().to_owned()).or_default() += loss.events;
    }
    losses
}

impl Row {
    fn of(stored: &StoredEvent) -> Self {
        let envelope = stored.event.envelope();
        Row {
            source: envelope.source.as_str().to_owned(),
            id: envelope.id.to_string(),
            position: stored.position,
            received_at: stored.received_at,
            data: serde_json::from_str(stored.event.payload().as_str()).unwrap(),
        }
    }

    pub(crate) fn key(&self) -> &str {
        self.data["key"].as_str().unwrap_or_default()
    }
}

pub(crate) async fn log(store: &EventStore) -> Vec<StoredEvent> {
    let mut log: Vec<StoredEvent> = Vec::new();
    loop {
        let after = log.last().map_or(0, |last| last.position);
        let events = store.log(after, 5_000).await.unwrap();
        if events.is_empty() {
            return log;
        }
        log.extend(events);
    }
}

async fn refused(store: &EventStore) -> Vec<Refused> {
    let (mut refused, mut page) = (Vec::new(), QuarantinePage::default());
    page.limit = 1_000;
    loop {
        let found = store.quarantine(&page).await.unwrap();
        for entry in found.entries {
            let event: Value = serde_json::from_str(entry.raw.as_deref().unwrap_or_default()).unwrap_or_default();
            let key = Planned::key_of(&event).unwrap_or_default().to_owned();
            refused.push(Refused { key, entry });
        }
        page.after = found.next;
        if page.after.is_none() {
            return refused;
        }
    }
}

/// What is counted is what is there: by the store's own comparison, and by the fold over the log.
pub(crate) async fn cells(store: &EventStore, log: &[StoredEvent]) -> (u64, Vec<String>) {
    let (mut compared, mut wrong) = (0, Vec::new());
    for verified in store.verify(Repair::Nothing, |_| {}).await.unwrap() {
        compared += verified.cells;
        if verified.differing > 0 {
            wrong.push(format!("{}: {:?}", verified.metric, verified.differences));
        }
    }
    let orders = [("category", "order"), ("name", "created"), ("by", "/province")];
    let query = Query::from_pairs(orders).unwrap();
    let found = store.answer(&query).await.unwrap();
    let expected = event_core::answer(&query, log.iter().map(|stored| &stored.event)).unwrap();
    if found.rows != expected.rows || found.source != event_core::aggregate::Origin::Cells {
        wrong.push(format!(
            "{:?} are counted from {:?}, and {:?} are there",
            found.rows, found.source, expected.rows
        ));
    }
    (compared, wrong)
}
