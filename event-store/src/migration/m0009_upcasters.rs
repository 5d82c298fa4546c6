//! How the data of an older version become those of a version.

pub(super) const UP: &[&str] = &[
    // From which version, and the steps: JSON.
    "ALTER TABLE {catalog} ADD COLUMN upcast_json {long}",
];
