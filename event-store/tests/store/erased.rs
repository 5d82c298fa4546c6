//! A subject is erased: nothing names it afterwards, and all else is as it was.

use event_core::metric::Metric;
use event_core::patch::Patch;
use event_core::query::Query;
use event_core::{Source, Subject};
use event_store::quarantine::Run;
use event_store::{EventStore, Offer, Origin, Repair, TypeChange};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::json;

use crate::disk::Disk;
use crate::sample::{count, created, ingest, label, quarantine};

const TABLES: [&str; 20] = [
    "log",
    "sources",
    "kinds",
    "trails",
    "events",
    "catalog",
    "quarantine",
    "migrations",
    "metrics",
    "groups",
    "cells",
    "sketches",
    "keys",
    "rowless",
    "pending",
    "api_keys",
    "losses",
    "loss_reports",
    "quarantine_history",
    "erasures",
];

/// The tables in which a text occurs, in whatever column.
async fn tables_with(disk: &Disk, text: &str) -> Vec<&'static str> {
    let db = disk.connect().await;
    let mut found = Vec::new();
    for table in TABLES {
        let sql = format!("SELECT * FROM {}{table}", disk.prefix());
        let rows = db
            .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
            .await
            .unwrap();
        let holds = |row: &sea_orm::QueryResult| {
            row.column_names().iter().any(|name| {
                let as_text = row
                    .try_get::<Option<String>>("", name)
                    .ok()
                    .flatten()
                    .map(String::into_bytes);
                let bytes = as_text.or_else(|| row.try_get::<Option<Vec<u8>>>("", name).ok().flatten());
                bytes.is_some_and(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
            })
        };
        if rows.iter().any(holds) {
            found.push(table);
        }
    }
    found
}

fn metric(name: &str, more: serde_json::Value) -> Metric {
    let mut metric = json!({"metric": name, "category": "order", "name": "created"});
    metric
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    serde_json::from_value(metric).unwrap()
}

fn order(number: u32, subject: &str) -> Offer {
    let total = match subject {
        // Of a minute, an hour and a day these are the extremes.
        "ann-smith" => i64::from(number) * 1_000 - 90_000,
        _ => i64::from(number),
    };
    let text = format!(
        r#"{{"id":"{subject}-{number}","category":"order","name":"created","subject":"{subject}",
            "session_id":"s-{subject}-{}","timestamp":"2026-03-{:02}T{:02}:{:02}:00Z",
            "data":{{"total":{total}.25,"customer":"{subject}","province":"p{}"}}}}"#,
        number % 7,
        number % 3 + 1,
        number % 5,
        number % 2,
        number % 2,
    );
    Offer::Json(text.into_bytes())
}

