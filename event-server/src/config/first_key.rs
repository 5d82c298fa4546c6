//! The key that a container begins with: a secret, and so never shown.

use std::fmt;

/// A whole key, to be the first one of a store that has none.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstKey(String);

impl FirstKey {
    pub(super) fn new(text: &str) -> Self {
        FirstKey(text.to_owned())
    }

    /// All of it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FirstKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FirstKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_not_shown() {
        assert!(!format!("{:?}", FirstKey::new("ev_1_2")).contains("ev_1"));
    }
}
