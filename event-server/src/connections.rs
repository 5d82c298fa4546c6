//! What the listener hands on with every request: how many connections are open, and whether the end has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::watch;

/// The count of one listener; clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    open: AtomicUsize,
    turned_away: AtomicU64,
}

/// One of them, for as long as it is open.
#[derive(Debug)]
pub(crate) struct Open(Connections);

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

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
