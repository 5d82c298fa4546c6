//! The server goes down, or cuts every connection, while a projection and a follower are at work: both go on by
//! themselves, and nothing is skipped or applied twice.
//!
//! A program of its own: while it runs, no other test uses the servers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

#[path = "store/cut.rs"]
mod cut;
#[allow(dead_code, reason = "the tests of the store take more of it")]
#[path = "store/disk.rs"]
mod disk;
#[allow(dead_code, reason = "other tests take more of it")]
#[path = "order/process.rs"]
mod process;
#[allow(dead_code, reason = "the tests of followers take more of it")]
#[path = "follow/tally.rs"]
mod tally;
#[path = "../../fixtures/bad_input.rs"]
mod scenarios;

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use disk::Disk;
use event_core::verdict::Status;
use event_store::follow::Follow;
use event_store::{EventStore, Offer};
use process::{Dice, insist, is_long};
use tally::{Running, Tally, fold, parked, quick, table};

#[test]
fn every_scenario_of_a_store_that_fails_is_played() {
    scenarios::assert_scenarios("event-store/resume", &["store_fails"]);
}

macro_rules! resume {
    ($($database:ident $control:literal)+) => {
        $(mod $database {
            use crate::disk::Disk;

            #[tokio::test(flavor = "multi_thread")]
            async fn a_restarted_server_is_found_again() {
                crate::goes_on(Disk::$database(), crate::Break::Restart($control)).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn connections_that_are_cut_are_made_again() {
                crate::goes_on(Disk::$database(), crate::Break::Cut).await;
            }
        })+
    };
}

resume! {
    postgres "EVENT_TEST_POSTGRES_CONTROL"
    mysql "EVENT_TEST_MYSQL_CONTROL"
}

/// What is done to the server.
#[derive(Clone, Copy)]
enum Break {
    /// By the script that a variable names.
    Restart(&'static str),
    /// It ends all connections but the one that says so.
    Cut,
}

async fn restart(variable: &str) {
    let Ok(control) = std::env::var(variable) else {
        panic!("{variable} names no script that restarts the server: run `cargo xtask test`, which makes one");
    };
    let restarted = tokio::task::spawn_blocking(move || Command::new(control).arg("restart").status().unwrap());
    assert!(restarted.await.unwrap().success(), "the control script failed");
}

/// How many connections were ended.
async fn cut(disk: &Disk) -> usize {
    let db = disk.connect().await;
    let ended = cut::all(&db).await.unwrap();
    db.close().await.unwrap();
    ended
}

async fn write(store: EventStore, done: Arc<AtomicBool>) -> usize {
    let mut batches = 0;
    while !done.load(Ordering::Acquire) {
        let event = |number| {
            let text = format!(
                r#"{{"id":"{batches}-{number}","category":"a","name":"b","subject":"s-{number}","data":{{"what":"nothing"}}}}"#
            );
            Offer::Json(text.into_bytes())
        };
        let verdicts = insist(&store, &(0..10).map(event).collect::<Vec<_>>()).await;
        let kept = |status| matches!(status, Status::Stored | Status::Duplicate);
        assert!(verdicts.iter().all(|verdict| kept(verdict.status)), "{verdicts:?}");
        batches += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    batches * 10
}

/// One at a time: what is done to the server is done to all.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn goes_on(disk: Disk, how: Break) {
    let _turn = TURN.lock().await;
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    let projector = store
        .project(Running::from(tally.clone()), quick().shards(2))
        .await
        .unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(write(store.clone(), Arc::clone(&done)));
    let mut follower = store.follow(Follow::all());
    let mut dice = Dice::new(3);
    let times = if is_long() { 50 } else { 3 };
    let mut read = Vec::new();
    for _ in 0..times {
        let pause = Duration::from_millis(300 + dice.below(900));
        let reading = async {
            loop {
                let batch = follower.next().await.unwrap();
                read.extend(batch.events.iter().map(|stored| stored.position));
            }
        };
        let _ = tokio::time::timeout(pause, reading).await;
        match how {
            Break::Restart(variable) => restart(variable).await,
            Break::Cut => assert!(cut(&disk).await > 1),
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    done.store(true, Ordering::Release);
    let written = writer.await.unwrap();
    let head = tally::until("the server answers", async || store.head().await.ok()).await;
    let reached = tokio::time::timeout(Duration::from_secs(60), projector.reach(head)).await;
    reached.expect("it did not go on").unwrap();
    assert!(projector.ended().is_none());
    let expected = fold(&store, |_| true).await;
    assert_eq!(
        expected.values().map(|(n, _)| n.unsigned_abs()).sum::<u64>(),
        u64::try_from(written).unwrap()
    );
    assert_eq!(table(&disk, &tally).await, expected);
    assert!(parked(&store, &tally).await.is_empty());
    while read.len() < written {
        let batch = tokio::time::timeout(Duration::from_secs(30), follower.next())
            .await
            .expect("it did not go on");
        read.extend(batch.unwrap().events.iter().map(|stored| stored.position));
    }
    assert!(read.is_sorted_by(|a, b| a < b), "read out of order or twice");
    assert_eq!(read.len(), written);
    projector.stop().await;
    let what = match how {
        Break::Restart(_) => "restarts of a server",
        Break::Cut => "cuts of all connections",
    };
    println!("proof: {what} under a projection and a follower: {times} trials, 0 violations");
}
