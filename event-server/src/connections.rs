//! What the listener hands on with every request, and hears back: how many connections are open, whether fewer would serve
//! better, and whether the end has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::watch;

/// The count of one listener; clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    begun: Instant,
    open: AtomicUsize,
    /// Of them, those that are served.
    served: AtomicUsize,
    turned_away: AtomicU64,
    /// Until when there is a crowd, and until when fewer are served for it, in milliseconds since it began to count.
    crowd_until: AtomicU64,
    few_until: AtomicU64,
}

impl Default for Counts {
    fn default() -> Self {
        Counts {
            begun: Instant::now(),
            open: AtomicUsize::new(0),
            served: AtomicUsize::new(0),
            turned_away: AtomicU64::new(0),
            crowd_until: AtomicU64::new(0),
            few_until: AtomicU64::new(0),
        }
    }
}

/// So many are served while fewer are: what belongs to them stays in the processor's caches from a request to its answer, and commits
/// still have enough events to share their price.
pub(crate) const FEW: usize = 320;
/// How long it holds that somebody was turned away, or that fewer are served.
const WHILE_MILLIS: u64 = 1_000;

impl Counts {
    /// Milliseconds since it began to count.
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn hold(&self, until: &AtomicU64) {
        until.store(self.now().saturating_add(WHILE_MILLIS), Ordering::Relaxed);
    }

    fn holds(&self, until: &AtomicU64) -> bool {
        // As long as nothing ever was, nobody has to ask for the time.
        let until = until.load(Ordering::Relaxed);
        until != 0 && self.now() < until
    }
}

/// One of them, for as long as it is open.
#[derive(Debug)]
pub(crate) struct Open(Connections);

/// One that is served, for as long as it is.
#[derive(Debug)]
pub(crate) struct Served {
    among: Connections,
    left: AtomicBool,
}

/// Tells an answer that has no end of its own that the program is about to stop; clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Stopping(watch::Receiver<bool>);

impl From<watch::Receiver<bool>> for Stopping {
    fn from(stopping: watch::Receiver<bool>) -> Self {
        Stopping(stopping)
    }
}

impl Stopping {
    /// Waits until it is.
    pub(crate) async fn begun(&mut self) {
        // A listener that is gone will not serve the rest either.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}

impl Connections {
    /// Counts one more, until what is given back is dropped.
    pub(crate) fn open(&self) -> Open {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        Open(self.clone())
    }

    /// How many are open now.
    pub(crate) fn count(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    /// One was told that there are too many.
    pub(crate) fn turn_away(&self) {
        self.0.turned_away.fetch_add(1, Ordering::Relaxed);
        self.0.hold(&self.0.crowd_until);
    }

    /// Whether one was told so within the last second.
    pub(crate) fn is_crowded(&self) -> bool {
        self.0.holds(&self.0.crowd_until)
    }

    /// Says for a second that fewer than might be are to be served.
    pub(crate) fn serve_few(&self) {
        self.0.hold(&self.0.few_until);
    }

    /// Takes one more among those that are served, unless there are enough.
    pub(crate) fn serve(&self) -> Option<Served> {
        if self.0.served.load(Ordering::Relaxed) >= FEW && self.0.holds(&self.0.few_until) {
            return None;
        }
        self.0.served.fetch_add(1, Ordering::Relaxed);
        Some(Served {
            among: self.clone(),
            left: AtomicBool::new(false),
        })
    }

    /// How many were told so.
    pub(crate) fn turned_away(&self) -> u64 {
        self.0.turned_away.load(Ordering::Relaxed)
    }
}

impl Open {
    /// The connections of which this is one.
    pub(crate) fn among(&self) -> Connections {
        self.0.clone()
    }
}

impl Served {
    /// Whether this one is to end with its answer because fewer are to be served. Whoever is told so is not counted any more.
    pub(crate) fn is_beyond(&self) -> bool {
        let counts = &self.among.0;
        // Answers of one connection follow one another: nobody else asks for it meanwhile.
        let left = self.left.load(Ordering::Relaxed);
        if left || counts.served.load(Ordering::Relaxed) <= FEW || !counts.holds(&counts.few_until) {
            return false;
        }
        let fewer = |served: usize| (served > FEW).then(|| served - 1);
        let served = &counts.served;
        let beyond = served.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer).is_ok();
        self.left.store(beyond, Ordering::Relaxed);
        beyond
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if !self.left.load(Ordering::Relaxed) {
            self.among.0.served.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(connections: &Connections, count: usize) -> Vec<Served> {
        (0..count).filter_map(|_| connections.serve()).collect()
    }

    #[test]
    fn as_many_are_served_as_come_until_fewer_are_to_be() {
        let connections = Connections::default();
        let many = served(&connections, FEW + 100);
        assert_eq!(many.len(), FEW + 100);
        assert!(!many.iter().any(Served::is_beyond));

        connections.serve_few();
        assert!(connections.serve().is_none());
        assert_eq!(many.iter().filter(|served| served.is_beyond()).count(), 100);
        // Once each, whenever their connections end.
        assert_eq!(many.iter().filter(|served| served.is_beyond()).count(), 0);
        drop(many);
        assert_eq!(served(&connections, FEW + 100).len(), FEW);
    }

    #[test]
    fn a_second_later_all_are_served_again() {
        let connections = Connections::default();
        connections.serve_few();
        connections.turn_away();
        let many = served(&connections, FEW);
        assert!(connections.serve().is_none() && connections.is_crowded());
        std::thread::sleep(std::time::Duration::from_millis(WHILE_MILLIS + 1));
        assert!(connections.serve().is_some() && !connections.is_crowded());
        assert_eq!(many.len(), FEW);
    }
}
