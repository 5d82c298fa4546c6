//! Different values, told by the sketches beside cells.

use event_core::aggregate::{Origin as ReadFrom, Sketch};
use event_core::metric::Metric;
use event_core::{Event, Query, Subject};
use event_store::{EventStore, Offer, PrunedCells, Repair};
use sea_orm::ConnectionTrait as _;

use crate::disk::Disk;
use crate::sample::{self, created, json};

/// Customers by province, and all sessions of each customer.
fn metrics() -> [Metric; 3] {
    [
        r#"{"metric":"customers","category":"order","name":"created","by":["/province"],"unique":"subject"}"#,
        r#"{"metric":"mails","category":"order","name":"created","unique":"/mail"}"#,
        r#"{"metric":"visits","category":"order","name":"created","value":"/n","by":["subject"],"unique":"session_id"}"#,
    ]
    .map(|text| serde_json::from_str(text).unwrap())
}

async fn declare(store: &EventStore) {
    for metric in metrics() {
        store.declare(metric.clone()).await.unwrap();
        store.backfill(metric.label(), |_| {}).await.unwrap();
    }
}

/// In parts: all at once would take a slow server longer than a request may.
async fn ingest(store: &EventStore, offers: Vec<Offer>) {
    for part in offers.chunks(200) {
        sample::ingest(store, part.to_vec()).await;
    }
}

fn order(id: &str, customer: &str, at: &str, n: usize) -> Offer {
    let province = ["Idaho", "Ohio"][n % 2];
    let mail = match n % 5 {
        0 => "null".to_owned(),
        _ => format!("\"{customer}@example.org\""),
    };
    let members = format!(
        r#","subject":"{customer}","session_id":"s-{}","occurred_at":"{at}","data":{{"province":"{province}","who":"{customer}","mail":{mail},"n":{n}.5}}"#,
        n % 40
    );
    json(id, &members)
}

/// Orders of six hundred customers in twelve minutes of three days, and of as many in one minute more as no
/// sketch keeps one by one.
fn orders(from: usize, to: usize) -> Vec<Offer> {
    let spread = (from..to).map(|n| {
        let at = format!("2026-03-{:02}T{:02}:{:02}:30Z", n % 3 + 1, n % 4, n % 2);
        order(&format!("o-{n}"), &format!("c-{}", n * 7 % 600), &at, n)
    });
    let crowd = (from..to.min(2 * Sketch::EXACT + 40)).map(|n| {
        let at = format!("2026-03-01T10:10:{:02}Z", n % 60);
        order(&format!("m-{n}"), &format!("m-{}", n / 2 * 2), &at, n)
    });
    spread.chain(crowd).collect()
}

async fn events(store: &EventStore) -> Vec<Event> {
    let log = store.log(0, 10_000).await.unwrap();
    log.into_iter().map(|stored| stored.event).collect()
}

