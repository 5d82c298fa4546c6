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
    pub(crate) fn connected(&self) {
        self.change(|state| {
            state.up = true;
            state.problem = None;
            state.connections += 1;
        });
    }

    pub(crate) fn broken(&self, problem: String) {
        self.change(|state| {
            state.up = false;
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
