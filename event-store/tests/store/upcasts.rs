//! Upcasters: declared by versions, kept, and applied to what is read and to what is replayed.

use event_core::lift::Lifter;
use event_core::query::{Cursor, Order, Page};
use event_core::registry::{Definition, Registry};
use event_core::upcaster::{Lift, NotLifted, Target, Upcast, UpcastError, Upcaster};
use event_core::verdict::Status;
use event_core::{Code, Filter, Label, Limits, Schema, SessionId, StoredEvent, arbitrary};
use event_store::export::{CsvOptions, ExportOptions, ParquetOptions};
use event_store::quarantine::{Action, Replayed, Selection, State, Work};
use event_store::upcast::Change;
use event_store::{Error, EventStore, Offer, Receipt, Registered, TypeChange};
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json as value};

use crate::disk::Disk;
use crate::sample::{created, id, ingest, json, label, offer, quarantine};

fn upcast(from: Option<&str>, steps: Value) -> Upcast {
    serde_json::from_value(value!({"from": from, "steps": steps})).unwrap()
}

fn declared(from: Option<&str>, steps: Value) -> TypeChange {
    TypeChange {
        upcast: Some(Change::Declared(upcast(from, steps))),
        ..TypeChange::default()
    }
}

fn moved(from: &str, to: &str) -> Value {
    value!([{"step": "move", "from": from, "to": to}])
}

async fn register(store: &EventStore, version: &str, change: TypeChange) -> Registered {
    store.register(&created(), &label(version), change).await.unwrap()
}

async fn known(store: &EventStore, version: &str) -> Option<Upcast> {
    let record = store.event_type(&created(), &label(version)).await.unwrap();
    record.unwrap().upcast
}

pub(crate) async fn an_upcaster_is_declared_replaced_and_removed(disk: Disk) {
    let store = disk.open().await;
    let first = declared(Some("1"), moved("/a", "/b"));
    assert_eq!(register(&store, "1", TypeChange::default()).await, Registered::Created);
    assert_eq!(register(&store, "2", first.clone()).await, Registered::Created);
    assert_eq!(register(&store, "2", first).await, Registered::Unchanged);
    let schema = Some(value!({"type": "object"}));
    let other = TypeChange {
        schema,
        ..TypeChange::default()
    };
    assert_eq!(register(&store, "2", other).await, Registered::Changed);
    assert_eq!(known(&store, "2").await, Some(upcast(Some("1"), moved("/a", "/b"))));
    let second = declared(Some("1"), moved("/a", "/c"));
    assert_eq!(register(&store, "2", second).await, Registered::Changed);
    // A version that becomes the active one takes it along.
    let third = declared(Some("2"), value!([]));
    store.register_shadow(&created(), &label("3"), third).await.unwrap();
    let active = store.activate(&created(), &label("3"), TypeChange::default()).await;
    assert_eq!(active.unwrap(), Registered::Changed);

    let before = store.types().await.unwrap();
    let wrong = [
        ("1", declared(Some("1"), value!([])), "/from"),
        ("1", declared(Some("3"), value!([])), "/from"),
        ("2", declared(Some("1"), moved("/a", "")), "/steps/0/to"),
    ];
    for (version, change, pointer) in wrong {
        match store.register(&created(), &label(version), change).await {
            Err(Error::Upcast(error)) => assert_eq!(error.pointer, pointer),
            other => panic!("{version}: {other:?}"),
        }
    }
    assert_eq!(store.types().await.unwrap(), before);
    store.close().await.unwrap();

    let store = disk.open().await;
    assert_eq!(store.types().await.unwrap(), before);
    let joined = store.registry().upcaster(&created(), Some(&label("1")), &label("3"));
    assert_eq!(joined.unwrap().steps().len(), 1);
    let removed = TypeChange {
        upcast: Some(Change::Removed),
        ..TypeChange::default()
    };
    assert_eq!(register(&store, "2", removed.clone()).await, Registered::Changed);
    assert_eq!(register(&store, "2", removed).await, Registered::Unchanged);
    assert_eq!(
        (known(&store, "2").await, store.types().await.unwrap().len()),
        (None, 3)
    );
}

