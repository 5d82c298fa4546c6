//! The small texts on the outside of an event: types that cannot hold a bad value.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text breaks the grammar of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// For ids of every kind.
    #[error("an id has 1 to 128 bytes of printable ASCII without space")]
    Id,
    /// For category, name and version.
    #[error("category, name and version have 1 to 100 characters, no control characters and no space at either end")]
    Label,
    /// For subjects.
    #[error("a subject has 1 to 256 bytes and no control characters")]
    Subject,
}

fn is_id(text: &str) -> bool {
    // Every byte is looked at, so that many can be at once.
    let graphic = |text: &str| text.bytes().fold(true, |good, byte| good & byte.is_ascii_graphic());
    (1..=128).contains(&text.len()) && graphic(text)
}

/// Printable ASCII, spaces included: what most texts are.
fn is_plain(text: &str) -> bool {
    text.bytes().fold(true, |good, byte| good & matches!(byte, b' '..=b'~'))
}

fn is_label(text: &str) -> bool {
    if (1..=100).contains(&text.len()) && is_plain(text) {
        return !text.starts_with(' ') && !text.ends_with(' ');
    }
    // 100 characters are at the most 400 bytes, which spares counting most of the time.
    let length = if text.len() <= 100 {
        text.len()
    } else {
        text.chars().count()
    };
    let edges = text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace);
    (1..=100).contains(&length) && !edges && !text.chars().any(char::is_control)
}

fn is_subject(text: &str) -> bool {
    (1..=256).contains(&text.len()) && (is_plain(text) || !text.chars().any(char::is_control))
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:ident, $error:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the grammar.
            ///
            /// # Errors
            /// Which grammar the text breaks.
            pub fn new(text: impl AsRef<str>) -> Result<Self, NameError> {
                let text = text.as_ref();
                if $check(text) { Ok($name(Arc::from(text))) } else { Err(NameError::$error) }
            }

            /// Whether a text keeps to the grammar.
            #[must_use]
            pub fn is(text: &str) -> bool {
                $check(text)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                $name::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                $name::new(text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name! {
    /// What makes an event itself, within its source: 1 to 128 bytes of printable ASCII without
    /// space. A UUID or not; `ABC` and `abc` are two ids.
    ///
    /// ```
    /// use event_core::EventId;
    /// assert!(EventId::new("dfacfc2362-6359-49d9-a445-27314e2ff7e6").is_ok());
    /// assert!(EventId::new("two words").is_err());
    /// ```
    EventId, is_id, Id
}
name! {
    /// Which visit or run the event belongs to; made by the sender, with the grammar of an id.
    SessionId, is_id, Id
}
name! {
    /// The application that sent the event; with the grammar of an id.
    Source, is_id, Id
}
name! {
    /// Whom the event is about, say a customer: 1 to 256 bytes without control characters.
    Subject, is_subject, Subject
}
name! {
    /// A category, a name or a version: 1 to 100 characters without control characters or space at
    /// either end. Spaces inside, capitals and any script are fine.
    Label, is_label, Label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_printable_ascii_without_space() {
        for text in ["", " ", "a b", "é", "a\u{7f}", "a\n", &"a".repeat(129)] {
            assert_eq!(EventId::new(text), Err(NameError::Id), "{text:?}");
        }
        assert!(EventId::new("a".repeat(128)).is_ok());
        assert_ne!(EventId::new("ABC"), EventId::new("abc"));
    }

    #[test]
    fn labels_are_legal_text() {
        for text in ["", " a", "a ", "a\u{0}", "a\u{85}b", "\u{a0}a", &"é".repeat(101)] {
            assert_eq!(Label::new(text), Err(NameError::Label), "{text:?}");
        }
        for text in ["page interaction", "<script>", "É", &"é".repeat(100)] {
            assert!(Label::new(text).is_ok(), "{text:?}");
        }
    }
}
