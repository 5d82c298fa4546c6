//! The tables: in an application's own database, beside another store's, of another version.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use event_core::Event;
use event_core::filter::Filter;
use event_core::query::Page;
use event_core::verdict::Status;
use event_store::{Durability, Error, EventStore, Options};
use proptest::strategy::{Strategy as _, ValueTree as _};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};

use crate::disk::Disk;
use crate::sample::{count, created, ingest, json, label, offer, quarantine, statuses};

async fn connect(disk: &Disk) -> DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new(disk.url());
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

/// The texts of the first column.
async fn texts(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = db
        .query_all_raw(Statement::from_string(DbBackend::Sqlite, sql))
        .await
        .unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

async fn tables(db: &DatabaseConnection) -> Vec<String> {
    texts(
        db,
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name",
    )
    .await
}

pub(crate) async fn everything_reads_back_equal_after_a_restart(disk: Disk) {
    let store = disk.open().await;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = event_core::arbitrary::event();
    let events: Vec<Event> = (0..300)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect();
    // Some of them lie in the future.
    let valid = events
        .iter()
        .map(|event| event_core::Registry::default().validate(event.clone(), event_core::Timestamp::MAX));
    let verdicts = store.append(valid.map(Result::unwrap).collect()).await.unwrap();
    ingest(&store, vec![json("bad id", "")]).await;
    let page = Page {
        limit: Page::MAX_LIMIT,
        ..Page::new(Filter::new())
    };
    let before = store.page(&page).await.unwrap();
    let refused = quarantine(&store).await;
    store.close().await.unwrap();

    let store = disk.open().await;
    assert_eq!(store.page(&page).await.unwrap(), before);
    assert_eq!(quarantine(&store).await, refused);
    // They are the events that were given, and not only equal to themselves.
    let mut read_back = 0;
    for (event, verdict) in events.iter().zip(verdicts) {
        let Some(stored) = before
            .events
            .iter()
            .find(|stored| Some(stored.position) == verdict.position)
        else {
            continue;
        };
        assert_eq!(stored.event.envelope(), event.envelope());
        assert_eq!(stored.event.payload(), event.payload());
        assert_eq!(stored.event.content_hash(), event.content_hash());
        read_back += usize::from(verdict.status == Status::Stored);
    }
    assert_eq!(read_back, before.events.len());
    assert!(read_back > 50, "{read_back}");
}

#[tokio::test]
async fn a_store_inside_an_applications_own_database() {
    let disk = Disk::sqlite();
    let db = connect(&disk).await;
    for statement in [
        "CREATE TABLE events (id INTEGER PRIMARY KEY, title TEXT)",
        "CREATE TABLE migrations (version TEXT)",
        "INSERT INTO events (title) VALUES ('a concert')",
    ] {
        db.execute_unprepared(statement).await.unwrap();
    }
    let options = Options::new().prefix("audit_");
    let store = EventStore::from_connection(db.clone(), options.clone()).await.unwrap();
    store
        .register(&created(), &label("1"), event_store::TypeChange::default())
        .await
        .unwrap();
    let verdicts = ingest(
        &store,
        vec![json("1", r#","session_id":"s""#), json("1", ""), json("bad id", "")],
    )
    .await;
    assert_eq!(
        statuses(&verdicts),
        [Status::Stored, Status::Conflict, Status::Quarantined]
    );
    assert_eq!(count(&store).await, 1);
    // The application goes on with its own.
    db.execute_unprepared("INSERT INTO events (title) VALUES ('another')")
        .await
        .unwrap();
    assert_eq!(
        texts(&db, "SELECT title FROM events ORDER BY id").await,
        ["a concert", "another"]
    );
    let ours: Vec<String> = tables(&db)
        .await
        .into_iter()
        .filter(|name| !["events", "migrations"].contains(&name.as_str()))
        .collect();
    assert!(ours.iter().all(|name| name.starts_with("audit_")), "{ours:?}");
    let indexes = texts(
        &db,
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    )
    .await;
    assert!(indexes.iter().all(|name| name.starts_with("audit_")), "{indexes:?}");

    // Opened anew on the same connection.
    let again = EventStore::from_connection(db.clone(), options).await.unwrap();
    assert_eq!(
        offer(&again, json("1", r#","session_id":"s""#)).await.status,
        Status::Duplicate
    );
}

#[tokio::test]
async fn a_store_that_closes_leaves_the_applications_connection_open() {
    let disk = Disk::sqlite();
    let db = connect(&disk).await;
    let store = EventStore::from_connection(db.clone(), Options::new()).await.unwrap();
    ingest(&store, vec![json("1", "")]).await;
    store.close().await.unwrap();
    assert_eq!(texts(&db, "SELECT 'still here'").await, ["still here"]);
    assert!(matches!(
        store.ingest(vec![json("2", "")], &crate::sample::origin()).await,
        Err(Error::Closed)
    ));
}

#[tokio::test]
async fn two_stores_with_two_prefixes_in_one_file() {
    let disk = Disk::sqlite();
    let one = disk.of_prefix("one_").open().await;
    let two = disk.of_prefix("two_").open().await;
    one.register(&created(), &label("1"), event_store::TypeChange::default())
        .await
        .unwrap();
    assert_eq!(
        offer(&one, json("1", r#","data":{"n":1}"#)).await.status,
        Status::Stored
    );
    assert_eq!(
        offer(&two, json("1", r#","data":{"n":2}"#)).await.status,
        Status::Stored
    );
    ingest(&two, vec![json("bad id", "")]).await;
    assert_eq!((count(&one).await, count(&two).await), (1, 1));
    assert_eq!((quarantine(&one).await.len(), quarantine(&two).await.len()), (0, 1));
    assert_eq!(
        (one.types().await.unwrap().len(), two.types().await.unwrap().len()),
        (1, 0)
    );
}

#[tokio::test]
async fn a_prefix_that_could_be_anything_else_is_refused() {
    let disk = Disk::sqlite();
    for prefix in ["a b", "A", "x\"; DROP TABLE events; --", "é", &"x".repeat(33)] {
        let opened = EventStore::connect_with(&disk.url(), Options::new().prefix(prefix)).await;
        assert!(matches!(opened, Err(Error::Config(_))), "{prefix:?}");
    }
    disk.of_prefix("").open().await;
}

pub(crate) async fn migrations_can_be_run_again_and_by_many_at_once(disk: Disk) {
    let opening = (0..8).map(|_| {
        let (url, options) = (disk.url(), Options::new().prefix(disk.prefix()));
        tokio::spawn(async move { EventStore::connect_with(&url, options).await })
    });
    let mut stores = Vec::new();
    for opened in opening.collect::<Vec<_>>() {
        stores.push(opened.await.unwrap().unwrap());
    }
    for (number, store) in stores.iter().enumerate() {
        assert_eq!(
            offer(store, json(&format!("e-{number}"), "")).await.status,
            Status::Stored
        );
    }
    assert_eq!(count(&disk.open().await).await, 8);
}

pub(crate) async fn tables_of_a_later_version_are_left_as_they_are(disk: Disk) {
    let store = disk.open().await;
    ingest(&store, vec![json("1", "")]).await;
    store.close().await.unwrap();
    let (db, prefix) = (connect(&disk).await, disk.prefix());
    db.execute_unprepared(&format!("INSERT INTO {prefix}migrations (version) VALUES (99)"))
        .await
        .unwrap();
    // A later version may have other tables altogether.
    db.execute_unprepared(&format!("ALTER TABLE {prefix}events RENAME TO {prefix}rows"))
        .await
        .unwrap();
    db.close().await.unwrap();
    let file = || disk.file().map(|file| std::fs::read(file).unwrap());
    let before = file();
    for _ in 0..2 {
        match EventStore::connect_with(&disk.url(), Options::new().prefix(prefix)).await {
            Err(Error::SchemaTooNew { found, known }) => assert!(found == 99 && known < 99),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("it was opened"),
        }
    }
    assert_eq!(file(), before, "the file was written to");
    // Another prefix is another store, and no affair of that version.
    assert_eq!(count(&disk.of_prefix(&format!("x{prefix}")).open().await).await, 0);
}

#[tokio::test]
async fn a_connection_that_could_lose_answered_events_is_refused() {
    let disk = Disk::sqlite();
    let db = connect(&disk).await;
    db.execute_unprepared("PRAGMA synchronous = NORMAL").await.unwrap();
    let opened = EventStore::from_connection(db.clone(), Options::new()).await;
    assert!(matches!(opened, Err(Error::Config(_))));
    let named = Options::new().durability(Durability::Normal);
    let store = EventStore::from_connection(db, named).await.unwrap();
    assert_eq!(offer(&store, json("1", "")).await.status, Status::Stored);
}

#[tokio::test]
async fn what_is_no_database_is_said_so() {
    let disk = Disk::sqlite();
    std::fs::write(
        disk.file().unwrap(),
        "this is no database, but a text of some length\n".repeat(200),
    )
    .unwrap();
    let opened = EventStore::connect(&disk.url()).await.err().expect("it was opened");
    assert!(!matches!(opened, Error::Statement(_)), "{opened:?}");
    assert_eq!(std::fs::read(disk.file().unwrap()).unwrap().len(), 47 * 200);
    for url in [
        "sqlite:///nowhere/at/all/events.db?mode=rwc",
        "sqlite:///nowhere.db",
        "postgres://x:secret@localhost/y",
        "nonsense",
        "",
    ] {
        let error = EventStore::connect(url).await.err().expect("it was opened");
        assert!(
            matches!(error, Error::Unavailable(_) | Error::Config(_)),
            "{url}: {error:?}"
        );
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}

/// On SQLite the writer has its thread for itself: what is read beside its commits must not stand still on that thread with
/// the lock that they wait for.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_register_is_learned_without_holding_up_commits() {
    let disk = Disk::sqlite();
    let open = async || {
        let mut options = sea_orm::ConnectOptions::new(disk.url());
        options.max_connections(4).sqlx_logging(false);
        let db = Database::connect(options).await.unwrap();
        // As SQLite has it unless it is told otherwise: whoever reads holds up whoever commits.
        assert_eq!(texts(&db, "PRAGMA journal_mode").await, ["delete"]);
        let options = Options::new().request_timeout(Duration::from_secs(60));
        EventStore::from_connection(db, options).await.unwrap()
    };
    let other = open().await;
    let register = async |number: i32| {
        let change = event_store::TypeChange::default();
        other
            .register(&created(), &label(&number.to_string()), change)
            .await
            .unwrap();
    };
    // More than a driver hands over at once.
    for number in 0..100 {
        register(number).await;
    }
    let store = open().await;
    let done = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..4)
        .map(|caller| {
            let (store, done) = (store.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                for number in 0.. {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    offer(&store, json(&format!("{caller}-{number}"), "")).await;
                }
            })
        })
        .collect();
    for number in 100..110 {
        register(number).await;
        while store
            .registry()
            .get(&created(), Some(&label(&number.to_string())))
            .is_none()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    done.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
}
