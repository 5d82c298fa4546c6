//! What became of one event that was offered.

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::flag::Flags;
use crate::name::EventId;
use crate::refusal::Refusal;
use crate::violation::Violation;

/// How an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// It is new and stored.
    Stored,
    /// The same event was stored before.
    Duplicate,
    /// Its id is taken by an event with other content; that one stays, this one is quarantined.
    Conflict,
    /// It breaks a rule and is kept in the quarantine.
    Quarantined,
    /// It breaks a rule and is not kept.
    Rejected,
}

impl Status {
    /// The `snake_case` name that goes over the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Stored => "stored",
            Status::Duplicate => "duplicate",
            Status::Conflict => "conflict",
            Status::Quarantined => "quarantined",
            Status::Rejected => "rejected",
        }
    }
}

/// The answer to one offered event. Every event ever offered gets exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// How it ended.
    pub status: Status,
    /// Its id; the one that was made for it, where it came without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<EventId>,
    /// Its place in the log, where it is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
    /// The first reason, where it is not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// Every broken rule that was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
    /// What is worth knowing about a stored event.
    #[serde(default, skip_serializing_if = "Flags::is_empty")]
    pub flags: Flags,
}

impl Verdict {
    /// The verdict on an event that is in the log.
    #[must_use]
    pub fn in_log(status: Status, id: EventId, position: i64, flags: Flags) -> Self {
        Verdict {
            status,
            id: Some(id),
            position: Some(position),
            code: None,
            violations: Vec::new(),
            flags,
        }
    }

    /// The verdict on an event that is not.
    #[must_use]
    pub fn refused(status: Status, refusal: &Refusal) -> Self {
        Verdict {
            status,
            id: refusal.claims.id.clone(),
            position: None,
            code: Some(refusal.code),
            violations: refusal.violations.clone(),
            flags: Flags::NONE,
        }
    }
}
