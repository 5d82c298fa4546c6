//! Whether the cells of a day have changed: who has read them once need not read them again.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE {revisions} (metric_id {int} NOT NULL, at {int} NOT NULL, revision {int} NOT NULL,
        PRIMARY KEY (metric_id, at)) {updated}",
    "INSERT INTO {revisions} (metric_id, at, revision)
        SELECT DISTINCT c.metric_id, c.at, 1 FROM {cells} c WHERE c.level = 1440 AND NOT EXISTS
        (SELECT 1 FROM {revisions} r WHERE r.metric_id = c.metric_id AND r.at = c.at)",
];
