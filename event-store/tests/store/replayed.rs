//! Work on the quarantine: what is mended or allowed by now is stored once, under what it came in with.

use event_core::patch::Patch;
use event_core::query::Page;
use event_core::verdict::Status;
use event_core::{Code, Filter, Source, StoredEvent};
use event_store::quarantine::{Action, QuarantineFilter, Replayed, Run, Selection, State, Work};
use event_store::{Error, EventStore, Offer, Origin, QuarantinePage, Repair, TypeChange};
use serde_json::{Value, json};

use crate::disk::Disk;
use crate::sample::{count, created, id, ingest, json, label, offer, quarantine};

async fn register(store: &EventStore, schema: Value) {
    let change = TypeChange {
        schema: Some(schema),
        ..TypeChange::default()
    };
    store.register(&created(), &label("1"), change).await.unwrap();
}

async fn strict(store: &EventStore) {
    let schema = json!({"required": ["total"], "properties": {"total": {"type": "number"}}});
    register(store, schema).await;
}

fn all() -> Work {
    Work::on(Selection::default())
}

fn only(numbers: impl Into<Vec<i64>>) -> Work {
    Work::on(Selection::Numbers(numbers.into()))
}

async fn replay(store: &EventStore, work: &Work) -> Replayed {
    store.replay(work, |_| ()).await.unwrap()
}

/// How many ended how.
fn outcomes(replayed: &Replayed) -> Vec<(Status, Option<Code>, u64)> {
    let mut outcomes: Vec<_> = replayed
        .outcomes
        .iter()
        .map(|outcome| (outcome.status, outcome.code, outcome.entries))
        .collect();
    outcomes.sort_by_key(|(status, code, _)| (status.as_str(), *code));
    outcomes
}

async fn events(store: &EventStore) -> Vec<StoredEvent> {
    store.log(0, 10_000).await.unwrap()
}

fn patch(operations: Value) -> Patch {
    Patch::from_slice(operations.to_string().as_bytes()).unwrap()
}

/// No open entry is an event that is stored.
async fn disjoint(store: &EventStore) {
    let stored = events(store).await;
    for entry in quarantine(store).await {
        if entry.state == State::Open && entry.code != Code::IdConflict {
            let same = |event: &&StoredEvent| {
                let envelope = event.event.envelope();
                Some(&envelope.id) == entry.id.as_ref() && envelope.source == entry.source
            };
            assert!(stored.iter().find(same).is_none(), "{entry:?}");
        }
    }
}

