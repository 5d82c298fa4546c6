//! Schemas: one a line, and data that is held to them.

use event_core::compatibility::Compatibility;
use event_core::infer::Inference;
use event_core::{Payload, Schema};

use super::{halves, limits};

/// A verdict at a glance is never kinder than the whole one, a schema is compatible with itself, what is proved of two
/// holds of the data, and a schema that was inferred of data allows it.
pub(super) fn schema(bytes: &[u8]) {
    let Some((first, rest)) = halves(bytes) else { return };
    let (second, data) = halves(rest).unwrap_or((first, rest));
    let payload = Payload::parse(data, &limits()).ok();
    if let Some(payload) = &payload {
        let mut inference = Inference::default();
        inference.add(payload);
        let inferred = Schema::compile(&inference.schema()).expect("an inferred schema that is none");
        assert_eq!(inferred.validate(payload), Ok(()), "not what it was inferred of");
    }
    let [Some(first), Some(second)] = [first, second].map(compiled) else {
        return;
    };
    assert!(Compatibility::between(&first, &first).class.is_backward());
    let Some(payload) = payload else { return };
    let [old, new] = [&first, &second].map(|schema| {
        let whole = schema.validate(&payload);
        if schema.surely_allows(data, &limits()) {
            assert_eq!(whole, Ok(()), "surely allowed, and not valid");
        }
        whole.is_ok()
    });
    let class = Compatibility::between(&first, &second).class;
    assert!(
        !class.is_backward() || !old || new,
        "compatible backward, and not valid any more"
    );
    assert!(
        !class.is_forward() || !new || old,
        "compatible forward, and was not valid"
    );
}

fn compiled(text: &[u8]) -> Option<Schema> {
    let source = serde_json::from_slice(text).ok()?;
    Schema::compile(&source).ok()
}
