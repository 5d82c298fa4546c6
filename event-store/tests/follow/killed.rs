//! A process that runs a projection is killed at random moments, again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use event_store::EventStore;

use crate::disk::Disk;
use crate::process::{Dice, Task, is_long, start};
use crate::tally::{Running, Tally, fill, fold, ingest, offer, quick, shown, table};

fn kills() -> u64 {
    match std::env::var("EVENT_TEST_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
    {
        Some(kills) => kills,
        None if is_long() => 1_000,
        None => 12,
    }
}

async fn position(store: &EventStore, tally: &Tally) -> i64 {
    shown(store, tally).await.map_or(0, |status| status.position)
}

pub(crate) async fn kills_at_any_moment_skip_and_double_nothing(disk: Disk) {
    let options = quick().shards(2).batch(5).lease(Duration::from_millis(400));
    if let Some(task) = Task::here() {
        let store = task.open().await;
        let mut tally = Tally::new(&disk);
        tally.name = task.word(0).to_owned();
        let projector = store.project(Running::from(tally), options).await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        projector.stop().await;
        return;
    }
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    let (done, writes) = (Arc::new(AtomicBool::new(false)), store.clone());
    let until = Arc::clone(&done);
    let writer = tokio::spawn(async move {
        for round in 0_u32.. {
            fill(&writes, 10).await;
            // Now and then one that is parked: that is part of what must not be lost.
            if round.is_multiple_of(15) {
                ingest(&writes, vec![offer("s-4", "fail")]).await;
            }
            tokio::time::sleep(Duration::from_millis(if is_long() { 100 } else { 40 })).await;
            if until.load(Ordering::Acquire) {
                return;
            }
        }
    });
    let mut dice = Dice::new(11);
    let (mut moved, mut last) = (0, 0);
    for kill in 0..kills() {
        let test = "killed::kills_at_any_moment_skip_and_double_nothing";
        let mut child = start(&disk, test, std::slice::from_ref(&tally.name));
        // Once it has taken over from the one before, and committed something, it dies at any moment; now and then sooner.
        let begun = Instant::now();
        let patience = Duration::from_secs(if kill % 10 == 9 { 0 } else { 10 });
        while position(&store, &tally).await <= last && begun.elapsed() < patience {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(dice.below(300))).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let now = position(&store, &tally).await;
        moved += u64::from(now > last);
        last = now;
    }
    done.store(true, Ordering::Release);
    writer.await.unwrap();
    assert!(
        moved * 4 > kills() * 3,
        "it came further in {moved} of {} lives",
        kills()
    );
    let projector = store.project(Running::from(tally.clone()), options).await.unwrap();
    projector.reach(store.head().await.unwrap()).await.unwrap();
    let good = |stored: &event_core::StoredEvent| stored.event.payload().as_str().contains("nothing");
    let expected = fold(&store, good).await;
    assert_eq!(table(&disk, &tally).await, expected);
    let status = shown(&store, &tally).await.unwrap();
    let applied = expected.values().map(|(n, _)| n.unsigned_abs()).sum::<u64>();
    let all = u64::try_from(store.head().await.unwrap()).unwrap();
    assert_eq!((status.applied, status.parked), (applied, all - applied));
    projector.stop().await;
}
