//! The list question: events in the order of time, page by page.

use std::fmt;
use std::str::FromStr;

use super::cursor::Cursor;
use crate::filter::Filter;
use crate::timestamp::Timestamp;
use crate::upcaster::Target;

/// Which events to list, in which order, and from where on.
///
/// ```
/// use event_core::query::{Order, Page};
/// let page = Page::from_pairs([("session", "s-1"), ("order", "descending"), ("limit", "10")])?;
/// assert_eq!((page.order, page.limit), (Order::Descending, 10));
/// let next = page.next("2026-03-29T01:00:00Z".parse()?, 17);
/// let page = Page::from_pairs([("session", "s-1"), ("order", "descending"), ("cursor", &next)])?;
/// assert_eq!(page.cursor.map(|cursor| cursor.position), Some(17));
/// // A cursor belongs to its question.
/// assert!(Page::from_pairs([("session", "s-2"), ("order", "descending"), ("cursor", &next)]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Which events.
    pub filter: Filter,
    /// From this instant on.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub to: Option<Timestamp>,
    /// In which order of (occurred_at, position).
    pub order: Order,
    /// How many, at the most.
    pub limit: usize,
    /// Only what comes behind this place.
    pub cursor: Option<Cursor>,
    /// As which version of their type events are shown; as they are stored, if `None`. Which events, in which order
    /// and from where on: all of that is about what is stored.
    pub upcast: Option<Target>,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Earliest first.
    #[default]
    Ascending,
    /// Latest first.
    Descending,
}

/// The text is no [`Order`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an order is ascending or descending")]
pub struct OrderError;

impl Page {
    /// The greatest limit.
    pub const MAX_LIMIT: usize = 1_000;
    /// The limit where none is given.
    pub const DEFAULT_LIMIT: usize = 100;

    /// The first page of all events of a filter.
    #[must_use]
    pub const fn new(filter: Filter) -> Self {
        let (order, limit) = (Order::Ascending, Page::DEFAULT_LIMIT);
        Page {
            filter,
            from: None,
            to: None,
            order,
            limit,
            cursor: None,
            upcast: None,
        }
    }

    /// What identifies the list through all of its pages: everything but limit and cursor, and the version
    /// as which events are shown, which changes no place.
    #[must_use]
    pub fn question(&self) -> String {
        // The same conditions in another order are the same question.
        let mut conditions: Vec<String> = self
            .filter
            .all
            .iter()
            .map(|condition| serde_json::json!(condition).to_string())
            .collect();
        conditions.sort_unstable();
        serde_json::json!(["events", conditions, self.from, self.to, self.order.as_str()]).to_string()
    }

    /// The cursor text for the page behind an event of this list.
    #[must_use]
    pub fn next(&self, occurred_at: Timestamp, position: i64) -> String {
        Cursor { occurred_at, position }.write(&self.question())
    }
}

impl Order {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Order::Ascending => "ascending",
            Order::Descending => "descending",
        }
    }
}

/// Reads `ascending` or `descending`, or `asc` or `desc`.
impl FromStr for Order {
    type Err = OrderError;

    fn from_str(text: &str) -> Result<Self, OrderError> {
        match text {
            "ascending" | "asc" => Ok(Order::Ascending),
            "descending" | "desc" => Ok(Order::Descending),
            _ => Err(OrderError),
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
