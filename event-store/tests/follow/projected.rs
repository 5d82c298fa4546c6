//! Tables that are made from the log.

use std::sync::atomic::Ordering;

use event_core::Filter;
use event_core::filter::{Condition, Field, Scalar, Test};
use event_store::Error;
use event_store::project::{Failure, ProjectOptions, Projection, Rows, Stage};

use crate::disk::Disk;
use crate::tally::{Running, Tally, fill, fold, quick, shown, table, until};

pub(crate) async fn tables_are_the_fold_over_the_log(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    fill(&store, 700).await;
    let projector = store
        .project(Running::from(tally.clone()), quick().shards(3))
        .await
        .unwrap();
    fill(&store, 300).await;
    projector.reach(store.head().await.unwrap()).await.unwrap();
    let expected = fold(&store, |_| true).await;
    assert_eq!(expected.values().map(|(n, _)| n).sum::<i64>(), 1_000);
    assert_eq!(table(&disk, &tally).await, expected);
    assert_eq!(tally.tried.load(Ordering::Relaxed), 1_000);
    projector.stop().await;
}

pub(crate) async fn a_restart_goes_on_where_it_was(disk: Disk) {
    let tally = Tally::new(&disk);
    for round in 1..=4 {
        let store = disk.open().await;
        let projector = store
            .project(Running::from(tally.clone()), quick().batch(7))
            .await
            .unwrap();
        fill(&store, 100).await;
        if round % 2 == 0 {
            projector.reach(store.head().await.unwrap()).await.unwrap();
            assert_eq!(table(&disk, &tally).await, fold(&store, |_| true).await);
        }
        projector.stop().await;
        store.close().await.unwrap();
    }
    assert_eq!(tally.tried.load(Ordering::Relaxed), 400);
}

/// Wants nothing of what there is.
struct Nothing;

impl Projection for Nothing {
    fn name(&self) -> &str {
        "nothing"
    }

    fn tables(&self) -> &[&str] {
        &[]
    }

    fn filter(&self) -> Filter {
        let mut filter = Filter::new();
        filter.all.push(Condition {
            field: Field::Name,
            test: Test::Equals(Scalar::String("nothing".into())),
        });
        filter
    }

    async fn create(&self, _: &Rows<'_>) -> Result<(), Failure> {
        Ok(())
    }

    async fn apply(&self, _: &event_core::StoredEvent, _: &Rows<'_>) -> Result<(), Failure> {
        Ok(())
    }
}

pub(crate) async fn what_is_not_wanted_moves_the_place_on(disk: Disk) {
    let store = disk.open().await;
    let projector = store.project(Nothing, quick()).await.unwrap();
    fill(&store, 1_200).await;
    projector.reach(1_200).await.unwrap();
    assert_eq!(store.projections().await.unwrap()[0].position, 1_200);
    projector.stop().await;
}

pub(crate) async fn what_cannot_be_set_up_is_said_so(disk: Disk) {
    let store = disk.open().await;
    let mut tally = Tally::new(&disk);
    for name in ["", "A", "a b", "x\"; DROP TABLE y; --", &"x".repeat(41)] {
        tally.name = name.to_owned();
        let made = store.project(Running::from(tally.clone()), quick()).await;
        assert!(matches!(made, Err(Error::Config(_))), "{name:?}");
    }
    for options in [ProjectOptions::new().shards(0), ProjectOptions::new().attempts(0)] {
        let made = store.project(Running::from(Tally::new(&disk)), options).await;
        assert!(matches!(made, Err(Error::Config(_))));
    }
    assert!(store.projections().await.unwrap().is_empty());
    assert!(matches!(store.rebuild_projection("none").await, Err(Error::Config(_))));
}

pub(crate) async fn how_far_it_is_can_be_asked(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    fill(&store, 30).await;
    let projector = store
        .project(Running::from(tally.clone()), quick().shards(2))
        .await
        .unwrap();
    projector.reach(30).await.unwrap();
    let status = shown(&store, &tally).await.unwrap();
    assert_eq!((status.stage, status.version, status.generation), (Stage::Live, 1, 1));
    assert_eq!(
        (status.position, status.head, status.applied, status.parked),
        (30, 30, 30, 0)
    );
    assert!(
        status.is_well() && status.lag.is_zero() && status.shards.len() == 2,
        "{status:?}"
    );
    assert!(
        status
            .shards
            .iter()
            .all(|shard| shard.holder.as_deref() == Some(projector.holder()))
    );
    projector.stop().await;
    fill(&store, 10).await;
    let status = until("it is held by nobody", async || {
        shown(&store, &tally).await.filter(|status| !status.is_well())
    })
    .await;
    assert_eq!((status.position, status.head, status.progress().done), (30, 40, 30));
    assert!(!status.lag.is_zero());
    let table = format!("{}_g1", tally.view());
    assert_eq!(
        store.projected_table(&tally.name, &tally.view()).await.unwrap(),
        Some(table)
    );
}
