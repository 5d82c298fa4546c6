//! Hostile use of the store from Rust: nothing at all, far too much, callers that go away, the ends
//! of time. Several processes on one database, and tables of a later version, are among the tests of
//! the store.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../fixtures/bad_input.rs"]
mod table;
#[allow(dead_code, reason = "the tests of the store take more of it")]
#[path = "store/disk.rs"]
mod disk;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use disk::Disk;
use event_core::event::Reception;
use event_core::filter::Filter;
use event_core::query::Page;
use event_core::verdict::Status;
use event_core::{Event, EventId, Limits, Query, Registry, SessionId, Source, Timestamp, ValidEvent};
use event_store::{Error, EventStore, Offer, Options, Origin, QuarantinePage, Receipt};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use table::scenario;

const SCENARIOS: [&str; 8] = [
    "append_nothing",
    "ingest_nothing",
    "append_many",
    "append_too_many",
    "dropped_ingest",
    "dropped_append",
    "dropped_reading",
    "times_stored",
];

/// A test of each scenario for each database.
macro_rules! scenarios {
    ($database:ident { $($name:ident,)+ } $($more:tt)*) => {
        mod $database {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                crate::$name(crate::disk::Disk::$database()).await;
            })+
        }
        scenarios!($($more)*);
    };
    ({ $($name:ident,)+ }) => {
        scenarios!(sqlite { $($name,)+ } postgres { $($name,)+ } mysql { $($name,)+ });
    };
    () => {};
}

scenarios!({
    r04_nothing_at_all,
    r05_a_hundred_thousand_events_in_one_call,
    r05_one_more_than_the_queue_holds,
    r06_ingest_dropped_at_any_await,
    r06_append_dropped_at_any_await,
    r06_reading_dropped_at_any_await,
    r06_a_type_registered_by_a_caller_that_goes_away,
    r07_the_ends_of_time_are_stored,
});

fn origin() -> Origin {
    Origin::new(Source::new("shop").unwrap())
}

