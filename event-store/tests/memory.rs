//! A store in memory has one connection: nothing may ask for a second while it holds the first.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)]

use event_core::Source;
use event_core::patch::Patch;
use event_store::quarantine::Run;
use event_store::{EventStore, Offer, Origin};

#[tokio::test]
async fn a_refused_event_is_edited_in_memory() {
    let store = EventStore::connect("sqlite::memory:").await.unwrap();
    let origin = Origin::new(Source::new("shop").unwrap());
    let wrong = br#"{"id": "a", "category": "order", "name": " created", "data": {"total": 1}}"#;
    store.ingest(vec![Offer::Json(wrong.to_vec())], &origin).await.unwrap();
    let patch = Patch::from_slice(br#"[{"op": "replace", "path": "/name", "value": "created"}]"#).unwrap();
    let edited = store
        .edit_quarantined(1, &patch, Run::Real, None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(edited.verdict.code, None, "{edited:?}");
    assert!(store.quarantined(1).await.unwrap().is_some());
}
