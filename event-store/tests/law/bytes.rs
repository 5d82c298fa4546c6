//! The same goes in everywhere, and the same bytes come out.

use std::fmt::Write as _;

use event_core::filter::Filter;
use event_core::query::{Order, Page};
use event_core::{Event, Source};
use event_store::{EventStore, Offer, Origin, QuarantinePage, TypeChange};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde::Serialize;
use tokio::runtime::Runtime;

use crate::disk::Disk;
use crate::hostile;

/// JSON without the times at which this run received what it stores.
fn json(value: &impl Serialize) -> String {
    let mut out = String::new();
    let text = serde_json::to_string(value).unwrap();
    let mut parts = text.split("received_at\":\"");
    out.push_str(parts.next().unwrap());
    for part in parts {
        // Within a text the quotes would be escaped.
        let (_, rest) = part.split_once('"').unwrap();
        out.push_str("received_at\":\"…\"");
        out.push_str(rest);
    }
    out
}

/// Offers everything that there is, and writes down everything that can be asked.
async fn told(store: &EventStore, events: &[Event], drafts: &[hostile::Draft]) -> String {
    let mut told = String::new();
    let origin = Origin::new(Source::new("shop").unwrap());
    let kind = event_core::EventType::new("page", "Page").unwrap();
    let change = TypeChange {
        schema: Some(serde_json::json!({"properties": {"n": {"type": "integer"}, "s": {"maxLength": 1}}})),
        ..TypeChange::default()
    };
    let version = event_core::Label::new("1").unwrap();
    writeln!(told, "{:?}", store.register(&kind, &version, change).await.unwrap()).unwrap();
    for batch in events.chunks(20) {
        // Some come twice, some as text that is cut or is no text.
        let mut offers: Vec<Offer> = batch.iter().cloned().map(Offer::from).collect();
        for (number, event) in batch.iter().enumerate().filter(|(number, _)| number % 3 == 0) {
            let mut text = serde_json::to_vec(event).unwrap();
            match number % 4 {
                0 => text.truncate(text.len() * 2 / 3),
                1 => text.insert(1, 0xff),
                2 => text.extend(b" \t\r\n"),
                _ => text.insert(0, b'\0'),
            }
            offers.push(Offer::Json(text));
        }
        writeln!(told, "{}", json(&store.ingest(offers, &origin).await.unwrap())).unwrap();
    }
    for order in [Order::Ascending, Order::Descending] {
        let page = Page {
            order,
            limit: Page::MAX_LIMIT,
            ..Page::new(Filter::new())
        };
        writeln!(told, "{}", json(&store.page(&page).await.unwrap())).unwrap();
    }
    writeln!(told, "{}", json(&store.log(0, 10_000).await.unwrap())).unwrap();
    for event in events {
        let envelope = event.envelope();
        for source in [Some(&envelope.source), None] {
            match store.receipt(&envelope.id, source).await.unwrap() {
                event_store::Receipt::Found(stored) => writeln!(told, "{}", json(&stored)).unwrap(),
                other => writeln!(told, "{other:?}").unwrap(),
            }
        }
        if let Some(session) = &envelope.session_id {
            let session = store.session(session).await.unwrap();
            writeln!(told, "{}", json(&session)).unwrap();
        }
    }
    for draft in drafts {
        let query = draft.of(events);
        match store.answer(&query).await {
            Ok(answer) => writeln!(told, "{}", json(&answer)).unwrap(),
            Err(error) => writeln!(told, "{error:?}").unwrap(),
        }
        let page = Page {
            limit: 5,
            ..Page::new(query.filter.clone())
        };
        match store.page(&page).await {
            Ok(page) => writeln!(told, "{}", json(&page)).unwrap(),
            Err(error) => writeln!(told, "{error:?}").unwrap(),
        }
    }
    let mut after = None;
    loop {
        let asked = QuarantinePage {
            after,
            limit: 30,
            ..QuarantinePage::default()
        };
        let page = store.quarantine(&asked).await.unwrap();
        writeln!(told, "{}", json(&page.entries)).unwrap();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    writeln!(told, "{}", json(&store.quarantine_counts().await.unwrap())).unwrap();
    let mut types = json(&store.types().await.unwrap());
    if let Some(at) = types.find("registered_at") {
        types.truncate(at);
    }
    writeln!(told, "{types}").unwrap();
    told
}

pub(crate) fn what_goes_in_comes_out_as_the_same_bytes(disk: fn() -> Disk) {
    let mut runner = TestRunner::deterministic();
    let mut take = || {
        let events = proptest::collection::vec(hostile::event(), 200);
        let drafts = proptest::collection::vec(hostile::draft(), 150);
        (events, drafts).new_tree(&mut runner).unwrap().current()
    };
    let (events, drafts) = take();
    Runtime::new().unwrap().block_on(async {
        let first = told(&Disk::sqlite().open().await, &events, &drafts).await;
        let other = told(&disk().open().await, &events, &drafts).await;
        for (number, (first, other)) in first.lines().zip(other.lines()).enumerate() {
            let same = first
                .bytes()
                .zip(other.bytes())
                .take_while(|(one, other)| one == other)
                .count();
            let around = |line: &str| {
                String::from_utf8_lossy(line.as_bytes().get(same.saturating_sub(200)..).unwrap_or_default())
                    .chars()
                    .take(400)
                    .collect::<String>()
            };
            assert!(
                other == first,
                "line {number}:\n{}\nand on SQLite\n{}",
                around(other),
                around(first)
            );
        }
        assert_eq!(other.len(), first.len());
        // There was something to compare.
        assert!(first.len() > 200_000, "{}", first.len());
    });
}
