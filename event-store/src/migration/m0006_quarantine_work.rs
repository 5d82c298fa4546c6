//! What it takes to work on refused events, and to erase a subject.

pub(super) const UP: &[&str] = &[
    "ALTER TABLE {quarantine} ADD COLUMN state {text:10} NOT NULL DEFAULT 'open'",
    // How the document becomes an event, and the zone of its times; NULL where they came before this.
    "ALTER TABLE {quarantine} ADD COLUMN form {text:12}",
    "ALTER TABLE {quarantine} ADD COLUMN zone {text:64}",
    // What came in stays in `raw`; `revision` counts edits, so that nobody works on an older one.
    "ALTER TABLE {quarantine} ADD COLUMN edited {blob}",
    "ALTER TABLE {quarantine} ADD COLUMN revision {int} NOT NULL DEFAULT 0",
    "CREATE INDEX {p}quarantine_state ON {quarantine} (state, id)",
    "CREATE INDEX {p}quarantine_subject ON {quarantine} (subject, id)",
    // What was done to an entry, when and by whom: never a value of its document.
    "CREATE TABLE {quarantine_history} (id {serial}, entry {int} NOT NULL, at {int} NOT NULL,
        action {text:20} NOT NULL, actor {text:100}, detail {long}) {table}",
    "CREATE INDEX {p}quarantine_history_entry ON {quarantine_history} (entry, id)",
    // Whom an erasure was of is only here as a SHA-256.
    "CREATE TABLE {erasures} (id {serial}, subject {text:64} NOT NULL, started_at {int} NOT NULL,
        finished_at {int}, receipt {long} NOT NULL) {table}",
    "CREATE INDEX {p}erasures_subject ON {erasures} (subject, id)",
];
