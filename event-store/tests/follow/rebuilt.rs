//! Tables built anew beside those that readers use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use event_store::Error;
use event_store::project::Stage;

use crate::disk::Disk;
use crate::tally::{Running, Tally, fill, fold, quick, shown, table, until};

pub(crate) async fn a_rebuild_beside_writers_takes_over_at_once(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    fill(&store, 2_000).await;
    let projector = store
        .project(Running::from(tally.clone()), quick().shards(2).batch(50))
        .await
        .unwrap();
    projector.reach(2_000).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let (of, writes) = (Arc::clone(&done), store.clone());
    let writer = tokio::spawn(async move {
        while !of.load(Ordering::Acquire) {
            fill(&writes, 20).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(store.rebuild_projection(&tally.name).await.unwrap());
    assert!(!store.rebuild_projection(&tally.name).await.unwrap());
    // Readers see all that there was, all the time.
    let mut least = 0;
    until("readers have changed over", async || {
        let seen = table(&disk, &tally).await.values().map(|(n, _)| *n).sum::<i64>();
        assert!(seen >= least && seen >= 2_000, "{seen} after {least}");
        least = seen;
        shown(&store, &tally).await.filter(|it| it.generation == 2)
    })
    .await;
    done.store(true, Ordering::Release);
    writer.await.unwrap();
    let head = store.head().await.unwrap();
    projector.reach(head).await.unwrap();
    let expected = fold(&store, |_| true).await;
    assert_eq!(table(&disk, &tally).await, expected);
    let all = store.projections().await.unwrap();
    let stages: Vec<_> = all.iter().map(|it| (it.generation, it.stage)).collect();
    assert_eq!(stages, [(1, Stage::Old), (2, Stage::Live)]);
    assert_eq!(all[1].applied, u64::try_from(head).unwrap());
    assert_eq!(store.drop_old_projections(&tally.name).await.unwrap(), 1);
    assert_eq!(table(&disk, &tally).await, expected);
    assert_eq!(store.projections().await.unwrap().len(), 1);
    projector.stop().await;
}

pub(crate) async fn a_later_version_takes_over_and_the_older_one_ends(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    fill(&store, 300).await;
    let first = store.project(Running::from(tally.clone()), quick()).await.unwrap();
    first.reach(300).await.unwrap();
    let mut later = tally.clone();
    later.version = 2;
    let second = store.project(Running::from(later), quick().shards(3)).await.unwrap();
    fill(&store, 100).await;
    until("readers have changed over", async || {
        shown(&store, &tally).await.filter(|it| it.version == 2)
    })
    .await;
    second.reach(400).await.unwrap();
    assert_eq!(table(&disk, &tally).await, fold(&store, |_| true).await);
    let ended = until("the older one ends", async || first.ended()).await;
    assert!(matches!(ended, Error::Superseded { found: 2, known: 1, .. }), "{ended}");
    assert!(matches!(first.reach(400).await, Err(Error::Superseded { .. })));
    let again = store.project(Running::from(tally.clone()), quick()).await;
    assert!(matches!(again, Err(Error::Superseded { .. })));
    second.stop().await;
}
