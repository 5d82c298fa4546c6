//! Some of a kind, or any.

use serde::{Serialize, Serializer};

/// Some of a kind, or any: in JSON a list, or `"any"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Bounds<T> {
    /// Any.
    #[default]
    Any,
    /// These, and no others.
    Only(Vec<T>),
}

impl<T> Bounds<T> {
    /// Whether it holds one of which this holds.
    #[must_use]
    pub fn allows(&self, one: impl FnMut(&T) -> bool) -> bool {
        match self {
            Bounds::Any => true,
            Bounds::Only(named) => named.iter().any(one),
        }
    }

    /// Those that are named.
    #[must_use]
    pub fn named(&self) -> &[T] {
        match self {
            Bounds::Any => &[],
            Bounds::Only(named) => named,
        }
    }

    /// How many are named; `None` for any.
    pub(super) fn len(&self) -> Option<usize> {
        match self {
            Bounds::Any => None,
            Bounds::Only(named) => Some(named.len()),
        }
    }
}

impl<T: Serialize> Serialize for Bounds<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Bounds::Any => serializer.serialize_str("any"),
            Bounds::Only(named) => named.serialize(serializer),
        }
    }
}
