//! What the holders of keys may do, and how much they have done.

pub(super) const UP: &[&str] = &[
    // Keys of before could do all of this: they were bound to their source in what they sent.
    "ALTER TABLE {api_keys} ADD COLUMN access {text:40} NOT NULL DEFAULT 'write,read,admin'",
    "ALTER TABLE {api_keys} ADD COLUMN reach {text:10} NOT NULL DEFAULT 'all'",
    // Names line by line. NULL for the one in `source`, and '' for any: a key that a program of before makes
    // beside this one has NULL here, and is for its source alone.
    "ALTER TABLE {api_keys} ADD COLUMN sources {long}",
    // NULL for any.
    "ALTER TABLE {api_keys} ADD COLUMN types {long}",
    "ALTER TABLE {api_keys} ADD COLUMN rate {int}",
    "ALTER TABLE {api_keys} ADD COLUMN burst {int}",
    "ALTER TABLE {api_keys} ADD COLUMN quota {int}",
    "ALTER TABLE {api_keys} ADD COLUMN replaced_by {text:16}",
    // Events of a key on a day of UTC, counted from 1970, where it has a quota.
    "CREATE TABLE {key_days} (day {int} NOT NULL, prefix {text:16} NOT NULL, events {int} NOT NULL,
        PRIMARY KEY (day, prefix)) {clustered}",
];
