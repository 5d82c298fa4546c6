//! Versions that judge beside the active one, and what they would have refused.

pub(super) const UP: &[&str] = &[
    // A version that stands here is a shadow. The report is JSON, changed by whoever has the lock of the log.
    "CREATE TABLE {shadows} (category {text:100} NOT NULL, name {text:100} NOT NULL, version {text:100} NOT NULL,
        report {long} NOT NULL, PRIMARY KEY (category, name, version)) {updated}",
];
