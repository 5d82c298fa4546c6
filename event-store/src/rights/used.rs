//! What is done with a key, as far as its rate and its quota go.

/// What is done with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Something is asked or changed: one of the rate, none of the quota.
    Request,
    /// So many events are sent. None at all asks whether there is room for one.
    Events(usize),
}
