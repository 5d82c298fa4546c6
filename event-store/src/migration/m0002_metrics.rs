//! Cells, counted while events are stored; the ids of events without rows; and what an application
//! has stored in a transaction of its own and that has no place yet.

pub(super) const UP: &[&str] = &[
    // 2: changes of what is registered and declared. 3: events without rows.
    "INSERT INTO {log} (id, head) VALUES (2, 0)",
    "INSERT INTO {log} (id, head) VALUES (3, 0)",
    // Events up to `since` are counted afterwards, and are up to `built`. Of those between the times
    // `blind_from` and `blind_to`, there were some without rows by then, which it cannot count.
    "CREATE TABLE {metrics} (id {serial}, label {text:100} NOT NULL UNIQUE, category {text:100} NOT NULL,
        name {text:100} NOT NULL, definition {long} NOT NULL, since {int} NOT NULL, built {int} NOT NULL,
        blind_from {int}, blind_to {int}, declared_at {int} NOT NULL) {table}",
    // The values that events have in common, by their digest; `lead` is that of the first alone.
    "CREATE TABLE {groups} (metric_id {int} NOT NULL, digest {bytes:16} NOT NULL, lead_digest {bytes:16} NOT NULL,
        texts {long} NOT NULL, PRIMARY KEY (metric_id, digest)) {clustered}",
    "CREATE INDEX {p}groups_lead ON {groups} (metric_id, lead_digest)",
    // `level` is in minutes; the sum of the mantissas is high × 10^9 + low.
    "CREATE TABLE {cells} (metric_id {int} NOT NULL, level {int} NOT NULL, at {int} NOT NULL,
        digest {bytes:16} NOT NULL, exponent {int} NOT NULL, events {int} NOT NULL, numbers {int} NOT NULL,
        high {int} NOT NULL, low {int} NOT NULL, least {int} NOT NULL, greatest {int} NOT NULL,
        PRIMARY KEY (metric_id, level, at, digest, exponent)) {updated}",
    "CREATE INDEX {p}cells_group ON {cells} (metric_id, digest, level, at)",
    // The ids of events whose rows are not kept.
    "CREATE TABLE {keys} (position {int} NOT NULL PRIMARY KEY, event_id {bytes:129} NOT NULL,
        source_id {int} NOT NULL, hash {bytes:16} NOT NULL) {table}",
    "CREATE UNIQUE INDEX {p}keys_id ON {keys} (event_id, source_id)",
    // When they were, by kind: questions about those times cannot be answered from rows.
    "CREATE TABLE {rowless} (kind_id {int} NOT NULL PRIMARY KEY, least {int} NOT NULL, greatest {int} NOT NULL,
        events {int} NOT NULL) {table}",
    "CREATE TABLE {pending} (id {serial}, source {text:128} NOT NULL, event {long} NOT NULL,
        flags {int} NOT NULL, hash {bytes:16} NOT NULL, received_at {int} NOT NULL) {table}",
];
