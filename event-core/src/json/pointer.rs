//! A place in a JSON document, by RFC 6901.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A JSON pointer, parsed once and used often.
///
/// ```
/// use event_core::Pointer;
/// let pointer: Pointer = "/shipping_address/province".parse()?;
/// assert_eq!(pointer.tokens().collect::<Vec<_>>(), ["shipping_address", "province"]);
/// assert_eq!(pointer.to_string(), "/shipping_address/province");
/// assert!("province".parse::<Pointer>().is_err());
/// # Ok::<(), event_core::json::PointerError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pointer {
    tokens: Vec<String>,
}

/// The text is no JSON pointer: it does not start with `/`, or holds `~` without `0` or `1` behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a JSON pointer starts with \"/\" and writes \"~\" as \"~0\" and \"/\" as \"~1\" inside a key")]
pub struct PointerError;

impl Pointer {
    /// The pointer to the whole document.
    #[must_use]
    pub const fn root() -> Self {
        Pointer { tokens: Vec::new() }
    }

    /// A pointer made of unescaped tokens.
    pub fn from_tokens<T: Into<String>>(tokens: impl IntoIterator<Item = T>) -> Self {
        Pointer {
            tokens: tokens.into_iter().map(Into::into).collect(),
        }
    }

    /// The unescaped keys and indices, outermost first.
    pub fn tokens(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.tokens.iter().map(String::as_str)
    }
}

/// `token` as an array index: digits without a leading zero, by RFC 6901 section 4.
pub(crate) fn index(token: &str) -> Option<usize> {
    let digits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (token.len() > 1 && token.starts_with('0')) {
        return None;
    }
    token.parse().ok()
}

/// Appends one token to a pointer's text, escaped.
pub(crate) fn push_token(text: &mut String, token: &str) {
    text.push('/');
    for c in token.chars() {
        match c {
            '~' => text.push_str("~0"),
            '/' => text.push_str("~1"),
            c => text.push(c),
        }
    }
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, PointerError> {
        if text.is_empty() {
            return Ok(Pointer::root());
        }
        let rest = text.strip_prefix('/').ok_or(PointerError)?;
        rest.split('/')
            .map(unescape)
            .collect::<Result<_, _>>()
            .map(|tokens| Pointer { tokens })
    }
}

fn unescape(token: &str) -> Result<String, PointerError> {
    let mut out = String::with_capacity(token.len());
    let mut chars = token.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '~' => match chars.next() {
                Some('0') => '~',
                Some('1') => '/',
                _ => return Err(PointerError),
            },
            c => c,
        });
    }
    Ok(out)
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.tokens.iter().for_each(|token| push_token(&mut text, token));
        f.write_str(&text)
    }
}

impl Serialize for Pointer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_round_trip() {
        for text in ["", "/", "/a~1b/m~0n", "/0/01/-", "//"] {
            assert_eq!(text.parse::<Pointer>().unwrap().to_string(), text);
        }
        assert!("/~2".parse::<Pointer>().is_err());
        assert!("/~".parse::<Pointer>().is_err());
    }

    #[test]
    fn an_index_has_no_leading_zero() {
        assert_eq!(index("0"), Some(0));
        assert_eq!(index("12"), Some(12));
        assert_eq!(index("01"), None);
        assert_eq!(index("-"), None);
        assert_eq!(index(""), None);
    }
}
