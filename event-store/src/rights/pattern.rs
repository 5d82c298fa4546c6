//! Which types a key is for: all of a category, or one of them.

use std::fmt;
use std::str::FromStr;

use event_core::{EventType, Label};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// All types of a category, or one: `category` or `category/name`. A slash inside of either is written `~1`, and a
/// tilde `~0`, as in JSON pointers.
///
/// ```
/// use event_core::EventType;
/// use event_store::api_key::TypePattern;
/// let created = EventType::new("order", "created")?;
/// assert!("order".parse::<TypePattern>()?.matches(&created));
/// assert!("order/created".parse::<TypePattern>()?.matches(&created));
/// assert!(!"order/paid".parse::<TypePattern>()?.matches(&created));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypePattern {
    category: Label,
    name: Option<Label>,
}

/// The text is no [`TypePattern`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is category or category/name, with ~1 for a slash inside of either")]
pub struct PatternError;

impl TypePattern {
    /// Whether the type is one of them.
    #[must_use]
    pub fn matches(&self, event_type: &EventType) -> bool {
        self.covers(event_type.category.as_str(), Some(event_type.name.as_str()))
    }

    /// Whether all types of this category are among them, or the one of this name.
    #[must_use]
    pub fn covers(&self, category: &str, name: Option<&str>) -> bool {
        self.category.as_str() == category && self.name.as_ref().is_none_or(|own| Some(own.as_str()) == name)
    }
}

fn escaped(label: &Label) -> String {
    label.as_str().replace('~', "~0").replace('/', "~1")
}

fn label(text: &str) -> Result<Label, PatternError> {
    let odd = text.replace("~0", "").replace("~1", "").contains('~');
    let plain = text.replace("~1", "/").replace("~0", "~");
    Label::new(plain).ok().filter(|_| !odd).ok_or(PatternError)
}

impl FromStr for TypePattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let (category, name) = match text.split_once('/') {
            Some((category, name)) => (category, Some(name)),
            None => (text, None),
        };
        if name.is_some_and(|name| name.contains('/')) {
            return Err(PatternError);
        }
        Ok(TypePattern {
            category: label(category)?,
            name: name.map(label).transpose()?,
        })
    }
}

impl fmt::Display for TypePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped(&self.category))?;
        match &self.name {
            Some(name) => write!(f, "/{}", escaped(name)),
            None => Ok(()),
        }
    }
}

impl Serialize for TypePattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TypePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_come_back_as_they_were_written() {
        for text in [
            "order",
            "order/created",
            "page interaction/cta click",
            "a~1b/c~0d",
            "~01",
        ] {
            let pattern: TypePattern = text.parse().unwrap();
            assert_eq!(pattern.to_string(), text);
        }
        for text in ["", "/", "order/", "/created", "a/b/c", "a~", "a~2", " a", "a\n"] {
            assert!(text.parse::<TypePattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_escaped_is_matched_as_it_is() {
        let odd = EventType::new("a/b", "~1").unwrap();
        assert!("a~1b/~01".parse::<TypePattern>().unwrap().matches(&odd));
        assert!(!"a".parse::<TypePattern>().unwrap().matches(&odd));
    }

    #[test]
    fn a_name_alone_covers_no_category() {
        let (all, one): (TypePattern, TypePattern) = ("order".parse().unwrap(), "order/paid".parse().unwrap());
        assert!(all.covers("order", None) && all.covers("order", Some("paid")));
        assert!(one.covers("order", Some("paid")) && !one.covers("order", None) && !one.covers("order", Some("x")));
    }
}
