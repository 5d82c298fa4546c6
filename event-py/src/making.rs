//! What events go into on their way to an answer.

use event_core::aggregate::Tally;
use event_core::analysis::{
    ActiveFold, Analysed, Analysis as _, Fold as _, FunnelFold, Place, RetentionFold, SessionsFold,
};
use event_core::filter::{Field, Found};
use event_core::frame::Frame;
use event_core::query::QueryError;
use event_core::{Event, Query, Timestamp};

use crate::story::{Question, Story, Told, each, mapped};

/// An answer in the making.
pub(crate) trait Making: Sized + Send + Sync {
    /// What it answers.
    type Question: Sync + ?Sized;
    /// Whether it looks at the numbers that senders give their events.
    const NUMBERED: bool;
    /// Whether several can know a part of the events each, and be merged.
    const MERGED: bool;

    /// One that knows of no events yet.
    fn new(question: &Self::Question) -> Result<Self, QueryError>;

    /// Whether the answer depends on when events happened.
    fn is_about_time(question: &Self::Question) -> bool;

    /// What it asks each event for.
    fn fields(&self) -> Vec<Field>;

    /// Adds an event.
    fn add(&mut self, event: &Event);

    /// Adds an event of which it is known when it happened, its number, and what it has at each of the fields.
    fn add_found<'a>(&mut self, at: Timestamp, number: Option<i64>, find: impl Fn(usize) -> Option<Found<'a>>);

    /// Adds what another one knows.
    fn merge(&mut self, other: Self);
}

impl Making for Tally {
    type Question = Query;
    const NUMBERED: bool = false;
    const MERGED: bool = true;

    fn new(query: &Query) -> Result<Self, QueryError> {
        Tally::new(query)
    }

    fn is_about_time(query: &Query) -> bool {
        query.bucket.is_some() || query.from.is_some() || query.to.is_some()
    }

    fn fields(&self) -> Vec<Field> {
        self.fields().cloned().collect()
    }

    fn add(&mut self, event: &Event) {
        self.add(event);
    }

    fn add_found<'a>(&mut self, at: Timestamp, _number: Option<i64>, find: impl Fn(usize) -> Option<Found<'a>>) {
        self.add_found(at, |place, _| find(place));
    }

    fn merge(&mut self, other: Self) {
        self.merge(other);
    }
}

impl Making for Frame {
    type Question = [Field];
    const NUMBERED: bool = false;
    const MERGED: bool = true;

    fn new(fields: &[Field]) -> Result<Self, QueryError> {
        Ok(Frame::new(fields.iter().cloned()))
    }

    /// It will be asked what nobody knows yet.
    fn is_about_time(_: &[Field]) -> bool {
        true
    }

    fn fields(&self) -> Vec<Field> {
        self.fields().to_vec()
    }

    fn add(&mut self, event: &Event) {
        self.add(event);
    }

    fn add_found<'a>(&mut self, at: Timestamp, _number: Option<i64>, find: impl Fn(usize) -> Option<Found<'a>>) {
        self.add_found(at, |place, _| find(place));
    }

    fn merge(&mut self, other: Self) {
        if let Err(error) = self.append(other) {
            unreachable!("they are of one question: {error}");
        }
    }
}

/// Stories in the making. Events of one time count in the order in which they come, so that one thread does it.
pub(crate) struct Stories {
    fold: Story<SessionsFold, FunnelFold, RetentionFold, ActiveFold>,
    /// Events so far.
    events: i64,
}

impl Stories {
    /// The answer.
    pub(crate) fn answer(self) -> Result<Told, QueryError> {
        Ok(mapped!(self.fold, fold => Analysed {
            answer: fold.answer()?,
            source: event_core::aggregate::Origin::Memory,
            position: None,
        }))
    }
}

impl Making for Stories {
    type Question = Question;
    const NUMBERED: bool = true;
    const MERGED: bool = false;

    fn new(question: &Question) -> Result<Self, QueryError> {
        let fold = mapped!(question, question => question.fold()?);
        Ok(Stories { fold, events: 0 })
    }

    fn is_about_time(_: &Question) -> bool {
        true
    }

    fn fields(&self) -> Vec<Field> {
        each!(&self.fold, fold => fold.wanted().fields().to_vec())
    }

    fn add(&mut self, event: &Event) {
        each!(&mut self.fold, fold => fold.add(event, self.events));
        self.events += 1;
    }

    fn add_found<'a>(&mut self, at: Timestamp, number: Option<i64>, find: impl Fn(usize) -> Option<Found<'a>>) {
        let place = Place::new(at, number, self.events);
        self.events += 1;
        each!(&mut self.fold, fold => {
            let found: Vec<_> = (0..fold.wanted().fields().len()).map(find).collect();
            fold.add_found(place, &found);
        });
    }

    /// There is never another one.
    fn merge(&mut self, _: Self) {}
}
