//! Questions, in the parameters of a URL and as JSON.

use event_core::Query;
use event_core::analysis::{Active, Funnel, Retention, Sessions};
use event_core::query::{Page, Parameters};

/// A question that is read can be asked again by its own parameters.
pub(super) fn parameters(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(parameters) = Parameters::read(text) else { return };
    let _ = Page::from_pairs(parameters.pairs());
    let _ = Sessions::from_pairs(parameters.pairs());
    let _ = Funnel::from_pairs(parameters.pairs());
    let _ = Retention::from_pairs(parameters.pairs());
    let _ = Active::from_pairs(parameters.pairs());
    if let Ok(query) = Query::from_pairs(parameters.pairs()) {
        same(&query);
    }
}

/// The same as JSON.
pub(super) fn json(bytes: &[u8]) {
    let _ = Sessions::from_json(bytes);
    let _ = Funnel::from_json(bytes);
    let _ = Retention::from_json(bytes);
    let _ = Active::from_json(bytes);
    if let Ok(query) = Query::from_json(bytes) {
        same(&query);
    }
}

fn same(query: &Query) {
    query.check().expect("a question that was read and cannot be asked");
    let written = serde_json::to_vec(query).expect("a question that is not written");
    let again = Query::from_json(&written).expect("a question that is not read again");
    assert_eq!(*query, again);
    if let Some(pairs) = query.to_pairs() {
        let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        assert_eq!(
            *query,
            Query::from_pairs(pairs).expect("parameters that are not read again")
        );
    }
}
