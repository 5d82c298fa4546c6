//! An export on its way: read as fast as it is taken, in bounded memory.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::error::QueryError;
use crate::fork;

/// So many chunks wait for whoever reads, each as large as the network has brought it.
const WAITING: usize = 4;

/// A part of the body, or its end.
type Part = Result<Option<Bytes>, QueryError>;

/// What an export is written as, chunk by chunk, and the position that it holds.
///
/// Whoever drops it ends it.
#[derive(Debug)]
pub struct Export {
    position: i64,
    parts: mpsc::Receiver<Part>,
    ended: bool,
    /// The process that it was begun in.
    generation: u32,
}

/// The other end: where its parts come from.
pub(crate) struct Sink(mpsc::Sender<Part>);

/// An export that holds everything up to this position, and where to put its parts.
pub(crate) fn pair(position: i64) -> (Sink, Export) {
    let (sender, parts) = mpsc::channel(WAITING);
    let export = Export {
        position,
        parts,
        ended: false,
        generation: fork::generation(),
    };
    (Sink(sender), export)
}

impl Sink {
    /// Puts a part down, once there is room.
    pub(crate) async fn put(&self, part: Part) {
        // Whoever has left wants no more of it.
        if let Ok(room) = self.0.reserve().await {
            fork::aside(|| room.send(part));
        }
    }

    /// Nobody reads any more.
    pub(crate) async fn left(&self) {
        self.0.closed().await;
    }
}

impl Drop for Sink {
    /// Whoever waits is told, which may take a while.
    fn drop(&mut self) {
        let (nowhere, _) = mpsc::channel(1);
        let sender = std::mem::replace(&mut self.0, nowhere);
        fork::aside(|| drop(sender));
    }
}

impl Export {
    /// Every event up to this position is in it, once all of it has come: the `after` of the next one.
    #[must_use]
    pub const fn position(&self) -> i64 {
        self.position
    }

    /// Wants no more of it: what has not come yet does not come, and whoever waits for it is told that it broke off.
    pub fn close(&mut self) {
        self.parts.close();
    }

    /// The next bytes; `None` when all have come.
    ///
    /// # Errors
    /// If the export broke off: then it does not hold what it was to hold.
    pub async fn next(&mut self) -> Result<Option<Bytes>, QueryError> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The same for threads that may wait.
    ///
    /// # Errors
    /// As [`Export::next`].
    pub fn next_blocking(&mut self) -> Result<Option<Bytes>, QueryError> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut next = pin!(self.next());
        loop {
            match next.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(part) => return part,
                Poll::Pending => thread::park(),
            }
        }
    }

    /// The same for whoever polls; it may stop and begin again.
    ///
    /// # Errors
    /// As [`Export::next`].
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, QueryError>> {
        if self.ended {
            return Poll::Ready(Ok(None));
        }
        // In a process that was forked meanwhile nobody is left to bring it.
        if self.generation != fork::generation() {
            return Poll::Ready(Err(QueryError::Closed));
        }
        self.parts.poll_recv(context).map(|part| {
            let part = part.unwrap_or(Err(QueryError::Closed));
            self.ended = matches!(part, Ok(None));
            part
        })
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_off_is_no_end() {
        let (sink, mut export) = pair(7);
        let bytes = |text: &'static str| Ok(Some(Bytes::from_static(text.as_bytes())));
        futures_executor::block_on(sink.put(bytes("a")));
        assert_eq!((export.position(), export.next_blocking()), (7, bytes("a")));
        drop(sink);
        assert_eq!(export.next_blocking(), Err(QueryError::Closed));

        let (sink, mut export) = pair(7);
        let reader = thread::spawn(move || (export.next_blocking(), export.next_blocking(), export.next_blocking()));
        futures_executor::block_on(async {
            sink.put(bytes("a")).await;
            sink.put(Ok(None)).await;
        });
        assert_eq!(reader.join().unwrap(), (bytes("a"), Ok(None), Ok(None)));
    }

    #[test]
    fn whoever_leaves_is_not_waited_for() {
        let (sink, export) = pair(0);
        drop(export);
        futures_executor::block_on(async {
            sink.left().await;
            for _ in 0..=WAITING {
                sink.put(Ok(None)).await;
            }
        });
    }
}
