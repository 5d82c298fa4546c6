//! Who asked for what was parked to be replayed or discarded, and what came of it.

pub(super) const UP: &[&str] = &[
    "ALTER TABLE {parked} ADD COLUMN asked_at {int}",
    "ALTER TABLE {parked} ADD COLUMN asked_by {text:100}",
    // Every holder looks several times a second whether something is asked of its shard.
    "CREATE INDEX {p}parked_state ON {parked} (name, generation, shard, state, position)",
    // It outlives the row, which goes once the event is applied or given up. Never what a failure said: that may
    // name somebody.
    "CREATE TABLE {parked_history} (id {serial}, name {text:64} NOT NULL, generation {int} NOT NULL,
        position {int} NOT NULL, at {int} NOT NULL, action {text:20} NOT NULL, actor {text:100}) {table}",
    "CREATE INDEX {p}parked_history_place ON {parked_history} (name, position)",
];
