//! Tables that are built beside those that readers use, and never take their place.

use std::time::Duration;

use event_core::{EventType, Timestamp};
use event_store::project::{ParkedPage, Projector, Stage};
use event_store::{Error, EventStore, Offer, PrunedCells};
use sea_orm::{ConnectionTrait as _, Statement};

use crate::disk::Disk;
use crate::parked::with_bad;
use crate::tally::{Running, Tally, fill, fold, ingest, quick, shown, table, until};

/// The same projection, of a later version that takes its time.
fn slow(tally: &Tally, pace: u64) -> Tally {
    Tally {
        version: 2,
        pace: Duration::from_millis(pace),
        ..tally.clone()
    }
}

async fn stages(store: &EventStore, tally: &Tally) -> Vec<(i64, Stage)> {
    let all = store.projection(&tally.name).await.unwrap();
    all.iter().map(|it| (it.generation, it.stage)).collect()
}

async fn is_there(disk: &Disk, table: &str) -> bool {
    let db = disk.connect().await;
    let select = Statement::from_string(db.get_database_backend(), format!("SELECT COUNT(*) FROM {table}"));
    let found = db.query_one_raw(select).await.is_ok();
    db.close().await.unwrap();
    found
}

/// Runs the later version until readers see what it has made, which is the fold.
async fn taken_over(store: &EventStore, disk: &Disk, tally: &Tally) -> Projector {
    let again = Tally {
        version: 2,
        ..tally.clone()
    };
    let second = store.project(Running::from(again), quick()).await.unwrap();
    until("readers have changed over", async || {
        shown(store, tally).await.filter(|it| it.version == 2)
    })
    .await;
    assert_eq!(table(disk, tally).await, fold(store, |_| true).await);
    second
}

pub(crate) async fn what_a_prune_overtook_is_given_up(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    let old = |number: usize| {
        let text = format!(
            r#"{{"category":"a","name":"b","subject":"s-{}","occurred_at":"2020-01-02T00:00:00Z","data":{{"what":"nothing"}}}}"#,
            number % 10
        );
        Offer::Json(text.into_bytes())
    };
    ingest(&store, (0..700).map(old).collect()).await;
    let first = store.project(Running::from(tally.clone()), quick()).await.unwrap();
    first.reach(700).await.unwrap();
    // 500 of them it has read by then.
    let second = store
        .project(Running::from(slow(&tally, 5)), quick().batch(5))
        .await
        .unwrap();
    until("it is begun", async || {
        let all = store.projection(&tally.name).await.unwrap();
        all.into_iter().find(|it| it.generation == 2 && it.position > 0)
    })
    .await;
    let (of_type, before) = (EventType::new("a", "b").unwrap(), "2020-02-01T00:00:00Z");
    let before: Timestamp = before.parse().unwrap();
    store.prune(&of_type, before, PrunedCells::Keep, |_| {}).await.unwrap();
    until("it says so", async || {
        let all = store.projection(&tally.name).await.unwrap();
        let error = all.last()?.shards[0].error.clone()?;
        error.contains("pruned").then_some(())
    })
    .await;
    assert_eq!(store.abandon_rebuild(&tally.name).await.unwrap(), 1);
    let ended = until("it ends", async || second.ended()).await;
    assert!(
        matches!(&ended, Error::Projection { reason, .. } if reason.contains("abandoned")),
        "{ended}"
    );
    assert_eq!(stages(&store, &tally).await, [(1, Stage::Live)]);
    assert!(!is_there(&disk, &format!("{}_g2", tally.view())).await);
    assert!(is_there(&disk, &format!("{}_g1", tally.view())).await);
    // The older one goes on: it had stood still for the other one.
    fill(&store, 20).await;
    first.reach(720).await.unwrap();
    let counts = table(&disk, &tally).await.values().map(|(n, _)| *n).sum::<i64>();
    assert_eq!(counts, 720);
    assert_eq!(store.abandon_rebuild(&tally.name).await.unwrap(), 0);
    assert!(matches!(store.abandon_rebuild("none").await, Err(Error::Config(_))));
    // Begun again, it takes what is left.
    let second = taken_over(&store, &disk, &tally).await;
    first.stop().await;
    second.stop().await;
}

pub(crate) async fn tables_that_stand_still_go_on_when_nobody_builds_the_next(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    fill(&store, 300).await;
    let first = store.project(Running::from(tally.clone()), quick()).await.unwrap();
    first.reach(300).await.unwrap();
    let second = store
        .project(Running::from(slow(&tally, 40)), quick().batch(5))
        .await
        .unwrap();
    until("they stand still", async || {
        shown(&store, &tally).await.filter(|it| it.stage == Stage::Closing)
    })
    .await;
    // The later version is taken back.
    second.stop().await;
    until("they go on", async || {
        (stages(&store, &tally).await == [(1, Stage::Live), (2, Stage::Building)]).then_some(())
    })
    .await;
    fill(&store, 20).await;
    first.reach(320).await.unwrap();
    assert_eq!(table(&disk, &tally).await, fold(&store, |_| true).await);
    // And comes again.
    let second = taken_over(&store, &disk, &tally).await;
    first.stop().await;
    second.stop().await;
}

pub(crate) async fn a_rebuild_that_is_given_up_leaves_nothing(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    with_bad(&store, "fail").await;
    fill(&store, 200).await;
    let first = store.project(Running::from(tally.clone()), quick()).await.unwrap();
    first.reach(store.head().await.unwrap()).await.unwrap();
    let options = quick().batch(5).shards(2);
    let second = store.project(Running::from(slow(&tally, 40)), options).await.unwrap();
    // Of an event that both could not take there is one for each, also where a page ends between them.
    let mut page = ParkedPage {
        limit: 1,
        ..ParkedPage::default()
    };
    let next = until("both have parked it", async || {
        let found = store.parked(&tally.name, &page).await.unwrap();
        assert_eq!(found.events[0].generation, 1);
        found.next
    })
    .await;
    page.after = Some(next);
    let found = store.parked(&tally.name, &page).await.unwrap();
    assert_eq!((found.events[0].position, found.events[0].generation), (6, 2));
    assert!(found.next.is_none());
    assert_eq!(store.abandon_rebuild(&tally.name).await.unwrap(), 1);
    until("it ends", async || second.ended()).await;
    page.after = None;
    let left = store.parked(&tally.name, &page).await.unwrap();
    assert!(left.next.is_none() && left.events[0].generation == 1);
    // What was asked for and not begun goes, too.
    first.stop().await;
    assert!(store.rebuild_projection(&tally.name).await.unwrap());
    assert_eq!(stages(&store, &tally).await[1].1, Stage::Asked);
    assert_eq!(store.abandon_rebuild(&tally.name).await.unwrap(), 1);
    assert_eq!(stages(&store, &tally).await, [(1, Stage::Live)]);
    second.stop().await;
}
