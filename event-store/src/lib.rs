#![doc = include_str!("../README.md")]

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
compile_error!("event-store needs a database: choose the feature sqlite, postgres or mysql");

// Bottom first: a file may use only what stands above it in this list.
mod error;
mod options;
mod tables;
#[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only SQLite has files"))]
mod private;
mod dialect;
mod dictionary;
mod original;
mod rights;
mod entity;
mod migration;
mod position;
#[cfg_attr(
    not(feature = "import"),
    allow(dead_code, unused_imports, unreachable_pub, reason = "only an import makes them")
)]
mod checkpoint;
pub mod shadow;
mod queue;
mod trail;
mod sketch;
mod revision;
mod rollup;
mod remembered;
mod catalog;
pub mod upcast;
pub mod api_key;
mod allowance;
pub mod stats;
mod inner;
mod patience;
mod keep;
mod rowless;
mod day;
mod append;
mod judge;
mod judging;
mod outbox;
mod tell;
mod gather;
mod writer;
mod backfill;
mod usage;
mod refresh;
mod herald;
mod store;
mod register;
mod declare;
mod issue;
mod admit;
mod ingest;
mod lift;
#[cfg(feature = "import")]
pub mod import;
mod receipt;
mod session;
pub mod quarantine;
mod backwards;
pub mod trial;
pub mod infer;
pub mod compare;
pub mod loss;
mod bookmark;
mod selection;
mod page;
mod log;
pub mod follow;
pub mod project;
#[cfg(feature = "export")]
pub mod export;
mod answer;
mod analyse;
mod reconcile;
mod prune;
pub mod copy;
mod backup;
pub mod erase;

pub use backfill::Progress;
pub use catalog::TypeRecord;
pub use declare::MetricRecord;
pub use entity::quarantine::QuarantineEntry;
pub use error::{Cause, Error};
pub use judge::{Offer, Origin};
pub use options::{Durability, Options};
pub use page::EventPage;
pub use prune::{Pruned, PrunedCells};
pub use quarantine::{QuarantineCount, QuarantinePage, Quarantined};
pub use receipt::Receipt;
pub use reconcile::{Difference, Repair, Verified};
pub use register::{Registered, TypeChange};
pub use session::SessionPage;
pub use store::{EventStore, Health};
