//! From the cells to the rows: which groups, which buckets, and what each of them has.

use std::borrow::Cow;
use std::sync::Arc;

use super::group::Group;
use super::rows::{Answer, Origin, Row, Span};
use super::summary::Summary;
use super::tally::{Kept, Tally};
use super::top::{self, Ranked};
use crate::filter::Field;
use crate::query::{Query, QueryError};

impl Tally {
    /// The answer to the question, as far as this tally knows.
    ///
    /// # Errors
    /// [`QueryError::RangeTooLarge`] beyond [`Query::MAX_BUCKETS`] or [`Query::MAX_ROWS`].
    pub fn answer(mut self) -> Result<Answer, QueryError> {
        let buckets = self.buckets()?;
        let ranking = self.ranking(&buckets)?;
        let by: Arc<[Field]> = self.query.by.as_slice().into();
        let none = Summary::default();
        let row = |group: u32, (number, bucket): &(i32, Option<Span>)| {
            let summary = self
                .found(group, *number)
                .map_or(&none, |at| &self.cells[at as usize].summary);
            let key = (!by.is_empty()).then(|| Group::new(&by, &self.groups[group as usize].key));
            Row {
                bucket: *bucket,
                group: key,
                value: summary.value(&self.query.measure),
            }
        };
        let rows = if self.query.top.is_some() {
            ranking
                .iter()
                .flat_map(|group| buckets.iter().map(|bucket| row(*group, bucket)))
                .collect()
        } else {
            buckets
                .iter()
                .flat_map(|bucket| ranking.iter().map(|group| row(*group, bucket)))
                .collect()
        };
        Ok(Answer {
            rows,
            source: Origin::Memory,
            position: None,
            standard_error: self.query.measure.standard_error(),
        })
    }

    /// The buckets of the answer, with their numbers.
    fn buckets(&mut self) -> Result<Vec<(i32, Option<Span>)>, QueryError> {
        let Query { from, to, .. } = self.query;
        if self.too_large {
            return Err(QueryError::RangeTooLarge);
        }
        let Some(edges) = &mut self.edges else {
            return Ok(vec![(0, None)]);
        };
        if edges.len() > 0 {
            // An end that was asked for counts also where no event comes near it.
            from.map_or(Ok(0), |from| edges.locate(from.as_micros()))?;
            to.map_or(Ok(0), |to| edges.locate(to.as_micros() - 1))?;
        }
        Ok(edges
            .iter()
            .map(|(number, bounds)| (number, Some(Span::new(bounds, from, to))))
            .collect())
    }

    /// The groups of the answer, in the order of their rows.
    fn ranking(&self, buckets: &[(i32, Option<Span>)]) -> Result<Vec<u32>, QueryError> {
        let count = self.query.top.unwrap_or(usize::MAX).min(self.groups.len());
        if count.saturating_mul(buckets.len()) > Query::MAX_ROWS {
            return Err(QueryError::RangeTooLarge);
        }
        let mut groups: Vec<Ranked<'_>> = (0..)
            .zip(&self.groups)
            .map(|(index, Kept { key, .. })| Ranked {
                value: None,
                key,
                index,
            })
            .collect();
        if self.query.top.is_some() {
            let mut totals: Vec<Option<Cow<'_, Summary>>> = vec![None; groups.len()];
            for cell in &self.cells {
                match &mut totals[cell.group as usize] {
                    Some(total) => total.to_mut().merge(&cell.summary),
                    // Mostly it is the only one.
                    total => *total = Some(Cow::Borrowed(&cell.summary)),
                }
            }
            let none = Summary::default();
            for (group, total) in groups.iter_mut().zip(&totals) {
                group.value = total.as_deref().unwrap_or(&none).value(&self.query.measure);
            }
        }
        Ok(top::greatest(groups, count)
            .into_iter()
            .map(|group| group.index)
            .collect())
    }
}