pub(crate) async fn what_a_schema_allows_by_now_is_replayed_once(disk: Disk) {
    let store = disk.open().await;
    strict(&store).await;
    let metric = serde_json::from_value(json!({"metric": "n", "category": "order", "name": "created"}));
    store.declare(metric.unwrap()).await.unwrap();
    let bad = |number: u32| json(&format!("o-{number}"), r#","data":{"total":"7"}"#);
    ingest(&store, (0..250).map(bad).collect()).await;
    ingest(&store, vec![json("bad id", ""), json("good", r#","data":{"total":1}"#)]).await;
    let before = quarantine(&store).await;

    // Nothing has changed: nothing happens, and each says so.
    let dry = replay(&store, &all().dry()).await;
    let expected = [
        (Status::Quarantined, Some(Code::SchemaViolation), 250),
        (Status::Quarantined, Some(Code::InvalidId), 1),
    ];
    assert_eq!((outcomes(&dry), dry.run, dry.skipped), (expected.to_vec(), Run::Dry, 0));
    assert_eq!(dry.outcomes[0].samples.len(), 5);
    assert_eq!(quarantine(&store).await, before);

    register(&store, json!({"required": ["total"]})).await;
    let expected = [
        (Status::Quarantined, Some(Code::InvalidId), 1),
        (Status::Stored, None, 250),
    ];
    let dry = replay(&store, &all().dry()).await;
    assert_eq!(outcomes(&dry), expected);
    assert_eq!((quarantine(&store).await, count(&store).await), (before.clone(), 1));
    let mut shown = Vec::new();
    let replayed = store
        .replay(&all().by(Some(label("ops"))), |progress| shown.push(progress))
        .await;
    assert_eq!(outcomes(&replayed.unwrap()), expected);
    assert_eq!(
        shown.last().map(|progress| (progress.done, progress.total)),
        Some((251, 251))
    );
    disjoint(&store).await;

    // As it came in: id, source and time of receipt.
    let stored = events(&store).await;
    assert_eq!(stored.len(), 251);
    for (stored, entry) in stored[1..].iter().zip(&before) {
        assert_eq!(Some(&stored.event.envelope().id), entry.id.as_ref());
        assert_eq!(stored.event.envelope().source, entry.source);
        assert_eq!(stored.received_at, entry.received_at);
        assert!(stored.position > 1);
    }
    let entry = store.quarantined(before[0].number).await.unwrap().unwrap();
    assert_eq!(
        (entry.entry.state, entry.verdict.status),
        (State::Replayed, Status::Duplicate)
    );
    let done = &entry.history[0];
    assert_eq!(
        (entry.history.len(), done.action, done.actor.clone()),
        (1, Action::Replayed, Some(label("ops")))
    );
    let failed = store.quarantined(before[250].number).await.unwrap().unwrap();
    assert_eq!(failed.history[0].action, Action::FailedAgain);

    // Again, by number, and by the sender: nothing twice.
    assert_eq!(replay(&store, &all()).await.entries, 1);
    let again = replay(&store, &only([before[0].number, 999_999])).await;
    assert_eq!((again.entries, again.skipped), (0, 2));
    let verdict = offer(&store, bad(0)).await;
    assert_eq!(verdict.status, Status::Duplicate);
    assert_eq!(count(&store).await, 251);
    let verified = store.verify(Repair::Nothing, |_| ()).await.unwrap();
    assert_eq!((verified[0].differing, verified[0].cells > 0), (0, true));
    assert_eq!(store.quarantine_counts().await.unwrap().len(), 1);
}

pub(crate) async fn two_replays_at_once_store_each_event_once(disk: Disk) {
    let (store, other) = (disk.open().await, disk.open().await);
    strict(&store).await;
    let bad = |number: u32| json(&format!("o-{number}"), r#","data":{"total":"7"}"#);
    ingest(&store, (0..300).map(bad).collect()).await;
    register(&store, json!(true)).await;
    let allows = |store: &EventStore| {
        let registry = store.registry();
        let schema = registry.get(&created(), None).and_then(|it| it.schema.as_ref());
        schema.is_some_and(|schema| schema.validate(&event_core::Payload::empty()).is_ok())
    };
    while !allows(&other) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let work = all();
    let (one, two, three) = tokio::join!(replay(&store, &work), replay(&other, &work), replay(&store, &work));
    let stored: u64 = [one, two, three].iter().map(|replayed| replayed.entries).sum();
    assert_eq!((stored, count(&store).await), (300, 300));
    let done = store.quarantined(1).await.unwrap().unwrap().history.len();
    assert_eq!(done, 1);
    disjoint(&store).await;
}

pub(crate) async fn a_conflict_stays_and_a_duplicate_goes(disk: Disk) {
    let store = disk.open().await;
    strict(&store).await;
    // Refused twice for the same reason under one id, with other content; and once as the first.
    ingest(
        &store,
        vec![
            json("1", r#","data":{"total":"a"}"#),
            json("1", r#","data":{"total":"b"}"#),
        ],
    )
    .await;
    ingest(&store, vec![json("1", r#", "data":{"total":"a"}"#)]).await;
    register(&store, json!(true)).await;
    let expected = [
        (Status::Conflict, Some(Code::IdConflict), 1),
        (Status::Duplicate, None, 1),
        (Status::Stored, None, 1),
    ];
    assert_eq!(outcomes(&replay(&store, &all().dry()).await), expected);
    assert_eq!(outcomes(&replay(&store, &all()).await), expected);
    assert_eq!(outcomes(&replay(&store, &all()).await), expected[..1]);
    let entries = quarantine(&store).await;
    let told: Vec<_> = entries.iter().map(|entry| (entry.state, entry.code)).collect();
    assert_eq!(
        told,
        [
            (State::Replayed, Code::SchemaViolation),
            (State::Open, Code::IdConflict),
            (State::Replayed, Code::SchemaViolation)
        ]
    );
    // Should the conflicting one come again, it is the one that is known.
    ingest(&store, vec![json("1", r#","data":{"total":"b"}"#)]).await;
    let entries = quarantine(&store).await;
    assert_eq!((entries.len(), entries[1].occurrences), (3, 2));
}

pub(crate) async fn a_document_is_mended_by_hand(disk: Disk) {
    let store = disk.open().await;
    strict(&store).await;
    let sent = r#"{"id":"1","category":"order","name":"created","data":{"total":"12,50","n":12345678901234567890.5}}"#;
    ingest(
        &store,
        vec![Offer::Json(sent.as_bytes().to_vec()), json("2", r#","data":{}"#)],
    )
    .await;
    ingest(
        &store,
        vec![
            Offer::Json(br#"{"id":"3","id":"4"}"#.to_vec()),
            Offer::Json(b"no JSON".to_vec()),
        ],
    )
    .await;

    let shown = store.quarantined(1).await.unwrap().unwrap();
    let mark = &shown.marks[0];
    assert_eq!((mark.pointer.as_str(), mark.keyword.as_str()), ("/data/total", "type"));
    assert_eq!(mark.value.as_ref().map(|value| value.get()), Some("\"12,50\""));
    let missing = store.quarantined(2).await.unwrap().unwrap();
    assert_eq!(
        (missing.marks[0].pointer.as_str(), missing.marks[0].value.is_none()),
        ("/data/total", true)
    );
    assert_eq!(store.quarantined(4).await.unwrap().unwrap().marks[0].offset, Some(0));
    assert!(store.quarantined(5).await.unwrap().is_none());

    let total = |value: Value| patch(json!([{"op": "replace", "path": "/data/total", "value": value}]));
    let edit = async |number: i64, patch: &Patch, run: Run| store.edit_quarantined(number, patch, run, None).await;
    // Still wrong, and told so; nothing is written.
    let dry = edit(1, &total(json!(null)), Run::Dry).await.unwrap().unwrap();
    assert_eq!(dry.verdict.code, Some(Code::SchemaViolation));
    assert_eq!(store.quarantined(1).await.unwrap().unwrap().entry, shown.entry);
    // An edit that fails changes the reason, not what came in.
    let wrong = edit(
        1,
        &patch(json!([{"op": "replace", "path": "/id", "value": "other"}])),
        Run::Real,
    )
    .await;
    assert_eq!(wrong.unwrap().unwrap().verdict.code, Some(Code::SchemaViolation));
    let right = edit(1, &total(json!(12.5)), Run::Real).await.unwrap().unwrap();
    assert_eq!(right.verdict.code, Some(Code::InvalidId), "it keeps its id");
    let back = patch(json!([{"op": "replace", "path": "/id", "value": "1"}]));
    let mended = edit(1, &back, Run::Real).await.unwrap().unwrap();
    assert_eq!(mended.verdict.status, Status::Stored);
    assert!(
        mended.document.contains("12345678901234567890.5"),
        "{}",
        mended.document
    );
    let shown = store.quarantined(1).await.unwrap().unwrap();
    assert_eq!(
        (shown.entry.raw.as_deref(), shown.entry.edited),
        (Some(sent), Some(mended.document))
    );
    assert_eq!((shown.marks.len(), shown.history.len()), (0, 3));
    assert!(
        !format!("{:?}", shown.history).contains("12.5"),
        "no values in the history"
    );

    for (number, expected) in [(3, "the document has a key twice"), (4, "the document is not JSON")] {
        match edit(number, &back, Run::Real).await {
            Err(Error::Patch(error)) => assert_eq!(error.to_string(), expected),
            other => panic!("{other:?}"),
        }
    }
    assert!(edit(77, &back, Run::Real).await.unwrap().is_none());
    assert_eq!(outcomes(&replay(&store, &only([1])).await), [(Status::Stored, None, 1)]);
    assert_eq!(
        events(&store).await[0].event.payload().as_str(),
        r#"{"n":1.2345678901234567e19,"total":12.5}"#
    );
    assert!(matches!(edit(1, &back, Run::Real).await, Err(Error::EntrySettled)));
    // The same document again is the one that was dealt with.
    ingest(&store, vec![Offer::Json(sent.as_bytes().to_vec())]).await;
    disjoint(&store).await;
}

pub(crate) async fn what_is_discarded_is_left_alone(disk: Disk) {
    let store = disk.open().await;
    strict(&store).await;
    ingest(
        &store,
        (0..5).map(|n| json(&format!("o-{n}"), r#","data":{}"#)).collect(),
    )
    .await;
    ingest(&store, vec![json("bad id", "")]).await;
    let of_code = Work::on(Selection::Filter(QuarantineFilter {
        code: Some(Code::InvalidId),
        ..QuarantineFilter::default()
    }));
    let dry = store.discard(&of_code.clone().dry(), None, |_| ()).await.unwrap();
    assert_eq!(
        (dry.entries, store.quarantined(6).await.unwrap().unwrap().entry.state),
        (1, State::Open)
    );
    let note = label("a test of ours");
    store.discard(&of_code, Some(&note), |_| ()).await.unwrap();
    let gone = store.discard(&only([1, 1, 6, 9]), Some(&note), |_| ()).await.unwrap();
    assert_eq!((gone.entries, gone.skipped), (1, 2));
    let entry = store.quarantined(1).await.unwrap().unwrap();
    assert_eq!(
        (entry.entry.state, entry.history[0].action),
        (State::Discarded, Action::Discarded)
    );
    assert_eq!(entry.history[0].detail.as_deref(), Some("a test of ours"));

    register(&store, json!(true)).await;
    assert_eq!(outcomes(&replay(&store, &all()).await), [(Status::Stored, None, 4)]);
    // By its number it can be had back.
    assert_eq!(outcomes(&replay(&store, &only([1])).await), [(Status::Stored, None, 1)]);
    let state = |state| QuarantinePage {
        filter: QuarantineFilter {
            state: Some(state),
            ..QuarantineFilter::default()
        },
        ..QuarantinePage::default()
    };
    for (wanted, entries) in [(State::Open, 0), (State::Replayed, 5), (State::Discarded, 1)] {
        assert_eq!(
            store.quarantine(&state(wanted)).await.unwrap().entries.len(),
            entries,
            "{wanted:?}"
        );
    }
}

pub(crate) async fn sets_are_chosen_by_filter_and_bounded(disk: Disk) {
    let store = disk.open().await;
    strict(&store).await;
    let till = Origin::new(Source::new("till").unwrap());
    let bad = |number: u32| json(&format!("o-{number}"), r#","data":{}"#);
    ingest(&store, (0..6).map(bad).collect()).await;
    store.ingest((0..3).map(bad).collect(), &till).await.unwrap();
    register(&store, json!(true)).await;
    let entries = quarantine(&store).await;
    let of = |filter: QuarantineFilter| Work::on(Selection::Filter(filter)).dry();
    let any = QuarantineFilter::default;
    for (filter, expected) in [
        (
            QuarantineFilter {
                source: Some(till.source.clone()),
                ..any()
            },
            3,
        ),
        (
            QuarantineFilter {
                event_type: Some(created()),
                ..any()
            },
            9,
        ),
        (
            QuarantineFilter {
                code: Some(Code::TooDeep),
                ..any()
            },
            0,
        ),
        (
            QuarantineFilter {
                from: Some(entries[6].received_at),
                ..any()
            },
            3,
        ),
        (
            QuarantineFilter {
                to: Some(entries[6].received_at),
                ..any()
            },
            6,
        ),
        (
            QuarantineFilter {
                state: Some(State::Discarded),
                ..any()
            },
            0,
        ),
    ] {
        assert_eq!(
            replay(&store, &of(filter.clone())).await.entries,
            expected,
            "{filter:?}"
        );
    }
    let mut work = Work { limit: 4, ..all() };
    let mut sizes = Vec::new();
    loop {
        let replayed = replay(&store, &work).await;
        sizes.push(replayed.entries);
        work.after = replayed.next;
        if replayed.next.is_none() {
            break;
        }
    }
    assert_eq!((sizes, count(&store).await), (vec![4, 4, 1], 9));
}

pub(crate) async fn what_came_by_another_form_is_read_by_it_again(disk: Disk) {
    let store = disk.open().await;
    let mapping = serde_json::from_value(json!({"id": "/no", "data": "/body"})).unwrap();
    let change = TypeChange {
        schema: Some(json!({"required": ["total"]})),
        mapping: Some(mapping),
        ..TypeChange::default()
    };
    store.register(&created(), &label("1"), change).await.unwrap();
    let foreign = Offer::Foreign {
        bytes: br#"{"no": "f-1", "body": {"sum": 1}}"#.to_vec(),
        event_type: created(),
        version: None,
    };
    let cloud = br#"{"specversion":"1.0","id":"c-1","source":"shop","type":"order.created","data":{}}"#;
    let mut origin = Origin::new(Source::new("shop").unwrap());
    origin.zone = "America/Boise".parse().unwrap();
    let local = json("l-1", r#","timestamp":"2026-03-01 12:00:00","data":{}"#);
    let verdicts = store
        .ingest(vec![foreign, Offer::CloudEvent(cloud.to_vec()), local], &origin)
        .await
        .unwrap();
    assert!(
        verdicts.iter().all(|verdict| verdict.status == Status::Quarantined),
        "{verdicts:?}"
    );
    // Without an id, it gets one that stays the same.
    ingest(
        &store,
        vec![Offer::Json(
            br#"{"category":"order","name":"created","data":{}}"#.to_vec(),
        )],
    )
    .await;
    register(&store, json!(true)).await;
    let dry = replay(&store, &all().dry()).await;
    let replayed = replay(&store, &all()).await;
    let ids = |replayed: &Replayed| -> Vec<_> {
        let samples = replayed
            .outcomes
            .iter()
            .filter(|outcome| outcome.status == Status::Stored);
        samples
            .flat_map(|outcome| outcome.samples.iter().map(|sample| sample.verdict.id.clone()))
            .collect()
    };
    assert_eq!(ids(&dry), ids(&replayed));
    assert_eq!(replayed.entries, 4);
    let page = store.page(&Page::new(Filter::new())).await.unwrap().events;
    let local = page
        .iter()
        .find(|stored| stored.event.envelope().id == id("l-1"))
        .unwrap();
    assert_eq!(local.event.envelope().occurred_at.to_string(), "2026-03-01T19:00:00Z");
    let lifted = page
        .iter()
        .find(|stored| stored.event.envelope().id == id("f-1"))
        .unwrap();
    assert_eq!(lifted.event.payload().as_str(), r#"{"sum":1}"#);
}
