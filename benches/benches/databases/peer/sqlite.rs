//! Prepared statements of rusqlite.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior, params};

use crate::rows::{Batch, CELL, COLUMNS, GROUP, SUMS, numbers};

pub(crate) struct Peer {
    db: Connection,
    event: String,
    trail: String,
    cell: String,
    group: String,
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
        let sums = SUMS
            .map(|column| format!("{column} = {column} + excluded.{column}"))
            .join(", ");
        let cell = format!(
            "INSERT INTO {prefix}cells ({CELL}) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (metric_id, level, at, digest, exponent) DO UPDATE SET {sums}, \
             least = min(least, excluded.least), greatest = max(greatest, excluded.greatest)"
        );
        let group = format!("INSERT INTO {prefix}groups ({GROUP}) VALUES (1, ?, ?, ?)");
        Peer {
            db,
            event,
            trail,
            cell,
            group,
        }
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
            let mut group = transaction.prepare_cached(&self.group).unwrap();
            for (digest, texts) in &batch.groups {
                group.execute(params![digest, digest, texts]).unwrap();
            }
            let mut statement = transaction.prepare_cached(&self.cell).unwrap();
            for ((level, at, digest, exponent), cell) in &batch.cells {
                let [events, numbers, high, low, least, greatest] = numbers(cell);
                statement
                    .execute(params![
                        level, at, digest, exponent, events, numbers, high, low, least, greatest
                    ])
                    .unwrap();
            }
        }
        transaction.commit().unwrap();
    }
}
