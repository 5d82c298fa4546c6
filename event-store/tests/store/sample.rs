//! Events to store.

use event_core::verdict::Status;
use event_core::{EventId, EventType, Label, Query, Source, Verdict};
use event_store::{EventStore, Offer, Origin, QuarantineEntry, QuarantinePage};

pub(crate) fn origin() -> Origin {
    Origin::new(Source::new("shop").unwrap())
}

/// One event as JSON: its id, and the rest of its members.
pub(crate) fn json(id: &str, members: &str) -> Offer {
    Offer::Json(text(id, members).into_bytes())
}

pub(crate) fn text(id: &str, members: &str) -> String {
    let kind = if members.contains("\"category\"") {
        ""
    } else {
        r#","category":"order","name":"created""#
    };
    format!(r#"{{"id":"{id}"{kind}{members}}}"#)
}

pub(crate) async fn ingest(store: &EventStore, offers: Vec<Offer>) -> Vec<Verdict> {
    store.ingest(offers, &origin()).await.unwrap()
}

/// The verdict on one offer.
pub(crate) async fn offer(store: &EventStore, offer: Offer) -> Verdict {
    ingest(store, vec![offer]).await.remove(0)
}

pub(crate) fn statuses(verdicts: &[Verdict]) -> Vec<Status> {
    verdicts.iter().map(|verdict| verdict.status).collect()
}

pub(crate) fn id(text: &str) -> EventId {
    EventId::new(text).unwrap()
}

pub(crate) fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

pub(crate) fn created() -> EventType {
    EventType::new("order", "created").unwrap()
}

/// How many events there are.
pub(crate) async fn count(store: &EventStore) -> u64 {
    let answer = store.answer(&Query::from_pairs([]).unwrap()).await.unwrap();
    answer.rows[0].value.as_ref().unwrap().to_string().parse().unwrap()
}

/// The first thousand entries of the quarantine.
pub(crate) async fn quarantine(store: &EventStore) -> Vec<QuarantineEntry> {
    let page = QuarantinePage {
        limit: 1_000,
        ..QuarantinePage::default()
    };
    store.quarantine(&page).await.unwrap().entries
}
