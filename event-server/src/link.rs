//! How it stands with something that feeds the log from elsewhere.

use std::sync::{Arc, Mutex, PoisonError};

use event_core::Timestamp;
#[cfg(feature = "kurrent")]
use event_core::{Verdict, verdict::Status};
use serde::Serialize;

/// What is known of a link; clones are of the same one.
#[derive(Clone, Debug)]
pub struct Link {
    name: &'static str,
    known: Arc<Mutex<LinkState>>,
}

/// How a link does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LinkState {
    /// Whether it is connected.
    pub up: bool,
    /// Since when it is, or is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What is wrong, if it is not; never with a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// How far it has read, in the words of the other side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// When the last event came that was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_event_at: Option<Timestamp>,
    /// How often it was connected.
    pub connections: u64,
    /// Events that were stored.
    pub stored: u64,
    /// Events that were stored before.
    pub duplicates: u64,
    /// Events that were refused.
    pub refused: u64,
}

#[cfg(feature = "kurrent")]
impl LinkState {
    fn turn(&mut self, up: bool, now: Timestamp) {
        if self.up != up || self.since.is_none() {
            (self.up, self.since) = (up, Some(now));
        }
    }
}

impl Link {
    /// A link that is not connected yet.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Link {
            name,
            known: Arc::default(),
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How it does now.
    #[must_use]
    pub fn state(&self) -> LinkState {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[cfg(feature = "kurrent")]
    fn change(&self, change: impl FnOnce(&mut LinkState)) {
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(feature = "kurrent")]
impl Link {
    pub(crate) fn connected(&self, now: Timestamp) {
        self.change(|state| {
            state.turn(true, now);
            state.problem = None;
            state.connections += 1;
        });
    }

    pub(crate) fn broken(&self, problem: String, now: Timestamp) {
        self.change(|state| {
            state.turn(false, now);
            state.problem = Some(problem);
        });
    }

    /// What has come cannot be stored for now.
    pub(crate) fn waiting(&self, problem: String) {
        self.change(|state| state.problem = Some(problem));
    }

    /// Events of the other side have come as far as this, and have these verdicts.
    pub(crate) fn read(&self, place: &str, verdicts: &[Verdict], now: Timestamp) {
        self.change(|state| {
            state.count(verdicts, now);
            state.place = Some(place.to_owned());
            state.problem = None;
        });
    }

    /// Events have these verdicts.
    pub(crate) fn counted(&self, verdicts: &[Verdict], now: Timestamp) {
        self.change(|state| state.count(verdicts, now));
    }
}

#[cfg(feature = "kurrent")]
impl LinkState {
    fn count(&mut self, verdicts: &[Verdict], now: Timestamp) {
        for verdict in verdicts {
            match verdict.status {
                Status::Stored => {
                    self.stored += 1;
                    self.last_event_at = Some(now);
                }
                Status::Duplicate => self.duplicates += 1,
                _ => self.refused += 1,
            }
        }
    }
}

#[cfg(all(test, feature = "kurrent"))]
mod tests {
    use super::*;

    #[test]
    fn it_is_known_since_when_a_link_is_down() {
        let (link, at) = (Link::new("kurrentdb"), |seconds: i64| {
            Timestamp::from_micros(seconds * 1_000_000).unwrap()
        });
        assert_eq!(link.state().since, None);
        link.broken("/etc/ssl/ca.pem is not there".to_owned(), at(1));
        link.broken("still".to_owned(), at(2));
        assert_eq!((link.state().up, link.state().since), (false, Some(at(1))));
        link.connected(at(3));
        assert_eq!((link.state().up, link.state().since), (true, Some(at(3))));
    }
}
