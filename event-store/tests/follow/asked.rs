//! What outsiders ask for of parked events, and what they are told.

use std::sync::atomic::Ordering;
use std::time::Duration;

use event_core::Label;
use event_store::EventStore;
use event_store::project::{ParkedAction, ParkedPage, ParkedState, Siblings};
use sea_orm::{ConnectionTrait as _, Statement};

use crate::disk::Disk;
use crate::parked::{reach, with_bad};
use crate::tally::{Running, Tally, after, fold, ingest, offer, parked, quick, shown, table, until};

pub(crate) async fn who_asked_and_what_came_of_it_is_told(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    with_bad(&store, "fail").await;
    let projector = store.project(Running::from(tally.clone()), quick()).await.unwrap();
    reach(&store, &projector).await;
    assert!(store.parked_event(&tally.name, 5).await.unwrap().is_none());
    assert!(store.parked_event("another", 6).await.unwrap().is_none());
    let found = store.parked_event(&tally.name, 6).await.unwrap().unwrap();
    assert_eq!((found.parked.len(), found.history.len()), (1, 0));
    assert_eq!(found.event.unwrap().position, 6);

    let [ann, bob] = ["ann", "bob"].map(|name| Label::new(name).unwrap());
    store.replay_parked(&tally.name, Some(&[6]), Some(&ann)).await.unwrap();
    let again = until("it failed again", async || {
        let found = store.parked_event(&tally.name, 6).await.unwrap().unwrap();
        (found.history.len() == 2).then_some(found)
    })
    .await;
    let it = &again.parked[0];
    assert_eq!((it.state, it.asked_by.as_ref()), (ParkedState::Parked, Some(&ann)));
    assert!(it.asked_at.is_some_and(|asked| asked <= it.parked_at));
    tally.mended.store(true, Ordering::Relaxed);
    store.replay_parked(&tally.name, None, Some(&bob)).await.unwrap();
    let done = until("it is applied", async || {
        let found = store.parked_event(&tally.name, 6).await.unwrap().unwrap();
        found.parked.is_empty().then_some(found)
    })
    .await;
    let told: Vec<_> = done.history.iter().map(|it| (it.action, it.actor.clone())).collect();
    let expected = [
        (ParkedAction::ReplayAsked, Some(ann)),
        (ParkedAction::FailedAgain, None),
        (ParkedAction::ReplayAsked, Some(bob)),
        (ParkedAction::Replayed, None),
    ];
    assert_eq!(told, expected);
    assert!(done.history.is_sorted_by_key(|it| it.at));
    projector.stop().await;
}

