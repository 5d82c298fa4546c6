//! Which events a question is about, and what it asks each of them for.

use crate::filter::{Condition, Field, Filter, Found, Test};
use crate::query::QueryError;
use crate::timestamp::Timestamp;

/// Which events a question is about, and what it asks each of them for.
///
/// Whoever reads the events for a [`Fold`](super::Fold) may leave out those that these say are of no concern,
/// and may as well hand over more.
#[derive(Clone, Debug)]
pub struct Wanted {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    filter: Filter,
    any: Vec<Filter>,
    fields: Vec<Field>,
    chosen: Chosen,
}

/// A filter whose fields are told by their places.
#[derive(Clone, Debug)]
pub(super) struct Chosen(Vec<(usize, Test)>);

impl Chosen {
    pub(super) fn holds(&self, found: &[Option<Found<'_>>]) -> bool {
        let mut tests = self.0.iter();
        tests.all(|(place, test)| test.holds(found.get(*place).and_then(Option::as_ref)))
    }
}

impl Wanted {
    /// Every event of a range that a filter chooses.
    ///
    /// # Errors
    /// If the range ends before it starts, or the filter is too large.
    pub(super) fn new(from: Option<Timestamp>, to: Option<Timestamp>, filter: &Filter) -> Result<Self, QueryError> {
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            return Err(QueryError::InvalidRange);
        }
        let mut wanted = Wanted {
            from,
            to,
            filter: filter.clone(),
            any: Vec::new(),
            fields: Vec::new(),
            chosen: Chosen(Vec::new()),
        };
        wanted.chosen = wanted.choose(filter)?;
        Ok(wanted)
    }

    /// Only what one of these chooses, which say so with the event's own fields.
    pub(super) fn any_of(&mut self, filters: impl IntoIterator<Item = Filter>) {
        self.any = filters.into_iter().collect();
    }

    /// The place of a field among those asked for.
    pub(super) fn place(&mut self, field: &Field) -> usize {
        let known = self.fields.iter().position(|known| known == field);
        known.unwrap_or_else(|| {
            self.fields.push(field.clone());
            self.fields.len() - 1
        })
    }

    /// Asks each event for a field too.
    pub(super) fn ask_for(&mut self, field: &Field) {
        self.place(field);
    }

    /// What was found at a field that is asked for.
    pub(super) fn find<'a>(&self, field: &Field, found: &[Option<Found<'a>>]) -> Option<Found<'a>> {
        let place = self.fields.iter().position(|known| known == field)?;
        found.get(place).copied().flatten()
    }

    /// A filter over the fields asked for.
    pub(super) fn choose(&mut self, filter: &Filter) -> Result<Chosen, QueryError> {
        if !filter.is_bounded() {
            return Err(QueryError::TooManyConditions);
        }
        let conditions = filter.all.iter();
        Ok(Chosen(
            conditions
                .map(|Condition { field, test }| (self.place(field), test.clone()))
                .collect(),
        ))
    }

    /// Whether an event of this time, with these at the fields, is one that the question is about.
    pub(super) fn holds(&self, at: Timestamp, found: &[Option<Found<'_>>]) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to) && self.chosen.holds(found)
    }

    /// Events from this instant on.
    #[must_use]
    pub const fn from(&self) -> Option<Timestamp> {
        self.from
    }

    /// Events before this instant.
    #[must_use]
    pub const fn to(&self) -> Option<Timestamp> {
        self.to
    }

    /// What every event meets.
    #[must_use]
    pub const fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Of these each event meets one at least; without any there is no such condition.
    #[must_use]
    pub fn any(&self) -> &[Filter] {
        &self.any
    }

    /// What each event is asked for, in the order in which a fold expects it.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }
}
