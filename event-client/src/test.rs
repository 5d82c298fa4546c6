//! A client for the unit tests of applications: it sends nothing over a network, and what it has sent
//! can be looked at.
//!
//! Everything but the network is the client as it is: its thread, its batches, its retries and its
//! counts. So is what the collector answers: an id that comes again is a duplicate, or a conflict if
//! its event says something else.
//!
//! ```
//! use event_client::Client;
//! use event_core::Event;
//!
//! // What is to be tested.
//! fn order(events: &Client, customer: &str, value: f64) {
//!     let _ = events.track(Event::builder("order", "created").subject(customer).field("value", value));
//! }
//!
//! let (client, collected) = event_client::test::client();
//! order(&client, "customer-7", 12.5);
//!
//! let event = collected.assert_one("order", "created");
//! assert_eq!(event.payload().as_str(), r#"{"value":12.5}"#);
//! collected.assert_none("order", "cancelled");
//! ```
//!
//! What an application does when its collector is away, refuses events or fails can be tried too:
//!
//! ```
//! use event_core::verdict::Status;
//! use event_core::{Code, Event};
//! use std::time::Duration;
//!
//! let (client, collected) = event_client::test::builder().queue_events(1).collecting()?;
//! collected.go_down();
//! client.track(Event::builder("order", "created"))?;
//! assert!(client.flush_blocking(Duration::from_millis(1)).is_err());
//! collected.come_up();
//! collected.assert_one("order", "created");
//!
//! collected.refuse(Status::Quarantined, Code::SchemaViolation, |event| event.payload().as_str() == "{}");
//! let verdicts = client.send_blocking([Event::builder("order", "created")])?;
//! assert_eq!(verdicts[0].code, Some(Code::SchemaViolation));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! After `fork` the child collects into a copy of its own, which ends with it.

mod script;
mod collector;
mod collected;
mod assertion;

pub use collected::Collected;

use std::sync::Arc;
use std::time::Duration;

use crate::builder::ClientBuilder;
use crate::client::Client;
use crate::compression::Compression;
use crate::error::BuildError;
use crate::transport::{Transport, TransportError};
use collector::Collector;

/// A client of the source `test`, and what it has sent.
///
/// ```
/// let (client, collected) = event_client::test::client();
/// client.track(event_core::Event::builder("order", "created"))?;
/// collected.assert_one("order", "created");
/// # Ok::<(), event_client::TrackError>(())
/// ```
#[must_use]
pub fn client() -> (Client, Collected) {
    // The source is a good one, and so are the settings.
    builder()
        .collecting()
        .unwrap_or_else(|error| unreachable!("a client of good settings: {error}"))
}

/// The settings of [`client`], to be changed before [`ClientBuilder::collecting`]: nothing lingers, and
/// retries are soon.
///
/// ```
/// let (client, _collected) = event_client::test::builder().source("shop").queue_events(2).collecting()?;
/// # Ok::<(), event_client::BuildError>(())
/// ```
pub fn builder() -> ClientBuilder {
    Client::builder("http://127.0.0.1")
        .source("test")
        .linger(Duration::ZERO)
        .backoff(Duration::from_millis(1), Duration::from_millis(20))
        .pause(Duration::from_millis(20))
}

impl ClientBuilder {
    /// Builds a client with these settings that sends nothing over a network, and answers what it has
    /// sent. The address is not looked at, and bodies are not compressed.
    ///
    /// # Errors
    /// Which setting cannot be used.
    ///
    /// ```
    /// use event_client::Client;
    /// use event_core::Event;
    ///
    /// let settings = Client::builder("https://events.example.org").source("shop");
    /// let (client, collected) = settings.collecting()?;
    /// client.track(Event::builder("order", "created"))?;
    /// assert_eq!(collected.assert_one("order", "created").envelope().source.as_str(), "shop");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn collecting(self) -> Result<(Client, Collected), BuildError> {
        let collector = Arc::new(Collector::default());
        let theirs = Arc::clone(&collector);
        let connect = move || -> Result<Arc<dyn Transport>, TransportError> { Ok(theirs.of_this_process()) };
        let client = self.compression(Compression::None).build_with(Box::new(connect))?;
        let shared = Arc::downgrade(&client.shared());
        Ok((client, Collected::new(collector, shared)))
    }
}
