//! The order of positions is the order of commits, whoever writes: a follower that reads on from the
//! last position it has read gets every event, once. And a follower of positions that are given out
//! any sooner does not, as the same check shows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code, reason = "the tests of the store take more of it")]
#[path = "../store/disk.rs"]
mod disk;
#[allow(dead_code, reason = "other tests take more of it")]
mod process;
mod follower;
mod raw;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use disk::Disk;
use event_core::verdict::Status;
use event_store::{EventStore, Offer};
use follower::{EACH_ONCE, Follower};
use process::{Dice, Task, end, insist, is_long, origin, start};
use raw::{Places, RawWriter};

macro_rules! order {
    ($($database:ident)+) => {
        $(mod $database {
            use crate::disk::Disk;

            #[tokio::test(flavor = "multi_thread")]
            async fn a_follower_reads_every_event_once() {
                crate::a_follower_reads_every_event_once(Disk::$database()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn a_follower_of_positions_given_out_too_soon_skips_some() {
                crate::a_follower_of_positions_given_out_too_soon_skips_some(Disk::$database()).await;
            }
        })+
    };
}

order!(sqlite postgres mysql);

const PROCESSES: usize = 4;
const TASKS: usize = 2;
const RAW: u64 = 2;

/// How many events the library's writers store, all together.
fn most() -> usize {
    if is_long() { 500_000 } else { 60_000 }
}

fn offer(id: &str) -> Offer {
    Offer::Json(format!(r#"{{"id":"{id}","category":"a","name":"b","data":{{"n":1}}}}"#).into_bytes())
}

fn name(process: usize, task: usize, number: usize) -> String {
    format!("w{process}-{task}-{number}")
}

/// Appends batches of 1 to 50 until so many events are acknowledged.
async fn write(store: EventStore, process: usize, task: usize, events: usize) {
    let mut dice = Dice::new(u64::try_from(process * TASKS + task).unwrap());
    let mut written = 0;
    while written < events {
        let count = usize::try_from(1 + dice.below(50)).unwrap().min(events - written);
        let batch: Vec<Offer> = (written..written + count)
            .map(|number| offer(&name(process, task, number)))
            .collect();
        // A duplicate is one that had been stored when nobody could say so.
        for verdict in insist(&store, &batch).await {
            assert!(
                matches!(verdict.status, Status::Stored | Status::Duplicate),
                "{verdict:?}"
            );
        }
        written += count;
    }
}

/// Writes with SQL until told to stop: the ids that are stored.
async fn write_raw(mut writer: RawWriter, done: Arc<AtomicBool>) -> Vec<String> {
    let mut stored = Vec::new();
    while !done.load(Ordering::Acquire) {
        stored.extend(writer.write().await);
        writer.rest().await;
    }
    stored
}

async fn seed(disk: &Disk) -> EventStore {
    let store = disk.open().await;
    let verdicts = store.ingest(vec![offer("first")], &origin()).await.unwrap();
    assert_eq!(verdicts[0].position, Some(1));
    store
}

async fn a_follower_reads_every_event_once(disk: Disk) {
    let each = most() / PROCESSES / TASKS;
    if let Some(task) = Task::here() {
        let (store, process) = (task.open().await, task.word(0).parse().unwrap());
        let writers: Vec<_> = (0..TASKS)
            .map(|task| tokio::spawn(write(store.clone(), process, task, each)))
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        store.close().await.unwrap();
        return;
    }
    let store = seed(&disk).await;
    let (written, read) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let follower = Follower::start(store.clone(), Arc::clone(&read));
    let mut raw = Vec::new();
    for number in 0..RAW {
        let writer = RawWriter::new(&disk, number, Places::Log).await;
        raw.push(tokio::spawn(write_raw(writer, Arc::clone(&written))));
    }
    let test = "a_follower_reads_every_event_once";
    end((0..PROCESSES)
        .map(|process| start(&disk, test, &[process.to_string()]))
        .collect())
    .await;
    written.store(true, Ordering::Release);
    let mut stored: HashSet<String> = HashSet::from(["first".to_owned()]);
    for process in 0..PROCESSES {
        for task in 0..TASKS {
            stored.extend((0..each).map(|number| name(process, task, number)));
        }
    }
    for writer in raw {
        let ids = writer.await.unwrap();
        assert!(!ids.is_empty());
        stored.extend(ids);
    }
    read.store(true, Ordering::Release);
    let follower = follower.await.unwrap();
    assert_eq!(follower.seen(&stored), EACH_ONCE, "of {}", stored.len());
    follower.assert_busy();
}

async fn a_follower_of_positions_given_out_too_soon_skips_some(disk: Disk) {
    const WRITERS: u64 = 8;
    const TRANSACTIONS: usize = 60;
    let store = seed(&disk).await;
    let read = Arc::new(AtomicBool::new(false));
    let follower = Follower::start(store.clone(), Arc::clone(&read));
    let counter = Arc::new(AtomicI64::new(1));
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let mut writer = RawWriter::new(&disk, number, Places::Counter(Arc::clone(&counter))).await;
        writers.push(tokio::spawn(async move {
            let mut stored = Vec::new();
            for _ in 0..TRANSACTIONS {
                stored.extend(writer.write().await);
            }
            stored
        }));
    }
    let mut stored: HashSet<String> = HashSet::from(["first".to_owned()]);
    for writer in writers {
        stored.extend(writer.await.unwrap());
    }
    read.store(true, Ordering::Release);
    let seen = follower.await.unwrap().seen(&stored);
    assert!(seen.skipped > 0, "{seen:?} of {}", stored.len());
    assert_eq!((seen.unknown, seen.repeated, seen.backwards), (0, 0, 0));
}
