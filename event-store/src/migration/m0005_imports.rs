//! How far files were imported.

pub(super) const UP: &[&str] = &[
    // The digest covers the name of an import and how its file is read. `fence` counts its runs, so that
    // of two at a time only the later one writes; `step` counts what was written, so that it is written once.
    "CREATE TABLE {imports} (id {serial}, digest {bytes:16} NOT NULL UNIQUE, name {long} NOT NULL,
        fence {int} NOT NULL, step {int} NOT NULL, state {long} NOT NULL, started_at {int} NOT NULL,
        updated_at {int} NOT NULL, finished_at {int}) {table}",
];
