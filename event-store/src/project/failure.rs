//! Why an event could not be applied.

use std::fmt::{self, Display};

/// Letters of a reason that are kept.
const MOST: usize = 2_000;

/// Why an event could not be applied. Every error becomes one by `?`; it is tried again, some times.
#[derive(Debug)]
pub struct Failure {
    pub(super) code: &'static str,
    pub(super) reason: String,
    /// Whether it would be the same the next time.
    pub(super) lasting: bool,
}

impl Failure {
    /// A reason that may be gone the next time.
    #[must_use]
    pub fn new(reason: impl Display) -> Self {
        Failure::of("failed", reason)
    }

    /// A reason that lies in the event itself: it is parked at once.
    #[must_use]
    pub fn lasting(reason: impl Display) -> Self {
        Failure {
            lasting: true,
            ..Failure::of("refused", reason)
        }
    }

    pub(super) fn of(code: &'static str, reason: impl Display) -> Self {
        let mut reason = reason.to_string();
        if let Some((end, _)) = reason.char_indices().nth(MOST) {
            reason.truncate(end);
        }
        Failure {
            code,
            // Not every database takes one in a text.
            reason: reason.replace('\0', "\u{fffd}"),
            lasting: false,
        }
    }

    /// What a panic said.
    pub(super) fn panicked(panic: &(dyn std::any::Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Failure::of("panicked", text.unwrap_or("it panicked"))
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        Failure::new(text)
    }
}
