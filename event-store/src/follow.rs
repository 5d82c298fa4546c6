//! Following the log: what is there, and then what comes, in the order of positions and without an end.
//!
//! A [`Follower`] is one reader with a place of its own that the caller keeps. Where several processes share
//! the work, or the place has to be kept with what was made of the events, use [`project`](crate::project).

mod backoff;
mod page;

use std::time::Duration;

use event_core::{Filter, StoredEvent};
use futures_util::Stream;
use tokio::sync::watch;

use crate::error::Error;
use crate::herald;
use crate::inner::detached;
use crate::store::EventStore;

pub(crate) use backoff::{is_of_the_store, pause};
pub(crate) use page::{Page, Scope, floor, read};

/// So many places go by without an event that is wanted, before the caller is told where it is.
const QUIET: i64 = 10_000;
/// Asked again after so long, where nobody tells; then after twice as long, and so on.
const SOONEST: Duration = Duration::from_millis(20);

/// What to follow, from where, and how much at once.
///
/// ```
/// use event_core::Filter;
/// use event_store::follow::Follow;
/// let follow = Follow::after(1_200).rows(100);
/// ```
#[derive(Clone, Debug)]
pub struct Follow {
    after: i64,
    filter: Filter,
    rows: usize,
    bytes: usize,
    poll: Duration,
}

impl Follow {
    /// All that is there, and all that comes.
    #[must_use]
    pub fn all() -> Self {
        Follow::after(0)
    }

    /// What comes behind a position: that of the last event, or of the last [`Batch`], that was dealt with.
    #[must_use]
    pub fn after(position: i64) -> Self {
        Follow {
            after: position.max(0),
            filter: Filter::new(),
            rows: 1_000,
            bytes: 4 << 20,
            poll: Duration::from_millis(500),
        }
    }

    /// Only events of a filter: by type, source, subject, or fields of their data.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// The most events of a batch; 1,000 by default, 10,000 at the most.
    #[must_use]
    pub fn rows(mut self, rows: usize) -> Self {
        self.rows = rows.clamp(1, 10_000);
        self
    }

    /// About the most bytes of a batch, told by those before; 4 MiB by default.
    #[must_use]
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes.max(1);
        self
    }

    /// How long at the most until an event of another process is seen, where the database does not tell of it; half a
    /// second by default. What this process stores is seen at once.
    #[must_use]
    pub fn poll(mut self, longest: Duration) -> Self {
        self.poll = longest.max(Duration::from_millis(1));
        self
    }
}

/// Events in the order of the log, and how far one has come with them.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Those that are wanted; none, where many went by that are not.
    pub events: Vec<StoredEvent>,
    /// Whoever has dealt with the events goes on behind this place, which may lie behind that of the last event.
    pub position: i64,
    /// The newest place of the log when it was read.
    pub head: i64,
}

/// Reads the log on and on. It reads when it is asked: who is slow is not flooded.
pub struct Follower {
    store: EventStore,
    follow: Follow,
    scope: Option<Scope>,
    arrivals: watch::Receiver<i64>,
    after: i64,
    /// Where the caller was told last that it is.
    told: i64,
    /// Bytes that an event had of late, about.
    weight: usize,
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Follower { follow, after, .. } = self;
        f.debug_struct("Follower")
            .field("follow", follow)
            .field("after", after)
            .finish_non_exhaustive()
    }
}

impl EventStore {
    /// Follows the log: first what is there, then what comes, whichever process stores it. Nothing is skipped, and
    /// nothing is read twice. Events that are erased or pruned before they are read are not seen; for the latter there
    /// is an error.
    ///
    /// ```
    /// use event_core::Source;
    /// use event_store::{EventStore, Offer, Origin, follow::Follow};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let store = EventStore::connect("sqlite::memory:").await?;
    /// let mut follower = store.follow(Follow::all());
    /// let click = Offer::Json(br#"{"category": "page interaction", "name": "click"}"#.to_vec());
    /// store.ingest(vec![click; 3], &Origin::new(Source::new("shop")?)).await?;
    /// let batch = follower.next().await?;
    /// assert_eq!((batch.events.len(), batch.position), (3, 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn follow(&self, follow: Follow) -> Follower {
        herald::listen(self.inner());
        let arrivals = self.inner().arrivals.subscribe();
        Follower {
            store: self.clone(),
            after: follow.after,
            told: follow.after,
            follow,
            scope: None,
            arrivals,
            weight: 16 << 10,
        }
    }
}

