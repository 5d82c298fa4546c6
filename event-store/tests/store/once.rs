//! Each event once, whoever sends it and how often.

use std::collections::HashMap;
use std::time::Duration;

use event_core::event::Reception;
use event_core::policy::{Policy, Storage};
use event_core::query::Page;
use event_core::verdict::Status;
use event_core::{Code, Event, EventId, Filter, Limits, Source};
use event_store::{Offer, Options, Origin, Receipt, TypeChange};

use crate::disk::Disk;
use crate::sample::{count, created, id, ingest, json, label, offer, origin, quarantine, statuses, text};

pub(crate) async fn a_hundred_callers_of_the_same_events_store_each_once(disk: Disk) {
    const CALLERS: usize = 100;
    const EVENTS: usize = 1_000;
    let store = disk
        .open_with(Options::new().request_timeout(Duration::from_secs(60)))
        .await;
    let mut callers = Vec::new();
    for caller in 0..CALLERS {
        let store = store.clone();
        callers.push(tokio::spawn(async move {
            // Each starts elsewhere, so that their batches overlap in every way.
            let from = caller * EVENTS / CALLERS;
            let numbers: Vec<usize> = (from..from + EVENTS).map(|number| number % EVENTS).collect();
            let mut verdicts = Vec::new();
            for batch in numbers.chunks(50 + caller) {
                let offers = batch.iter().map(|number| {
                    json(
                        &format!("e-{number}"),
                        &format!(r#","session_id":"s-{}","data":{{"n":{number}}}"#, number % 7),
                    )
                });
                verdicts.extend(store.ingest(offers.collect(), &origin()).await.unwrap());
            }
            verdicts
        }));
    }
    let mut places: HashMap<EventId, i64> = HashMap::new();
    let (mut stored, mut duplicates) = (0, 0);
    for caller in callers {
        for verdict in caller.await.unwrap() {
            match verdict.status {
                Status::Stored => stored += 1,
                Status::Duplicate => duplicates += 1,
                other => panic!("{other:?}"),
            }
            // All of them are told the same place.
            let (id, place) = (verdict.id.unwrap(), verdict.position.unwrap());
            assert_eq!(*places.entry(id).or_insert(place), place);
        }
    }
    assert_eq!((stored, duplicates), (EVENTS, (CALLERS - 1) * EVENTS));
    assert_eq!(places.len(), EVENTS);
    assert_eq!(count(&store).await, 1_000);
    for (id, place) in places.iter().take(50) {
        let Receipt::Found(event) = store.receipt(id, None).await.unwrap() else {
            panic!("{id} is not there")
        };
        assert_eq!(event.position, *place);
    }
    assert!(quarantine(&store).await.is_empty());
}

pub(crate) async fn the_same_twice_in_one_batch(disk: Disk) {
    let store = disk.open().await;
    let one = json("1", r#","data":{"a":1,"b":2}"#);
    let same = json("1", r#","data":{"b":2.0,"a":1e0}"#);
    let verdicts = ingest(&store, vec![one.clone(), json("2", ""), same, one]).await;
    assert_eq!(
        statuses(&verdicts),
        [Status::Stored, Status::Stored, Status::Duplicate, Status::Duplicate]
    );
    assert_eq!(verdicts[0].position, verdicts[2].position);
    assert_eq!(verdicts[0].position, verdicts[3].position);
    assert_eq!(count(&store).await, 2);
}

pub(crate) async fn a_large_batch_is_told_as_its_events_would_be_one_by_one(disk: Disk) {
    // By its socket PostgreSQL is given large batches in another way.
    if disk.name() == "postgres"
        && let Some(near) = disk.by_socket().await
    {
        tell_a_large_batch(near).await;
    }
    tell_a_large_batch(disk).await;
}

async fn tell_a_large_batch(disk: Disk) {
    const EVENTS: usize = 1_500;
    let store = disk.open().await;
    let event = |id: &str, number: usize| {
        let members = match number % 4 {
            0 => String::new(),
            1 => format!(r#","session_id":"s-{}","sequence":{number}"#, number / 9),
            2 => format!(
                r#","subject":"c-{}","sent_at":"2026-01-01T00:00:{:02}Z""#,
                number % 7,
                number % 60
            ),
            _ => format!(r#","session_id":"s-{}","subject":"Zoë 🦀""#, number % 5),
        };
        let data = "\\u00e9 ".repeat(number % 90);
        text(id, &format!(r#"{members},"data":{{"n":{number},"text":"{data}"}}"#))
    };
    let old: Vec<String> = (0..10).map(|number| event(&format!("old-{number}"), number)).collect();
    let offers = |texts: &[String]| {
        texts
            .iter()
            .map(|text| Offer::Json(text.clone().into_bytes()))
            .collect()
    };
    let before = ingest(&store, offers(&old)).await;
    // What is offered as each, and which of the others it has the place of.
    let own = |number: usize| event(&format!("e-{number}"), number);
    let made = |number: usize| match number % 50 {
        10 => (old[number / 50 % 10].clone(), Status::Duplicate),
        20 => (event(&format!("old-{}", number / 50 % 10), number), Status::Conflict),
        // One that is here already, in this very batch, or as it would be.
        30 => (own(number - 7), Status::Duplicate),
        40 => (event(&format!("e-{}", number - 7), number), Status::Conflict),
        45 => ("{".to_owned(), Status::Quarantined),
        // Of another source.
        49 => (own(number - 7).replacen('{', r#"{"source":"till","#, 1), Status::Stored),
        _ => (own(number), Status::Stored),
    };
    let (texts, expected): (Vec<String>, Vec<Status>) = (0..EVENTS).map(made).unzip();
    let verdicts = ingest(&store, offers(&texts)).await;
    assert_eq!(statuses(&verdicts), expected);
    for (number, verdict) in verdicts.iter().enumerate() {
        match number % 50 {
            10 => assert_eq!(verdict.position, before[number / 50 % 10].position),
            30 => assert_eq!(verdict.position, verdicts[number - 7].position),
            _ => assert_eq!(verdict.position.is_some(), verdict.status == Status::Stored),
        }
    }
    let stored = expected.iter().filter(|status| **status == Status::Stored).count();
    assert_eq!(count(&store).await, (stored + before.len()) as u64);
    // The same again, whole and in pieces of all sizes: whatever was stored is there, at its place.
    let mut again = ingest(&store, offers(&texts)).await;
    let (mut from, mut sizes) = (0, (1..).map(|size| size * 7 % 130 + 1));
    while from < EVENTS {
        let to = EVENTS.min(from + sizes.next().unwrap());
        again.extend(ingest(&store, offers(&texts[from..to])).await);
        from = to;
    }
    for (number, verdict) in again.iter().enumerate() {
        let first = &verdicts[number % EVENTS];
        let status = match first.status {
            Status::Stored => Status::Duplicate,
            status => status,
        };
        assert_eq!((verdict.status, verdict.position), (status, first.position), "{number}");
    }
    let mut read = 0;
    let all = Page::new(Filter::new());
    let each = store.each(&all, |stored| {
        let id = stored.event.envelope().id.as_str();
        let text = match id.strip_prefix("e-") {
            Some(number) => own(number.parse().unwrap()),
            None => old[id["old-".len()..].parse::<usize>().unwrap()].clone(),
        };
        let written: serde_json::Value = serde_json::to_value(&stored.event).unwrap();
        let offered: serde_json::Value = serde_json::from_str(&text).unwrap();
        for member in ["id", "session_id", "subject", "sequence", "data"] {
            assert_eq!(written.get(member), offered.get(member), "{id}: {member}");
        }
        read += 1;
    });
    each.await.unwrap();
    assert_eq!(read, stored + before.len());
}

pub(crate) async fn one_id_with_other_content_is_kept_beside_the_first(disk: Disk) {
    let store = disk.open().await;
    let other = text("1", r#","data":{ "a" : 2 }"#);
    assert_eq!(
        offer(&store, json("1", r#","data":{"a":1}"#)).await.status,
        Status::Stored
    );
    let verdict = offer(&store, Offer::Json(other.clone().into_bytes())).await;
    assert_eq!(
        (verdict.status, verdict.code, verdict.position),
        (Status::Conflict, Some(Code::IdConflict), None)
    );
    assert_eq!(verdict.violations[0].pointer, "/id");
    // In one batch with the event it contradicts, too.
    let pair = vec![json("2", r#","data":{"a":1}"#), json("2", r#","data":{"a":2}"#)];
    assert_eq!(
        statuses(&ingest(&store, pair).await),
        [Status::Stored, Status::Conflict]
    );

    let entries = quarantine(&store).await;
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0].raw.as_deref(), Some(other.as_str()));
    assert_eq!(
        (entries[0].code, entries[0].id.clone()),
        (Code::IdConflict, Some(id("1")))
    );
    for name in ["1", "2"] {
        let Receipt::Found(event) = store.receipt(&id(name), None).await.unwrap() else {
            panic!()
        };
        assert_eq!(event.event.payload().as_str(), r#"{"a":1}"#);
    }
}

pub(crate) async fn an_event_made_in_rust_is_kept_as_json_that_can_be_offered_again(disk: Disk) {
    let store = disk.open().await;
    let event = |value: i64| {
        let source = Source::new("till").unwrap();
        let reception = Reception {
            received_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            source: &source,
            zone: chrono_tz::Tz::UTC,
            limits: Limits::default(),
            new_id: &|| EventId::new("made-here").unwrap(),
        };
        let builder = Event::builder("order", "created")
            .id("1")
            .session_id("s")
            .sequence(3)
            .subject("c 1");
        builder.field("value", value).build(&reception).unwrap()
    };
    assert_eq!(offer(&store, event(1).into()).await.status, Status::Stored);
    assert_eq!(offer(&store, event(1).into()).await.status, Status::Duplicate);
    assert_eq!(offer(&store, event(2).into()).await.status, Status::Conflict);
    let raw = quarantine(&store).await.remove(0).raw.unwrap();
    // It conflicts as it did, and under another id it is the event that was meant.
    assert_eq!(
        offer(&store, Offer::Json(raw.clone().into_bytes())).await.status,
        Status::Conflict
    );
    let mended = raw.replace(r#""id":"1""#, r#""id":"2""#);
    assert_eq!(
        offer(&store, Offer::Json(mended.into_bytes())).await.status,
        Status::Stored
    );
    let Receipt::Found(stored) = store.receipt(&id("2"), None).await.unwrap() else {
        panic!()
    };
    let envelope = stored.event.envelope();
    assert_eq!((envelope.source.as_str(), envelope.sequence), ("till", Some(3)));
    assert_eq!(stored.event.payload().as_str(), r#"{"value":2}"#);
}

pub(crate) async fn one_id_from_two_sources_is_two_events(disk: Disk) {
    let store = disk.open().await;
    let (shop, till) = (Source::new("shop").unwrap(), Source::new("till").unwrap());
    let verdicts = ingest(&store, vec![json("1", ""), json("1", r#","source":"till""#)]).await;
    assert_eq!(statuses(&verdicts), [Status::Stored, Status::Stored]);
    let again = store
        .ingest(vec![json("1", "")], &Origin::new(till.clone()))
        .await
        .unwrap();
    assert_eq!(
        (again[0].status, again[0].position),
        (Status::Duplicate, verdicts[1].position)
    );
    assert_eq!(
        store.receipt(&id("1"), None).await.unwrap(),
        Receipt::Ambiguous(vec![shop.clone(), till.clone()])
    );
    for (source, verdict) in [(shop, &verdicts[0]), (till, &verdicts[1])] {
        let Receipt::Found(event) = store.receipt(&id("1"), Some(&source)).await.unwrap() else {
            panic!()
        };
        assert_eq!(
            (Some(event.position), &event.event.envelope().source),
            (verdict.position, &source)
        );
    }
    let nobody = Source::new("nobody").unwrap();
    assert_eq!(store.receipt(&id("1"), Some(&nobody)).await.unwrap(), Receipt::Missing);
    assert_eq!(store.receipt(&id("3"), None).await.unwrap(), Receipt::Missing);
}

pub(crate) async fn a_retry_after_a_later_version_is_the_same_event(disk: Disk) {
    let store = disk.open().await;
    let kind = created();
    let change = TypeChange::default();
    store.register(&kind, &label("1"), change.clone()).await.unwrap();
    let first = offer(&store, json("1", "")).await;
    store.register(&kind, &label("2"), change).await.unwrap();
    let again = offer(&store, json("1", "")).await;
    assert_eq!((again.status, again.position), (Status::Duplicate, first.position));
}

pub(crate) async fn a_retry_that_its_type_refuses_by_now_is_the_same_event(disk: Disk) {
    let store = disk.open().await;
    let change = |storage, schema: Option<&str>| TypeChange {
        schema: schema.map(|schema| serde_json::from_str(schema).unwrap()),
        policy: Some(Policy {
            storage,
            ..Policy::default()
        }),
        ..TypeChange::default()
    };
    let mut places = Vec::new();
    for (number, storage) in [Storage::Events, Storage::CountsOnly].into_iter().enumerate() {
        let versions = [2 * number, 2 * number + 1].map(|version| label(&version.to_string()));
        store
            .register(&created(), &versions[0], change(storage, None))
            .await
            .unwrap();
        let first = offer(&store, json(&format!("e-{number}"), "")).await;
        assert_eq!(first.status, Status::Stored);
        places.push(first.position);
        let stricter = change(storage, Some(r#"{"required": ["n"]}"#));
        store.register(&created(), &versions[1], stricter).await.unwrap();
    }
    let batch = || {
        vec![
            json("e-0", ""),
            json("new", ""),
            json("e-1", ""),
            json("e-0", r#","data":{"m":1}"#),
        ]
    };
    for _ in 0..2 {
        let verdicts = ingest(&store, batch()).await;
        let expected = [
            Status::Duplicate,
            Status::Quarantined,
            Status::Duplicate,
            Status::Quarantined,
        ];
        assert_eq!(statuses(&verdicts), expected);
        assert_eq!([verdicts[0].position, verdicts[2].position], places[..]);
        assert_eq!(verdicts[3].code, Some(Code::SchemaViolation));
    }
    let kept: Vec<_> = quarantine(&store)
        .await
        .into_iter()
        .filter_map(|entry| entry.id)
        .collect();
    assert_eq!(kept.len(), 2);
    assert!(!kept.contains(&id("e-1")));
}
