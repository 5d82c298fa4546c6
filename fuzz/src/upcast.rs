//! Steps from one version's data to the next.

use event_core::Payload;
use event_core::upcaster::Upcaster;

use super::{halves, limits};

/// An upcaster comes back from JSON as itself, and its steps one after the other do what it does.
pub(super) fn upcast(bytes: &[u8]) {
    let Some((upcaster, data)) = halves(bytes) else { return };
    let Ok(upcaster) = serde_json::from_slice::<Upcaster>(upcaster) else {
        return;
    };
    let written = serde_json::to_vec(&upcaster).expect("an upcaster that is not written");
    assert_eq!(
        upcaster,
        serde_json::from_slice(&written).expect("an upcaster that is not read again")
    );
    let Ok(payload) = Payload::parse(data, &limits()) else {
        return;
    };
    let Ok(whole) = upcaster.apply(&payload, &limits()) else {
        return;
    };
    let mut stepwise = payload;
    for step in upcaster.steps() {
        match Upcaster::new(vec![step.clone()]).apply(&stepwise, &limits()) {
            Ok(next) => stepwise = next,
            // Data between two steps may be larger than any may be in the end.
            Err(_) => return,
        }
    }
    assert_eq!(whole, stepwise);
}
