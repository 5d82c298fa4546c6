//! What is counted while events are stored.

use event_core::aggregate::Origin as ReadFrom;
use event_core::metric::Metric;
use event_core::policy::{Policy, Storage};
use event_core::query::Page;
use event_core::verdict::Status;
use event_core::{Answer, Code, Event, Query};
use event_store::{Error, EventStore, Offer, Progress, PrunedCells, Receipt, Registered, Repair, TypeChange};
use sea_orm::ConnectionTrait as _;

use crate::disk::Disk;
use crate::sample::{count, created, id, ingest, json, label, offer, quarantine, statuses};

pub(crate) fn sales() -> Metric {
    let text = r#"{"metric":"sales","category":"order","name":"created","value":"/total","scale":2,"by":["subject","/province"]}"#;
    serde_json::from_str(text).unwrap()
}

/// An order of a customer, so many minutes into the day.
pub(crate) fn order(name: &str, customer: usize, minute: usize, total: &str) -> Offer {
    let at = format!(
        "2026-03-{:02}T{:02}:{:02}:30Z",
        1 + minute / 1_440,
        minute / 60 % 24,
        minute % 60
    );
    let province = ["Idaho", "Ohio", "idaho"][customer % 3];
    json(
        name,
        &format!(
            r#","subject":"c-{customer}","occurred_at":"{at}","data":{{"total":{total},"province":"{province}"}}"#
        ),
    )
}

pub(crate) fn orders(from: usize, to: usize) -> Vec<Offer> {
    let total = |number: usize| format!("{}.{:02}", number % 7, number % 100);
    (from..to)
        .map(|number| order(&format!("o-{number}"), number % 11, number * 37 % 4_000, &total(number)))
        .collect()
}

pub(crate) async fn events(store: &EventStore) -> Vec<Event> {
    let log = store.log(0, 10_000).await.unwrap();
    log.into_iter().map(|stored| stored.event).collect()
}

/// From now on only the orders' counts are kept.
async fn keep_only_counts(store: &EventStore) {
    let policy = Policy {
        storage: Storage::CountsOnly,
        ..Policy::default()
    };
    let change = TypeChange {
        policy: Some(policy),
        ..TypeChange::default()
    };
    store.register(&created(), &label("1"), change).await.unwrap();
}

