//! What the worker is asked to do besides sending what was tracked.

use std::time::Instant;

use bytes::Bytes;
use event_core::Verdict;

use crate::call::Call;
use crate::error::{QueryError, Unconfirmed};
use crate::export::Export;
use crate::fork;
use crate::lines::Lines;

/// Takes an answer to whoever waits for it, in whatever way he waits.
pub(crate) struct Reply<T>(Box<dyn FnOnce(T) + Send>);

impl<T: Send + 'static> Reply<T> {
    /// A reply that a future waits for, on any runtime.
    pub(crate) fn future() -> (Self, tokio::sync::oneshot::Receiver<T>) {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        (Reply(Box::new(|answer| drop(sender.send(answer)))), receiver)
    }

    /// A reply that a thread waits for, whether it belongs to a runtime or not.
    pub(crate) fn blocking() -> (Self, std::sync::mpsc::Receiver<T>) {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        (Reply(Box::new(move |answer| drop(sender.send(answer)))), receiver)
    }

    /// Whoever is woken by it may take a while to wake: that is no business of ours.
    pub(crate) fn send(self, answer: T) {
        fork::aside(|| (self.0)(answer));
    }
}

/// What became of events that were sent.
pub(crate) struct Sent {
    /// One an event; none where there is no verdict.
    pub(crate) verdicts: Vec<Option<Verdict>>,
    /// Why some have none.
    pub(crate) reason: Option<Unconfirmed>,
}

impl Sent {
    /// None of so many events has a verdict.
    pub(crate) fn nothing(events: usize, reason: Unconfirmed) -> Self {
        Sent {
            verdicts: vec![None; events],
            reason: Some(reason),
        }
    }
}

/// Something that somebody waits for.
pub(crate) enum Job {
    /// Send these events, in these batches, and answer with the verdicts.
    Send {
        batches: std::collections::VecDeque<Lines>,
        deadline: Instant,
        reply: Reply<Sent>,
    },
    /// Say whether so many of the events that were tracked have left before the deadline.
    Flush {
        until: u64,
        deadline: Instant,
        reply: Reply<Result<(), crate::error::FlushError>>,
    },
    /// Ask the collector a question.
    Ask {
        call: Call,
        reply: Reply<Result<Bytes, QueryError>>,
    },
    /// The same, where the answer is read as it comes.
    Open {
        call: Call,
        reply: Reply<Result<Export, QueryError>>,
    },
}
