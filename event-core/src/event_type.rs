//! What kind of thing happened.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{Label, NameError};

/// Category and name of an event; each with the grammar of a [`Label`].
///
/// ```
/// use event_core::EventType;
/// let pageview = EventType::new("page interaction", "pageview")?;
/// assert_eq!(pageview.to_string(), "page interaction/pageview");
/// # Ok::<(), event_core::name::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventType {
    /// What it belongs to, say `page interaction`.
    pub category: Label,
    /// What it is, say `pageview`.
    pub name: Label,
}

impl EventType {
    /// Checks both texts.
    ///
    /// # Errors
    /// If either breaks the grammar of a [`Label`].
    pub fn new(category: impl AsRef<str>, name: impl AsRef<str>) -> Result<Self, NameError> {
        Ok(EventType {
            category: Label::new(category)?,
            name: Label::new(name)?,
        })
    }
}

/// `category/name`, for people: a slash inside either is not escaped.
impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.category, self.name)
    }
}
