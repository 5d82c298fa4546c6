//! Events in a transaction of the application's own.

use std::time::{Duration, Instant};

use event_core::event::Reception;
use event_core::policy::{Action, Policy};
use event_core::verdict::Status;
use event_core::{Event, Limits, Source, ValidEvent};
use event_store::{EventStore, Receipt, TypeChange};
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};

use crate::disk::Disk;
use crate::sample::{count, created, id, json, label, offer, quarantine};

fn valid(store: &EventStore, name: &str) -> ValidEvent {
    let source = Source::new("shop").unwrap();
    let received_at = "2026-01-01T00:00:00Z".parse().unwrap();
    let reception = Reception {
        received_at,
        source: &source,
        zone: chrono_tz::Tz::UTC,
        limits: Limits::default(),
        new_id: &|| id("made-here"),
    };
    let event = Event::builder("order", "created")
        .id(name)
        .field("text", "é 🎉 ' \" \\ $1 ?")
        .build(&reception)
        .unwrap();
    store.registry().validate(event, received_at).unwrap()
}

/// Waits until an event is stored, and answers its place.
async fn placed(store: &EventStore, name: &str) -> i64 {
    let started = Instant::now();
    loop {
        if let Receipt::Found(stored) = store.receipt(&id(name), None).await.unwrap() {
            return stored.position;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "{name} was never placed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn events_go_with_the_rows_of_the_application(disk: Disk) {
    let store = disk.open().await;
    let db = disk.connect().await;
    let notes = format!("{}notes", disk.prefix());
    db.execute_unprepared(&format!("CREATE TABLE {notes} (at BIGINT)"))
        .await
        .unwrap();

    let transaction = db.begin().await.unwrap();
    transaction
        .execute_unprepared(&format!("INSERT INTO {notes} VALUES (1)"))
        .await
        .unwrap();
    store
        .append_in(&transaction, vec![valid(&store, "gone")])
        .await
        .unwrap();
    transaction.rollback().await.unwrap();

    let transaction = db.begin().await.unwrap();
    transaction
        .execute_unprepared(&format!("INSERT INTO {notes} VALUES (2)"))
        .await
        .unwrap();
    let many = (0..250).map(|number| valid(&store, &format!("e-{number}"))).collect();
    store.append_in(&transaction, many).await.unwrap();
    store
        .append_in(&transaction, vec![valid(&store, "e-3"), valid(&store, "last")])
        .await
        .unwrap();
    store.append_in(&transaction, Vec::new()).await.unwrap();
    transaction.commit().await.unwrap();

    let last = placed(&store, "last").await;
    assert_eq!(count(&store).await, 251);
    assert_eq!(store.receipt(&id("gone"), None).await.unwrap(), Receipt::Missing);
    let log = store.log(0, 1_000).await.unwrap();
    assert_eq!(log.last().unwrap().position, last);
    assert_eq!(log[7].event.envelope().id, id("e-7"));
    // They are the events that they would have been by any other way.
    let verdicts = store
        .append(vec![valid(&store, "e-7"), valid(&store, "new")])
        .await
        .unwrap();
    assert_eq!(verdicts[0].status, Status::Duplicate);
    assert_eq!(verdicts[1].status, Status::Stored);
}

pub(crate) async fn a_long_transaction_holds_up_nobody(disk: Disk) {
    let store = disk.open().await;
    let db = disk.connect().await;
    let transaction = db.begin().await.unwrap();
    store
        .append_in(&transaction, vec![valid(&store, "slow")])
        .await
        .unwrap();
    // On SQLite there is one writer at a time, whoever it is.
    if disk.name() != "sqlite" {
        for number in 0..20 {
            let verdict = offer(&store, json(&format!("fast-{number}"), "")).await;
            assert_eq!(verdict.status, Status::Stored);
        }
        assert_eq!(count(&store).await, 20);
    }
    transaction.commit().await.unwrap();
    let slow = placed(&store, "slow").await;
    assert_eq!(slow, store.head().await.unwrap());
}

pub(crate) async fn another_process_places_what_its_writer_left(disk: Disk) {
    let gone = disk.open().await;
    let event = valid(&gone, "left");
    gone.close().await.unwrap();
    let db = disk.connect().await;
    let transaction = db.begin().await.unwrap();
    // This store has no writer any more, as if its process had died after the commit.
    gone.append_in(&transaction, vec![event]).await.unwrap();
    transaction.commit().await.unwrap();
    let other = disk.open().await;
    placed(&other, "left").await;
}

pub(crate) async fn what_its_type_allows_no_longer_is_kept(disk: Disk) {
    let (store, other) = (disk.open().await, disk.open().await);
    let db = disk.connect().await;
    let transaction = db.begin().await.unwrap();
    store
        .append_in(&transaction, vec![valid(&store, "late"), valid(&store, "other")])
        .await
        .unwrap();
    if disk.name() == "sqlite" {
        transaction.commit().await.unwrap();
        placed(&store, "other").await;
        return;
    }
    // The type is changed while the transaction is open, and says that nothing refused is kept.
    let policy = Policy {
        on_violation: Action::Reject,
        ..Policy::default()
    };
    let change = TypeChange {
        schema: Some(serde_json::json!({"required": ["number"]})),
        policy: Some(policy),
        ..TypeChange::default()
    };
    other.register(&created(), &label("1"), change).await.unwrap();
    transaction.commit().await.unwrap();
    let started = Instant::now();
    while quarantine(&store).await.len() < 2 {
        assert!(started.elapsed() < Duration::from_secs(10), "they are gone");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(count(&store).await, 0);
}

pub(crate) async fn a_row_that_is_no_event_holds_up_nobody(disk: Disk) {
    let store = disk.open().await;
    let db = disk.connect().await;
    let broken = format!(
        "INSERT INTO {}pending (source, event, flags, hash, received_at) VALUES ('no source!', 'broken', 0, 'x', 0)",
        disk.prefix()
    );
    let broken = match disk.name() {
        "postgres" => broken,
        _ => broken.replace("'x'", "x'00'"),
    };
    db.execute_unprepared(&broken).await.unwrap();
    let transaction = db.begin().await.unwrap();
    store
        .append_in(&transaction, vec![valid(&store, "behind")])
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    placed(&store, "behind").await;
    let kept = quarantine(&store).await;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].raw.as_deref(), Some("broken"));
}
