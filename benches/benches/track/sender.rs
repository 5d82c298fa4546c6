//! Somebody who takes an event from the application's thread.

/// How it goes with what is to take the events in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Situation {
    /// It takes them.
    Up,
    /// It is not there.
    Down,
    /// It is not there, and the queue is full.
    Full,
}

/// Events that a queue holds; those of the full ones are filled before anything is measured.
pub(crate) const QUEUE: usize = 1_000_000;
pub(crate) const SMALL_QUEUE: usize = 1_000;

impl Situation {
    pub(crate) fn said(self) -> &'static str {
        match self {
            Situation::Up => "Collector up",
            Situation::Down => "Collector down",
            Situation::Full => "Queue full",
        }
    }

    pub(crate) fn queue(self) -> usize {
        match self {
            Situation::Full => SMALL_QUEUE,
            _ => QUEUE,
        }
    }
}

/// A contender at work; dropped, it is at rest, and has seen to it that nothing was lost.
pub(crate) trait Sender: Sync {
    /// What is measured: builds the event with this number, and hands it over.
    fn send(&self, number: u64);
}

/// Does nothing, so that the cost of measuring is seen.
pub(crate) struct Nothing;

impl Sender for Nothing {
    fn send(&self, number: u64) {
        std::hint::black_box(number);
    }
}
