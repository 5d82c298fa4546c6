//! Who follows the log, how far, and what they could not take.

pub(super) const UP: &[&str] = &[
    // A generation of a projection: its tables, built from the log by one version of its code. Readers are shown
    // the one that is `live`; `asked`, `building`, `closing` and `old` are the others. `tables`: names, line by line.
    "CREATE TABLE {projections} (name {text:64} NOT NULL, generation {int} NOT NULL, version {int} NOT NULL,
        state {text:10} NOT NULL, tables {long} NOT NULL, shards {int} NOT NULL, pruned_to {int} NOT NULL,
        created_at {int} NOT NULL, switched_at {int}, PRIMARY KEY (name, generation)) {clustered}",
    // Some of the keys, and how far their events are applied. A holder writes under its token only, which grows
    // whenever another one takes the shard over; the lease is by the database's clock.
    "CREATE TABLE {shards} (name {text:64} NOT NULL, generation {int} NOT NULL, shard {int} NOT NULL,
        position {int} NOT NULL, applied {int} NOT NULL, token {int} NOT NULL, holder {text:32},
        lease_until {int} NOT NULL, last_error {long}, updated_at {int} NOT NULL,
        PRIMARY KEY (name, generation, shard)) {updated}",
    // The processes that share the work of a version of a name, while they show signs of life.
    "CREATE TABLE {members} (name {text:64} NOT NULL, holder {text:32} NOT NULL, version {int} NOT NULL, lease_until {int} NOT NULL,
        PRIMARY KEY (name, holder)) {clustered}",
    // An event that a projection could not take, or that waits behind one of its key. Of the key only a digest:
    // it may name somebody.
    "CREATE TABLE {parked} (name {text:64} NOT NULL, generation {int} NOT NULL, position {int} NOT NULL,
        shard {int} NOT NULL, digest {bytes:16} NOT NULL, event_id {text:128} NOT NULL, state {text:10} NOT NULL,
        code {text:40} NOT NULL, reason {long} NOT NULL, attempts {int} NOT NULL, parked_at {int} NOT NULL,
        PRIMARY KEY (name, generation, position)) {table}",
    "CREATE INDEX {p}parked_position ON {parked} (position)",
    // The last place of a kind's events that were pruned: whoever is behind it has missed some.
    "CREATE TABLE {pruned} (kind_id {int} NOT NULL PRIMARY KEY, position {int} NOT NULL) {table}",
];
