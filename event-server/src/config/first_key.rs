//! The key that a container begins with: a secret, and so never shown.

use std::fmt;
use std::path::Path;

use super::ConfigError;

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

/// The key itself, or what is in its file, as secrets are mounted.
pub(super) fn choose(key: Option<&FirstKey>, file: Option<&Path>) -> Result<Option<FirstKey>, ConfigError> {
    match (key, file) {
        (Some(_), Some(_)) => Err(ConfigError::new(
            "first_key_file",
            "first_key is there as well: give one of them",
        )),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(file);
            let text = text.map_err(|error| {
                let message = format!("{} cannot be read: {error}", file.display());
                ConfigError::new("first_key_file", message)
            })?;
            Ok(Some(FirstKey::new(text.trim())))
        }
        (key, None) => Ok(key.cloned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_key_stands_in_one_place() {
        let key = FirstKey::new("ev_1_2");
        assert_eq!(choose(None, None), Ok(None));
        assert_eq!(choose(Some(&key), None), Ok(Some(key.clone())));
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"ev_1_2\n").unwrap();
        assert_eq!(choose(None, Some(file.path())), Ok(Some(key.clone())));
        assert!(choose(Some(&key), Some(file.path())).is_err());
        let missing = choose(None, Some(Path::new("/no/such/file"))).unwrap_err();
        assert!(missing.to_string().contains("/no/such/file"));
        assert!(!format!("{key:?}").contains("ev_1"));
    }
}
