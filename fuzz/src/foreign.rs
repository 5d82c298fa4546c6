//! Documents of others: lifted by a mapping, or as their clients send them.

use event_core::foreign::segment::Call;
use event_core::foreign::{outline, posthog, segment};
use event_core::{EventType, Mapping};

use super::{event, halves, received};

/// A mapping, and a document to lift by it; it comes back from JSON as itself.
pub(super) fn mapping(bytes: &[u8]) {
    let Some((mapping, document)) = halves(bytes) else {
        return;
    };
    let Ok(mapping) = serde_json::from_slice::<Mapping>(mapping) else {
        return;
    };
    let written = serde_json::to_vec(&mapping).expect("a mapping that is not written");
    let again: Mapping = serde_json::from_slice(&written).expect("a mapping that is not read again");
    assert_eq!(mapping, again);
    received(|reception| {
        let event_type = EventType::new("fuzz", "mapping").expect("a type");
        let lifted = mapping.lift(document, &event_type, None, reception);
        assert_eq!(lifted, mapping.lift(document, &event_type, None, reception));
    });
}

/// What clients of others send becomes texts of events, each of which is taken or refused like any other. A body of
/// which the outline is read has as many.
pub(super) fn clients(bytes: &[u8]) {
    let batches = [
        posthog::batch(bytes),
        segment::batch(bytes),
        segment::call(Call::Track, bytes),
    ];
    for events in batches.into_iter().flatten().map(|batch| batch.events) {
        for text in events {
            event::event(&text);
        }
    }
    if let (Ok(outline), Ok(batch)) = (outline(bytes), posthog::batch(bytes)) {
        assert_eq!(outline.messages, batch.events.len());
    }
}