fn offer(id: &str) -> Offer {
    let session = id.split('-').next().unwrap();
    Offer::Json(format!(r#"{{"id":"{id}","category":"a","name":"b","session_id":"{session}"}}"#).into_bytes())
}

/// An event that is found valid, whatever its time.
fn valid(id: &str, at: Timestamp) -> ValidEvent {
    let source = Source::new("shop").unwrap();
    let reception = Reception {
        received_at: at,
        source: &source,
        zone: chrono_tz::Tz::UTC,
        limits: Limits::default(),
        new_id: &|| EventId::new("made-here").unwrap(),
    };
    let event = Event::builder("a", "b")
        .id(id)
        .occurred_at(at)
        .field("n", 1)
        .build(&reception)
        .unwrap();
    Registry::default().validate(event, Timestamp::MAX).unwrap()
}

async fn count(store: &EventStore) -> u64 {
    let answer = store.answer(&Query::from_pairs([]).unwrap()).await.unwrap();
    answer.rows[0].value.as_ref().unwrap().to_string().parse().unwrap()
}

async fn is_stored(store: &EventStore, id: &str) -> bool {
    store.receipt(&EventId::new(id).unwrap(), None).await.unwrap() != Receipt::Missing
}

/// Polls a future so many times at the most, and drops it: whether it was ready.
async fn poll_times(future: impl Future, times: u32) -> bool {
    let mut future = pin!(future);
    for _ in 0..times {
        // Woken by whoever, or not at all: a busy caller looks again and again.
        let ready = poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await;
        if ready {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

/// That the store works, that nothing waits in it, and that its connections are all there.
async fn assert_well(store: &EventStore, name: &str) {
    let started = Instant::now();
    let batch = (0..10).map(|number| offer(&format!("{name}-{number}"))).collect();
    let verdicts = store.ingest(batch, &origin()).await.unwrap();
    assert!(verdicts.iter().all(|verdict| verdict.status == Status::Stored));
    let mut readers = Vec::new();
    for _ in 0..16 {
        let store = store.clone();
        readers.push(tokio::spawn(async move {
            store.page(&Page::new(Filter::new())).await.is_ok()
        }));
    }
    for reader in readers {
        assert!(reader.await.unwrap());
    }
    let health = store.health();
    assert!(
        health.writer_alive && (health.queued_events, health.queued_bytes) == (0, 0),
        "{health:?}"
    );
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

/// That the one connection of a pool is there, and in no transaction that somebody has left open.
async fn assert_idle(db: &DatabaseConnection, prefix: &str) {
    if db.get_database_backend() == DbBackend::MySql {
        let sql = "SELECT CAST(@@in_transaction AS SIGNED)";
        let row = db.query_one_raw(Statement::from_string(DbBackend::MySql, sql)).await;
        assert_eq!(row.unwrap().unwrap().try_get_by_index::<i64>(0).unwrap(), 0);
        return;
    }
    // In a transaction neither database does this.
    let vacuum = match db.get_database_backend() {
        DbBackend::Sqlite => "VACUUM".to_owned(),
        _ => format!("VACUUM {prefix}log"),
    };
    db.execute_unprepared(&vacuum).await.unwrap();
}

#[test]
fn every_scenario_of_this_crate_is_played() {
    table::assert_scenarios("event-store", &SCENARIOS);
}

async fn r04_nothing_at_all(disk: Disk) {
    let store = disk.open().await;
    assert!(store.append(Vec::new()).await.unwrap().is_empty());
    assert!(store.ingest(Vec::new(), &origin()).await.unwrap().is_empty());
    assert_eq!(count(&store).await, 0);
    assert_well(&store, "after").await;
}

async fn r05_a_hundred_thousand_events_in_one_call(disk: Disk) {
    let events = scenario("append_many").number("events").unwrap();
    let store = disk.open().await;
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    let all = (0..events).map(|number| valid(&format!("e-{number}"), at)).collect();
    let reader = store.clone();
    let watching = tokio::spawn(async move {
        // In one transaction: whoever looks sees none of them, or all.
        loop {
            match count(&reader).await {
                0 => tokio::time::sleep(Duration::from_millis(5)).await,
                seen => return seen,
            }
        }
    });
    let verdicts = store.append(all).await.unwrap();
    let places: Vec<i64> = verdicts.iter().map(|verdict| verdict.position.unwrap()).collect();
    assert!(verdicts.iter().all(|verdict| verdict.status == Status::Stored));
    assert_eq!(places, (1..=i64::try_from(events).unwrap()).collect::<Vec<_>>());
    assert_eq!(watching.await.unwrap(), events);
    assert_well(&store, "after").await;
}

async fn r05_one_more_than_the_queue_holds(disk: Disk) {
    let events = scenario("append_too_many").number("events").unwrap();
    let store = disk.open().await;
    let one = valid("1", Timestamp::MIN);
    let all = (0..events).map(|_| one.clone()).collect();
    match store.append(all).await {
        Err(Error::BatchTooLarge { events, limit }) => assert_eq!((events, limit), (100_001, 100_000)),
        other => panic!("{other:?}"),
    }
    assert_eq!(count(&store).await, 0);
    assert_well(&store, "after").await;
}

/// Offers of which the caller does not hear the end: each batch is stored whole, or not at all.
async fn drop_batches<F: Future>(store: &EventStore, name: &str, call: impl Fn(Vec<String>) -> F) {
    const BATCH: usize = 5;
    const ROUNDS: usize = 150;
    let ids = |round: usize| {
        (0..BATCH)
            .map(|number| format!("{name}-{round}-{number}"))
            .collect::<Vec<_>>()
    };
    let mut heard = Vec::new();
    for round in 0..ROUNDS {
        let future = call(ids(round));
        let answered = if round % 2 == 0 {
            poll_times(future, u32::try_from(round).unwrap() % 40).await
        } else {
            let patience = Duration::from_micros(u64::try_from(round * 37 % 3_000).unwrap());
            tokio::time::timeout(patience, future).await.is_ok()
        };
        if answered {
            heard.push(round);
        }
    }
    // What was taken is stored behind the callers' backs.
    let deadline = Instant::now() + Duration::from_secs(10);
    while store.health().queued_events > 0 {
        assert!(Instant::now() < deadline, "{:?}", store.health());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut whole = 0;
    for round in 0..ROUNDS {
        let mut stored = 0;
        for id in ids(round) {
            stored += usize::from(is_stored(store, &id).await);
        }
        assert!(stored == 0 || stored == BATCH, "{stored} of {BATCH} in round {round}");
        assert!(stored == BATCH || !heard.contains(&round), "round {round} was answered");
        whole += usize::from(stored == BATCH);
    }
    assert!(
        whole > heard.len(),
        "no caller went away in time to prove anything: {whole}"
    );
    assert!(heard.len() < ROUNDS);
}

async fn r06_ingest_dropped_at_any_await(disk: Disk) {
    assert_eq!(scenario("dropped_ingest").row, "R06");
    let store = disk.open().await;
    let call = |ids: Vec<String>| {
        let store = store.clone();
        async move {
            store
                .ingest(ids.iter().map(|id| offer(id)).collect(), &origin())
                .await
                .unwrap()
        }
    };
    drop_batches(&store, "i", call).await;
    // Larger ones are judged in another thread.
    for round in 0..40_u64 {
        let batch: Vec<Offer> = (0..60)
            .map(|number| offer(&format!("large-{round}-{number}")))
            .collect();
        let _ = tokio::time::timeout(Duration::from_micros(round * 100), store.ingest(batch, &origin())).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    for round in 0..40 {
        let first = is_stored(&store, &format!("large-{round}-0")).await;
        assert_eq!(is_stored(&store, &format!("large-{round}-59")).await, first, "{round}");
    }
    assert_well(&store, "after").await;
}

async fn r06_append_dropped_at_any_await(disk: Disk) {
    let store = disk.open().await;
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    let call = |ids: Vec<String>| {
        let store = store.clone();
        async move {
            store
                .append(ids.iter().map(|id| valid(id, at)).collect())
                .await
                .unwrap()
        }
    };
    drop_batches(&store, "a", call).await;
    assert_well(&store, "after").await;
}

async fn r06_reading_dropped_at_any_await(disk: Disk) {
    let own = disk.open().await;
    // An application's one connection, which reading and writing share.
    let place = disk.another();
    let mut options = sea_orm::ConnectOptions::new(place.url());
    options.max_connections(1).sqlx_logging(false);
    let db = sea_orm::Database::connect(options).await.unwrap();
    let options = Options::new().prefix(place.prefix());
    let shared = EventStore::from_connection(db.clone(), options).await.unwrap();
    for store in [own, shared] {
        let batch = (0..200).map(|number| offer(&format!("s-{number}"))).collect();
        store.ingest(batch, &origin()).await.unwrap();
        let session = SessionId::new("s").unwrap();
        let by_name = Query::from_pairs([("by", "name"), ("bucket", "hour")]).unwrap();
        for round in 0..300 {
            let patience = Duration::from_micros(round * 13 % 2_000);
            let (store, times) = (&store, u32::try_from(round).unwrap() % 20);
            let dropped = async {
                match round % 6 {
                    0 => drop(store.page(&Page::new(Filter::new())).await.unwrap()),
                    1 => drop(store.session(&session).await.unwrap()),
                    2 => drop(store.answer(&by_name).await.unwrap()),
                    3 => drop(store.receipt(&EventId::new("s-1").unwrap(), None).await.unwrap()),
                    4 => drop(store.quarantine(&QuarantinePage::default()).await.unwrap()),
                    _ => drop(store.types().await.unwrap()),
                }
            };
            if round % 2 == 0 {
                poll_times(dropped, times).await;
            } else {
                let _ = tokio::time::timeout(patience, dropped).await;
            }
        }
        assert_eq!(count(&store).await, 200);
        assert_well(&store, "after").await;
    }
    assert_idle(&db, place.prefix()).await;
}

async fn r06_a_type_registered_by_a_caller_that_goes_away(disk: Disk) {
    let store = disk.open().await;
    let kind = event_core::EventType::new("a", "b").unwrap();
    for round in 0..60_u32 {
        let version = event_core::Label::new(format!("v{round}")).unwrap();
        let change = event_store::TypeChange {
            schema: Some(serde_json::json!({})),
            ..Default::default()
        };
        poll_times(store.register(&kind, &version, change), round % 12).await;
    }
    // What was begun goes on behind the caller's back, one after the other.
    let mut types = store.types().await.unwrap();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = types.len();
        types = store.types().await.unwrap();
        if types.len() == before {
            break;
        }
    }
    assert!(types.len() > 10, "{}", types.len());
    // Memory and database agree on which version is active.
    let active = types.iter().find(|record| record.active).unwrap();
    assert_eq!(store.registry().active(&kind), Some(&active.version));
    assert_well(&store, "after").await;
}

async fn r07_the_ends_of_time_are_stored(disk: Disk) {
    let store = disk.open().await;
    let times = [
        Timestamp::MIN,
        "2026-01-01T00:00:00.000001Z".parse().unwrap(),
        Timestamp::MAX,
    ];
    let events = times
        .iter()
        .enumerate()
        .map(|(number, at)| valid(&format!("e-{number}"), *at));
    let verdicts = store.append(events.collect()).await.unwrap();
    assert!(verdicts.iter().all(|verdict| verdict.status == Status::Stored));
    store.close().await.unwrap();

    let store = disk.open().await;
    let page = store.page(&Page::new(Filter::new())).await.unwrap();
    let read: Vec<Timestamp> = page
        .events
        .iter()
        .map(|stored| stored.event.envelope().occurred_at)
        .collect();
    assert_eq!(read, times);
    // The last instant has no end behind it, and still is in a bucket.
    let by_year = |bucket: &str| Query::from_pairs([("bucket", bucket), ("zone", "Pacific/Kiritimati")]).unwrap();
    let answer = store.answer(&by_year("month")).await.unwrap();
    let total: u64 = answer
        .rows
        .iter()
        .map(|row| row.value.as_ref().unwrap().to_string().parse::<u64>().unwrap())
        .sum();
    assert_eq!(total, 3);
    assert!(matches!(store.answer(&by_year("minute")).await, Err(Error::Query(_))));
}
