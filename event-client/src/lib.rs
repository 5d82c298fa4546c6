#![doc = include_str!("../README.md")]

// Bottom first: a file may use only what stands above it in this list.
mod loss;
mod stats;
#[cfg(feature = "spool")]
mod spool;
mod error;
mod compression;
mod lines;
mod queue;
mod retry;
mod id;
mod numbers;
mod fork;
mod transport;
mod answer;
mod instrument;
#[cfg(feature = "validation")]
mod schemas;
mod settings;
mod backlog;
mod question;
mod call;
mod export;
mod job;
mod state;
#[cfg(feature = "spool")]
mod disk;
mod shared;
#[cfg(feature = "spool")]
mod drain;
mod worker;
mod desk;
mod process;
mod client;
mod ask;
mod builder;
#[cfg(feature = "layer")]
pub mod layer;
#[cfg(feature = "test")]
pub mod test;

pub use builder::{ClientBuilder, PlainHttp};
pub use call::Call;
pub use client::Client;
pub use compression::Compression;
pub use error::{BuildError, FlushError, InvalidKey, QueryError, Refused, SendError, TrackError, Unconfirmed};
pub use export::Export;
pub use loss::{Loss, Losses};
pub use question::Question;
pub use settings::Unstored;
#[cfg(feature = "spool")]
pub use spool::{Fsync, SpoolError, SpoolOptions};
pub use stats::{Pause, Stats};
pub use transport::http::Proxy;

/// The examples of the house's own README, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