fn options(upcast: Option<Target>) -> ExportOptions {
    ExportOptions {
        upcast,
        ..ExportOptions::default()
    }
}

async fn exported(store: &EventStore, upcast: Option<Target>) -> Vec<StoredEvent> {
    let mut export = store.export(&options(upcast)).await.unwrap();
    let mut events = Vec::new();
    while let Some(page) = export.next().await.unwrap() {
        events.extend(page);
    }
    events
}

/// All pages, one after another.
async fn paged(store: &EventStore, order: Order, upcast: Option<Target>) -> Vec<StoredEvent> {
    let mut page = Page {
        order,
        limit: 7,
        upcast,
        ..Page::new(Filter::new())
    };
    let mut events = Vec::new();
    loop {
        let found = store.page(&page).await.unwrap();
        events.extend(found.events);
        let Some(next) = found.next else { return events };
        page.cursor = Some(Cursor::read(&next, &page.question()).unwrap());
    }
}

/// What reading an event as one of version 3 is to give: no version → 1 → 2 → 3.
fn expected(stored: &StoredEvent, ways: &[Upcaster; 3], schema: &Schema) -> StoredEvent {
    let three = label("3");
    let from = stored.event.envelope().version.clone();
    let first = match from.as_ref().map(Label::as_str) {
        None => Some(0),
        Some("1") => Some(1),
        Some("2") => Some(2),
        _ => None,
    };
    let lifted = match first {
        None => Err((from.as_ref() != Some(&three)).then_some(NotLifted::NoUpcaster)),
        Some(first) => {
            let upcaster = ways[first..].iter().cloned().fold(Upcaster::default(), Upcaster::then);
            let lifted = upcaster.lift(stored, &three, Some(schema), &Limits::DEFAULT);
            lifted.map_err(|error| Some(NotLifted::Failed(error)))
        }
    };
    lifted.unwrap_or_else(|error| {
        let mut kept = stored.clone();
        let to = Some(three);
        kept.upcast = Some(Box::new(Lift { from, to, error }));
        kept
    })
}

