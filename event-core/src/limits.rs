//! How large an event may be.

/// Bounds that are checked on the bytes, before anything is built from them.
///
/// Depth and nodes are counted inside the payload, which is itself depth 1 and node 1; MariaDB's
/// JSON functions stop at depth 32, so that a deeper limit would mean another set of valid events
/// on every database.
///
/// ```
/// let limits = event_core::Limits::default().with_depth(5);
/// assert_eq!(limits.event_bytes, 256 * 1024);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one event as it was sent.
    pub event_bytes: usize,
    /// Nested containers of a payload.
    pub depth: usize,
    /// Values of a payload, containers included.
    pub nodes: usize,
    /// UTF-8 bytes of one object key.
    pub key_bytes: usize,
}

impl Limits {
    /// The default limits.
    pub const DEFAULT: Limits = Limits {
        event_bytes: 256 * 1024,
        depth: 20,
        nodes: 2_000,
        key_bytes: 128,
    };

    /// The same limits with another bound on an event's bytes.
    #[must_use]
    pub const fn with_event_bytes(mut self, bytes: usize) -> Self {
        self.event_bytes = bytes;
        self
    }

    /// The same limits with another bound on depth, at the most 100, so that no stack is at risk.
    #[must_use]
    pub const fn with_depth(mut self, depth: usize) -> Self {
        self.depth = if depth > 100 { 100 } else { depth };
        self
    }

    /// The same limits with another bound on the number of values.
    #[must_use]
    pub const fn with_nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// The limits of a whole document, widened by what may stand around its payload.
    #[must_use]
    pub const fn of_document(self) -> Self {
        self.with_depth(self.depth.saturating_add(1))
            .with_nodes(self.nodes.saturating_add(100))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::DEFAULT
    }
}
