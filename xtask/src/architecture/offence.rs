//! One thing that is against the rules, and where.

use std::fmt;

/// Printed as `where: what`, with a line where there is one, so that editors can jump there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Offence {
    place: String,
    text: String,
}

impl Offence {
    /// About a line of a file.
    pub(crate) fn at(file: &str, line: usize, text: String) -> Self {
        Self {
            place: format!("{file}:{line}"),
            text,
        }
    }

    /// About a whole file, folder or crate.
    pub(crate) fn about(place: &str, text: String) -> Self {
        Self {
            place: place.to_owned(),
            text,
        }
    }
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}
