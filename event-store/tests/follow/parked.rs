//! Events that cannot be applied (R08): parked with their reason, while others go on.

use std::sync::atomic::Ordering;

use event_core::{StoredEvent, Subject};
use event_store::EventStore;
use event_store::project::{ParkedState, Projector, Siblings};

use crate::disk::Disk;
use crate::table::scenario;
use crate::tally::{Running, Tally, fill, fold, ingest, offer, parked, quick, shown, subject, table, until};

/// What is played here of the table of hostile input.
pub(crate) const SCENARIOS: [&str; 4] = ["handler_errors", "handler_panics", "handler_hangs", "handler_refused"];

/// How an event of a scenario is parked.
fn code(name: &str) -> String {
    scenario(name).field("parked").as_str().unwrap().to_owned()
}

fn is_bad(stored: &StoredEvent) -> bool {
    !stored.event.payload().as_str().contains("nothing")
}

/// Ten events of ten subjects, a bad one of `s-3` between two.
pub(crate) async fn with_bad(store: &EventStore, what: &str) {
    fill(store, 5).await;
    ingest(store, vec![offer("s-3", what)]).await;
    fill(store, 5).await;
}

pub(crate) async fn reach(store: &EventStore, projector: &Projector) {
    projector.reach(store.head().await.unwrap()).await.unwrap();
}

pub(crate) async fn an_event_that_fails_for_ever_is_parked_and_the_others_go_on(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    with_bad(&store, "fail").await;
    let projector = store.project(Running::from(tally.clone()), quick()).await.unwrap();
    reach(&store, &projector).await;
    assert_eq!(table(&disk, &tally).await, fold(&store, |stored| !is_bad(stored)).await);
    let all = parked(&store, &tally).await;
    assert_eq!(all.len(), 1);
    let it = &all[0];
    assert_eq!(
        (it.position, it.attempts, it.state, it.code.clone()),
        (6, 3, ParkedState::Parked, code("handler_errors"))
    );
    assert_eq!(it.reason, "it never goes well");
    let status = shown(&store, &tally).await.unwrap();
    assert_eq!(
        (status.parked, status.waiting, status.applied, status.is_well()),
        (1, 0, 10, true)
    );

    // Replayed too soon it is parked again; mended, it is applied, once.
    assert_eq!(store.replay_parked(&tally.name, None, None).await.unwrap(), 1);
    until("it failed again", async || {
        let again = parked(&store, &tally).await;
        again
            .first()
            .filter(|it| it.attempts == 4 && it.state == ParkedState::Parked)
            .cloned()
    })
    .await;
    tally.mended.store(true, Ordering::Relaxed);
    assert_eq!(store.replay_parked(&tally.name, Some(&[6, 7]), None).await.unwrap(), 1);
    until("it is applied", async || {
        let left = parked(&store, &tally).await;
        left.is_empty().then_some(())
    })
    .await;
    let counts = table(&disk, &tally).await.values().map(|(n, _)| *n).sum::<i64>();
    assert_eq!(counts, 11);
    projector.stop().await;
}

pub(crate) async fn a_panic_and_a_long_sleep_are_failures(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    with_bad(&store, "panic").await;
    with_bad(&store, "sleep").await;
    let projector = store
        .project(Running::from(tally.clone()), quick().attempts(2))
        .await
        .unwrap();
    reach(&store, &projector).await;
    assert_eq!(table(&disk, &tally).await, fold(&store, |stored| !is_bad(stored)).await);
    let all = parked(&store, &tally).await;
    let told: Vec<_> = all
        .iter()
        .map(|it| (it.position, it.code.clone(), it.attempts))
        .collect();
    assert_eq!(told, [(6, code("handler_panics"), 2), (17, code("handler_hangs"), 2)]);
    assert_eq!(all[0].reason, "on purpose");
    projector.stop().await;
}

pub(crate) async fn what_a_table_refuses_is_parked(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    with_bad(&store, "refuse").await;
    // Longer than the column, on databases that have columns of a length.
    ingest(&store, vec![offer(&"long".repeat(40), "fail")]).await;
    let projector = store.project(Running::from(tally.clone()), quick()).await.unwrap();
    reach(&store, &projector).await;
    assert_eq!(table(&disk, &tally).await, fold(&store, |stored| !is_bad(stored)).await);
    let all = parked(&store, &tally).await;
    let told: Vec<_> = all.iter().map(|it| (it.position, it.code.clone())).collect();
    let refused = code("handler_refused");
    assert_eq!(told, [(6, refused.clone()), (12, refused)]);
    assert!(all[0].reason.to_lowercase().contains("null"), "{}", all[0].reason);
    projector.stop().await;
}

pub(crate) async fn others_of_its_key_wait_and_are_replayed_in_order(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    with_bad(&store, "fail").await;
    let options = quick().siblings(Siblings::Wait).shards(2);
    let projector = store
        .project(Running::from(tally.clone()), options.clone())
        .await
        .unwrap();
    reach(&store, &projector).await;
    let behind = |stored: &StoredEvent| subject(stored) == "s-3" && stored.position >= 6;
    assert_eq!(table(&disk, &tally).await, fold(&store, |stored| !behind(stored)).await);
    projector.stop().await;

    // Also after a restart, and while it is tried again in vain.
    let projector = store.project(Running::from(tally.clone()), options).await.unwrap();
    fill(&store, 10).await;
    store.replay_parked(&tally.name, None, None).await.unwrap();
    reach(&store, &projector).await;
    until("it failed again", async || {
        let all = parked(&store, &tally).await;
        all.first().filter(|it| it.attempts == 4).cloned()
    })
    .await;
    let status = shown(&store, &tally).await.unwrap();
    assert_eq!((status.parked, status.waiting), (1, 2));
    assert_eq!(table(&disk, &tally).await, fold(&store, |stored| !behind(stored)).await);
    tally.mended.store(true, Ordering::Relaxed);
    assert_eq!(store.replay_parked(&tally.name, None, None).await.unwrap(), 1);
    until("all are applied", async || {
        let left = parked(&store, &tally).await;
        left.is_empty().then_some(())
    })
    .await;
    // In the order of the log: the chain is that of the fold.
    assert_eq!(table(&disk, &tally).await, fold(&store, |_| true).await);
    fill(&store, 10).await;
    reach(&store, &projector).await;
    assert_eq!(table(&disk, &tally).await, fold(&store, |_| true).await);
    projector.stop().await;
}

pub(crate) async fn what_is_discarded_holds_up_nobody(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    with_bad(&store, "fail").await;
    let projector = store
        .project(Running::from(tally.clone()), quick().siblings(Siblings::Wait))
        .await
        .unwrap();
    reach(&store, &projector).await;
    assert_eq!(shown(&store, &tally).await.unwrap().waiting, 1);
    assert_eq!(store.discard_parked(&tally.name, Some(&[6]), None).await.unwrap(), 1);
    until("the others are applied", async || {
        let left = parked(&store, &tally).await;
        left.is_empty().then_some(())
    })
    .await;
    assert_eq!(table(&disk, &tally).await, fold(&store, |stored| !is_bad(stored)).await);
    projector.stop().await;
}

pub(crate) async fn what_was_parked_of_a_subject_goes_with_it(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    with_bad(&store, "fail").await;
    let projector = store.project(Running::from(tally.clone()), quick()).await.unwrap();
    reach(&store, &projector).await;
    store.erase(&Subject::new("s-3").unwrap()).await.unwrap().unwrap();
    assert!(parked(&store, &tally).await.is_empty());
    projector.stop().await;
}
