//! The edges of adjoining buckets, computed once and found at once.

use std::collections::VecDeque;
use std::ops::Index;

use crate::query::{Bucket, Query, QueryError};

/// Adjoining buckets, growing at both ends to where they are needed.
#[derive(Clone, Debug)]
pub(crate) struct Edges {
    bucket: Bucket,
    /// Which share of a bucket a microsecond is, about.
    share: f64,
    /// Every edge, in microseconds: one more than there are buckets, or none.
    edges: VecDeque<i64>,
    /// The number of the first bucket. Buckets keep their numbers when others come before them.
    first: i32,
    /// The bucket found last: start, end, number. Most events lie where the one before them lay.
    last: (i64, i64, i32),
}

impl Edges {
    pub(crate) fn new(bucket: Bucket) -> Self {
        Edges {
            bucket,
            #[allow(clippy::cast_precision_loss, reason = "a month has fewer than 2^53 microseconds")]
            share: 1.0 / bucket.unit.length() as f64,
            edges: VecDeque::new(),
            first: 0,
            last: (0, 0, 0),
        }
    }

    /// How many buckets there are.
    pub(crate) fn len(&self) -> usize {
        self.edges.len().saturating_sub(1)
    }

    /// Number, start and end of every bucket, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i32, (i64, i64))> {
        let ends = self.edges.iter().skip(1).copied();
        (self.first..).zip(self.edges.iter().copied().zip(ends))
    }

    /// Start of a bucket that there is.
    pub(crate) fn start(&self, number: i32) -> i64 {
        self.nth(usize::try_from(number - self.first).unwrap_or(0))
    }

    /// Start of the bucket with so many before it.
    pub(crate) fn nth(&self, index: usize) -> i64 {
        self.edges.get(index).copied().unwrap_or(0)
    }

    /// How many buckets are before that of each instant, in microseconds; all of them lie within the edges.
    #[allow(clippy::cast_possible_truncation, reason = "numbers of buckets are few: see `room`")]
    pub(crate) fn indexes(&mut self, at: &[i64], out: &mut Vec<u32>) {
        let (last, share) = (self.last_index(), self.share);
        // In one piece they are read in half the time.
        let edges = &*self.edges.make_contiguous();
        out.clear();
        out.extend(at.iter().map(|at| {
            let guess = guess(edges, last, share, *at);
            guess.unwrap_or_else(|| edges.partition_point(|edge| edge <= at) as u32 - 1)
        }));
    }

    /// The number of the bucket of an instant, in microseconds; the buckets grow to reach it.
    ///
    /// # Errors
    /// [`QueryError::RangeTooLarge`] once there would be too many.
    pub(crate) fn locate(&mut self, at: i64) -> Result<i32, QueryError> {
        let (start, end, number) = self.last;
        if start <= at && at < end {
            return Ok(number);
        }
        self.reach(at)?;
        let index = self.index(at);
        let number = self.first + i32::try_from(index).unwrap_or(0);
        self.last = (self.edges[index], self.edges[index + 1], number);
        Ok(number)
    }

    fn reach(&mut self, at: i64) -> Result<(), QueryError> {
        let (Some(&front), Some(&back)) = (self.edges.front(), self.edges.back()) else {
            let (start, end) = self.bucket.bounds(at);
            self.edges.extend([start, end]);
            return Ok(());
        };
        let (mut front, mut back) = (front, back);
        while at < front {
            self.room()?;
            front = self.bucket.bounds(front - 1).0;
            self.edges.push_front(front);
            self.first -= 1;
        }
        while back <= at {
            self.room()?;
            back = self.bucket.bounds(back).1;
            self.edges.push_back(back);
        }
        Ok(())
    }

    fn room(&self) -> Result<(), QueryError> {
        if self.len() < Query::MAX_BUCKETS {
            Ok(())
        } else {
            Err(QueryError::RangeTooLarge)
        }
    }

    /// Which bucket an instant within the edges lies in.
    fn index(&self, at: i64) -> usize {
        let guess = guess(&self.edges, self.last_index(), self.share, at);
        guess.map_or_else(
            || self.edges.partition_point(|edge| *edge <= at) - 1,
            |guess| guess as usize,
        )
    }

    fn last_index(&self) -> u32 {
        u32::try_from(self.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }
}

/// Which bucket an instant within the edges lies in, as buckets are of nearly one length: hardly ever nothing.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is looked whether it is right"
)]
#[inline]
fn guess(edges: &(impl Index<usize, Output = i64> + ?Sized), last: u32, share: f64, at: i64) -> Option<u32> {
    // A product takes a fraction of the time of a quotient.
    let guess = (((at - edges[0]) as f64 * share) as u32).min(last);
    let index = guess as usize;
    (edges[index] <= at && at < edges[index + 1]).then_some(guess)
}
