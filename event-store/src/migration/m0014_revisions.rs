//! How often the cells of a day were changed: who has read them once need not read them again.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE {revisions} (metric_id {int} NOT NULL, at {int} NOT NULL, revision {int} NOT NULL,
        PRIMARY KEY (metric_id, at)) {updated}",
    "INSERT INTO {revisions} (metric_id, at, revision)
        SELECT DISTINCT metric_id, at, 1 FROM {cells} WHERE level = 1440",
];
