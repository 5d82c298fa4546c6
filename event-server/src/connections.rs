//! How many connections are open: the listener counts them, and hands the count on with every request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

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
