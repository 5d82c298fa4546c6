//! Prepared statements of rusqlite.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior, params};

use crate::rows::{Batch, COLUMNS};

pub(crate) struct Peer {
    db: Connection,
    event: String,
    trail: String,
}

impl Peer {
    pub(crate) fn open(file: &Path, prefix: &str) -> Self {
        let db = Connection::open(file).unwrap();
        for (name, value) in [
            ("synchronous", "FULL"),
            ("wal_autocheckpoint", "8000"),
            ("cache_size", "-64000"),
        ] {
            db.pragma_update(None, name, value).unwrap();
        }
        let event = format!(
            "INSERT INTO {prefix}events ({COLUMNS}) VALUES (?, 1, ?, ?, ?, NULL, ?, ?, NULL, ?, ?, ?, NULL) \
             ON CONFLICT (event_id, source_id) DO NOTHING"
        );
        let trail = format!("INSERT INTO {prefix}trails (id, session, subject) VALUES (?, ?, ?)");
        Peer { db, event, trail }
    }

    pub(crate) fn append(&mut self, batch: &Batch) {
        let transaction = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .unwrap();
        {
            let mut trail = transaction.prepare_cached(&self.trail).unwrap();
            for (id, session, subject) in &batch.trails {
                trail.execute(params![id, session, subject]).unwrap();
            }
            let mut event = transaction.prepare_cached(&self.event).unwrap();
            for row in &batch.rows {
                event
                    .execute(params![
                        row.position,
                        row.event_id,
                        row.kind,
                        row.trail,
                        row.occurred_at,
                        row.occurred_at,
                        row.flags,
                        row.hash,
                        row.data,
                    ])
                    .unwrap();
            }
        }
        transaction.commit().unwrap();
    }
}
