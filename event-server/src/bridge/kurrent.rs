//! KurrentDB (EventStoreDB) → the log: a subscription to `$all`, over gRPC.
//!
//! Events come in the order of that database, through the same door as all others, under the ids that they have there.
//! How far they were read is written down beside the log, after what was read is stored: what comes twice after a crash
//! is known by its id, so that nothing is skipped and nothing stored twice.
//!
//! ```no_run
//! use event_server::bridge::kurrent::Kurrent;
//! use event_server::config::KurrentUrl;
//!
//! # async fn feed(store: event_store::EventStore) -> Result<(), Box<dyn std::error::Error>> {
//! let url: KurrentUrl = "kurrentdb://localhost:2113?tls=false".parse()?;
//! let kurrent = Kurrent::new(url, "quotes".parse()?);
//! let link = kurrent.link();
//! tokio::spawn(kurrent.run(store));
//! println!("connected: {}", link.state().up);
//! # Ok(()) }
//! ```

mod protocol;
mod place;
mod subscription;

use std::time::Duration;

use event_core::foreign::kurrent::event;
use event_core::{Label, Source};
use event_store::{Error, EventStore, Offer, Origin};
use tokio::time::{Instant, sleep, timeout_at};

use crate::clock::now;
use crate::config::KurrentUrl;
use crate::link::Link;
use place::Place;
use subscription::{Next, Subscription};

/// What the bookmark begins with; the source follows, so that two databases can feed one log.
const BOOKMARK: &str = "kurrentdb";
/// Events that are offered at once, and their bytes, about.
const MOST_EVENTS: usize = 500;
const MOST_BYTES: usize = 4 << 20;
/// How often is written down how far the log was read.
const OFTEN: Duration = Duration::from_secs(1);
/// So long after the first failure is waited; twice as long after each further one, and never longer than that.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Feeds a log from a database.
#[derive(Debug)]
pub struct Kurrent {
    url: KurrentUrl,
    source: Source,
    category: Option<Label>,
    link: Link,
}

impl Kurrent {
    /// All events of this database, as those of a source.
    #[must_use]
    pub fn new(url: KurrentUrl, source: Source) -> Self {
        Kurrent {
            url,
            source,
            category: None,
            link: Link::new("kurrentdb"),
        }
    }

    /// Events have this category, instead of what stands before the first hyphen of their stream.
    #[must_use]
    pub fn category(mut self, category: Option<Label>) -> Self {
        self.category = category;
        self
    }

    /// How it stands with the database.
    #[must_use]
    pub fn link(&self) -> Link {
        self.link.clone()
    }

    /// Feeds the log until the store is closed. A connection that breaks is made again, and so is one to a database that
    /// was not there; events that cannot be stored are offered until they can.
    pub async fn run(self, store: EventStore) {
        let mut pause = Pause::new();
        for node in self.url.nodes.iter().cycle() {
            let before = self.link.state().place;
            let broken = match self.read(&store, node).await {
                Ok(()) => return,
                Err(broken) => broken,
            };
            if self.link.state().place != before {
                pause = Pause::new();
            }
            tracing::warn!(node, problem = broken, "the link to KurrentDB is down");
            self.link.broken(broken, now());
            pause.wait().await;
        }
    }

    /// Reads from one node, until that breaks or the store is closed.
    async fn read(&self, store: &EventStore, node: &str) -> Result<(), String> {
        let bookmark = format!("{BOOKMARK} {}", self.source);
        let known = store.bookmark(&bookmark).await.map_err(|error| storage(&error))?;
        let from: Option<Place> = known.and_then(|(place, _)| place.parse().ok());
        let mut subscription = Subscription::open(&self.url, node, from).await?;
        self.link.connected(now());
        tracing::info!(
            node,
            from = from.map(|place| place.to_string()),
            "reading from KurrentDB"
        );
        let mut bookmark = Bookmark {
            store,
            name: &bookmark,
            kept: Instant::now(),
            unkept: None,
        };
        loop {
            let batch = self.batch(&mut subscription, bookmark.due()).await;
            if let Some(place) = batch.place {
                if !self.offer(store, batch.offers, place).await {
                    return Ok(());
                }
                bookmark.unkept = Some(place);
            }
            if batch.broken.is_some() || bookmark.due().is_some_and(|due| due <= Instant::now()) {
                bookmark.keep().await?;
            }
            if let Some(broken) = batch.broken {
                return Err(broken);
            }
        }
    }

