//! Different values of a field, told beside the cells.

pub(super) const UP: &[&str] = &[
    // One for the cells of all exponents of a group's minute, hour or day. `level` is in minutes; what the
    // bytes of a sketch say, says event-core.
    "CREATE TABLE {sketches} (metric_id {int} NOT NULL, level {int} NOT NULL, at {int} NOT NULL,
        digest {bytes:16} NOT NULL, sketch {blob} NOT NULL, PRIMARY KEY (metric_id, level, at, digest)) {table}",
    "CREATE INDEX {p}sketches_group ON {sketches} (metric_id, digest, level, at)",
];
