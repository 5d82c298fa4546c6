//! Several stores, and several processes, on one database: they queue behind each other.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use event_core::Verdict;
use event_core::verdict::Status;
use event_store::{Error, EventStore, Options};
use sea_orm::{ConnectionTrait as _, Database};

use crate::disk::Disk;
use crate::sample::{count, created, json, label, offer, origin};

const WRITERS: usize = 3;
const BATCHES: usize = 40;
const EVENTS: usize = 25;

/// Offers until the database has said what became of the batch.
async fn insist(store: &EventStore, batch: &[event_store::Offer]) -> Vec<Verdict> {
    let started = Instant::now();
    loop {
        match store.ingest(batch.to_vec(), &origin()).await {
            Ok(verdicts) => return verdicts,
            Err(Error::Unavailable(_) | Error::Contention(_) | Error::Unknown(_))
                if started.elapsed() < Duration::from_secs(60) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Batches of which one third is every writer's.
async fn write(store: &EventStore, writer: usize) -> usize {
    let mut stored = 0;
    for batch in 0..BATCHES {
        let name = |number: usize| match number % 3 {
            0 => format!("shared-{batch}-{number}"),
            _ => format!("w{writer}-{batch}-{number}"),
        };
        let offers: Vec<_> = (0..EVENTS)
            .map(|number| {
                json(
                    &name(number),
                    &format!(r#","session_id":"s-{batch}","subject":"c-{number}""#),
                )
            })
            .collect();
        let verdicts = insist(store, &offers).await;
        assert!(
            verdicts
                .iter()
                .all(|verdict| matches!(verdict.status, Status::Stored | Status::Duplicate))
        );
        stored += verdicts
            .iter()
            .filter(|verdict| verdict.status == Status::Stored)
            .count();
    }
    stored
}

fn expected() -> usize {
    let shared = (0..EVENTS).filter(|number| number % 3 == 0).count();
    BATCHES * (shared + WRITERS * (EVENTS - shared))
}

/// That every event has a place of its own.
async fn assert_places(disk: &Disk) {
    let db = disk.connect().await;
    let sql = format!(
        "SELECT COUNT(DISTINCT position), COUNT(DISTINCT event_id), COUNT(*) FROM {}events",
        disk.prefix()
    );
    let statement = sea_orm::Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    let counts: Vec<i64> = (0..3).map(|index| row.try_get_by_index(index).unwrap()).collect();
    let count = i64::try_from(expected()).unwrap();
    assert_eq!(counts, [count, count, count]);
}

pub(crate) async fn stores_on_one_database_lose_nothing(disk: Disk) {
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let store = disk.open().await;
        writers.push(tokio::spawn(async move { write(&store, writer).await }));
    }
    let mut stored = 0;
    for writer in writers {
        stored += writer.await.unwrap();
    }
    assert!(stored <= expected());
    assert_eq!(count(&disk.open().await).await, expected() as u64);
    assert_places(&disk).await;
}

/// The variable by which this test knows that it is one of the processes that it starts.
const CHILD: &str = "EVENT_STORE_TEST_WRITER";

pub(crate) async fn processes_on_one_database_lose_nothing(disk: Disk) {
    if let Ok(child) = std::env::var(CHILD) {
        let words: Vec<&str> = child.split(' ').collect();
        let options = Options::new().prefix(words[1]);
        let store = EventStore::connect_with(words[2], options).await.unwrap();
        write(&store, words[0].parse().unwrap()).await;
        store.close().await.unwrap();
        return;
    }
    let test = format!("{}::sharing::processes_on_one_database_lose_nothing", disk.name());
    let start = |writer: usize| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &test])
            .env(CHILD, format!("{writer} {} {}", disk.prefix(), disk.url()))
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let writers: Vec<Child> = (0..WRITERS).map(start).collect();
    for mut writer in writers {
        let ended = tokio::task::spawn_blocking(move || writer.wait().unwrap()).await;
        assert!(ended.unwrap().success());
    }
    assert_eq!(count(&disk.open().await).await, expected() as u64);
    assert_places(&disk).await;
}

pub(crate) async fn one_store_sees_what_another_wrote(disk: Disk) {
    let (one, two) = (disk.open().await, disk.open().await);
    // A type, a source and a session that the other has never heard of.
    offer(
        &one,
        json("1", r#","source":"new","session_id":"s","category":"a","name":"b""#),
    )
    .await;
    let kind = event_core::EventType::new("a", "b").unwrap();
    let page = event_core::query::Page::from_pairs([("category", "a"), ("source", "new"), ("session", "s")]).unwrap();
    assert_eq!(
        two.page(&page).await.unwrap().events[0].event.envelope().event_type,
        kind
    );
    assert_eq!(count(&two).await, 1);
    assert_eq!(
        offer(
            &two,
            json("1", r#","source":"new","session_id":"s","category":"a","name":"b""#)
        )
        .await
        .status,
        Status::Duplicate
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_of_another_program_is_waited_for_and_then_told() {
    let disk = Disk::sqlite();
    let store = disk.open().await;
    store
        .register(&created(), &label("1"), event_store::TypeChange::default())
        .await
        .unwrap();
    let mut options = sea_orm::ConnectOptions::new(disk.url());
    options.max_connections(1);
    let other = Database::connect(options).await.unwrap();
    other.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    let started = Instant::now();
    let refused = store.ingest(vec![json("1", "")], &origin()).await;
    assert!(
        matches!(refused, Err(Error::Unavailable(_) | Error::Contention(_))),
        "{refused:?}"
    );
    assert!(
        started.elapsed() < Duration::from_millis(4_000),
        "{:?}",
        started.elapsed()
    );
    // Those who come while others wait wait no longer, and nothing of theirs is stored behind their backs.
    let waiting = (0..10_u64).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(number * 200)).await;
            let started = Instant::now();
            let refused = store.ingest(vec![json(&format!("late-{number}"), "")], &origin()).await;
            assert!(
                matches!(refused, Err(Error::Unavailable(_) | Error::Contention(_))),
                "{refused:?}"
            );
            assert!(
                started.elapsed() < Duration::from_millis(4_000),
                "{:?}",
                started.elapsed()
            );
        })
    });
    for one in waiting.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    // A short lock is only waited for.
    let (verdict, ()) = tokio::join!(offer(&store, json("1", "")), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        other.execute_unprepared("ROLLBACK").await.unwrap();
    });
    assert_eq!((verdict.status, verdict.position), (Status::Stored, Some(1)));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(count(&store).await, 1);
}

pub(crate) async fn an_application_with_several_connections_shares_them(disk: Disk) {
    let mut options = sea_orm::ConnectOptions::new(disk.url());
    options.max_connections(4).sqlx_logging(false);
    let db = Database::connect(options).await.unwrap();
    let options = Options::new().prefix(disk.prefix());
    let store = EventStore::from_connection(db.clone(), options).await.unwrap();
    let notes = format!("{}notes", disk.prefix());
    db.execute_unprepared(&format!("CREATE TABLE {notes} (at INTEGER)"))
        .await
        .unwrap();
    let mut work = Vec::new();
    for number in 0..50 {
        let (store, db, notes) = (store.clone(), db.clone(), notes.clone());
        work.push(tokio::spawn(async move {
            let verdicts = insist(&store, &[json(&format!("e-{number}"), "")]).await;
            assert_eq!(verdicts[0].status, Status::Stored);
            db.execute_unprepared(&format!("INSERT INTO {notes} VALUES (1)"))
                .await
                .unwrap();
            assert!(
                store
                    .page(&event_core::query::Page::from_pairs([]).unwrap())
                    .await
                    .is_ok()
            );
        }));
    }
    for one in work {
        one.await.unwrap();
    }
    assert_eq!(count(&store).await, 50);
}
