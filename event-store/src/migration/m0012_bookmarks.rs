//! How far the logs of others were read.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE {bookmarks} (name {text:200} NOT NULL PRIMARY KEY, place {text:200} NOT NULL,
        updated_at {int} NOT NULL) {table}",
];
