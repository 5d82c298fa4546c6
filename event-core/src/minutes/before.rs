//! What the row before was like, as the next one will be.

use super::digits::Month;

/// What is remembered of a row, to read the next one sooner.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    /// The month of its time.
    pub(super) month: Month,
    /// How long its fields were.
    pub(super) lengths: Vec<usize>,
}
