//! Events as columns: read once, then asked as often as one likes.
//!
//! An event holds all that was sent, each in a place of its own in memory; a question about millions of them spends
//! its time on the way there. A [`Frame`] keeps no more than what is asked for, side by side: times as integers, texts
//! as numbers of a dictionary, numbers as integers of one decimal scale. Its answers are those of
//! [`answer`](crate::answer) over the same events.

mod dictionary;
mod numbers;
mod column;
mod rows;
mod kinds;
mod places;
mod totals;
mod measured;
mod ask;

use std::ops::Range;

use crate::aggregate::{Answer, Tally};
use crate::envelope::Envelope;
use crate::event::Event;
use crate::filter::{Field, Found};
use crate::json::Payload;
use crate::query::{Query, QueryError};
use crate::timestamp::Timestamp;
use column::Column;

/// What some fields of many events hold, and when the events happened.
///
/// ```
/// use event_core::frame::Frame;
/// use event_core::{Event, Query, answer};
/// # let source = event_core::Source::new("shop")?;
/// # let reception = event_core::event::Reception {
/// #     received_at: "2026-01-01T00:00:00Z".parse()?, source: &source, zone: chrono_tz::Tz::UTC,
/// #     limits: Default::default(), new_id: &|| event_core::EventId::new("made-here").unwrap(),
/// # };
/// let order = |province: &str, value: f64| {
///     Event::builder("order", "created").field("province", province).field("value", value).build(&reception)
/// };
/// let events = [order("Bern", 0.1)?, order("Bern", 0.2)?, order("Ohio", 7.0)?];
/// let mut frame = Frame::new(["/province".parse()?, "/value".parse()?]);
/// events.iter().for_each(|event| frame.add(event));
/// for question in [
///     r#"{"measure": "sum:/value", "by": "/province"}"#,
///     r#"{"bucket": "hour", "filter": {"all": [{"field": "/value", "from": 0.2}]}}"#,
/// ] {
///     let query = Query::from_json(question.as_bytes())?;
///     assert_eq!(frame.answer(&query)?, answer(&query, &events)?);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Frame {
    fields: Vec<Field>,
    /// In microseconds.
    at: Vec<i64>,
    /// The first and the last of these.
    ends: Option<(i64, i64)>,
    columns: Vec<Column>,
    /// A text in the making, kept for its room.
    scratch: String,
}

