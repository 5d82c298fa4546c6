//! A store that is copied to another database is the same store.

use event_core::filter::Filter;
use event_core::policy::{Policy, Storage};
use event_core::query::Page;
use event_core::verdict::Status;
use event_core::{Event, Query, Source};
use event_store::api_key::NewKey;
use event_store::{Error, EventStore, Offer, Options, TypeChange};
use proptest::strategy::{Strategy as _, ValueTree as _};
use sea_orm::{ConnectionTrait as _, Statement};

use crate::disk::Disk;
use crate::sample::{count, created, id, ingest, json, label, quarantine, statuses};

/// Something of everything that a store keeps; answers a key.
async fn fill(store: &EventStore) -> String {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = event_core::arbitrary::event();
    let registry = event_core::Registry::default();
    let mut event = || -> Event { strategy.new_tree(&mut runner).unwrap().current() };
    let valid = (0..200).map(|_| registry.validate(event(), event_core::Timestamp::MAX).unwrap());
    store.append(valid.collect()).await.unwrap();
    let metric = r#"{"metric":"sales","category":"order","name":"created","value":"/total","scale":2,
        "by":["/province"],"unique":"subject"}"#;
    store.declare(serde_json::from_str(metric).unwrap()).await.unwrap();
    let order = |number: usize| {
        let members = format!(
            r#","subject":"c-{}","occurred_at":"2026-03-0{}T07:00:00Z","data":{{"total":{number}.25,"province":"Ohio é😀"}}"#,
            number % 7,
            1 + number % 9
        );
        json(&format!("o-{number}"), &members)
    };
    ingest(store, (0..150).map(order).collect()).await;
    let counts = Policy {
        storage: Storage::CountsOnly,
        ..Policy::default()
    };
    let change = TypeChange {
        policy: Some(counts),
        schema: Some(serde_json::json!({"type": "object"})),
        ..TypeChange::default()
    };
    store.register(&created(), &label("1"), change).await.unwrap();
    ingest(store, (150..200).map(order).collect()).await;
    ingest(
        store,
        vec![json("bad id", ""), Offer::Json(vec![0xff, 0, b'\'']), json("o-3", "")],
    )
    .await;
    let key = store
        .create_key(NewKey::new(Source::new("shop").unwrap()))
        .await
        .unwrap();
    key.expose().to_owned()
}

/// Every row of every table, on SQLite.
async fn dump(disk: &Disk) -> Vec<String> {
    let db = disk.connect().await;
    let texts = async |sql: String| {
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let rows = db.query_all_raw(statement).await.unwrap().into_iter();
        rows.map(|row| row.try_get_by_index::<String>(0).unwrap())
            .collect::<Vec<_>>()
    };
    let tables =
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'event\\_%' ESCAPE '\\' ORDER BY name";
    let mut lines = Vec::new();
    for table in texts(tables.to_owned()).await {
        let columns = texts(format!(
            "SELECT 'quote(' || name || ')' FROM pragma_table_info('{table}')"
        ))
        .await;
        let all = columns.join(" || ',' || ");
        let rows = texts(format!(
            "SELECT '{table}: ' || {all} AS line FROM {table} ORDER BY line"
        ))
        .await;
        lines.extend(rows);
    }
    lines
}

async fn copy(store: &EventStore, to: &Disk) -> Result<event_store::copy::Copied, Error> {
    let mut told = Vec::new();
    let options = Options::new().prefix(to.prefix());
    let copied = store
        .copy_to(&to.url(), options, |progress| told.push(progress))
        .await?;
    assert!(told.is_sorted_by_key(|progress| progress.done));
    assert_eq!((told.last().unwrap().done, told[0].total), (copied.rows, copied.rows));
    Ok(copied)
}