    /// What has come, as much as there is: waits for the first event only, and not longer than `until`.
    async fn batch(&self, subscription: &mut Subscription, until: Option<Instant>) -> Batch {
        let mut batch = Batch::default();
        let mut next = match until {
            Some(until) => timeout_at(until, subscription.next()).await.ok(),
            None => Some(subscription.next().await),
        };
        while let Some(come) = next {
            match come {
                Ok(Next::Event { recorded, place }) => {
                    batch.place = Some(place);
                    let recorded = recorded.borrow();
                    if !recorded.is_of_the_system() {
                        let text = event(&recorded, self.category.as_ref().map(Label::as_str));
                        batch.bytes += text.len();
                        batch.offers.push(Offer::Json(text));
                    }
                }
                Ok(Next::Checkpoint(place)) => batch.place = Some(place),
                // What came before it is stored all the same: else a line that breaks often would never get on.
                Err(broken) => {
                    batch.broken = Some(broken);
                    break;
                }
            }
            if batch.offers.len() >= MOST_EVENTS || batch.bytes >= MOST_BYTES {
                break;
            }
            next = subscription.next_if_there();
        }
        batch
    }

    /// Offers a batch until it is stored; `false` once the store is closed.
    async fn offer(&self, store: &EventStore, offers: Vec<Offer>, place: Place) -> bool {
        let origin = Origin::new(self.source.clone());
        let mut pause = Pause::new();
        let (mut rest, mut most) = (offers.as_slice(), offers.len().max(1));
        loop {
            let (now_offered, later) = rest.split_at(most.min(rest.len()));
            match store.ingest(now_offered.to_vec(), &origin).await {
                Ok(verdicts) if later.is_empty() => {
                    self.link.read(&place.to_string(), &verdicts, now());
                    return true;
                }
                Ok(verdicts) => {
                    self.link.counted(&verdicts, now());
                    rest = later;
                }
                Err(Error::Closed) => return false,
                // The queue of this store is a small one.
                Err(Error::BatchTooLarge { limit, .. }) if limit < most => most = limit.max(1),
                Err(error) => {
                    // The same ids: whatever was stored after all is a duplicate then.
                    tracing::warn!(%error, "events of KurrentDB wait to be stored");
                    self.link.waiting(storage(&error));
                    pause.wait().await;
                }
            }
        }
    }
}

/// Events that came together.
#[derive(Default)]
struct Batch {
    offers: Vec<Offer>,
    bytes: usize,
    /// Where the last of them is.
    place: Option<Place>,
    /// What broke the connection behind them.
    broken: Option<String>,
}

/// Where to go on after a restart.
struct Bookmark<'a> {
    store: &'a EventStore,
    name: &'a str,
    kept: Instant,
    /// What is stored up to here, and not written down.
    unkept: Option<Place>,
}

impl Bookmark<'_> {
    /// When it is to be written down.
    fn due(&self) -> Option<Instant> {
        self.unkept.map(|_| self.kept + OFTEN)
    }

    async fn keep(&mut self) -> Result<(), String> {
        if let Some(place) = self.unkept.take() {
            let kept = self.store.set_bookmark(self.name, &place.to_string()).await;
            kept.map_err(|error| storage(&error))?;
        }
        self.kept = Instant::now();
        Ok(())
    }
}

/// Waits longer each time.
struct Pause(Duration);

impl Pause {
    fn new() -> Self {
        Pause(FIRST_PAUSE)
    }

    async fn wait(&mut self) {
        sleep(self.0).await;
        self.0 = (self.0 * 2).min(LONGEST_PAUSE);
    }
}

fn storage(error: &Error) -> String {
    format!("storage: {error}")
}
