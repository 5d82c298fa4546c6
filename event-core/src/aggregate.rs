//! The meaning of a [`Query`]: what the answer over a set of events is.
//!
//! Whoever answers a question otherwise, from SQL or from cells that were counted before, has to
//! give the very answer that [`answer`] folds from the events one by one. All of them end in the
//! same [`Tally`], which takes events, cells and other tallies in any order.

mod sketch;
mod values;
mod summary;
mod group;
mod rows;
mod bucket;
pub(crate) mod edges;
mod top;
mod tally;
mod conclude;
mod level;
mod observation;
mod cell;
mod projection;
mod stretch;

pub use cell::{Cell, CellKey, Cells, SketchKey};
pub(crate) use group::Key;
pub use group::{Group, GroupKey};
pub use level::Level;
pub use observation::Observation;
pub use projection::Projection;
pub use rows::{Answer, Origin, Row, Span};
pub use sketch::Sketch;
pub use stretch::{Part, Stretch, stretches};
pub use summary::Summary;
pub use tally::Tally;

use crate::event::Event;
use crate::query::{Query, QueryError};

/// Answers a question over events in memory, in any order of the events.
///
/// ```
/// use event_core::{Event, Query, answer};
/// # let source = event_core::Source::new("shop")?;
/// # let reception = event_core::event::Reception {
/// #     received_at: "2026-01-01T00:00:00Z".parse()?, source: &source, zone: chrono_tz::Tz::UTC,
/// #     limits: Default::default(), new_id: &|| event_core::EventId::new("made-here").unwrap(),
/// # };
/// let order = |value| Event::builder("order", "created").field("value", value).build(&reception);
/// let query = Query::from_json(br#"{"measure": "sum:/value", "by": "name"}"#)?;
/// let answer = answer(&query, &[order(0.1)?, order(0.2)?])?;
/// assert_eq!(
///     serde_json::to_string(&answer)?,
///     r#"{"rows":[{"group":{"name":"created"},"value":"0.3"}],"source":"memory"}"#,
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the question is wrong in itself, or its answer would be too large.
pub fn answer<'a>(query: &Query, events: impl IntoIterator<Item = &'a Event>) -> Result<Answer, QueryError> {
    let mut tally = Tally::new(query)?;
    for event in events {
        tally.add(event);
    }
    tally.answer()
}
