//! What a collector has stored in the end, read from its log.

use std::collections::HashMap;

use event_core::StoredEvent;
use event_server::test::Collector;

/// All events of the log, in its order.
pub(crate) fn all(collector: &Collector) -> Vec<StoredEvent> {
    let store = collector.store().clone();
    let read = collector.block_on(async move {
        let (mut events, mut after) = (Vec::new(), 0);
        loop {
            let page = store.log(after, 5_000).await?;
            let Some(last) = page.last() else { return Ok(events) };
            after = last.position;
            events.extend(page);
        }
    });
    read.unwrap()
}

/// Panics unless the log holds these numbers of each session, once each, in their order.
pub(crate) fn holds_in_order(log: &[StoredEvent], sessions: u64, each: u64) {
    let mut next: HashMap<&str, i64> = HashMap::new();
    for stored in log {
        let envelope = stored.event.envelope();
        let session = envelope.session_id.as_ref().unwrap().as_str();
        let next = next.entry(session).or_default();
        assert_eq!(envelope.sequence, Some(*next), "session {session}");
        *next += 1;
    }
    assert_eq!(next.len() as u64, sessions);
    assert!(next.values().all(|events| *events == i64::try_from(each).unwrap()));
}
