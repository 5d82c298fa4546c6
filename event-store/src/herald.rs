//! Tells other processes that something was stored, and hears it from them, where the database carries such news.
//!
//! Nothing depends on it: whoever follows the log also looks by itself. It is told after the commit and beside it, so
//! that no writer waits for it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;

use crate::error::Error;
use crate::inner::{Inner, detached};

/// Told no more often than this, however much is stored.
const REST: Duration = Duration::from_millis(5);
/// How long until it is listened again after the connection was lost.
const AGAIN: Duration = Duration::from_secs(1);

/// Tells of what this process stores, until the store is gone.
pub(crate) async fn tell(inner: Weak<Inner>, mut arrivals: watch::Receiver<i64>) {
    let mut told = 0;
    while arrivals.changed().await.is_ok() {
        let head = *arrivals.borrow_and_update();
        let Some(inner) = inner.upgrade().filter(|inner| !inner.queue.is_closed()) else {
            return;
        };
        // What was heard from others is not told again.
        if head > told {
            told = head;
            // Where it fails, the others see it a little later.
            let _ = detached(async move { inner.dialect.tell(&inner.reader, &channel(&inner)).await }).await;
            tokio::time::sleep(REST).await;
        }
    }
}

/// Begins to listen to other processes, once for all who follow the log here.
pub(crate) fn listen(inner: &Arc<Inner>) {
    if inner.listening.swap(true, Ordering::AcqRel) || !inner.dialect.carries_news() {
        return;
    }
    let arrivals = inner.arrivals.subscribe();
    let inner = Arc::downgrade(inner);
    tokio::spawn(async move {
        tokio::select! {
            () = hear(&inner) => {}
            () = closed(&inner, arrivals) => {}
        }
    });
}

async fn hear(weak: &Weak<Inner>) {
    while let Some(inner) = weak.upgrade() {
        let ears = inner.dialect.listen(&inner.reader, &channel(&inner)).await;
        drop(inner);
        let lost = match ears {
            Ok(mut ears) => loop {
                // Also at first: something may have been stored before it was listened.
                match weak.upgrade() {
                    Some(inner) => inner.heard(),
                    None => return,
                }
                if let Err(error) = ears.hear().await {
                    break error;
                }
            },
            Err(error) => error,
        };
        tracing::debug!(error = %Error::from(lost), "news of other processes are not heard");
        tokio::time::sleep(AGAIN).await;
    }
}

/// Until the store is closed, or gone.
async fn closed(inner: &Weak<Inner>, mut arrivals: watch::Receiver<i64>) {
    while arrivals.changed().await.is_ok() {
        if inner.upgrade().is_none_or(|inner| inner.queue.is_closed()) {
            return;
        }
    }
}

/// Of the tables with this prefix; a false alarm does no harm.
fn channel(inner: &Inner) -> String {
    inner.tables.sql("{p}log")
}
