//! Whoever reads the log on and on from the last position read.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use event_store::EventStore;
use tokio::task::JoinHandle;

/// What a follower has read so far.
#[derive(Default)]
pub(crate) struct Follower {
    after: i64,
    read: HashSet<String>,
    repeated: usize,
    backwards: usize,
    reads: usize,
}

/// What became of the events, as the follower saw it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Those that were stored and never read.
    pub(crate) skipped: usize,
    /// Those that were read, and had not been stored.
    pub(crate) unknown: usize,
    /// How often one was read again.
    pub(crate) repeated: usize,
    /// How often a position did not grow.
    pub(crate) backwards: usize,
}

/// All is well.
pub(crate) const EACH_ONCE: Seen = Seen {
    skipped: 0,
    unknown: 0,
    repeated: 0,
    backwards: 0,
};

impl Follower {
    /// Follows until all that is there once `done` is set has been read.
    pub(crate) fn start(store: EventStore, done: Arc<AtomicBool>) -> JoinHandle<Self> {
        tokio::spawn(async move {
            let mut follower = Follower::default();
            loop {
                let last = done.load(Ordering::Acquire);
                if follower.read(&store).await == 0 {
                    if last {
                        return follower;
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        })
    }

    async fn read(&mut self, store: &EventStore) -> usize {
        let events = store.log(self.after, 1_000).await.unwrap();
        self.reads += 1;
        for stored in &events {
            self.backwards += usize::from(stored.position <= self.after);
            self.after = stored.position;
            self.repeated += usize::from(!self.read.insert(stored.event.envelope().id.to_string()));
        }
        events.len()
    }

    /// Compares what was read with what was stored.
    pub(crate) fn seen(&self, stored: &HashSet<String>) -> Seen {
        Seen {
            skipped: stored.difference(&self.read).count(),
            unknown: self.read.difference(stored).count(),
            repeated: self.repeated,
            backwards: self.backwards,
        }
    }

    /// That it did read while others wrote.
    pub(crate) fn assert_busy(&self) {
        assert!(self.reads > 20, "{} reads", self.reads);
    }
}
