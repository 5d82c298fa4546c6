//! The questions that look at whole stories: sessions, funnels, retention, what is active at a time.
//!
//! A [`Query`](crate::Query) adds up events one by one; these put the events of a visit, a person or a
//! thing in their order first. Their meaning is the [`Fold`]: whoever reads the events from elsewhere,
//! say a database, hands what each [wants](Wanted) to the same fold, in any order, and gets the same answer.

mod ask;
mod keys;
mod length;
mod order;
mod token;
mod wanted;
mod active;
mod funnel;
mod retention;
mod sessions;

pub use active::{Active, ActiveFold, ActiveRow, ActiveRows};
pub use funnel::{Funnel, FunnelFold, FunnelOrder, FunnelStep, FunnelSteps, Step};
pub use length::{Length, LengthError};
pub use order::Place;
pub use retention::{Cohort, Cohorts, Retention, RetentionFold};
pub use sessions::{SessionList, SessionRow, Sessions, SessionsFold};
pub use wanted::Wanted;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};

use crate::aggregate::Origin;
use crate::decimal::Decimal;
use crate::event::Event;
use crate::filter::{Filter, Found};
use crate::query::QueryError;
use crate::timestamp::Timestamp;

/// A question about whole stories.
pub trait Analysis: Sized {
    /// What it is answered with.
    type Answer;
    /// What makes the answer.
    type Fold: Fold<Answer = Self::Answer>;

    /// An empty fold.
    ///
    /// # Errors
    /// If the question is wrong in itself.
    fn fold(&self) -> Result<Self::Fold, QueryError>;
}

/// An answer in the making: events go in in any order.
pub trait Fold {
    /// What comes out.
    type Answer;

    /// Which events it is about, and what it asks each of them for.
    fn wanted(&self) -> &Wanted;

    /// Adds an event of which is known what it has at each of the [fields](Wanted::fields), if it is one that
    /// the question is about.
    fn add_found(&mut self, place: Place, found: &[Option<Found<'_>>]);

    /// Adds an event, if it is one that the question is about. `position` tells apart, and orders, events of
    /// one time without numbers of their sender.
    fn add(&mut self, event: &Event, position: i64) {
        let envelope = event.envelope();
        let fields = self.wanted().fields().iter();
        let found: Vec<_> = fields.map(|field| field.find(envelope, event.payload())).collect();
        self.add_found(Place::new(envelope.occurred_at, envelope.sequence, position), &found);
    }

    /// The answer.
    ///
    /// # Errors
    /// If it would be too large.
    fn answer(self) -> Result<Self::Answer, QueryError>;
}

/// An answer, and what it was computed from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysed<T> {
    /// The answer itself.
    #[serde(flatten)]
    pub answer: T,
    /// What was read for it.
    pub source: Origin,
    /// The position of the last event that it takes into account, where events have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
}

/// Answers a question over events in memory, in any order of the events; those of one time and without
/// numbers of their sender count as they come.
///
/// ```
/// use event_core::analysis::{Funnel, analyse};
/// use event_core::{Event, Timestamp};
/// # let source = event_core::Source::new("shop")?;
/// # let reception = event_core::event::Reception {
/// #     received_at: "2026-01-02T00:00:00Z".parse()?, source: &source, zone: chrono_tz::Tz::UTC,
/// #     limits: Default::default(), new_id: &|| event_core::EventId::new("made-here").unwrap(),
/// # };
/// let event = |session: &str, name: &str, at: &str| {
///     let at: Timestamp = at.parse().unwrap();
///     Event::builder("page interaction", name).session_id(session).occurred_at(at).build(&reception)
/// };
/// let events = [
///     event("a", "pageview", "2026-01-01T10:00:00Z")?,
///     event("a", "submit", "2026-01-01T10:05:00Z")?,
///     event("b", "pageview", "2026-01-01T11:00:00Z")?,
/// ];
/// let funnel = Funnel::from_json(br#"{"steps": ["pageview", "submit"], "window": "30m"}"#)?;
/// let steps = analyse(&funnel, &events)?.answer.steps;
/// assert_eq!(steps.iter().map(|step| step.reached).collect::<Vec<_>>(), [2, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the question is wrong in itself, or its answer would be too large.
pub fn analyse<'a, A: Analysis>(
    question: &A,
    events: impl IntoIterator<Item = &'a Event>,
) -> Result<Analysed<A::Answer>, QueryError> {
    let mut fold = question.fold()?;
    for (position, event) in (0..).zip(events) {
        fold.add(event, position);
    }
    Ok(Analysed {
        answer: fold.answer()?,
        source: Origin::Memory,
        position: None,
    })
}

/// Microseconds as seconds.
fn seconds(micros: i64) -> Decimal {
    Decimal::new(i128::from(micros), -6)
}

/// Writes what all questions have; absent parts are left out.
fn said<M: SerializeMap>(
    map: &mut M,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    filter: &Filter,
) -> Result<(), M::Error> {
    if let Some(from) = from {
        map.serialize_entry("from", &from)?;
    }
    if let Some(to) = to {
        map.serialize_entry("to", &to)?;
    }
    if !filter.is_empty() {
        map.serialize_entry("filter", filter)?;
    }
    Ok(())
}