pub(crate) async fn to_read_lifted_is_to_lift_what_was_read(disk: Disk) {
    let store = disk.open().await;
    let mut runner = TestRunner::deterministic();
    let mut any = |count: usize| {
        let objects = proptest::collection::vec(arbitrary::small_object(), count);
        objects.new_tree(&mut runner).unwrap().current()
    };
    let named = |number: usize, version: Option<&str>, data: &Value| {
        let version = version
            .map(|version| format!(r#","version":"{version}""#))
            .unwrap_or_default();
        // Several of one instant, so that pages end among them.
        let (day, session) = (number % 9 + 1, number % 3);
        let rest = format!(r#"{version},"session_id":"s-{session}","occurred_at":"2026-01-0{day}","data":{data}"#);
        json(&format!("e-{number}"), &rest)
    };
    // Before any version is registered an event has the one that it names, or none.
    let versions = [None, Some("1"), Some("2"), Some("3"), Some("x")];
    let data = any(60);
    let offers = data.iter().enumerate();
    let offers: Vec<Offer> = offers
        .map(|(number, data)| named(number, versions[number % 5], data))
        .collect();
    ingest(&store, offers).await;
    let plain = paged(&store, Order::Ascending, None).await;
    let log = store.log(0, 1_000).await.unwrap();
    assert_eq!((plain.len(), log.len()), (60, 60));

    let schema = value!({"properties": {"a": {"type": ["string", "number", "object"]}}});
    let compiled = Schema::compile(&schema).unwrap();
    let (mut lifted, mut failed) = (0, 0);
    for round in 0..6 {
        let mut runner = TestRunner::deterministic();
        let mut way = |skipped: usize| {
            let steps = proptest::collection::vec(arbitrary::step(), 0..4);
            let upcaster = steps.prop_map(Upcaster::new);
            let trees = (0..=skipped).map(|_| upcaster.new_tree(&mut runner).unwrap().current());
            let upcaster = trees.last().unwrap();
            // A place that is none, or where the value is already, cannot be declared.
            let taken = |upcaster: &Upcaster| Upcast {
                from: None,
                steps: upcaster.clone(),
            };
            let good = taken(&upcaster).check(&label("y"), &Limits::DEFAULT).is_ok();
            if good { upcaster } else { Upcaster::default() }
        };
        let ways = [way(3 * round), way(3 * round + 1), way(3 * round + 2)];
        for ((version, from), steps) in [("1", None), ("2", Some("1")), ("3", Some("2"))].into_iter().zip(&ways) {
            let change = TypeChange {
                schema: (version == "3").then(|| schema.clone()),
                upcast: Some(Change::Declared(Upcast {
                    from: from.map(label),
                    steps: steps.clone(),
                })),
                ..TypeChange::default()
            };
            register(&store, version, change).await;
        }
        for target in [Target::Active, Target::Version(label("3"))] {
            let mut expected: Vec<_> = plain.iter().map(|stored| expected(stored, &ways, &compiled)).collect();
            let lifts = expected.iter().map(|stored| stored.upcast.as_ref().unwrap());
            failed += lifts
                .clone()
                .filter(|lift| matches!(lift.error, Some(NotLifted::Failed(_))))
                .count();
            lifted += lifts
                .filter(|lift| lift.error.is_none() && lift.from != lift.to)
                .count();
            assert_eq!(paged(&store, Order::Ascending, Some(target.clone())).await, expected);
            expected.reverse();
            assert_eq!(paged(&store, Order::Descending, Some(target.clone())).await, expected);
            expected.sort_by_key(|stored| stored.position);
            assert_eq!(exported(&store, Some(target.clone())).await, expected);
            let session = store.session(&SessionId::new("s-1").unwrap()).await.unwrap().unwrap();
            let of_session = store.lift(session.events.clone(), &target).await.unwrap();
            for (plain, lifted) in session.events.iter().zip(&of_session) {
                let found = expected.iter().find(|stored| stored.position == plain.position);
                assert_eq!(found, Some(lifted));
            }
            for stored in &expected[..5] {
                let Receipt::Found(found) = store.receipt(&stored.event.envelope().id, None).await.unwrap() else {
                    panic!("not stored");
                };
                assert_eq!(
                    store.lift(vec![*found], &target).await.unwrap(),
                    std::slice::from_ref(stored)
                );
            }
        }
        // What is stored is as it was.
        assert_eq!(paged(&store, Order::Ascending, None).await, plain);
        assert_eq!(store.log(0, 1_000).await.unwrap(), log);
    }
    assert!(lifted > 100 && failed > 20, "{lifted} lifted, {failed} failed");
}

pub(crate) async fn files_of_lifted_events_say_what_they_were(disk: Disk) {
    let store = disk.open().await;
    register(&store, "1", TypeChange::default()).await;
    let data = |data: &str| format!(r#","version":"1","occurred_at":"2026-01-01","data":{data}"#);
    let (good, bad) = (data(r#"{"a":1}"#), data(r#"{"a":2,"b":3}"#));
    ingest(&store, vec![json("good", &good), json("bad", &bad)]).await;
    register(&store, "2", declared(Some("1"), moved("/a", "/b"))).await;
    let csv = |upcast| {
        let store = store.clone();
        async move {
            let columns = vec!["/b".parse().unwrap()];
            let options = options(upcast);
            let mut bytes = store.export(&options).await.unwrap().csv(CsvOptions {
                columns,
                ..CsvOptions::default()
            });
            let mut text = Vec::new();
            while let Some(chunk) = bytes.next().await.unwrap() {
                text.extend(chunk);
            }
            let text = String::from_utf8(text).unwrap();
            let cut = |line: &str| {
                let fields: Vec<&str> = line.split(',').collect();
                [&fields[4..5], &fields[12..]].concat().join(",")
            };
            text.lines().map(cut).collect::<Vec<_>>()
        }
    };
    assert_eq!(csv(None).await, ["version,flags,/b", "1,,", "1,,3"]);
    let lifted = csv(Some(Target::Active)).await;
    let expected = [
        "version,flags,stored_version,upcast_error,/b",
        "2,,1,,1",
        "1,,1,place_taken,3",
    ];
    assert_eq!(lifted, expected);

    let mut batches = store.export(&options(Some(Target::Active))).await.unwrap().batches();
    let names = batches.schema();
    let names: Vec<&str> = names.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names[12..], ["flags", "stored_version", "upcast_error", "data"]);
    assert_eq!(batches.next().await.unwrap().unwrap().num_columns(), 16);

    // A folder goes on with what it began with.
    let folder = tempfile::tempdir().unwrap();
    let write = async |upcast: Option<Target>| {
        let parquet = ParquetOptions::default();
        store
            .export_parquet(folder.path(), &options(upcast), &parquet, |_| {})
            .await
    };
    let two = Some(Target::Version(label("2")));
    assert_eq!(write(two.clone()).await.unwrap().events, 2);
    assert_eq!(write(two).await.unwrap().events, 2);
    assert!(matches!(write(None).await, Err(Error::Config(_))));
    assert!(matches!(write(Some(Target::Active)).await, Err(Error::Config(_))));
}

fn all() -> Work {
    Work::on(Selection::default())
}

async fn replay(store: &EventStore, work: Work) -> Replayed {
    store.replay(&work, |_| ()).await.unwrap()
}

fn outcomes(replayed: &Replayed) -> Vec<(Status, Option<Code>, u64)> {
    let outcomes = replayed.outcomes.iter();
    let mut outcomes: Vec<_> = outcomes.map(|it| (it.status, it.code, it.entries)).collect();
    outcomes.sort_by_key(|(status, code, _)| (status.as_str(), *code));
    outcomes
}

pub(crate) async fn a_replay_lifts_before_it_judges(disk: Disk) {
    let store = disk.open().await;
    let total = value!({"required": ["total"], "properties": {"total": {"type": "number"}}});
    let of = |schema: &Value, upcast| TypeChange {
        schema: Some(schema.clone()),
        upcast,
        ..TypeChange::default()
    };
    let strict = value!({"properties": {"sum": {"type": "number"}}});
    register(&store, "1", of(&strict, None)).await;
    let steps = value!([
        {"step": "move", "from": "/sum", "to": "/total"},
        {"step": "convert", "at": "/total", "to": "number"},
    ]);
    let lifts = Some(Change::Declared(upcast(Some("1"), steps)));
    register(&store, "2", of(&total, lifts)).await;
    let one = |name: &str, data: &str| json(name, &format!(r#","version":"1","data":{data}"#));
    let offers = || {
        vec![
            one("good", r#"{"sum":"7"}"#),
            one("no number", r#"{"sum":"secret"}"#),
            one("still wrong", r#"{"sum":null}"#),
            json("unnamed", r#","data":{"sum":"7"}"#),
        ]
    };
    // An id with a space in it is none: what these came in as is not their affair here.
    let offers = || {
        offers().into_iter().map(|offer| match offer {
            Offer::Json(bytes) => Offer::Json(String::from_utf8(bytes).unwrap().replacen(' ', "-", 1).into_bytes()),
            other => other,
        })
    };
    ingest(&store, offers().collect()).await;
    let before = quarantine(&store).await;
    assert_eq!(before.len(), 4);

    let refused = |code| (Status::Quarantined, Some(code));
    let count = |(status, code), entries| (status, code, entries);
    assert_eq!(
        outcomes(&replay(&store, all().dry()).await),
        [count(refused(Code::SchemaViolation), 4)]
    );
    let expected = [
        count(refused(Code::SchemaViolation), 2),
        count(refused(Code::UpcastFailed), 1),
        (Status::Stored, None, 1),
    ];
    let dry = replay(&store, all().lifted(Target::Active).dry()).await;
    assert_eq!(outcomes(&dry), expected);
    let told = dry
        .outcomes
        .iter()
        .find(|outcome| outcome.status == Status::Stored)
        .unwrap();
    let lift = told.samples[0].upcast.clone().unwrap();
    assert_eq!(
        (lift.from, lift.to, lift.error),
        (Some(label("1")), Some(label("2")), None)
    );
    assert!(!serde_json::to_string(&dry).unwrap().contains("secret"));
    assert_eq!(
        (quarantine(&store).await, store.head().await.unwrap()),
        (before.clone(), 0)
    );

    // By two at once: each event is stored once.
    let work = || all().lifted(Target::Version(label("2")));
    let (one, other) = tokio::join!(replay(&store, work()), replay(&store, work()));
    let stored = |replayed: &Replayed| {
        let outcomes = replayed
            .outcomes
            .iter()
            .filter(|outcome| outcome.status == Status::Stored);
        outcomes.map(|outcome| outcome.entries).sum::<u64>()
    };
    assert_eq!(stored(&one) + stored(&other), 1);
    let log = store.log(0, 10).await.unwrap();
    let [event] = log.as_slice() else { panic!("{log:?}") };
    let envelope = event.event.envelope();
    assert_eq!((&envelope.id, &envelope.version), (&id("good"), &Some(label("2"))));
    assert_eq!(event.event.payload().as_str(), r#"{"total":7}"#);
    assert_eq!(
        (event.received_at, &envelope.source),
        (before[0].received_at, &before[0].source)
    );

    // What came in stays, and what was done to it is written down.
    let entry = store.quarantined(before[0].number).await.unwrap().unwrap();
    assert_eq!((entry.entry.state, &entry.entry.raw), (State::Replayed, &before[0].raw));
    let detail = format!("stored at position {}, lifted from version 1 to 2", event.position);
    assert_eq!(
        (entry.history[0].action, entry.history[0].detail.as_deref()),
        (Action::Replayed, Some(detail.as_str()))
    );
    let entry = store.quarantined(before[1].number).await.unwrap().unwrap();
    assert_eq!((entry.entry.state, entry.entry.code), (State::Open, Code::UpcastFailed));
    assert_eq!(entry.entry.violations[0].pointer, "/data/total");
    assert!(
        !serde_json::to_string(&entry.entry.violations)
            .unwrap()
            .contains("secret")
    );

    // The very document again, however often, is the same event.
    let again = replay(
        &store,
        Work::on(Selection::Numbers(vec![before[0].number])).lifted(Target::Active),
    )
    .await;
    assert_eq!((again.entries, again.skipped), (0, 1));
    ingest(&store, offers().take(1).collect()).await;
    assert_eq!(stored(&replay(&store, all().lifted(Target::Active)).await), 0);
    register(&store, "1", of(&value!({}), None)).await;
    let verdict = offer(&store, offers().next().unwrap()).await;
    assert_eq!(
        (verdict.status, verdict.position),
        (Status::Duplicate, Some(event.position))
    );

    // No way leads from a version that nobody lifts: it is judged as what it is.
    ingest(
        &store,
        vec![json("bad-total", r#","version":"2","data":{"total":"x"}"#)],
    )
    .await;
    let back = replay(&store, all().lifted(Target::Version(label("1"))).dry()).await;
    let sample = back.outcomes.iter().flat_map(|outcome| &outcome.samples);
    let lifts: Vec<_> = sample.filter_map(|sample| sample.upcast.clone()).collect();
    assert!(
        lifts.iter().any(|lift| lift.error == Some(NotLifted::NoUpcaster)),
        "{lifts:?}"
    );
}

pub(crate) async fn another_process_learns_of_them(disk: Disk) {
    let (one, other) = (disk.open().await, disk.open().await);
    register(&one, "1", TypeChange::default()).await;
    register(&one, "2", declared(Some("1"), moved("/a", "/b"))).await;
    offer(&one, json("e", r#","version":"1","data":{"a":1}"#)).await;
    let events = one.log(0, 10).await.unwrap();
    for _ in 0..100 {
        let lifted = other.lift(events.clone(), &Target::Active).await.unwrap();
        if lifted[0].event.payload().as_str() == r#"{"b":1}"# {
            let mut registry = Registry::default();
            let steps = upcast(Some("1"), moved("/a", "/b"));
            let definition = Definition {
                upcast: Some(steps),
                ..Definition::default()
            };
            registry.insert(created(), label("2"), definition);
            let mut lifter = Lifter::new(&registry, &Target::Active, Limits::DEFAULT);
            assert_eq!(lifter.lift(events[0].clone()), lifted[0]);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the other process never learned");
}

#[test]
fn reasons_repeat_no_value() {
    let error = NotLifted::Failed(UpcastError::NotConvertible("/total".parse().unwrap()));
    let expected = value!({"code": "not_convertible", "message": "the value at /total is none of this type"});
    assert_eq!(value!(error), expected);
}
