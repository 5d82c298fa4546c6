//! Types, versions and policies: what becomes of an event that breaks a rule.

use event_core::flag::Flag;
use event_core::policy::{Action, Policy, UnknownTypes};
use event_core::verdict::Status;
use event_core::{Code, EventType, Mapping};
use event_store::{Error, EventStore, Offer, Options, Receipt, Registered, TypeChange};

use crate::disk::Disk;
use crate::sample::{count, created, id, ingest, json, label, offer, origin, quarantine, statuses, text};

/// A schema that wants a number, with a policy.
fn strict(on_violation: Action) -> TypeChange {
    let policy = Policy {
        on_violation,
        ..Policy::default()
    };
    TypeChange {
        schema: Some(serde_json::json!({"properties": {"n": {"type": "integer"}}, "required": ["n"]})),
        policy: Some(policy),
        ..TypeChange::default()
    }
}

async fn stored(store: &EventStore, name: &str) -> event_core::StoredEvent {
    match store.receipt(&id(name), None).await.unwrap() {
        Receipt::Found(event) => *event,
        other => panic!("{name}: {other:?}"),
    }
}

pub(crate) async fn quarantine_keeps_it_and_stores_nothing(disk: Disk) {
    let store = disk.open().await;
    store
        .register(&created(), &label("1"), strict(Action::Quarantine))
        .await
        .unwrap();
    let verdict = offer(&store, json("1", r#","data":{"n":"secret"}"#)).await;
    assert_eq!(
        (verdict.status, verdict.code),
        (Status::Quarantined, Some(Code::SchemaViolation))
    );
    assert_eq!(verdict.violations[0].pointer, "/n");
    assert_eq!(count(&store).await, 0);
    let entries = quarantine(&store).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].violations, verdict.violations);
    assert_eq!(entries[0].event_type, Some(created()));
    // The id is free: mended, the event is stored.
    assert_eq!(
        offer(&store, json("1", r#","data":{"n":1}"#)).await.status,
        Status::Stored
    );
}

pub(crate) async fn reject_keeps_nothing(disk: Disk) {
    let store = disk.open().await;
    store
        .register(&created(), &label("1"), strict(Action::Reject))
        .await
        .unwrap();
    let batch = vec![
        json("1", r#","data":{"n":"x"}"#),
        json("2", r#","data":{"n":1}"#),
        json("3", ""),
    ];
    let verdicts = ingest(&store, batch).await;
    assert_eq!(
        statuses(&verdicts),
        [Status::Rejected, Status::Stored, Status::Rejected]
    );
    assert_eq!(verdicts[0].code, Some(Code::SchemaViolation));
    assert_eq!(count(&store).await, 1);
    assert!(quarantine(&store).await.is_empty());
    // A batch of nothing else asks nothing of the database.
    assert_eq!(statuses(&ingest(&store, vec![json("4", "")]).await), [Status::Rejected]);
}

pub(crate) async fn warn_stores_it_with_what_is_wrong(disk: Disk) {
    let store = disk.open().await;
    store
        .register(&created(), &label("1"), strict(Action::Warn))
        .await
        .unwrap();
    let late = r#","data":{"n":"x"},"occurred_at":"9999-01-01T00:00:00Z""#;
    let verdict = offer(&store, json("1", late)).await;
    assert_eq!(verdict.status, Status::Stored);
    assert_eq!(verdict.code, None);
    let places: Vec<&str> = verdict
        .violations
        .iter()
        .map(|violation| violation.pointer.as_str())
        .collect();
    assert_eq!(places, ["/occurred_at", "/n"]);
    assert!(verdict.flags.contains(Flag::SchemaViolation) && verdict.flags.contains(Flag::TimestampInFuture));
    store.close().await.unwrap();

    let store = disk.open().await;
    let kept = stored(&store, "1").await;
    assert_eq!(
        (kept.violations, kept.event.flags()),
        (verdict.violations, verdict.flags)
    );
    assert!(quarantine(&store).await.is_empty());
}

pub(crate) async fn unknown_types_are_stored_quarantined_or_rejected(disk: Disk) {
    let other = || json("1", r#","category":"order","name":"other""#);
    let version = || json("2", r#","version":"7""#);
    for (unknown_types, status, kept) in [
        (UnknownTypes::Store, Status::Stored, 0),
        (UnknownTypes::Quarantine, Status::Quarantined, 2),
        (UnknownTypes::Reject, Status::Rejected, 0),
    ] {
        let disk = disk.another();
        let store = disk.open_with(Options::new().unknown_types(unknown_types)).await;
        store
            .register(&created(), &label("1"), TypeChange::default())
            .await
            .unwrap();
        let verdicts = ingest(&store, vec![other(), version(), json("3", "")]).await;
        assert_eq!(
            statuses(&verdicts),
            [status, status, Status::Stored],
            "{unknown_types:?}"
        );
        assert_eq!(quarantine(&store).await.len(), kept);
        if status == Status::Stored {
            assert!(
                verdicts[..2]
                    .iter()
                    .all(|verdict| verdict.flags.contains(Flag::Unplanned))
            );
        } else {
            assert_eq!(verdicts[0].code, Some(Code::UnknownType));
            assert_eq!(verdicts[1].code, Some(Code::UnknownVersion));
        }
        assert!(!verdicts[2].flags.contains(Flag::Unplanned));
    }
}

pub(crate) async fn the_row_records_the_version_that_judged(disk: Disk) {
    let store = disk.open().await;
    let version = async |name: &str| stored(&store, name).await.event.envelope().version.clone();
    offer(&store, json("before", "")).await;
    assert_eq!(version("before").await, None);

    assert_eq!(
        store
            .register(&created(), &label("b"), TypeChange::default())
            .await
            .unwrap(),
        Registered::Created
    );
    offer(&store, json("first", "")).await;
    // The version registered last is active, whatever its name.
    assert_eq!(
        store
            .register(&created(), &label("a"), strict(Action::Quarantine))
            .await
            .unwrap(),
        Registered::Created
    );
    offer(&store, json("second", r#","data":{"n":1}"#)).await;
    assert_eq!(offer(&store, json("judged", "")).await.status, Status::Quarantined);
    assert_eq!(
        offer(&store, json("named", r#","version":"b""#)).await.status,
        Status::Stored
    );
    for (name, expected) in [("first", "b"), ("second", "a"), ("named", "b")] {
        assert_eq!(version(name).await, Some(label(expected)), "{name}");
    }
    // To change an old version does not make it active.
    let looser = TypeChange {
        schema: Some(serde_json::json!(true)),
        ..TypeChange::default()
    };
    assert_eq!(
        store.register(&created(), &label("b"), looser.clone()).await.unwrap(),
        Registered::Changed
    );
    assert_eq!(
        store.register(&created(), &label("b"), looser).await.unwrap(),
        Registered::Unchanged
    );
    assert_eq!(offer(&store, json("still", "")).await.status, Status::Quarantined);
}

pub(crate) async fn types_outlive_the_process(disk: Disk) {
    let store = disk.open().await;
    let mapping: Mapping = serde_json::from_str(r#"{"id": "/n"}"#).unwrap();
    let change = TypeChange {
        mapping: Some(mapping),
        ..strict(Action::Reject)
    };
    store.register(&created(), &label("1"), change.clone()).await.unwrap();
    store
        .register(&created(), &label("2"), TypeChange::default())
        .await
        .unwrap();
    let before = store.types().await.unwrap();
    store.close().await.unwrap();

    let store = disk.open().await;
    assert_eq!(store.types().await.unwrap(), before);
    assert_eq!(
        before.iter().map(|record| record.active).collect::<Vec<_>>(),
        [false, true]
    );
    let record = store.event_type(&created(), &label("1")).await.unwrap().unwrap();
    assert_eq!(
        (record.schema, record.mapping, record.policy),
        (change.schema, change.mapping, change.policy)
    );
    assert_eq!(
        offer(&store, json("1", r#","version":"1","data":{"n":"x"}"#))
            .await
            .status,
        Status::Rejected
    );
    assert_eq!(
        offer(&store, json("1", r#","data":{"n":"x"}"#)).await.status,
        Status::Stored
    );
}

pub(crate) async fn a_schema_that_is_not_taken_changes_nothing(disk: Disk) {
    let store = disk.open().await;
    let remote = TypeChange {
        schema: Some(serde_json::json!({"$ref": "http://127.0.0.1:1/"})),
        ..TypeChange::default()
    };
    assert!(matches!(
        store.register(&created(), &label("1"), remote).await,
        Err(Error::Schema(_))
    ));
    assert!(store.types().await.unwrap().is_empty());
    assert_eq!(store.event_type(&created(), &label("1")).await.unwrap(), None);
    let verdict = offer(&store, json("1", "")).await;
    assert!(verdict.flags.contains(Flag::Unplanned));
}

pub(crate) async fn foreign_documents_enter_through_their_mapping(disk: Disk) {
    let store = disk.open().await;
    let document = |bytes: &str, version: Option<&str>| Offer::Foreign {
        bytes: bytes.as_bytes().to_vec(),
        event_type: created(),
        version: version.map(label),
    };
    for version in [None, Some("1")] {
        let refused = store
            .ingest(vec![json("1", ""), document("{}", version)], &origin())
            .await;
        assert!(matches!(refused, Err(Error::TypeNotFound)), "{refused:?}");
    }
    assert_eq!(count(&store).await, 0);
    let mapping: Mapping =
        serde_json::from_str(r#"{"id": "/event_id", "subject": "/who", "decode": ["/address"]}"#).unwrap();
    let change = TypeChange {
        mapping: Some(mapping),
        ..TypeChange::default()
    };
    store.register(&created(), &label("1"), change).await.unwrap();
    let verdicts = ingest(
        &store,
        vec![
            document(r#"{"event_id":"o-1","who":"c","address":"{\"city\":\"Boise\"}"}"#, None),
            document(r#"{"address":{"city":"Boise"},"who":"c","event_id":"o-1"}"#, Some("1")),
            document(r#"{"event_id":"o-2","address":"nonsense"}"#, None),
            document("not even JSON", None),
            Offer::CloudEvent(
                br#"{"specversion":"1.0","type":"order.created","source":"/x","id":"o-1","data":{}}"#.to_vec(),
            ),
        ],
    )
    .await;
    let expected = [
        Status::Stored,
        Status::Conflict,
        Status::Quarantined,
        Status::Quarantined,
        Status::Stored,
    ];
    // The second names its version, and so says more than the first.
    assert_eq!(statuses(&verdicts), expected);
    let entries = quarantine(&store).await;
    assert!(
        entries
            .iter()
            .all(|entry| entry.event_type == Some(EventType::new("order", "created").unwrap()))
    );
    assert_eq!(entries[2].raw.as_deref(), Some("not even JSON"));
}

pub(crate) async fn types_registered_at_the_same_time_are_all_known(disk: Disk) {
    let store = disk.open().await;
    for round in 0..5 {
        let kind = move |number: usize| EventType::new(format!("round {round}"), format!("type {number}")).unwrap();
        let registering = (0..20).map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.register(&kind(number), &label("1"), TypeChange::default()).await })
        });
        for registered in registering.collect::<Vec<_>>() {
            assert_eq!(registered.await.unwrap().unwrap(), Registered::Created);
        }
        let registry = store.registry();
        let unknown: Vec<usize> = (0..20)
            .filter(|number| registry.active(&kind(*number)).is_none())
            .collect();
        assert!(
            unknown.is_empty(),
            "stored, but not known in memory: {unknown:?} of round {round}"
        );
    }
}

pub(crate) async fn a_clock_of_the_sender_is_set_right_and_a_retry_is_the_same_event(disk: Disk) {
    let store = disk.open().await;
    let sent = |second: u8| {
        let times = format!(r#","occurred_at":"2001-01-01T00:00:00Z","sent_at":"2001-01-01T00:00:{second:02}Z""#);
        Offer::ByClockOfSender(text("e", &times).into_bytes())
    };
    assert_eq!(offer(&store, sent(10)).await.status, Status::Stored);
    assert_eq!(offer(&store, sent(40)).await.status, Status::Duplicate);
    let Receipt::Found(stored) = store.receipt(&id("e"), None).await.unwrap() else {
        panic!("it is not there");
    };
    let late = stored.received_at.as_micros() - stored.event.envelope().occurred_at.as_micros();
    assert_eq!(late, 10_000_000);

    // What is refused is kept with the time that was set right, and nothing else is changed.
    let future = r#","occurred_at":"2001-01-01T01:00:00Z","sent_at":"2001-01-01T00:00:00Z""#;
    let verdict = offer(&store, Offer::ByClockOfSender(text("late", future).into_bytes())).await;
    assert_eq!(verdict.code, Some(Code::TimestampInFuture));
    let unreadable = offer(&store, Offer::ByClockOfSender(b"{\"id\": 7}".to_vec())).await;
    assert_eq!(unreadable.code, Some(Code::InvalidId));
    let kept = quarantine(&store).await;
    assert!(kept[0].raw.as_ref().unwrap().contains(r#""id":"late""#));
    assert_eq!(kept[1].raw.as_deref(), Some("{\"id\": 7}"));
}