/// Questions that the metric answers.
pub(crate) fn questions() -> Vec<Query> {
    [
        r#"{"measure":"sum:/total","by":["subject"],"bucket":"day"}"#,
        r#"{"measure":"sum:/total","bucket":"hour","zone":"America/New_York","from":"2026-03-01T07:13:11Z","to":"2026-03-03T19:00:30Z"}"#,
        r#"{"measure":"average:/total","by":["/province"]}"#,
        r#"{"measure":"minimum:/total","by":["/province","name"],"from":"2026-03-02T00:00:00Z"}"#,
        r#"{"measure":"maximum:/total","filter":{"all":[{"field":"subject","equals":"c-3"}]},"bucket":"month"}"#,
        r#"{"by":["subject"],"top":3,"from":"2026-03-01T00:00:00Z","to":"2026-03-02T12:30:00Z"}"#,
        r#"{"filter":{"all":[{"field":"/province","contains":"da"},{"field":"category","equals":"order"}]},"bucket":"minute","from":"2026-03-01T00:00:30Z","to":"2026-03-01T01:00:00Z"}"#,
    ]
    .map(|text| Query::from_json(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}")))
    .into()
}

/// That all answers come from cells, and are those of the fold.
async fn assert_counted(store: &EventStore, events: &[Event]) {
    for query in questions() {
        let Answer { rows, source, .. } = store.answer(&query).await.unwrap();
        assert_eq!(source, ReadFrom::Cells, "{}", serde_json::to_string(&query).unwrap());
        let expected = event_core::answer(&query, events).unwrap().rows;
        assert_eq!(rows, expected, "{}", serde_json::to_string(&query).unwrap());
    }
}

async fn assert_verified(store: &EventStore) {
    for verified in store.verify(Repair::Nothing, |_| {}).await.unwrap() {
        assert_eq!(verified.differing, 0, "{:?}", verified.differences);
        assert!(verified.cells > 0 || verified.unverifiable_days > 0);
    }
}

pub(crate) async fn what_was_stored_before_is_counted_too(disk: Disk) {
    let store = disk.open().await;
    ingest(&store, orders(0, 300)).await;
    assert_eq!(store.declare(sales()).await.unwrap(), Registered::Created);
    assert_eq!(store.declare(sales()).await.unwrap(), Registered::Unchanged);
    // Duplicates of older events, and new ones, from two stores.
    let other = disk.open().await;
    ingest(&other, orders(250, 600)).await;
    let mut told = Vec::new();
    store
        .backfill(sales().label(), |progress: Progress| told.push(progress))
        .await
        .unwrap();
    assert_eq!(
        told.last().map(|progress| progress.done),
        told.last().map(|progress| progress.total)
    );
    assert!(store.metrics().await.unwrap()[0].ready);
    ingest(&store, orders(550, 700)).await;
    let events = events(&store).await;
    assert_eq!(events.len(), 700);
    assert_counted(&store, &events).await;
    assert_verified(&store).await;
    // What no metric covers is answered from rows.
    let by_source = Query::from_pairs([("by", "source")]).unwrap();
    assert_eq!(store.answer(&by_source).await.unwrap().source, ReadFrom::Rows);
    let mut another = serde_json::to_value(sales()).unwrap();
    another["by"] = serde_json::json!(["subject"]);
    let another = store.declare(serde_json::from_value(another).unwrap()).await;
    assert!(matches!(another, Err(Error::MetricTaken)), "{another:?}");
    assert!(store.drop_metric(sales().label()).await.unwrap());
    assert!(!store.drop_metric(sales().label()).await.unwrap());
    assert_eq!(store.answer(&questions()[0]).await.unwrap().source, ReadFrom::Rows);
}

pub(crate) async fn each_answer_is_of_all_that_there_is_when_it_is_asked_for(disk: Disk) {
    // One asks again and again; what there is to be asked comes by another one.
    let (store, other) = (disk.open().await, disk.open().await);
    let by_source = Query::from_pairs([("by", "category"), ("by", "source"), ("measure", "average:/total")]).unwrap();
    let ask = async |expected: usize| {
        let answer = store.answer(&by_source).await.unwrap();
        let all = events(&store).await;
        assert_eq!((all.len(), answer.source), (expected, ReadFrom::Rows));
        assert_eq!(answer.rows, event_core::answer(&by_source, &all).unwrap().rows);
        assert_eq!(answer.position, all.len().try_into().ok());
    };
    ask(0).await;
    ask(0).await;
    for (number, members) in [
        r#","data":{"total":1.5}"#,
        r#","data":{"total":"1.5"}"#,
        r#","category":"returned","name":"created","data":{"total":-2e-300}"#,
        r#","source":"elsewhere","data":{"total":null}"#,
        r#","source":"elsewhere","data":{"total":9.25}"#,
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(
            offer(&other, json(&format!("e-{number}"), members)).await.status,
            Status::Stored
        );
        ask(number + 1).await;
        ask(number + 1).await;
    }
    other.declare(sales()).await.unwrap();
    other.backfill(sales().label(), |_| {}).await.unwrap();
    ask(5).await;
    let of_orders = Query::from_pairs([("category", "order"), ("name", "created"), ("by", "subject")]).unwrap();
    assert_eq!(store.answer(&of_orders).await.unwrap().source, ReadFrom::Cells);
    keep_only_counts(&other).await;
    assert_eq!(
        offer(&other, json("counted", r#","data":{"total":3}"#)).await.status,
        Status::Stored
    );
    let answer = store.answer(&by_source).await;
    assert!(matches!(answer, Err(Error::CountsOnly { .. })), "{answer:?}");
    assert_eq!(store.answer(&of_orders).await.unwrap().rows[0].value, Some(5.into()));
}

pub(crate) async fn a_number_beyond_the_scale_is_kept_in_the_quarantine(disk: Disk) {
    let (store, other) = (disk.open().await, disk.open().await);
    store.declare(sales()).await.unwrap();
    // Another collector learns of it by itself.
    let started = std::time::Instant::now();
    while other.registry().metrics(&created()).is_empty() {
        assert!(
            started.elapsed() < std::time::Duration::from_secs(10),
            "it was never told"
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for store in [&store, &other] {
        for total in [
            "1e300",
            "1.234567890123456789012345678901234567890",
            "0.001",
            "-12345678901234567.89",
        ] {
            let verdict = offer(store, order("beyond", 1, 1, total)).await;
            assert_eq!(
                (verdict.status, verdict.code),
                (Status::Quarantined, Some(Code::MeasureOutOfRange)),
                "{total}"
            );
        }
    }
    assert_eq!(quarantine(&store).await.len(), 4);
    for (number, total) in ["-0.01", "9999999999999999", "\"text\"", "null", "-7e-1"]
        .iter()
        .enumerate()
    {
        let verdict = offer(&store, order(&format!("good-{number}"), 1, 1, total)).await;
        assert_eq!(verdict.status, Status::Stored, "{total}");
    }
    store.backfill(sales().label(), |_| {}).await.unwrap();
    assert_counted(&store, &events(&store).await).await;
}

pub(crate) async fn a_type_of_which_only_counts_are_kept(disk: Disk) {
    let store = disk.open().await;
    store.declare(sales()).await.unwrap();
    ingest(&store, orders(0, 50)).await;
    let before = events(&store).await;
    keep_only_counts(&store).await;
    let verdicts = ingest(&store, orders(0, 300)).await;
    let (old, new) = verdicts.split_at(50);
    assert!(old.iter().all(|verdict| verdict.status == Status::Duplicate), "{old:?}");
    assert!(new.iter().all(|verdict| verdict.status == Status::Stored), "{new:?}");
    let again = ingest(&store, orders(40, 300)).await;
    assert!(
        again.iter().all(|verdict| verdict.status == Status::Duplicate),
        "{again:?}"
    );
    assert_eq!(again[20].position, verdicts[60].position);
    // Twice in one batch, and with other content.
    let twice = vec![
        order("t", 1, 1, "1"),
        order("t", 1, 1, "1"),
        order("t", 1, 1, "2"),
        order("o-70", 1, 1, "2"),
    ];
    assert_eq!(
        statuses(&ingest(&store, twice).await),
        [Status::Stored, Status::Duplicate, Status::Conflict, Status::Conflict]
    );
    assert_eq!(
        store
            .page(&Page::from_pairs([("limit", "1000")]).unwrap())
            .await
            .unwrap()
            .events
            .len(),
        50
    );
    let counted = store.receipt(&id("o-60"), None).await.unwrap();
    assert_eq!(
        counted,
        Receipt::Counted {
            position: verdicts[60].position.unwrap()
        }
    );
    assert!(matches!(
        store.receipt(&id("o-10"), None).await.unwrap(),
        Receipt::Found(_)
    ));
    assert_eq!(store.receipt(&id("o-999"), None).await.unwrap(), Receipt::Missing);

    // The same events where they are kept whole say what the counts must be.
    let elsewhere = disk.another();
    let whole = elsewhere.open().await;
    ingest(&whole, orders(0, 300)).await;
    ingest(&whole, vec![order("t", 1, 1, "1")]).await;
    let all = events(&whole).await;
    assert!(all.len() == 301 && before.len() == 50);
    let mut refused = 0;
    for query in questions() {
        let aligned = query.from.is_none_or(|at| at.as_micros() % 60_000_000 == 0)
            && query.to.is_none_or(|at| at.as_micros() % 60_000_000 == 0);
        match store.answer(&query).await {
            Err(Error::CountsOnly { .. }) if !aligned => refused += 1,
            answer => assert_eq!(answer.unwrap().rows, event_core::answer(&query, &all).unwrap().rows),
        }
    }
    assert!(refused > 0);
    let by_source = Query::from_pairs([("by", "source")]).unwrap();
    let answer = store.answer(&by_source).await;
    assert!(matches!(answer, Err(Error::CountsOnly { .. })), "{answer:?}");
    // A question about another time has its answer.
    let elsewhere = Query::from_pairs([("by", "source"), ("from", "2030-01-01"), ("to", "2030-01-02")]).unwrap();
    assert_eq!(store.answer(&elsewhere).await.unwrap().rows.len(), 0);
    let verified = store.verify(Repair::Differences, |_| {}).await.unwrap();
    assert!(verified[0].unverifiable_days > 0 && verified[0].differing == 0);
    // A metric that comes too late for them answers nothing that it cannot know.
    let late = r#"{"metric":"late","category":"order","name":"created","by":["source"]}"#;
    let late: Metric = serde_json::from_str(late).unwrap();
    store.declare(late.clone()).await.unwrap();
    store.backfill(late.label(), |_| {}).await.unwrap();
    let answer = store.answer(&by_source).await;
    assert!(matches!(answer, Err(Error::CountsOnly { .. })), "{answer:?}");
}

pub(crate) async fn cells_that_differ_are_found_and_repaired(disk: Disk) {
    let store = disk.open().await;
    store.declare(sales()).await.unwrap();
    ingest(&store, orders(0, 400)).await;
    store.backfill(sales().label(), |_| {}).await.unwrap();
    assert_verified(&store).await;
    let (db, prefix) = (disk.connect().await, disk.prefix());
    for damage in [
        "UPDATE {p}cells SET events = events + 1 WHERE level = 60 AND at % 7200000000 = 0",
        "UPDATE {p}cells SET least = least - 1 WHERE level = 1440",
        "DELETE FROM {p}cells WHERE level = 1 AND at % 300000000 = 0",
        "DELETE FROM {p}groups",
        "DELETE FROM {p}cells",
    ] {
        db.execute_unprepared(&damage.replace("{p}", prefix)).await.unwrap();
        let found = store.verify(Repair::Nothing, |_| {}).await.unwrap();
        assert!(found[0].differing > 0 && !found[0].repaired, "{damage}");
        let found = store.verify(Repair::Differences, |_| {}).await.unwrap();
        assert!(found[0].repaired, "{damage}");
        assert_verified(&store).await;
        assert_counted(&store, &events(&store).await).await;
    }
    // And whoever writes next counts on.
    ingest(&store, orders(400, 500)).await;
    assert_verified(&store).await;
    assert_counted(&store, &events(&store).await).await;
}

pub(crate) async fn old_events_go_and_their_counts_stay_or_go(disk: Disk) {
    for cells in [PrunedCells::Keep, PrunedCells::Drop] {
        let disk = disk.another();
        let store = disk.open().await;
        store.declare(sales()).await.unwrap();
        ingest(&store, orders(0, 600)).await;
        ingest(
            &store,
            vec![json(
                "other",
                r#","category":"a","name":"b","occurred_at":"2026-03-01T00:00:00Z""#,
            )],
        )
        .await;
        store.backfill(sales().label(), |_| {}).await.unwrap();
        let before = events(&store).await;
        let mut told = 0;
        let pruned = store
            .prune(&created(), "2026-03-02T17:00:00Z".parse().unwrap(), cells, |progress| {
                told = progress.done;
            })
            .await
            .unwrap();
        assert_eq!(pruned.before, "2026-03-02T00:00:00Z".parse().unwrap());
        let left = events(&store).await;
        assert_eq!(left.len() as u64 + pruned.events, before.len() as u64);
        assert!(pruned.events > 100 && told == pruned.events, "{pruned:?}, {told}");
        let kept: Vec<Event> = match cells {
            PrunedCells::Keep => before.clone(),
            PrunedCells::Drop => left.clone(),
        };
        for query in questions()
            .into_iter()
            .filter(|query| query.measure.pointer().is_some())
        {
            let answer = store.answer(&query).await;
            match answer {
                Err(Error::CountsOnly { .. }) if cells == PrunedCells::Keep && query.bucket.is_some() => {}
                answer => assert_eq!(
                    answer.unwrap().rows,
                    event_core::answer(&query, &kept).unwrap().rows,
                    "{cells:?} {}",
                    serde_json::to_string(&query).unwrap()
                ),
            }
        }
        // None of them comes again.
        let again = ingest(&store, orders(0, 600)).await;
        assert!(again.iter().all(|verdict| verdict.status == Status::Duplicate));
        assert_verified(&store).await;
        let nothing = store
            .prune(&created(), "2026-03-02T17:00:00Z".parse().unwrap(), cells, |_| {})
            .await;
        assert_eq!(nothing.unwrap().events, 0);
    }
}

pub(crate) async fn without_a_metric_old_events_just_go(disk: Disk) {
    let store = disk.open().await;
    ingest(&store, orders(0, 100)).await;
    let pruned = store
        .prune(
            &created(),
            "2026-03-03T00:00:00Z".parse().unwrap(),
            PrunedCells::Keep,
            |_| {},
        )
        .await
        .unwrap();
    assert_eq!(count(&store).await, 100 - pruned.events);
    assert!(pruned.events > 0);
}

pub(crate) async fn the_ends_of_time_are_verified_too(disk: Disk) {
    let store = disk.open().await;
    store.declare(sales()).await.unwrap();
    let policy = Policy {
        on_violation: event_core::policy::Action::Warn,
        ..Policy::default()
    };
    let change = TypeChange {
        policy: Some(policy),
        ..TypeChange::default()
    };
    store.register(&created(), &label("1"), change).await.unwrap();
    for (number, at) in ["1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"]
        .iter()
        .enumerate()
    {
        let members = format!(r#","occurred_at":"{at}","data":{{"total":{number}}}"#);
        let verdict = offer(&store, json(&format!("end-{number}"), &members)).await;
        assert_eq!(verdict.status, Status::Stored, "{verdict:?}");
    }
    store.backfill(sales().label(), |_| {}).await.unwrap();
    let verified = store.verify(Repair::Nothing, |_| {}).await.unwrap();
    assert_eq!((verified[0].cells, verified[0].differing), (6, 0));
    // Buckets between the two ends would be too many.
    let all = events(&store).await;
    for query in questions().iter().filter(|query| query.bucket.is_none()) {
        let answer = store.answer(query).await.unwrap();
        assert_eq!(answer.rows, event_core::answer(query, &all).unwrap().rows);
    }
}

pub(crate) async fn what_is_only_counted_leaves_nobody_behind(disk: Disk) {
    let store = disk.open().await;
    store.declare(sales()).await.unwrap();
    keep_only_counts(&store).await;
    let session = |source: &str| {
        json(
            "same",
            &format!(r#","source":"{source}","session_id":"secret","data":{{"total":1}}"#),
        )
    };
    assert_eq!(offer(&store, session("a")).await.status, Status::Stored);
    let db = disk.connect().await;
    let sql = format!("SELECT COUNT(*) FROM {}trails", disk.prefix());
    let statement = sea_orm::Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 0);
    // The same id from another source, where it is kept whole.
    let other = json("same", r#","source":"b","category":"a","name":"b""#);
    assert_eq!(offer(&store, other).await.status, Status::Stored);
    let sources = ["a", "b"].map(|source| event_core::Source::new(source).unwrap());
    assert_eq!(
        store.receipt(&id("same"), None).await.unwrap(),
        Receipt::Ambiguous(sources.to_vec())
    );
    let of_a = store.receipt(&id("same"), Some(&sources[0])).await.unwrap();
    assert!(matches!(of_a, Receipt::Counted { .. }), "{of_a:?}");
}