/// A frame has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The question is about a field that the frame has not.
    #[error("the frame has no column for {0}: name it when the frame is made")]
    NoColumn(Field),
    /// Frames of different fields are no parts of one whole.
    #[error("only frames of the same fields, in the same order, become one")]
    OtherFields,
    /// The question has no answer at all.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl Frame {
    /// A frame without events, for questions about these fields and times; a field that is named twice is kept once.
    pub fn new(fields: impl IntoIterator<Item = Field>) -> Self {
        let mut frame = Frame {
            fields: Vec::new(),
            at: Vec::new(),
            ends: None,
            columns: Vec::new(),
            scratch: String::new(),
        };
        for field in fields {
            if !frame.fields.contains(&field) {
                frame.fields.push(field);
                frame.columns.push(Column::default());
            }
        }
        frame
    }

    /// A frame without events that has a column for all that a question asks for.
    pub fn of(query: &Query) -> Self {
        let conditions = query.filter.all.iter().map(|condition| &condition.field);
        let asked = conditions.chain(&query.by).cloned();
        Frame::new(asked.chain(query.measure.field()))
    }

    /// The fields that it has, in the order of their columns.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// How many events it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// Adds an event.
    ///
    /// # Panics
    /// As [`Frame::add_found`].
    pub fn add(&mut self, event: &Event) {
        self.add_parts(event.envelope(), event.payload());
    }

    /// Adds an event by its parts.
    ///
    /// # Panics
    /// As [`Frame::add_found`].
    pub fn add_parts(&mut self, envelope: &Envelope, payload: &Payload) {
        self.add_found(envelope.occurred_at, |_, field| field.find(envelope, payload));
    }

    /// Adds an event of which is known when it happened and what it has at each of the [fields](Frame::fields), which
    /// are also told by their places there. So events need not be built to be asked about. Nodes are those of canonical
    /// data, as payloads are.
    ///
    /// ```
    /// use event_core::Query;
    /// use event_core::filter::{Field, Found};
    /// use event_core::frame::Frame;
    /// let mut frame = Frame::new([Field::Subject]);
    /// for subject in ["ann", "bob", "ann"] {
    ///     frame.add_found("2026-01-01".parse()?, |_, _| Some(Found::Text(subject)));
    /// }
    /// let subjects = frame.answer(&Query::from_json(br#"{"measure": "unique:subject"}"#)?)?;
    /// assert_eq!(subjects.rows[0].value, Some(2.into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// If the frame has 2³² − 1 events already; two frames have room for more.
    pub fn add_found<'a>(&mut self, at: Timestamp, find: impl Fn(usize, &Field) -> Option<Found<'a>>) {
        self.make_room(1);
        let at = at.as_micros();
        self.at.push(at);
        self.reach((at, at));
        for (place, (field, column)) in self.fields.iter().zip(&mut self.columns).enumerate() {
            column.add(find(place, field), &mut self.scratch);
        }
    }

    /// Adds all events of a frame of the same fields: so frames of the parts of a set of events, made side by side,
    /// become that of the whole.
    ///
    /// # Errors
    /// [`FrameError::OtherFields`]; nothing is added then.
    ///
    /// # Panics
    /// If both have more than 2³² − 1 events.
    pub fn append(&mut self, other: Frame) -> Result<(), FrameError> {
        if self.fields != other.fields {
            return Err(FrameError::OtherFields);
        }
        self.make_room(other.len());
        self.at.extend(other.at);
        other.ends.into_iter().for_each(|ends| self.reach(ends));
        for (column, more) in self.columns.iter_mut().zip(other.columns) {
            column.append(more);
        }
        Ok(())
    }

    fn make_room(&self, more: usize) {
        let count = self.len().checked_add(more);
        assert!(
            count.is_some_and(|count| u32::try_from(count).is_ok()),
            "a frame has room for 4,294,967,295 events"
        );
    }

    fn reach(&mut self, (first, last): (i64, i64)) {
        let (least, greatest) = self.ends.unwrap_or((first, last));
        self.ends = Some((least.min(first), greatest.max(last)));
    }

    /// What it knows of the answer to a question, for who has more events elsewhere.
    ///
    /// # Errors
    /// If the question is wrong in itself, or about a field that the frame has not.
    pub fn tally(&self, query: &Query) -> Result<Tally, FrameError> {
        self.tally_part(query, 0..self.len())
    }

    /// What some of its events know of the answer, which are told by their places in the order of their coming. So several
    /// threads can count a frame, each a part of it.
    ///
    /// ```
    /// use event_core::Query;
    /// use event_core::filter::{Field, Found};
    /// use event_core::frame::Frame;
    /// let mut frame = Frame::new([Field::Subject]);
    /// for subject in ["ann", "bob", "ann"] {
    ///     frame.add_found("2026-01-01".parse()?, |_, _| Some(Found::Text(subject)));
    /// }
    /// let query = Query::from_json(br#"{"by": "subject"}"#)?;
    /// let (frame, query) = (&frame, &query);
    /// let mut whole = std::thread::scope(|scope| {
    ///     let parts = [0..2, 2..3].map(|part| scope.spawn(move || frame.tally_part(query, part)));
    ///     let tallies = parts.into_iter().map(|part| part.join().expect("no thread panics"));
    ///     tallies.collect::<Result<Vec<_>, _>>()
    /// })?;
    /// let last = whole.pop().ok_or("there are two")?;
    /// whole[0].merge(last);
    /// assert_eq!(whole.remove(0).answer()?, frame.answer(query)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Frame::tally`].
    ///
    /// # Panics
    /// If there are no such places.
    pub fn tally_part(&self, query: &Query, events: Range<usize>) -> Result<Tally, FrameError> {
        let count = self.len();
        assert!(
            events.start <= events.end && events.end <= count,
            "{events:?} are no places of {count} events"
        );
        ask::tally(self, query, events)
    }

    /// Answers a question over its events.
    ///
    /// # Errors
    /// As [`answer`](crate::answer), and if the question is about a field that the frame has not.
    pub fn answer(&self, query: &Query) -> Result<Answer, FrameError> {
        Ok(self.tally(query)?.answer()?)
    }

    fn column(&self, field: &Field) -> Result<&Column, FrameError> {
        let place = self.fields.iter().position(|known| known == field);
        place
            .map(|place| &self.columns[place])
            .ok_or_else(|| FrameError::NoColumn(field.clone()))
    }
}

/// The number of one of so many: there are no more than rows.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
