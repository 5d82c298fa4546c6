//! What happens to an event that breaks a rule.

use serde::{Deserialize, Serialize};

/// What becomes of an event that breaks its type's rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// It is kept in the quarantine with every reason, so that it can be looked at and replayed.
    #[default]
    Quarantine,
    /// It is refused and not kept.
    Reject,
    /// It is stored all the same, with the broken rules as flags.
    Warn,
}

/// What becomes of an event whose type or version nobody registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UnknownTypes {
    /// It is stored and marked `unplanned`.
    #[default]
    Store,
    /// It is kept in the quarantine.
    Quarantine,
    /// It is refused and not kept.
    Reject,
}

/// What is kept of the events of a type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Storage {
    /// The events themselves, and what is counted of them.
    #[default]
    Events,
    /// Only what is counted of them, and their ids, so that one that comes again does not count
    /// twice. Questions that its metrics do not cover have no answer.
    CountsOnly,
}

impl Storage {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Storage::Events => "events",
            Storage::CountsOnly => "counts_only",
        }
    }

    /// Whether it need not be said.
    fn is_default(&self) -> bool {
        *self == Storage::default()
    }
}

/// The rules of one event type beside its schema.
///
/// ```
/// use event_core::policy::{Action, Policy, Storage};
/// let policy: Policy = serde_json::from_str(r#"{"on_violation": "warn", "storage": "counts_only"}"#)?;
/// assert_eq!(policy.on_violation, Action::Warn);
/// assert_eq!(policy.future_tolerance_seconds, None);
/// assert_eq!(policy.storage, Storage::CountsOnly);
/// assert_eq!(serde_json::to_string(&Policy::default())?, r#"{"on_violation":"quarantine"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// What becomes of an event that breaks the schema or lies in the future.
    pub on_violation: Action,
    /// How far ahead of the receiver's clock an event may lie; `None` for the registry's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub future_tolerance_seconds: Option<u32>,
    /// What is kept of its events.
    #[serde(skip_serializing_if = "Storage::is_default")]
    pub storage: Storage,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_is_named_as_it_is_written() {
        for storage in [Storage::Events, Storage::CountsOnly] {
            assert_eq!(serde_json::to_value(storage).unwrap(), storage.as_str());
        }
    }
}