impl Follower {
    /// How far it has read.
    #[must_use]
    pub fn position(&self) -> i64 {
        self.after
    }

    /// The next events, as soon as there are some. Where the database fails it is asked again, with pauses, until it
    /// answers. Cancelled, nothing is lost.
    ///
    /// # Errors
    /// [`Error::Closed`] once the store is closed, [`Error::Pruned`] if events that were not seen yet are gone, or if the
    /// database holds what cannot be read.
    pub async fn next(&mut self) -> Result<Batch, Error> {
        let (mut failures, mut silence) = (0, 0);
        loop {
            // Seen before it is read: what comes while it is read is not waited for.
            self.arrivals.mark_unchanged();
            match self.read().await {
                Ok(Some(batch)) => return Ok(batch),
                Ok(None) => {
                    failures = 0;
                    let longest = pause(silence, SOONEST, self.follow.poll);
                    silence += 1;
                    // Whether it has changed or time is up, it is read again.
                    if let Ok(Err(_)) = tokio::time::timeout(longest, self.arrivals.changed()).await {
                        return Err(Error::Closed);
                    }
                }
                Err(error) if is_of_the_store(&error) => {
                    if failures == 0 {
                        tracing::warn!(%error, after = self.after, "the log cannot be read; it is tried again");
                    }
                    tokio::time::sleep(pause(failures, SOONEST, Duration::from_secs(5))).await;
                    failures += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What is there now, without waiting: nothing once all is read.
    ///
    /// # Errors
    /// As [`Follower::next`], and if the database fails.
    pub async fn try_next(&mut self) -> Result<Option<Batch>, Error> {
        self.read().await
    }

    /// The same as a stream. It ends with the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Batch, Error>> + Send {
        futures_util::stream::unfold(Some(self), |follower| async move {
            let mut follower = follower?;
            let batch = follower.next().await;
            let rest = batch.is_ok().then_some(follower);
            Some((batch, rest))
        })
    }

    /// Reads until there is something to tell, or nothing left.
    async fn read(&mut self) -> Result<Option<Batch>, Error> {
        loop {
            let page = self.page().await?;
            self.after = page.position;
            let all = page.position >= page.head;
            if !page.events.is_empty() {
                let bytes: usize = page
                    .events
                    .iter()
                    .map(|it| it.event.payload().as_str().len() + 256)
                    .sum();
                self.weight = (bytes / page.events.len()).max(self.weight / 2).max(1);
            }
            if !page.events.is_empty() || page.position - self.told >= QUIET {
                self.told = page.position;
                return Ok(Some(Batch {
                    events: page.events,
                    position: page.position,
                    head: page.head,
                }));
            }
            if all {
                return Ok(None);
            }
        }
    }

    async fn page(&mut self) -> Result<Page, Error> {
        let inner = self.store.inner().clone();
        if inner.queue.is_closed() {
            return Err(Error::Closed);
        }
        let scope = match self.scope {
            Some(scope) => scope,
            None => {
                let (inner, after) = (inner.clone(), self.after);
                let pruned_to = detached(async move { floor(&inner, &inner.reader, after).await }).await?;
                *self.scope.insert(Scope { rows: 0, pruned_to })
            }
        };
        let rows = (self.follow.bytes / self.weight).clamp(1, self.follow.rows);
        let (filter, after) = (self.follow.filter.clone(), self.after);
        detached(async move { read(&inner, &filter, after, Scope { rows, ..scope }).await }).await
    }
}
