//! Events as finished rows: what is left to do is the database's work alone.

use std::collections::HashMap;

use event_core::ValidEvent;

/// A row of the events; its source is the first.
pub(crate) struct Row {
    pub(crate) position: i64,
    pub(crate) event_id: Vec<u8>,
    pub(crate) kind: i64,
    pub(crate) trail: i64,
    pub(crate) occurred_at: i64,
    pub(crate) flags: i64,
    pub(crate) hash: Vec<u8>,
    pub(crate) data: String,
}

/// A row of the trails: id, session, subject.
pub(crate) type Trail = (i64, String, String);

/// What goes into one transaction.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) rows: Vec<Row>,
    pub(crate) trails: Vec<Trail>,
}

/// Makes rows; knows what it made before.
#[derive(Default)]
pub(crate) struct Finisher {
    position: i64,
    trails: HashMap<String, i64>,
}

impl Finisher {
    pub(crate) fn batch(&mut self, events: &[ValidEvent]) -> Batch {
        let mut batch = Batch::default();
        for event in events {
            let event = event.event();
            let envelope = event.envelope();
            self.position += 1;
            let (session, subject) = (
                envelope.session_id.as_ref().unwrap(),
                envelope.subject.as_ref().unwrap(),
            );
            let trail = *self.trails.entry(session.to_string()).or_insert_with(|| {
                batch
                    .trails
                    .push((self.position, session.to_string(), subject.to_string()));
                self.position
            });
            let mut event_id = vec![0; 17];
            event_id[1..].copy_from_slice(uuid::Uuid::parse_str(envelope.id.as_str()).unwrap().as_bytes());
            batch.rows.push(Row {
                position: self.position,
                event_id,
                kind: if envelope.event_type.name.as_str() == "created" {
                    1
                } else {
                    2
                },
                trail,
                occurred_at: envelope.occurred_at.as_micros(),
                flags: i64::from(event.flags().bits()),
                hash: event.content_hash().to_vec(),
                data: event.payload().as_str().to_owned(),
            });
        }
        batch
    }
}

/// The columns of the events, in the order of a table's definition.
pub(crate) const COLUMNS: &str = "position, source_id, event_id, kind_id, trail_id, sequence, occurred_at, \
                                  received_at, sent_at, flags, hash, data, violations";
