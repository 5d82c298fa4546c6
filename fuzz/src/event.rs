//! Events, their data, and bodies that hold several.

use event_core::json::Document;
use event_core::{Event, Payload, Pointer, wire};

use super::{limits, received};

/// An event is read the same each time; its data is in canonical form, and so are its words.
pub(super) fn event(bytes: &[u8]) {
    received(|reception| {
        let read = Event::from_slice(bytes, reception);
        match &read {
            Ok(event) => {
                assert!(
                    serde_json::from_slice::<serde_json::Value>(bytes).is_ok(),
                    "an event that is no JSON"
                );
                payload(event.payload().as_str().as_bytes());
            }
            Err(refusal) => assert!(!refusal.violations.is_empty(), "refused for nothing"),
        }
        assert_eq!(read, Event::from_slice(bytes, reception));
    });
}

/// What is read is JSON; the canonical form is read as the same, and is its own; a place in it is found by its text alone, too.
pub(super) fn payload(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        for place in ["", "/a", "/a/0", "/0/a"] {
            let pointer: Pointer = place.parse().expect("a pointer");
            drop(pointer.find_in(text));
        }
    }
    let document = Document::parse(bytes, &limits());
    if let Ok(document) = &document {
        let ours = document.root().to_value();
        let theirs: serde_json::Value = serde_json::from_slice(bytes).expect("a document that is no JSON");
        assert_eq!(ours.is_object(), theirs.is_object());
    }
    let Ok(payload) = Payload::parse(bytes, &limits()) else {
        return;
    };
    let again = Payload::parse(payload.as_str().as_bytes(), &limits()).expect("a canonical form that is not read");
    assert_eq!(payload, again);
    assert_eq!(payload.as_str(), again.as_str());
    for (key, value) in payload.root().members() {
        let found = Pointer::from_tokens([key.into_owned()]).find_in(payload.as_str());
        assert_eq!(found, Ok(Some(value.text())));
    }
}

/// The parts of a body lie in it one behind the other, and each is JSON.
pub(super) fn batch(bytes: &[u8]) {
    let mut end = bytes.as_ptr() as usize;
    let mut follow = |part: &[u8]| {
        let start = part.as_ptr() as usize;
        assert!(start >= end, "a part that lies within another");
        end = start + part.len();
        assert!(end <= bytes.as_ptr() as usize + bytes.len(), "a part beyond the body");
    };
    match wire::split_json(bytes) {
        Ok(parts) => {
            for part in &parts {
                follow(part);
                serde_json::from_slice::<serde::de::IgnoredAny>(part).expect("a part that is no JSON");
            }
        }
        Err(error) => assert!(error.offset <= bytes.len()),
    }
    let mut end = bytes.as_ptr() as usize;
    for line in wire::split_ndjson(bytes) {
        let start = line.as_ptr() as usize;
        assert!(start >= end && !line.contains(&b'\n'));
        end = start + line.len();
    }
}
