//! What a test wants the collector to do.

use std::collections::VecDeque;

use event_core::verdict::Status;
use event_core::{Code, Event};

use crate::transport::Key;

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mishap {
    /// This status, and nothing is taken.
    Status(u16),
    /// The events are taken, and the answer never arrives.
    AnswerLost,
    /// The events are taken, and the answer has a verdict too few.
    VerdictMissing,
}

type Choice = Box<dyn Fn(&Event) -> bool + Send>;

/// What goes wrong, and when; without it everything goes well.
#[derive(Default)]
pub(super) struct Script {
    /// Nothing is heard of the collector.
    pub(super) down: bool,
    /// The only key that is taken.
    pub(super) key: Option<Key>,
    /// Of the next requests.
    pub(super) mishaps: VecDeque<Mishap>,
    /// Of the next reports of losses.
    pub(super) lost_reports: usize,
    /// Statuses for requests that hold an event of a kind.
    pub(super) statuses: Vec<(u16, Choice)>,
    /// Verdicts on events of a kind.
    pub(super) refusals: Vec<(Status, Code, Choice)>,
}

impl Script {
    /// The status of a request with these events, if it is not a good one.
    pub(super) fn status(&self, events: &[Event]) -> Option<u16> {
        let scripted = self.statuses.iter();
        let mut fitting = scripted.filter(|(_, choice)| events.iter().any(choice));
        fitting.next().map(|(status, _)| *status)
    }

    /// Why this event is not stored, if it is not.
    pub(super) fn refusal(&self, event: &Event) -> Option<(Status, Code)> {
        let mut fitting = self.refusals.iter().filter(|(_, _, choice)| choice(event));
        fitting.next().map(|(status, code, _)| (*status, *code))
    }
}
