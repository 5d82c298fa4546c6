//! What the rows before were like, as the next ones will be.

use super::clock::Clock;
use super::marks::Marks;

/// What is remembered of rows, to read the next ones sooner.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    /// Of their times.
    pub(super) clock: Clock,
    /// Room to find the marks of a row in.
    pub(super) marks: Marks,
}
