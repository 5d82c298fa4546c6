//! The collector: application events over HTTP, judged, stored once, answered exactly.
//!
//! Thin on purpose: a request is converted, handed to [`event_store`], and its answer converted
//! back. The program `event-server` is this library with settings and a signal handler; any other
//! axum application can embed it:
//!
//! ```no_run
//! use event_server::{ServerConfig, router, serve};
//! use event_store::EventStore;
//!
//! # async fn embed() -> Result<(), Box<dyn std::error::Error>> {
//! let store = EventStore::connect("sqlite://events.db?mode=rwc").await?;
//! let router = router(store.clone(), ServerConfig::default());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
//! let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
//! serve(listener, router, stop).await;
//! store.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The allocator is the program's: the library sets none. Its feature `mimalloc` is on by default, for the program's sake;
//! `default-features = false, features = ["otlp"]` leaves it out, and traces in.

// Bottom first: a file may use only what stands above it in this list.
mod clock;
pub mod link;
pub mod config;
#[cfg(feature = "kurrent")]
pub mod bridge;
mod etag;
mod request_id;
mod reply;
mod target;
#[cfg_attr(
    not(feature = "otlp"),
    allow(dead_code, reason = "only spans that are sent are counted")
)]
mod spans;
mod connections;
mod meter;
mod body;
mod peer;
mod auth;
mod cors;
mod page;
pub mod openapi;
mod manual;
mod trace;
mod routes;
pub mod listener;
#[cfg(feature = "otlp")]
pub mod otlp;
#[cfg(any(test, feature = "test"))]
pub mod test;

pub use config::ServerConfig;
pub use listener::serve;
pub use routes::router;
