//! One broken rule of one event.

use serde::{Deserialize, Serialize};

/// Which rule is broken, and where. The offending value is never part of it: it may be personal,
/// or a megabyte long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The place in the event's data, for rules of schemas and metrics, else in the event; a JSON
    /// pointer.
    pub pointer: String,
    /// The keyword of the schema (`required`, `maxLength`, …), or the code of another rule.
    pub keyword: String,
    /// What the rule asks for, where that is short: the bound, the type, the missing property.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// The rule in words.
    pub message: String,
}

impl Violation {
    /// A broken rule without a limit.
    pub fn new(pointer: impl Into<String>, keyword: impl Into<String>, message: impl Into<String>) -> Self {
        Violation {
            pointer: pointer.into(),
            keyword: keyword.into(),
            limit: None,
            message: message.into(),
        }
    }
}
