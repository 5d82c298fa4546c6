//! Changes of a document.

use event_core::patch::Patch;
use serde::de::IgnoredAny;

use super::halves;

/// What comes of a patch is JSON, and comes of it each time.
pub(super) fn patch(bytes: &[u8]) {
    let Some((patch, document)) = halves(bytes) else { return };
    let Ok(patch) = Patch::from_slice(patch) else { return };
    let patched = patch.apply(document);
    if let Ok(text) = &patched {
        serde_json::from_str::<IgnoredAny>(text).expect("a patched document that is no JSON");
    }
    assert_eq!(patched, patch.apply(document));
}