pub(crate) async fn a_copy_is_the_same_store_and_goes_on(disk: Disk) {
    let (first, last) = (Disk::sqlite(), Disk::sqlite());
    let original = first.open().await;
    let key = fill(&original).await;
    let copied = copy(&original, &disk).await.unwrap();
    assert!(copied.head >= 400, "{copied:?}");
    let store = disk.open().await;

    // There and back, not a byte is another.
    copy(&store, &last).await.unwrap();
    assert_eq!(dump(&last).await, dump(&first).await);

    let page = Page {
        limit: Page::MAX_LIMIT,
        ..Page::new(Filter::new())
    };
    assert_eq!(store.page(&page).await.unwrap(), original.page(&page).await.unwrap());
    assert_eq!(quarantine(&store).await, quarantine(&original).await);
    let sum = Query::from_json(br#"{"measure":"sum:/total","by":["/province"],"bucket":"day"}"#).unwrap();
    let unique = Query::from_json(br#"{"measure":"about_unique:subject","by":["/province"]}"#).unwrap();
    for query in [sum, unique] {
        assert_eq!(
            store.answer(&query).await.unwrap(),
            original.answer(&query).await.unwrap()
        );
    }
    let (one, other) = (
        store.receipt(&id("o-3"), None).await,
        original.receipt(&id("o-3"), None).await,
    );
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
    assert!(store.has_keys() && store.authenticate(&key).is_some());

    // What was stored before is a duplicate, also without a row; and new numbers lie behind the old ones.
    let counted = count(&store).await;
    let again = ingest(
        &store,
        vec![json(
            "o-199",
            r#","subject":"c-3","occurred_at":"2026-03-02T07:00:00Z","data":{"total":199.25,"province":"Ohio é😀"}"#,
        )],
    )
    .await;
    assert_eq!(statuses(&again), [Status::Duplicate]);
    let new = ingest(
        &store,
        vec![json("new", r#","category":"other","name":"kind""#), json("too bad", "")],
    )
    .await;
    assert_eq!(statuses(&new), [Status::Stored, Status::Quarantined]);
    assert_eq!(
        (count(&store).await, quarantine(&store).await.len()),
        (counted + 1, quarantine(&original).await.len() + 1)
    );
    assert!(store.log(copied.head, 10).await.unwrap()[0].position > copied.head);
    store
        .create_key(NewKey::new(Source::new("till").unwrap()))
        .await
        .unwrap();

    assert!(matches!(copy(&original, &disk).await, Err(Error::NotEmpty)));
    original.close().await.unwrap();
    store.close().await.unwrap();
}

pub(crate) async fn half_a_copy_is_no_store_and_is_begun_anew(disk: Disk) {
    let first = Disk::sqlite();
    let original = first.open().await;
    fill(&original).await;
    // As if it had been killed before its end.
    copy(&original, &disk).await.unwrap();
    let db = disk.connect().await;
    let run = async |sql: &str| {
        let sql = sql.replace("t_", disk.prefix());
        db.execute_unprepared(&sql).await.unwrap()
    };
    run("INSERT INTO t_migrations (version) VALUES (1000000)").await;
    // Whoever had opened it before would go on storing: none of that is taken away.
    assert!(matches!(copy(&original, &disk).await, Err(Error::NotEmpty)));
    run("DELETE FROM t_events WHERE position > 100").await;
    run("UPDATE t_log SET head = 0").await;
    let options = || Options::new().prefix(disk.prefix());
    let opened = EventStore::connect_with(&disk.url(), options()).await;
    assert!(matches!(opened, Err(Error::Unfinished)));
    copy(&original, &disk).await.unwrap();
    let store = disk.open().await;
    assert_eq!(count(&store).await, count(&original).await);

    let handle = tokio::runtime::Handle::current();
    // While one copy is made, another is refused, and the first goes on; one that was cut off makes way after a while.
    let shared = disk.another();
    let options = || Options::new().prefix(shared.prefix());
    let (mut refused, url) = (None, shared.url());
    let copied = original.copy_to(&url, options(), |_| {
        refused.get_or_insert_with(|| {
            tokio::task::block_in_place(|| handle.block_on(original.copy_to(&url, options(), |_| {})))
        });
    });
    copied.await.unwrap();
    assert!(matches!(refused, Some(Err(Error::BeingFilled { .. }))), "{refused:?}");
    let cut_off = disk.another();
    copy(&original, &cut_off).await.unwrap();
    let db = cut_off.connect().await;
    let run = async |sql: &str| {
        let sql = sql.replace("t_", cut_off.prefix());
        db.execute_unprepared(&sql).await.unwrap()
    };
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let micros = now.as_micros();
    run("UPDATE t_log SET head = 0").await;
    run(&format!(
        "INSERT INTO t_migrations (version) VALUES (1000000), (-{micros})"
    ))
    .await;
    assert!(matches!(
        copy(&original, &cut_off).await,
        Err(Error::BeingFilled { .. })
    ));
    run("UPDATE t_migrations SET version = version + 70000000 WHERE version < 0").await;
    copy(&original, &cut_off).await.unwrap();

    // What is stored while the copy is made would be missing from it.
    let another = disk.another();
    let mut stored = false;
    let (url, options) = (another.url(), Options::new().prefix(another.prefix()));
    let copied = original.copy_to(&url, options, |_| {
        if !std::mem::replace(&mut stored, true) {
            tokio::task::block_in_place(|| handle.block_on(ingest(&original, vec![json("late", "")])));
        }
    });
    assert!(matches!(copied.await, Err(Error::Changed)));
    original.close().await.unwrap();
    store.close().await.unwrap();
}
