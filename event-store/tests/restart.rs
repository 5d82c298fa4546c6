//! The server goes down in the middle of the load, and comes back. Whoever was left without an answer
//! offers the same events again, and nothing is lost or stored twice; the store works on by itself.
//!
//! A program of its own: while it runs, no other test uses the servers. `EVENT_TEST_LONG=1` asks for the full number.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

#[allow(dead_code, reason = "the tests of the store take more of it")]
#[path = "store/disk.rs"]
mod disk;
#[allow(dead_code, reason = "other tests start processes by it")]
#[path = "order/process.rs"]
mod process;

use std::collections::HashSet;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use disk::Disk;
use event_core::verdict::Status;
use event_core::{Query, Source};
use event_store::{Error, EventStore, Offer, Origin};
use process::is_long;

macro_rules! restart {
    ($($database:ident $control:literal)+) => {
        $(mod $database {
            use crate::disk::Disk;

            #[tokio::test(flavor = "multi_thread")]
            async fn a_restarted_server_loses_and_doubles_nothing() {
                crate::a_restarted_server_loses_and_doubles_nothing(Disk::$database(), $control).await;
            }
        })+
    };
}

restart! {
    postgres "EVENT_TEST_POSTGRES_CONTROL"
    mysql "EVENT_TEST_MYSQL_CONTROL"
}

/// Stores on the server, and callers of each.
const STORES: usize = 2;
const CALLERS: usize = 4;
const BATCH: usize = 20;

fn restarts() -> usize {
    if is_long() { 50 } else { 2 }
}

fn origin() -> Origin {
    Origin::new(Source::new("shop").unwrap())
}

fn id(caller: usize, batch: usize, number: usize) -> String {
    format!("c{caller}-{batch}-{number}")
}

fn batch(caller: usize, batch: usize) -> Vec<Offer> {
    let event = |number| {
        let id = id(caller, batch, number);
        format!(
            r#"{{"id":"{id}","category":"a","name":"b","session_id":"s-{}"}}"#,
            batch % 5
        )
    };
    (0..BATCH)
        .map(|number| Offer::Json(event(number).into_bytes()))
        .collect()
}

/// How often callers heard each error.
#[derive(Debug, Default)]
struct Heard {
    batches: usize,
    unavailable: usize,
    unknown: usize,
    others: usize,
}

/// Offers batch after batch, each until it is acknowledged.
async fn call(store: EventStore, caller: usize, done: Arc<AtomicBool>) -> Heard {
    let mut heard = Heard::default();
    while !done.load(Ordering::Acquire) {
        let started = Instant::now();
        loop {
            match store.ingest(batch(caller, heard.batches), &origin()).await {
                Ok(verdicts) => {
                    let kept = |status| matches!(status, Status::Stored | Status::Duplicate);
                    assert!(verdicts.iter().all(|verdict| kept(verdict.status)), "{verdicts:?}");
                    break;
                }
                Err(Error::Unavailable(_)) => heard.unavailable += 1,
                Err(Error::Unknown(_)) => heard.unknown += 1,
                Err(Error::Contention(_) | Error::Overloaded) => heard.others += 1,
                Err(other) => panic!("{other:?}"),
            }
            assert!(
                started.elapsed() < Duration::from_secs(90),
                "the server did not come back"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        heard.batches += 1;
    }
    heard
}

async fn restart(control: &str) {
    let control = control.to_owned();
    let restarted = tokio::task::spawn_blocking(move || Command::new(control).arg("restart").status().unwrap());
    assert!(restarted.await.unwrap().success(), "the control script failed");
}

async fn a_restarted_server_loses_and_doubles_nothing(disk: Disk, variable: &str) {
    let Ok(control) = std::env::var(variable) else {
        panic!("{variable} names no script that restarts the server: run `cargo xtask test`, which makes one");
    };
    let mut stores = Vec::new();
    for _ in 0..STORES {
        stores.push(disk.open().await);
    }
    let done = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..STORES * CALLERS)
        .map(|caller| tokio::spawn(call(stores[caller % STORES].clone(), caller, Arc::clone(&done))))
        .collect();
    let restarts = restarts();
    for _ in 0..restarts {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        restart(&control).await;
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    done.store(true, Ordering::Release);
    let mut expected = HashSet::new();
    let mut errors = 0;
    for (caller, heard) in callers.into_iter().enumerate() {
        let heard = heard.await.unwrap();
        assert!(heard.batches > 0, "{heard:?}");
        errors += heard.unavailable + heard.unknown + heard.others;
        for batch in 0..heard.batches {
            expected.extend((0..BATCH).map(|number| id(caller, batch, number)));
        }
    }
    assert!(errors > 0, "nobody noticed that the server was down");

    // The same stores, not opened anew: they hold every event once, and they are well.
    for (number, store) in stores.iter().enumerate() {
        let mut read = Vec::new();
        let mut after = 0;
        loop {
            let events = store.log(after, 10_000).await.unwrap();
            let Some(last) = events.last() else { break };
            after = last.position;
            read.extend(events.iter().map(|stored| stored.event.envelope().id.to_string()));
        }
        let once: HashSet<String> = read.iter().cloned().collect();
        assert_eq!(
            (read.len(), once.len()),
            (expected.len() + number, expected.len() + number)
        );
        assert!(expected.is_subset(&once));
        let count = store.answer(&Query::from_pairs([]).unwrap()).await.unwrap();
        assert_eq!(
            count.rows[0].value.as_ref().unwrap().to_string(),
            read.len().to_string()
        );
        let verdicts = store
            .ingest(batch(1_000 + number, 0)[..1].to_vec(), &origin())
            .await
            .unwrap();
        assert_eq!(verdicts[0].status, Status::Stored);
        let health = store.health();
        assert!(
            health.writer_alive && health.last_heartbeat_age < Duration::from_secs(2) && health.queued_events == 0,
            "{health:?}"
        );
    }
    println!(
        "proof: restarts of a server that {} callers write to: {restarts} trials, 0 violations",
        STORES * CALLERS
    );
}
