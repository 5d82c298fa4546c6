//! The first tables. Times are microseconds since 1970 in UTC, texts compare byte by byte.

pub(super) const UP: &[&str] = &[
    // One row: the place of the newest event. Whoever appends takes it inside the transaction, so
    // that positions follow the order of commits on every database.
    "CREATE TABLE {log} (id {int} NOT NULL PRIMARY KEY, head {int} NOT NULL) {table}",
    "INSERT INTO {log} (id, head) VALUES (1, 0)",
    "CREATE TABLE {sources} (id {serial}, name {text:128} NOT NULL UNIQUE) {table}",
    // Event types as they occur, with the version that judged them; '' for none.
    "CREATE TABLE {kinds} (id {serial}, category {text:100} NOT NULL, name {text:100} NOT NULL,
        version {text:100} NOT NULL, UNIQUE (category, name, version)) {table}",
    // One row for each pair of session and subject, '' for none: a session's or a subject's events
    // are reached through here, so that the events need one index for both, and its keys grow.
    // A trail's number is the position of its first event.
    "CREATE TABLE {trails} (id {int} NOT NULL PRIMARY KEY, session {text:128} NOT NULL, subject {text:256} NOT NULL,
        UNIQUE (session, subject)) {table}",
    "CREATE INDEX {p}trails_subject ON {trails} (subject)",
    "CREATE TABLE {events} (
        position {int} NOT NULL PRIMARY KEY,
        source_id {int} NOT NULL,
        event_id {bytes:129} NOT NULL,
        kind_id {int} NOT NULL,
        trail_id {int},
        sequence {int},
        occurred_at {int} NOT NULL,
        received_at {int} NOT NULL,
        sent_at {int},
        flags {int} NOT NULL,
        hash {bytes:16} NOT NULL,
        data {long} NOT NULL,
        violations {long}) {table}",
    "CREATE UNIQUE INDEX {p}events_id ON {events} (event_id, source_id)",
    "CREATE INDEX {p}events_kind ON {events} (kind_id, occurred_at, position)",
    "CREATE INDEX {p}events_trail ON {events} (trail_id, position)",
    // The registered versions of event types.
    "CREATE TABLE {catalog} (id {serial}, category {text:100} NOT NULL, name {text:100} NOT NULL,
        version {text:100} NOT NULL, schema_json {long}, mapping_json {long}, policy_json {long},
        registered_at {int} NOT NULL, UNIQUE (category, name, version)) {table}",
    // Refused events. The digest covers source, code and content: the same refusal again counts up.
    "CREATE TABLE {quarantine} (id {serial}, digest {bytes:16} NOT NULL UNIQUE, code {text:40} NOT NULL,
        source {text:128} NOT NULL, event_id {text:128}, category {text:100}, name {text:100}, version {text:100},
        session_id {text:128}, subject {text:256}, violations {long} NOT NULL, raw {blob} NOT NULL,
        raw_bytes {int} NOT NULL, sha256 {text:64}, received_at {int} NOT NULL, last_received_at {int} NOT NULL,
        occurrences {int} NOT NULL) {table}",
    "CREATE INDEX {p}quarantine_code ON {quarantine} (code, id)",
];