async fn settled(store: &EventStore) {
    while store.metrics().await.unwrap().iter().any(|metric| !metric.ready) {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

async fn proved(store: &EventStore) {
    for verified in store.verify(Repair::Nothing, |_| ()).await.unwrap() {
        assert_eq!(
            verified.differing,
            0,
            "{:?}",
            &verified.differences[..verified.differences.len().min(3)]
        );
        assert_eq!(verified.unverifiable_days, 0);
    }
}

pub(crate) async fn nothing_names_a_subject_that_is_erased(disk: Disk) {
    let store = disk.open().await;
    let (ann, nobody) = (Subject::new("ann-smith").unwrap(), Subject::new("nobody").unwrap());
    let change = TypeChange {
        schema: Some(json!({"required": ["total"]})),
        ..TypeChange::default()
    };
    store.register(&created(), &label("1"), change).await.unwrap();
    // Half of the metrics are there before, half count afterwards.
    store
        .declare(metric("by_subject", json!({"by": ["subject", "/province"]})))
        .await
        .unwrap();
    store
        .declare(metric(
            "sums",
            json!({"value": "/total", "scale": 2, "by": ["/province"]}),
        ))
        .await
        .unwrap();
    let all: Vec<Offer> = (0..180)
        .flat_map(|number| {
            [
                order(number, "ann-smith"),
                order(number, "bob"),
                order(number, "annette"),
            ]
        })
        .collect();
    for batch in all.chunks(100) {
        ingest(&store, batch.to_vec()).await;
    }
    store
        .declare(metric(
            "customers",
            json!({"value": "/total", "by": ["/province", "/customer"]}),
        ))
        .await
        .unwrap();
    store
        .declare(metric("sessions", json!({"by": ["session_id"]})))
        .await
        .unwrap();
    settled(&store).await;
    let refused = [
        r#"{"id":"q-1","category":"order","name":"created","subject":"ann-smith","data":{}}"#,
        r#"{"id":"q-2","category":"order","name":"created","subject":"ann-smith","subject":"ann-smith"}"#,
        r#"{"id":"q-3","category":"order","data":{"who":"ann-smith"#,
        r#"{"id":"q-4","category":"order","data":{"who":"ann-smith"}"#,
        r#"{"id":"q-5","category":"order","name":"created","subject":"bob","data":{}}"#,
        "not JSON",
        r#"{"id":"q-7","category":"order","name":"created","data":{}}"#,
    ];
    ingest(
        &store,
        refused
            .iter()
            .map(|text| Offer::Json(text.as_bytes().to_vec()))
            .collect(),
    )
    .await;
    let patch = Patch::from_slice(br#"[{"op":"add","path":"/subject","value":"ann-smith"}]"#).unwrap();
    store
        .edit_quarantined(7, &patch, Run::Real, None)
        .await
        .unwrap()
        .unwrap();
    proved(&store).await;
    assert!(tables_with(&disk, "ann-smith").await.len() >= 4);

    assert!(store.erase(&nobody).await.unwrap().is_none());
    let dry = store.erase_dry(&ann).await.unwrap().unwrap().touched;
    assert_eq!(
        (dry.events, dry.trails, dry.quarantine, dry.quarantine_history),
        (180, 7, 4, 1)
    );
    assert_eq!(count(&store).await, 540);
    let erasure = store.erase(&ann).await.unwrap().unwrap();
    let touched = &erasure.touched;
    assert_eq!(
        (
            touched.events,
            touched.trails,
            touched.quarantine,
            touched.quarantine_history
        ),
        (180, 7, 4, 1)
    );
    assert_eq!(
        (touched.first_position, touched.last_position),
        (dry.first_position, dry.last_position)
    );
    assert!(
        touched.cells_changed > 0 && touched.cells_removed > 0 && touched.groups >= 11,
        "{touched:?}"
    );
    assert_eq!(erasure.subject_sha256.len(), 64);
    assert_eq!(store.erasures().await.unwrap(), [erasure]);

    // What is cut off in the middle of the name cannot be told from another.
    let left = quarantine(&store).await;
    assert_eq!(left.iter().map(|entry| entry.number).collect::<Vec<_>>(), [3, 5, 6]);
    assert_eq!(tables_with(&disk, "ann-smith").await, ["quarantine"]);
    let cut = event_store::quarantine::Work::on(event_store::quarantine::Selection::Numbers(vec![3]));
    assert_eq!(store.discard(&cut, None, |_| ()).await.unwrap().entries, 1);
    assert_eq!(count(&store).await, 360);
    proved(&store).await;
    // From cells as from rows.
    for text in ["max:/total", "min:/total", "sum:/total", "count"] {
        let pairs = [
            ("measure", text),
            ("category", "order"),
            ("name", "created"),
            ("by", "/province"),
        ];
        let query = Query::from_pairs(pairs).unwrap();
        let from_cells = store.answer(&query).await.unwrap();
        let events: Vec<_> = store
            .log(0, 10_000)
            .await
            .unwrap()
            .into_iter()
            .map(|it| it.event)
            .collect();
        assert_eq!(
            from_cells.rows,
            event_core::answer(&query, &events).unwrap().rows,
            "{text}"
        );
    }

    // The writer has forgotten, too: should the subject come again, all of it is new.
    ingest(&store, vec![order(1, "ann-smith"), order(500, "bob")]).await;
    proved(&store).await;
    let again = store.log(0, 10_000).await.unwrap();
    let new = &again[again.len() - 2].event;
    assert_eq!(new.envelope().subject.as_ref(), Some(&ann));
    assert_eq!(
        new.envelope().session_id.as_ref().map(|it| it.as_str()),
        Some("s-ann-smith-1")
    );
    assert_eq!(store.erase(&ann).await.unwrap().unwrap().touched.events, 1);
    assert!(store.erase(&ann).await.unwrap().is_none());
    assert_eq!(tables_with(&disk, "ann-smith").await, ["quarantine"]);
}

pub(crate) async fn an_erasure_beside_writers_is_exact(disk: Disk) {
    let (store, other) = (disk.open().await, disk.open().await);
    store
        .declare(metric("sums", json!({"value": "/total", "by": ["subject"]})))
        .await
        .unwrap();
    store.declare(metric("all", json!({"value": "/total"}))).await.unwrap();
    let ann = Subject::new("ann-smith").unwrap();
    ingest(
        &store,
        (0..300)
            .flat_map(|n| [order(n, "ann-smith"), order(n, "bob")])
            .collect(),
    )
    .await;
    let origin = Origin::new(Source::new("till").unwrap());
    let writing = async {
        for batch in 0..20 {
            let offers = (0..10).flat_map(|n| [order(batch * 10 + n, "bob"), order(batch * 10 + n, "ann-smith")]);
            let offers: Vec<Offer> = offers.collect();
            while other.ingest(offers.clone(), &origin).await.is_err() {}
        }
    };
    let (erased, ()) = tokio::join!(store.erase(&ann), writing);
    assert!(erased.unwrap().unwrap().touched.events >= 300);
    proved(&store).await;
    store.erase(&ann).await.unwrap();
    proved(&store).await;
    assert_eq!(tables_with(&disk, "ann-smith").await, [""; 0]);
    assert_eq!(count(&store).await, 500);
}
