//! What is offered: batch after batch of events of each kind, the same in every run.

use std::collections::BTreeMap;

use event_store::Offer;

use crate::journal::Batch;

/// What becomes of an event, if all goes well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A row.
    Row,
    /// It is counted, and its id is kept.
    Counted,
    /// It is refused, and becomes a row when its type's schema is mended and it is replayed.
    Replayed,
    /// It is no event, and stays in the quarantine.
    Refused,
    /// Its id is taken by other content: it stays in the quarantine.
    Conflict,
}

/// An event to offer.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    /// Empty for what is no event.
    pub(crate) id: String,
    pub(crate) json: String,
    pub(crate) fate: Fate,
}

/// From this batch of a caller on nobody sends what its schema refuses: it would be allowed by then.
pub(crate) const STRICT: usize = 4;

fn planned(fate: Fate, id: String, members: &str) -> Planned {
    let json = format!(r#"{{"id":"{id}",{members}}}"#);
    Planned { id, json, fate }
}

fn order(fate: Fate, id: String, (caller, number): Batch, total: &str) -> Planned {
    let (day, minute, subject) = (1 + number % 3, number % 60, (number + id.len()) % 4);
    let members = format!(
        r#""category":"order","name":"created","occurred_at":"2024-03-0{day}T10:{minute:02}:00Z","subject":"s-{subject}","session_id":"c-{caller}","data":{{"province":"p-{}","total":{total}}}"#,
        number % 3
    );
    planned(fate, id, &members)
}

/// One that only this caller offers.
fn own((caller, number): Batch, event: usize) -> Planned {
    let total = format!("{}.25", 10 + event);
    order(
        Fate::Row,
        format!("o-{caller}-{number}-{event}"),
        (caller, number),
        &total,
    )
}

fn tick((caller, number): Batch) -> Planned {
    let members = r#""category":"tick","name":"seen","occurred_at":"2024-03-05T12:00:00Z","subject":"s-1""#;
    planned(Fate::Counted, format!("t-{caller}-{number}"), members)
}

/// The events of a batch, in their order.
pub(crate) fn batch(of: Batch) -> Vec<Planned> {
    let (caller, number) = of;
    let mut events = vec![own(of, 0), own(of, 1), tick(of), own(of, 2)];
    // The same again, at once and in the next batch.
    events.push(own(of, 0));
    if let Some(before) = number.checked_sub(1) {
        events.extend([own((caller, before), 1), tick((caller, before))]);
    }
    // One that every caller offers.
    events.push(order(Fate::Row, format!("all-{number}"), (0, number), "1"));
    events.push(order(Fate::Conflict, format!("o-{caller}-{number}-0"), of, "99"));
    if number < STRICT {
        events.push(order(Fate::Replayed, format!("bad-{caller}-{number}"), of, r#""7""#));
    }
    events.push(Planned {
        id: String::new(),
        json: format!("broken {caller} {number}"),
        fate: Fate::Refused,
    });
    events
}

/// As it is offered.
pub(crate) fn offers(of: Batch) -> Vec<Offer> {
    let planned = batch(of).into_iter();
    planned.map(|event| Offer::Json(event.json.into_bytes())).collect()
}

/// By their ids, the events of these batches that are to be found under them.
pub(crate) fn by_id<'a>(batches: impl Iterator<Item = &'a Batch>) -> BTreeMap<String, Planned> {
    let events = batches.flat_map(|of| batch(*of));
    let found = events.filter(|event| matches!(event.fate, Fate::Row | Fate::Counted | Fate::Replayed));
    found.map(|event| (event.id.clone(), event)).collect()
}
