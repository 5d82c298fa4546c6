//! What requests do: three words.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A kind of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// They bring events, and reports of lost ones.
    Write,
    /// They ask what is there.
    Read,
    /// They change what is everybody's: types, metrics, refused events, keys.
    Admin,
}

/// The text names no [`Access`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is write, read or admin")]
pub struct AccessError;

impl Access {
    /// All there are.
    pub const ALL: [Access; 3] = [Access::Write, Access::Read, Access::Admin];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Access::Write => "write",
            Access::Read => "read",
            Access::Admin => "admin",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Access {
    type Err = AccessError;

    fn from_str(text: &str) -> Result<Self, AccessError> {
        let found = Access::ALL.into_iter().find(|access| access.as_str() == text);
        found.ok_or(AccessError)
    }
}
