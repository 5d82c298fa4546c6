//! Days of cells that stay in memory: whatever changes them, by whomever, answers are of what there is.

use event_core::aggregate::Origin;
use event_core::{Query, Subject};
use event_store::{EventStore, Options, PrunedCells, Repair};
use sea_orm::ConnectionTrait as _;

use crate::disk::Disk;
use crate::metrics::{events, order, orders, questions, sales};
use crate::sample::{created, ingest};

/// Stores over the same tables: one remembers all, one a few days, one none.
async fn opened(disk: &Disk) -> [EventStore; 3] {
    let [all, few, none] = [64 << 20, 4_000, 0].map(|bytes| Options::new().remembered_bytes(bytes));
    [
        disk.open_with(all).await,
        disk.open_with(few).await,
        disk.open_with(none).await,
    ]
}

fn by_day() -> Query {
    Query::from_pairs([("measure", "sum:/total"), ("by", "subject"), ("bucket", "day")]).unwrap()
}

/// All of them answer from cells, twice, what the fold of the events answers.
async fn assert_current(stores: &[EventStore; 3]) {
    let events = events(&stores[0]).await;
    for query in questions() {
        let expected = event_core::answer(&query, &events).unwrap().rows;
        for store in stores.iter().chain(stores) {
            let answer = store.answer(&query).await.unwrap();
            assert_eq!(answer.source, Origin::Cells);
            assert_eq!(answer.rows, expected, "{}", serde_json::to_string(&query).unwrap());
        }
    }
}

/// All of them answer what the one answers that remembers nothing.
async fn assert_alike(stores: &[EventStore; 3]) {
    for query in questions() {
        let mut told = Vec::new();
        for store in stores {
            let answer = store.answer(&query).await;
            told.push(format!("{:?}", answer.map(|answer| (answer.rows, answer.source))));
        }
        told.dedup();
        assert_eq!(told.len(), 1, "{told:?}");
    }
}

pub(crate) async fn remembered_days_are_read_again_when_they_have_changed(disk: Disk) {
    let stores = opened(&disk).await;
    let [all, few, none] = &stores;
    all.declare(sales()).await.unwrap();
    ingest(few, orders(0, 300)).await;
    assert_current(&stores).await;
    // To days that have been read, and to a new one; groups that are known, and new ones.
    ingest(none, orders(300, 400)).await;
    assert_current(&stores).await;
    ingest(few, vec![order("new", 99, 7, "1.5"), order("late", 3, 5_000, "2.25")]).await;
    assert_current(&stores).await;
    let subject = Subject::new("c-3").unwrap();
    assert!(none.erase(&subject).await.unwrap().is_some());
    assert_current(&stores).await;
    let before = "2026-03-02T00:00:00Z".parse().unwrap();
    few.prune(&created(), before, PrunedCells::Drop, |_| {}).await.unwrap();
    assert_current(&stores).await;
    // Of events that have no rows any more.
    let before = "2026-03-03T00:00:00Z".parse().unwrap();
    few.prune(&created(), before, PrunedCells::Keep, |_| {}).await.unwrap();
    assert_alike(&stores).await;
    let subject = Subject::new("c-5").unwrap();
    assert!(none.erase(&subject).await.unwrap().is_some());
    assert_alike(&stores).await;
}

pub(crate) async fn a_metric_that_is_declared_again_is_read_again(disk: Disk) {
    let stores = opened(&disk).await;
    let [all, few, none] = &stores;
    all.declare(sales()).await.unwrap();
    ingest(few, orders(0, 300)).await;
    assert_current(&stores).await;
    assert!(few.drop_metric(sales().label()).await.unwrap());
    none.declare(sales()).await.unwrap();
    none.backfill(sales().label(), |_| {}).await.unwrap();
    assert_current(&stores).await;
}

pub(crate) async fn what_is_remembered_is_read_once(disk: Disk) {
    let stores = opened(&disk).await;
    let [all, _, none] = &stores;
    all.declare(sales()).await.unwrap();
    ingest(all, orders(0, 300)).await;
    assert_current(&stores).await;
    // By hand, behind the back of all: who remembers does not look.
    let db = disk.connect().await;
    let sql = format!("UPDATE {}cells SET high = high + 1", disk.prefix());
    db.execute_unprepared(&sql).await.unwrap();
    let expected = event_core::answer(&by_day(), &events(all).await).unwrap().rows;
    assert_eq!(all.answer(&by_day()).await.unwrap().rows, expected);
    assert_ne!(none.answer(&by_day()).await.unwrap().rows, expected);
    // Whoever proves that cells equal rows does look, and whoever remembers hears that they were repaired.
    assert!(all.verify(Repair::Nothing, |_| {}).await.unwrap()[0].differing > 0);
    assert!(none.verify(Repair::Differences, |_| {}).await.unwrap()[0].repaired);
    assert_current(&stores).await;
}

pub(crate) async fn days_of_older_programs_have_a_revision(disk: Disk) {
    let store = disk.open().await;
    store.declare(sales()).await.unwrap();
    ingest(&store, orders(0, 300)).await;
    store.close().await.unwrap();
    let db = disk.connect().await;
    for sql in [
        "DROP TABLE {p}revisions",
        "DELETE FROM {p}migrations WHERE version >= 14",
    ] {
        db.execute_unprepared(&sql.replace("{p}", disk.prefix())).await.unwrap();
    }
    let stores = opened(&disk).await;
    assert_current(&stores).await;
    ingest(&stores[2], orders(300, 400)).await;
    assert_current(&stores).await;
}