fn questions() -> Vec<Query> {
    [
        r#"{"measure":"about_unique:subject"}"#,
        r#"{"measure":"about_unique:subject","by":["/province"],"bucket":"day"}"#,
        r#"{"measure":"about_unique:subject","by":["name"],"bucket":"hour","zone":"America/New_York","from":"2026-03-01T00:00:00Z","to":"2026-03-03T03:00:00Z"}"#,
        r#"{"measure":"about_unique:subject","filter":{"all":[{"field":"/province","equals":"Ohio"}]},"top":1,"by":["/province"]}"#,
        r#"{"measure":"about_unique:/mail","bucket":"day"}"#,
        r#"{"measure":"about_unique:/mail"}"#,
        r#"{"measure":"about_unique:session_id","by":["subject"],"top":7}"#,
        r#"{"measure":"about_unique:session_id","bucket":"month"}"#,
        r#"{"measure":"sum:/n","by":["subject"],"top":5}"#,
    ]
    .map(|text| Query::from_json(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}")))
    .into()
}

/// Ends that lie inside a minute, whose rows are asked for.
fn ragged() -> Query {
    Query::from_json(br#"{"measure":"about_unique:subject","from":"2026-03-01T00:00:10Z","to":"2026-03-03T02:00:31Z"}"#)
        .unwrap()
}

/// That all answers come from cells, and are those of the fold.
async fn assert_told(store: &EventStore, questions: &[Query], events: &[Event]) {
    for query in questions {
        let shown = serde_json::to_string(query).unwrap();
        let answer = store.answer(query).await.unwrap();
        let expected = event_core::answer(query, events).unwrap();
        assert_eq!(answer.source, ReadFrom::Cells, "{shown}");
        assert_eq!(answer.rows, expected.rows, "{shown}");
        assert_eq!(answer.standard_error, expected.standard_error, "{shown}");
        assert_eq!(answer.standard_error, query.measure.standard_error(), "{shown}");
    }
}

async fn differing(store: &EventStore) -> u64 {
    let verified = store.verify(Repair::Nothing, |_| {}).await.unwrap();
    verified.iter().map(|metric| metric.differing).sum()
}

pub(crate) async fn different_values_are_told_from_cells_as_in_memory(disk: Disk) {
    let (store, other) = (disk.open().await, disk.open().await);
    ingest(&store, orders(0, 400)).await;
    for metric in metrics() {
        store.declare(metric).await.unwrap();
    }
    // Duplicates of older events, and new ones, from another store.
    ingest(&other, orders(350, 700)).await;
    declare(&store).await;
    ingest(&store, orders(700, 900)).await;
    let all = events(&store).await;
    assert_told(&store, &questions(), &all).await;
    assert_told(&store, &[ragged()], &all).await;
    assert_eq!(differing(&store).await, 0);
    // The same values where no sketch is kept of them: one number, from rows, too.
    let mut numbers = Vec::new();
    for measure in ["about_unique:subject", "about_unique:/who", "unique:/who"] {
        let answer = store
            .answer(&Query::from_pairs([("measure", measure)]).unwrap())
            .await
            .unwrap();
        numbers.push((answer.source, answer.rows[0].value.clone().unwrap()));
    }
    assert_eq!((numbers[0].0, numbers[1].0), (ReadFrom::Cells, ReadFrom::Rows));
    assert_eq!(numbers[0].1, numbers[1].1);
    assert_eq!(numbers[2].1, 1_004.into());
    assert_ne!(
        numbers[0].1, numbers[2].1,
        "of so many an estimate is hardly ever right"
    );

    assert!(store.drop_metric(metrics()[0].label()).await.unwrap());
    let db = disk.connect().await;
    let left = format!("SELECT COUNT(*) FROM {}sketches WHERE metric_id = 1", disk.prefix());
    let left = sea_orm::Statement::from_string(db.get_database_backend(), left);
    let started = std::time::Instant::now();
    loop {
        let row = db.query_one_raw(left.clone()).await.unwrap().unwrap();
        if row.try_get_by_index::<i64>(0).unwrap() == 0 {
            break;
        }
        assert!(
            started.elapsed() < std::time::Duration::from_secs(10),
            "they never went"
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

pub(crate) async fn a_sketch_that_differs_is_found_and_repaired(disk: Disk) {
    let store = disk.open().await;
    declare(&store).await;
    ingest(&store, orders(0, 420)).await;
    assert_eq!(differing(&store).await, 0);
    let (db, prefix) = (disk.connect().await, disk.prefix());
    for (number, damage) in [
        "DELETE FROM {p}sketches WHERE level = 60",
        "UPDATE {p}sketches SET at = at + 1800000000 WHERE level = 1 AND metric_id = 1",
        "UPDATE {p}sketches SET sketch = digest WHERE level = 1440",
    ]
    .iter()
    .enumerate()
    {
        db.execute_unprepared(&damage.replace("{p}", prefix)).await.unwrap();
        // Events are stored all the same.
        let late = order(&format!("late-{number}"), "late", "2026-03-01T00:00:00Z", 1);
        ingest(&store, vec![late]).await;
        let found = store.verify(Repair::Nothing, |_| {}).await.unwrap();
        assert!(found[0].differing > 0 && !found[0].repaired, "{damage}");
        assert!(found[0].differences.iter().all(|it| it.what == "unique"), "{damage}");
        let found = store.verify(Repair::Differences, |_| {}).await.unwrap();
        assert!(found[0].repaired, "{damage}");
        assert_eq!(differing(&store).await, 0, "{damage}");
        assert_told(&store, &questions(), &events(&store).await).await;
    }
}

pub(crate) async fn different_values_outlive_their_rows_or_go_with_them(disk: Disk) {
    for cells in [PrunedCells::Keep, PrunedCells::Drop] {
        let disk = disk.another();
        let store = disk.open().await;
        declare(&store).await;
        ingest(&store, orders(0, 500)).await;
        let before = events(&store).await;
        let until = "2026-03-03T00:00:00Z".parse().unwrap();
        assert!(store.prune(&created(), until, cells, |_| {}).await.unwrap().events > 500);
        let left = events(&store).await;
        let told = match cells {
            PrunedCells::Keep => &before,
            PrunedCells::Drop => &left,
        };
        assert_told(&store, &questions(), told).await;
        assert_eq!(differing(&store).await, 0);
    }
}

pub(crate) async fn an_erasure_takes_its_values_out_of_sketches(disk: Disk) {
    let store = disk.open().await;
    declare(&store).await;
    ingest(&store, orders(0, 820)).await;
    let ann = |n: usize| {
        let minute = if n.is_multiple_of(2) { "10:10" } else { "00:00" };
        let at = format!("2026-03-{:02}T{minute}:00Z", n % 3 + 1);
        order(&format!("ann-{n}"), "ann", &at, n)
    };
    let alone = order("alone", "ann", "2026-04-01T00:00:00Z", 1);
    ingest(&store, (0..150).map(ann).chain([alone]).collect()).await;
    let subject = Subject::new("ann").unwrap();
    let touched = store.erase(&subject).await.unwrap().unwrap().touched;
    assert_eq!((touched.events, touched.sketches_kept), (151, 0));
    assert!(touched.sketches_changed > 20, "{touched:?}");
    assert_eq!(differing(&store).await, 0);
    assert_told(&store, &questions(), &events(&store).await).await;
}

pub(crate) async fn what_no_sketch_gives_back_is_in_the_receipt(disk: Disk) {
    let store = disk.open().await;
    let [customers, ..] = metrics();
    let all = r#"{"metric":"all","category":"order","name":"created","unique":"subject"}"#;
    let all: Metric = serde_json::from_str(all).unwrap();
    store.declare(customers.clone()).await.unwrap();
    store.declare(all.clone()).await.unwrap();
    ingest(&store, orders(0, 900)).await;
    let before = events(&store).await;
    let until = "2026-03-03T00:00:00Z".parse().unwrap();
    store.prune(&created(), until, PrunedCells::Keep, |_| {}).await.unwrap();
    // Into days of which rows are gone: to a few customers, and to many.
    let ann = [
        order("ann-1", "ann", "2026-03-01T00:00:00Z", 1),
        order("ann-2", "ann", "2026-03-01T10:10:00Z", 1),
    ];
    ingest(&store, ann.to_vec()).await;
    let touched = store
        .erase(&Subject::new("ann").unwrap())
        .await
        .unwrap()
        .unwrap()
        .touched;
    assert!(touched.events == 2 && touched.sketches_kept >= 2, "{touched:?}");
    let minutes = |from: &str, to: &str| {
        let text = format!(r#"{{"measure":"about_unique:subject","from":"{from}","to":"{to}"}}"#);
        Query::from_json(text.as_bytes()).unwrap()
    };
    let few = || minutes("2026-03-01T00:00:00Z", "2026-03-01T00:01:00Z");
    assert_told(&store, &[few()], &before).await;

    // Of whom no row is left, and no group.
    let gone = Subject::new("c-84").unwrap();
    let of_gone = |event: &Event| event.envelope().subject.as_ref() == Some(&gone);
    assert!(before.iter().any(of_gone) && !events(&store).await.iter().any(of_gone));
    assert!(store.erase_dry(&gone).await.unwrap().unwrap().touched.sketches_changed > 0);
    let touched = store.erase(&gone).await.unwrap().unwrap().touched;
    assert_eq!(touched.events, 0);
    assert!(touched.sketches_changed >= 6, "{touched:?}");
    let without: Vec<Event> = before.iter().filter(|event| !of_gone(event)).cloned().collect();
    assert_told(&store, &[few()], &without).await;
    assert!(store.erase(&gone).await.unwrap().is_none());
}
