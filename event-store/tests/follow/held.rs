//! Several who run one projection (R09): they share its work by key, and a shard has one holder.

use std::collections::HashSet;
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, Statement};

use crate::disk::Disk;
use crate::tally::{Running, Tally, after, fill, fold, quick, shown, table, until};

/// What is played here of the table of hostile input.
pub(crate) const SCENARIOS: [&str; 3] = ["two_holders", "gone_holder", "replaced_holder"];

async fn run(disk: &Disk, sql: String) -> u64 {
    let db = disk.connect().await;
    let done = db
        .execute_raw(Statement::from_string(db.get_database_backend(), sql))
        .await
        .unwrap();
    db.close().await.unwrap();
    done.rows_affected()
}

pub(crate) async fn two_share_the_work_by_key(disk: Disk) {
    let tally = Tally::new(&disk);
    let (one, two) = (disk.open().await, disk.open().await);
    let options = quick().shards(4).lease(Duration::from_millis(600));
    let first = one
        .project(Running::from(tally.clone()), options.clone())
        .await
        .unwrap();
    fill(&one, 200).await;
    first.reach(200).await.unwrap();
    let second = two.project(Running::from(tally.clone()), options).await.unwrap();
    let holders = until("each has its share", async || {
        let shards = shown(&one, &tally).await?.shards;
        let of = |holder: &str| shards.iter().filter(|it| it.holder.as_deref() == Some(holder)).count();
        (of(first.holder()) == 2 && of(second.holder()) == 2).then_some(shards)
    })
    .await;
    assert_eq!(holders.len(), 4);
    let writers = [one.clone(), two.clone()].map(|store| tokio::spawn(async move { fill(&store, 500).await }));
    for writer in writers {
        writer.await.unwrap();
    }
    second.reach(1_200).await.unwrap();
    assert_eq!(table(&disk, &tally).await, fold(&one, |_| true).await);
    // One leaves, and the other one has all.
    first.stop().await;
    until("all are held", async || {
        let shards = shown(&two, &tally).await?.shards;
        let holders: HashSet<_> = shards.iter().map(|it| it.holder.clone()).collect();
        (holders == HashSet::from([Some(second.holder().to_owned())])).then_some(())
    })
    .await;
    fill(&two, 100).await;
    second.reach(1_300).await.unwrap();
    assert_eq!(table(&disk, &tally).await, fold(&two, |_| true).await);
    second.stop().await;
}

pub(crate) async fn a_holder_that_is_gone_is_replaced_when_its_lease_ends(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    let projector = store.project(Running::from(tally.clone()), quick()).await.unwrap();
    fill(&store, 20).await;
    projector.reach(20).await.unwrap();
    projector.stop().await;
    // As one leaves it that was killed: held until its lease ends, which is after its last sign of life.
    let shards = format!("{}shards", disk.prefix());
    let held = |until: i64| {
        format!(
            "UPDATE {shards} SET holder = 'killed', lease_until = {until} WHERE name = '{}'",
            tally.name
        )
    };
    assert_eq!(run(&disk, held(after(12))).await, 1);
    let projector = store.project(Running::from(tally.clone()), quick()).await.unwrap();
    fill(&store, 20).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let status = shown(&store, &tally).await.unwrap();
    assert_eq!(
        (status.position, status.shards[0].holder.as_deref()),
        (20, Some("killed"))
    );
    assert_eq!(run(&disk, held(1)).await, 1);
    projector.reach(40).await.unwrap();
    assert_eq!(table(&disk, &tally).await, fold(&store, |_| true).await);
    projector.stop().await;
}

pub(crate) async fn a_holder_that_lost_its_shard_commits_nothing(disk: Disk) {
    let store = disk.open().await;
    let mut slow = Tally::new(&disk);
    slow.pace = Duration::from_millis(30);
    let options = quick()
        .batch(20)
        .batch_time(Duration::from_secs(10))
        .lease(Duration::from_secs(60));
    let projector = store.project(Running::from(slow.clone()), options).await.unwrap();
    fill(&store, 200).await;
    // In the middle of its batches somebody else takes the shard over, as one would whose clock says that the lease has
    // ended; whatever was begun before may be committed once at the most, by its place.
    let shards = format!("{}shards", disk.prefix());
    let take = format!(
        "UPDATE {shards} SET token = token + 1, holder = 'other', lease_until = {}",
        after(300)
    );
    until("it has begun", async || {
        shown(&store, &slow).await.filter(|it| it.applied > 20)
    })
    .await;
    // SQLite has one writer, who may be in a batch.
    until("it is taken over", async || {
        let db = disk.connect().await;
        let backend = db.get_database_backend();
        let done = db.execute_raw(Statement::from_string(backend, take.clone())).await;
        db.close().await.unwrap();
        done.ok().filter(|done| done.rows_affected() > 0)
    })
    .await;
    let at = shown(&store, &slow).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let later = shown(&store, &slow).await.unwrap();
    assert_eq!((at.position, at.applied), (later.position, later.applied));
    let expected = fold(&store, |stored| stored.position <= later.position).await;
    assert_eq!(table(&disk, &slow).await, expected);
    assert!(later.position < 200);
    projector.stop().await;
    // Nor did it let go of what is not its own any more.
    assert_eq!(
        shown(&store, &slow).await.unwrap().shards[0].holder.as_deref(),
        Some("other")
    );
}

pub(crate) async fn a_lease_of_a_clock_that_jumped_holds_nobody_up(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    let options = quick().shards(4);
    let projector = store
        .project(Running::from(tally.clone()), options.clone())
        .await
        .unwrap();
    fill(&store, 40).await;
    projector.reach(40).await.unwrap();
    projector.stop().await;
    // As one leaves it that was killed while the clock was years ahead: its shards, and its share of the work.
    let far = 4_000_000_000_000_000_i64;
    let (prefix, name) = (disk.prefix(), &tally.name);
    let shards = format!("UPDATE {prefix}shards SET holder = 'ahead', lease_until = {far} WHERE name = '{name}'");
    let member = format!(
        "INSERT INTO {prefix}members (name, holder, version, lease_until) VALUES ('{name}', 'ahead', 1, {far})"
    );
    assert_eq!((run(&disk, shards).await, run(&disk, member).await), (4, 1));
    let projector = store.project(Running::from(tally.clone()), options).await.unwrap();
    fill(&store, 40).await;
    let reached = tokio::time::timeout(Duration::from_secs(60), projector.reach(80)).await;
    assert!(matches!(reached, Ok(Ok(()))), "{reached:?}");
    let status = shown(&store, &tally).await.unwrap();
    assert!(
        status
            .shards
            .iter()
            .all(|shard| shard.holder.as_deref() == Some(projector.holder()))
    );
    assert_eq!(table(&disk, &tally).await, fold(&store, |_| true).await);
    projector.stop().await;
}
