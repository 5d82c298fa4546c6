//! The append path beside plain prepared inserts into the very same tables: SQLite on disk,
//! write-ahead log, `synchronous=FULL`, a thousand events a transaction.
//!
//! The peer writes finished rows; the store is given events, and judges ids, learns numbers,
//! takes positions and answers verdicts beside writing the same rows.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::cell::Cell;

use event_benches::events::{texts, valid};
use event_benches::rounds::{Contender, compare};
use event_core::{Source, ValidEvent};
use event_store::{EventStore, Offer, Origin};
use rusqlite::{Connection, params};

const BATCH: usize = 1_000;
const BATCHES: usize = 20;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let directory = tempfile::tempdir_in(std::env::current_dir().unwrap()).unwrap();
    let url = |name: &str| format!("sqlite://{}?mode=rwc", directory.path().join(name).display());
    let peer_file = directory.path().join("peer.db");
    // The tables are made by the store, and filled by the peer.
    runtime
        .block_on(async { EventStore::connect(&url("peer.db")).await?.close().await })
        .unwrap();
    let mut peer = Connection::open(&peer_file).unwrap();
    for (name, value) in [
        ("synchronous", "FULL"),
        ("wal_autocheckpoint", "8000"),
        ("cache_size", "-64000"),
    ] {
        peer.pragma_update(None, name, value).unwrap();
    }
    let appended = runtime.block_on(EventStore::connect(&url("append.db"))).unwrap();
    let ingested = runtime.block_on(EventStore::connect(&url("ingest.db"))).unwrap();
    let origin = Origin::new(Source::new("bench").unwrap());

    let next = Cell::new(0);
    let fresh = || {
        let first = next.replace(next.get() + BATCH * BATCHES);
        texts(first, BATCH * BATCHES)
    };
    // Made ahead of each round, outside of what is timed.
    let rounds = 7;
    let mut rows: Vec<_> = (0..=rounds).map(|_| fresh()).collect();
    let mut events: Vec<_> = (0..=rounds).map(|_| valid(&fresh())).collect();
    let mut offers: Vec<_> = (0..=rounds).map(|_| fresh()).collect();
    let mut peer_rows: Vec<Vec<ValidEvent>> = rows.drain(..).map(|texts| valid(&texts)).collect();
    let mut position = 0_i64;

    compare(
        "append: 20 transactions of 1,000 events, FULL",
        rounds,
        vec![
            Contender {
                name: "rusqlite: prepared inserts of finished rows",
                work: Box::new(|| {
                    let events = peer_rows.pop().unwrap();
                    for batch in events.chunks(BATCH) {
                        insert(&mut peer, batch, &mut position);
                    }
                    events.len()
                }),
            },
            Contender {
                name: "EventStore::append: judged events",
                work: Box::new(|| {
                    let mut events = events.pop().unwrap();
                    let count = events.len();
                    while !events.is_empty() {
                        let rest = events.split_off(BATCH.min(events.len()));
                        let verdicts = runtime
                            .block_on(appended.append(std::mem::replace(&mut events, rest)))
                            .unwrap();
                        assert!(verdicts.iter().all(|verdict| verdict.position.is_some()));
                    }
                    count
                }),
            },
            Contender {
                name: "EventStore::ingest: JSON bytes",
                work: Box::new(|| {
                    let texts = offers.pop().unwrap();
                    let count = texts.len();
                    for batch in texts.chunks(BATCH) {
                        let offers = batch.iter().cloned().map(Offer::Json).collect();
                        let verdicts = runtime.block_on(ingested.ingest(offers, &origin)).unwrap();
                        assert!(verdicts.iter().all(|verdict| verdict.position.is_some()));
                    }
                    count
                }),
            },
        ],
    );
    let counted = |name: &str| -> (i64, i64) {
        let db = Connection::open(directory.path().join(name)).unwrap();
        db.query_row(
            "SELECT COUNT(*), COUNT(DISTINCT trail_id) FROM event_events",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap()
    };
    println!(
        "rows and sessions: {:?} {:?} {:?}",
        counted("peer.db"),
        counted("append.db"),
        counted("ingest.db")
    );
}

/// What the store writes, by hand: the session's number, then the row.
fn insert(db: &mut Connection, events: &[ValidEvent], position: &mut i64) {
    let transaction = db
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .unwrap();
    {
        let mut find = transaction
            .prepare_cached("SELECT id FROM event_trails WHERE session = ? AND subject = ''")
            .unwrap();
        let mut trail = transaction
            .prepare_cached("INSERT INTO event_trails (id, session, subject) VALUES (?, ?, '')")
            .unwrap();
        let mut row = transaction
            .prepare_cached(
                "INSERT INTO event_events (position, source_id, event_id, kind_id, trail_id, sequence, occurred_at, \
                 received_at, sent_at, flags, hash, data, violations) VALUES (?, 1, ?, ?, ?, NULL, ?, ?, NULL, ?, ?, ?, NULL)",
            )
            .unwrap();
        let mut last: Option<(String, i64)> = None;
        for event in events {
            let event = event.event();
            let envelope = event.envelope();
            let session = envelope.session_id.as_ref().unwrap().as_str();
            let id = match &last {
                Some((known, id)) if known == session => *id,
                _ => find
                    .query_row([session], |row| row.get(0))
                    .unwrap_or_else(|_| trail.insert(params![*position + 1, session]).unwrap()),
            };
            last = Some((session.to_owned(), id));
            *position += 1;
            let mut event_id = [0; 17];
            event_id[1..].copy_from_slice(uuid::Uuid::parse_str(envelope.id.as_str()).unwrap().as_bytes());
            row.execute(params![
                *position,
                event_id,
                i64::try_from(envelope.event_type.name.as_str().len()).unwrap() % 5,
                id,
                envelope.occurred_at.as_micros(),
                envelope.occurred_at.as_micros(),
                event.flags().bits(),
                event.content_hash(),
                event.payload().as_str(),
            ])
            .unwrap();
        }
    }
    transaction.commit().unwrap();
}
