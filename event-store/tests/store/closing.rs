//! The end of a store: what was taken is stored, what comes later is refused.

use std::time::Duration;

use event_core::verdict::Status;
use event_store::{Error, Options, Receipt};
use sea_orm::ConnectionTrait as _;

use crate::disk::Disk;
use crate::sample::{count, id, json, offer, origin};

pub(crate) async fn what_was_taken_is_stored_before_the_end(disk: Disk) {
    let store = disk.open().await;
    let mut callers = Vec::new();
    for caller in 0..200 {
        let store = store.clone();
        callers.push(tokio::spawn(async move {
            let batch = (0..5).map(|number| json(&format!("e-{caller}-{number}"), "")).collect();
            store.ingest(batch, &origin()).await
        }));
        if caller % 20 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    store.close().await.unwrap();
    let mut answered = Vec::new();
    let mut turned_away = Vec::new();
    for (caller, outcome) in callers.into_iter().enumerate() {
        match outcome.await.unwrap() {
            Ok(verdicts) => {
                assert!(verdicts.iter().all(|verdict| verdict.status == Status::Stored));
                answered.push(caller);
            }
            Err(Error::Closed) => turned_away.push(caller),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(!answered.is_empty());
    let store = disk.open().await;
    assert_eq!(count(&store).await, answered.len() as u64 * 5);
    for caller in turned_away {
        assert_eq!(
            store.receipt(&id(&format!("e-{caller}-0")), None).await.unwrap(),
            Receipt::Missing
        );
    }
}

pub(crate) async fn a_closed_store_takes_nothing_and_says_so(disk: Disk) {
    let store = disk.open().await;
    let clone = store.clone();
    offer(&store, json("1", "")).await;
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert!(matches!(
        clone.ingest(vec![json("2", "")], &origin()).await,
        Err(Error::Closed)
    ));
    assert!(matches!(clone.receipt(&id("1"), None).await, Err(Error::Closed)));
    assert!(matches!(
        clone
            .register(
                &crate::sample::created(),
                &crate::sample::label("1"),
                event_store::TypeChange::default()
            )
            .await,
        Err(Error::Closed)
    ));
    assert!(clone.ping().await.is_err());
    assert!(!clone.health().writer_alive);
}

pub(crate) async fn a_store_that_is_dropped_stores_what_it_was_given(disk: Disk) {
    let store = disk.open().await;
    let waiting = {
        let store = store.clone();
        tokio::spawn(async move { store.ingest(vec![json("1", "")], &origin()).await })
    };
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(store);
    assert_eq!(waiting.await.unwrap().unwrap()[0].status, Status::Stored);
    assert_eq!(count(&disk.open().await).await, 1);
}

pub(crate) async fn a_store_in_use_is_well(disk: Disk) {
    let store = disk.open_with(Options::new().queue_events(10)).await;
    store.ping().await.unwrap();
    offer(&store, json("1", "")).await;
    let health = store.health();
    assert!(
        health.writer_alive && health.last_heartbeat_age < Duration::from_secs(2),
        "{health:?}"
    );
    assert_eq!((health.queued_events, health.queued_bytes), (0, 0));
    // More than the queue holds is refused at once, and leaves nothing behind.
    let many = (0..11).map(|number| json(&format!("e-{number}"), "")).collect();
    let refused = store.ingest(many, &origin()).await;
    assert!(
        matches!(refused, Err(Error::BatchTooLarge { events: 11, limit: 10 })),
        "{refused:?}"
    );
    assert_eq!(store.health().queued_events, 0);
    assert_eq!(count(&store).await, 1);
}

/// Whoever waits no longer for the end of a store, or closes it beside another, takes nothing from what was taken.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_is_stored_whoever_else_closes() {
    let disk = Disk::sqlite();
    let store = disk.open().await;
    let other = disk.connect().await;
    // The writer waits for this lock with the first event, and the other callers for the writer.
    other.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    let mut callers = Vec::new();
    for caller in 0..3 {
        let store = store.clone();
        let event = json(&format!("e-{caller}"), "");
        callers.push(tokio::spawn(async move { store.ingest(vec![event], &origin()).await }));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let given_up = tokio::time::timeout(Duration::from_millis(50), store.close()).await;
    assert!(given_up.is_err(), "nobody has given the lock back");
    let (first, second, unlocked) = tokio::join!(store.close(), store.close(), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        other.execute_unprepared("ROLLBACK").await
    });
    assert!(first.is_ok() && second.is_ok() && unlocked.is_ok());
    for caller in callers {
        let stored = caller.await.unwrap();
        assert!(stored.is_ok(), "{stored:?}");
    }
    assert_eq!(count(&disk.open().await).await, 3);
}
