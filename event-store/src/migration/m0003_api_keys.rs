//! Who may talk to a collector.

pub(super) const UP: &[&str] = &[
    // The hash is the SHA-256 of the secret, which is nowhere. A key is never deleted: what it was
    // made for can be told as long as there are events of its source.
    "CREATE TABLE {api_keys} (id {serial}, prefix {text:16} NOT NULL UNIQUE, hash {bytes:32} NOT NULL,
        source {text:128} NOT NULL, note {text:100}, created_at {int} NOT NULL, expires_at {int},
        revoked_at {int}) {table}",
];
