//! A store that many cases of a property share.

use std::fmt::Debug;

use event_core::verdict::Status;
use event_core::{Event, Query, Registry, Timestamp};
use event_store::EventStore;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseResult, TestError, TestRunner};
use sea_orm::{ConnectionTrait as _, DatabaseConnection};
use tokio::runtime::Runtime;

use crate::disk::Disk;

/// How many cases a property is held against.
fn cases() -> u32 {
    let long = std::env::var("EVENT_TEST_LONG").is_ok_and(|value| value == "1");
    if long { 600 } else { 64 }
}

/// So many cases share their tables. Their events go, one case's after the other's; their types,
/// sources, sessions and subjects stay, as they do where old data is deleted.
const SHARED: u32 = 16;

pub(crate) struct World {
    pub(crate) runtime: Runtime,
    disk: fn() -> Disk,
    place: Option<Place>,
    cases: u32,
}

struct Place {
    disk: Disk,
    store: EventStore,
    db: DatabaseConnection,
}

impl World {
    fn new(disk: fn() -> Disk) -> Self {
        World {
            runtime: Runtime::new().unwrap(),
            disk,
            place: None,
            cases: 0,
        }
    }

    /// A store of these events and no others, and the events as stored: those whose id was free.
    pub(crate) fn filled(&mut self, events: &[Event]) -> (EventStore, Vec<Event>) {
        if self.cases.is_multiple_of(SHARED)
            && let Some(place) = self.place.take()
        {
            self.runtime.block_on(place.store.close()).unwrap();
        }
        self.cases += 1;
        let World { runtime, disk, .. } = self;
        let place = self.place.get_or_insert_with(|| {
            let disk = disk();
            let (store, db) = runtime.block_on(async { (disk.open().await, disk.connect().await) });
            Place { disk, store, db }
        });
        runtime.block_on(async {
            let empty = format!("DELETE FROM {}events", place.disk.prefix());
            place.db.execute_unprepared(&empty).await.unwrap();
            (place.store.clone(), fill(&place.store, events).await)
        })
    }
}

/// Stores events; answers with those whose id was free.
async fn fill(store: &EventStore, events: &[Event]) -> Vec<Event> {
    let valid = |event: &Event| Registry::default().validate(event.clone(), Timestamp::MAX).unwrap();
    let verdicts = store.append(events.iter().map(valid).collect()).await.unwrap();
    let stored = events.iter().zip(verdicts);
    stored
        .filter(|(_, verdict)| verdict.status == Status::Stored)
        .map(|(event, _)| event.clone())
        .collect()
}

/// Holds a property against cases of a strategy, in one world.
pub(crate) fn hold<S: Strategy>(
    disk: fn() -> Disk,
    strategy: S,
    property: impl Fn(&mut World, S::Value) -> TestCaseResult,
) where
    S::Value: Debug,
{
    let world = std::cell::RefCell::new(World::new(disk));
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(cases())
    };
    let held = TestRunner::new(config).run(&strategy, |case| property(&mut world.borrow_mut(), case));
    match held {
        Ok(()) => {}
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(aborted) => panic!("{aborted}"),
    }
}

/// A question about events, for whoever reads of a failure.
pub(crate) fn shown(query: &Query, events: &[Event]) -> String {
    let events: Vec<String> = events
        .iter()
        .map(|event| serde_json::to_string(event).unwrap())
        .collect();
    format!("{} of {}", serde_json::to_string(query).unwrap(), events.join("\n"))
}