pub(crate) async fn what_is_parked_is_listed_page_by_page(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    // The event at 6 fails, and all later ones of its key wait behind it.
    with_bad(&store, "fail").await;
    with_bad(&store, "fail").await;
    let projector = store
        .project(Running::from(tally.clone()), quick().siblings(Siblings::Wait))
        .await
        .unwrap();
    reach(&store, &projector).await;
    let all = parked(&store, &tally).await;
    assert!(all.len() > 3 && all.is_sorted_by_key(|it| it.position), "{all:?}");
    let mut page = ParkedPage {
        limit: 2,
        ..ParkedPage::default()
    };
    let mut seen = Vec::new();
    loop {
        let found = store.parked(&tally.name, &page).await.unwrap();
        assert!(found.events.len() == 2 || found.next.is_none());
        seen.extend(found.events);
        page.after = found.next;
        if page.after.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
    let waiting = ParkedPage {
        state: Some(ParkedState::Waiting),
        ..ParkedPage::default()
    };
    let waiting = store.parked(&tally.name, &waiting).await.unwrap().events;
    let behind = all.iter().filter(|it| it.state == ParkedState::Waiting);
    assert_eq!(waiting, behind.cloned().collect::<Vec<_>>());
    assert_eq!(waiting.len(), all.len() - 1);
    assert!(
        store
            .parked("another", &ParkedPage::default())
            .await
            .unwrap()
            .events
            .is_empty()
    );
    projector.stop().await;
}

pub(crate) async fn many_that_wait_are_replayed_in_order_and_a_stop_is_heeded(disk: Disk) {
    let (store, mut tally) = (disk.open().await, Tally::new(&disk));
    let of = |what: &'static str| move |_: usize| offer("s-3", what);
    ingest(&store, vec![offer("s-3", "fail")]).await;
    for _ in 0..3 {
        ingest(&store, (0..300).map(of("nothing")).collect()).await;
    }
    let options = quick().siblings(Siblings::Wait).attempts(1);
    let projector = store
        .project(Running::from(tally.clone()), options.clone())
        .await
        .unwrap();
    reach(&store, &projector).await;
    assert_eq!(shown(&store, &tally).await.unwrap().waiting, 900);
    assert!(table(&disk, &tally).await.is_empty());
    projector.stop().await;

    tally.mended.store(true, Ordering::Relaxed);
    tally.pace = Duration::from_millis(10);
    let projector = store
        .project(Running::from(tally.clone()), options.clone())
        .await
        .unwrap();
    store.replay_parked(&tally.name, None, None).await.unwrap();
    until("some are applied", async || {
        shown(&store, &tally).await.filter(|it| it.applied > 5)
    })
    .await;
    projector.stop().await;
    let left = shown(&store, &tally).await.unwrap();
    assert!(left.waiting > 0, "it went on to the end");
    let applied = table(&disk, &tally).await["s-3"].0.unsigned_abs();
    assert_eq!((left.applied, left.applied + left.waiting), (applied, 901));

    tally.pace = Duration::ZERO;
    let projector = store.project(Running::from(tally.clone()), options).await.unwrap();
    ingest(&store, vec![offer("s-3", "nothing")]).await;
    reach(&store, &projector).await;
    until("all are applied", async || {
        shown(&store, &tally).await.filter(|it| it.waiting == 0)
    })
    .await;
    assert_eq!(table(&disk, &tally).await, fold(&store, |_| true).await);
    projector.stop().await;
}

async fn attempts(store: &EventStore, tally: &Tally) -> u32 {
    parked(store, tally).await[0].attempts
}

pub(crate) async fn who_lost_a_shard_says_nothing_of_its_parked_events(disk: Disk) {
    let (store, mut tally) = (disk.open().await, Tally::new(&disk));
    tally.pace = Duration::from_millis(700);
    ingest(&store, vec![offer("s-3", "fail")]).await;
    let options = quick()
        .attempts(1)
        .timeout(Duration::from_secs(20))
        .lease(Duration::from_secs(60));
    let projector = store.project(Running::from(tally.clone()), options).await.unwrap();
    reach(&store, &projector).await;
    store.replay_parked(&tally.name, None, None).await.unwrap();
    until("it is tried again", async || {
        (tally.tried.load(Ordering::Relaxed) == 2).then_some(())
    })
    .await;
    // Somebody else takes the shard over in the middle of that; on SQLite, which has one writer, behind it.
    let shards = format!("{}shards", disk.prefix());
    let take = format!(
        "UPDATE {shards} SET token = token + 1, holder = 'other', lease_until = {}",
        after(300)
    );
    until("it is taken over", async || {
        let db = disk.connect().await;
        let taken = Statement::from_string(db.get_database_backend(), take.clone());
        let done = db.execute_raw(taken).await;
        db.close().await.unwrap();
        done.ok()
    })
    .await;
    let before = attempts(&store, &tally).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(attempts(&store, &tally).await, before);
    projector.stop().await;
}

pub(crate) async fn what_replaced_tables_could_not_take_goes_with_them(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    with_bad(&store, "fail").await;
    let projector = store.project(Running::from(tally.clone()), quick()).await.unwrap();
    reach(&store, &projector).await;
    assert!(store.rebuild_projection(&tally.name).await.unwrap());
    until("readers have changed over", async || {
        shown(&store, &tally).await.filter(|it| it.generation == 2)
    })
    .await;
    let left: Vec<_> = parked(&store, &tally)
        .await
        .iter()
        .map(|it| (it.generation, it.position))
        .collect();
    assert_eq!(left, [(2, 6)]);
    projector.stop().await;
}
