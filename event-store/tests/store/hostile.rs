//! The table of bad input: every event of it gets the same verdict on every database, and what is
//! kept of it comes out as it went in.

use event_core::policy::{Policy, UnknownTypes};
use event_core::verdict::Status;
use event_core::{Event, EventType, Label, Source};
use event_store::{EventStore, Offer, Options, Origin, QuarantinePage, Receipt, TypeChange};
use serde_json::{Value, json};

use crate::disk::Disk;
use crate::table::{self, Case, Words, differences};

fn unknown_types(case: &Case) -> Option<UnknownTypes> {
    Some(match case.settings().get("unknown-types")?.as_str() {
        "quarantine" => UnknownTypes::Quarantine,
        "reject" => UnknownTypes::Reject,
        other => panic!("{other}"),
    })
}

fn origin(case: &Case) -> Origin {
    let mut origin = Origin::new(Source::new("unknown").unwrap());
    if let Some(zone) = case.settings().get("timezone") {
        origin.zone = zone.parse().unwrap();
    }
    origin
}

/// Registers the type of a case, as if it had never been anything else.
async fn register(store: &EventStore, case: &Case) {
    let known = case.field("type");
    if !known.is_object() {
        return;
    }
    let text = |name: &str| known[name].as_str().unwrap();
    let policy = known.get("policy").map_or(Policy::default(), |policy| {
        serde_json::from_value(policy.clone()).unwrap()
    });
    let change = TypeChange {
        schema: Some(known.get("schema").cloned().unwrap_or(json!({}))),
        policy: Some(policy),
        ..TypeChange::default()
    };
    let event_type = EventType::new(text("category"), text("name")).unwrap();
    let version = Label::new(text("version")).unwrap();
    store.register(&event_type, &version, change).await.unwrap();
}

/// What is wrong with what became of a case.
async fn play(store: &EventStore, case: &Case) -> Option<Vec<String>> {
    let mut words = Words::new();
    let bytes = case.event(&words)?;
    register(store, case).await;
    let before = last(store).await;
    let offer = Offer::Json(bytes.clone());
    let verdict = store.ingest(vec![offer], &origin(case)).await.unwrap().remove(0);
    let mut found = differences(&case.verdict(), &json!(verdict), &mut words);
    if verdict.status == Status::Stored {
        let id = verdict.id.clone().unwrap();
        let Receipt::Found(stored) = store.receipt(&id, None).await.unwrap() else {
            return Some(vec!["it was not found again".to_owned()]);
        };
        if case.field("stored").is_object() {
            found.extend(differences(case.field("stored"), &json!(stored), &mut words));
        }
        let again = Offer::from(Event::clone(&stored.event));
        let again = store.ingest(vec![again], &origin(case)).await.unwrap().remove(0);
        // A time that the sender did not give was not part of the content.
        if !matches!(again.status, Status::Duplicate | Status::Conflict) {
            found.push(format!("what came out was {:?} when it went in again", again.status));
        }
        return Some(found);
    }
    let page = QuarantinePage {
        after: Some(before),
        ..QuarantinePage::default()
    };
    let kept = store.quarantine(&page).await.unwrap().entries;
    if verdict.status == Status::Rejected {
        found.extend((!kept.is_empty()).then(|| "it was kept".to_owned()));
        return Some(found);
    }
    let [entry] = kept.as_slice() else {
        found.push(format!("{} entries were kept", kept.len()));
        return Some(found);
    };
    if case.field("kept").is_object() {
        found.extend(differences(case.field("kept"), &json!(entry), &mut words));
    }
    let whole = match (&entry.raw, &entry.raw_hex) {
        (Some(text), None) => text.clone().into_bytes(),
        (None, Some(hex)) => (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect(),
        _ => Vec::new(),
    };
    let expected = case
        .number("kept_bytes")
        .map_or(bytes.len(), |bytes| usize::try_from(bytes).unwrap());
    if whole != bytes[..expected.min(bytes.len())] {
        found.push("other bytes were kept than came in".to_owned());
    }
    Some(found)
}

/// The number of the newest entry of the quarantine.
async fn last(store: &EventStore) -> i64 {
    let mut page = QuarantinePage {
        limit: 1_000,
        ..QuarantinePage::default()
    };
    loop {
        let listed = store.quarantine(&page).await.unwrap();
        match listed.entries.last() {
            Some(entry) => page.after = Some(entry.number),
            None => return page.after.unwrap_or(0),
        }
    }
}

pub(crate) async fn every_event_of_the_table_gets_its_verdict(disk: Disk) {
    let plain = disk.open().await;
    let (mut run, mut failures) = (0, Vec::new());
    for case in table::cases() {
        let found = match unknown_types(&case) {
            None => play(&plain, &case).await,
            Some(unknown) => {
                let elsewhere = disk.another();
                let store = elsewhere.open_with(Options::new().unknown_types(unknown)).await;
                let found = play(&store, &case).await;
                store.close().await.unwrap();
                found
            }
        };
        let Some(found) = found else { continue };
        run += 1;
        failures.extend(found.into_iter().map(|found| format!("{}: {found}", case.title())));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(run > 300, "{run} cases were run");
    let everything: Value = json!(plain.quarantine(&QuarantinePage::default()).await.unwrap());
    assert!(
        everything["entries"]
            .as_array()
            .is_some_and(|entries| entries.len() == 100)
    );
}
