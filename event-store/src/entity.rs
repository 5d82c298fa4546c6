//! What a row of each table holds.

pub(crate) mod api_key;
pub(crate) mod event;
pub(crate) mod event_id;
pub(crate) mod loss;
pub(crate) mod metric;
pub(crate) mod quarantine;
