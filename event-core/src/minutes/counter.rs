//! Subjects and times in, minutes out.

use std::ops::Range;

use super::before::Before;
use super::clock::MINUTE;
use super::counted::Minutes;
use super::run::Run;
use super::subjects::{Place, Subjects};
use crate::name::Subject;
use crate::timestamp::Timestamp;

/// The number of whom is not said; subjects have numbers from 1.
pub(super) const NOBODY: u64 = 0;

/// Counts the events of each subject in each minute.
///
/// ```
/// use event_core::aggregate::Tally;
/// use event_core::minutes::Counter;
/// use event_core::{Query, Subject};
/// let mut counter = Counter::new(1_000);
/// let customer = Subject::new("c-1")?;
/// for at in ["2021-03-01 00:01:11.055", "2021-03-01 00:59:59", "2021-03-01 02:00:00"] {
///     counter.add(Some(&customer), at.parse()?);
/// }
/// let query = Query::from_json(br#"{"by": ["subject"], "bucket": "hour"}"#)?;
/// let mut tally = Tally::new(&query)?;
/// counter.take().add_to(&mut tally, &Default::default())?;
/// let values: Vec<_> = tally.answer()?.rows.into_iter().map(|row| row.value).collect();
/// assert_eq!(values, [Some(2.into()), Some(0.into()), Some(1.into())]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Counter {
    subjects: Subjects,
    /// A subject in the upper half, a minute in the lower; not in order.
    fresh: Vec<u64>,
    /// Room to put them in order in.
    spare: Vec<u32>,
    room: usize,
    runs: Vec<Run>,
    /// What is still to be counted of a text.
    later: Vec<Later>,
    /// Room for where its subjects may be.
    firsts: Vec<Place>,
    pub(super) before: Before,
}

/// An event of a subject that stands in a text.
#[derive(Debug)]
struct Later {
    hash: u64,
    subject: Range<usize>,
    minute: i64,
}

impl Counter {
    /// A counter that puts so many rows in order at once; each takes sixteen bytes until then.
    #[must_use]
    pub fn new(room: usize) -> Self {
        Counter {
            subjects: Subjects::default(),
            fresh: Vec::new(),
            spare: Vec::new(),
            room: room.max(1),
            runs: Vec::new(),
            later: Vec::new(),
            firsts: Vec::new(),
            before: Before::default(),
        }
    }

    /// Counts an event.
    pub fn add(&mut self, subject: Option<&Subject>, at: Timestamp) {
        let number = subject.map_or(NOBODY, |subject| self.number(subject.as_str().as_bytes()));
        self.push(number, at.as_micros() / MINUTE);
    }

    /// Counts an event of a minute, as they are counted from 1970 on, once there are more of them.
    #[inline]
    pub(super) fn add_later(&mut self, text: &[u8], subject: Range<usize>, minute: i64) {
        let hash = self.subjects.hash(&text[subject.clone()]);
        self.later.push(Later { hash, subject, minute });
    }

    /// Counts those of this text that wait for it.
    pub(super) fn add_all(&mut self, text: &[u8]) {
        let (mut later, mut firsts) = (std::mem::take(&mut self.later), std::mem::take(&mut self.firsts));
        // Asked of all of them one right after the other, none waits for another one's memory.
        firsts.extend(later.iter().map(|it| self.subjects.first(it.hash)));
        for (Later { hash, subject, minute }, first) in later.drain(..).zip(firsts.drain(..)) {
            let number = self.subjects.number_from(first, hash, &text[subject]);
            self.push(u64::from(number) + 1, minute);
        }
        (self.later, self.firsts) = (later, firsts);
    }

    #[inline]
    fn number(&mut self, subject: &[u8]) -> u64 {
        u64::from(self.subjects.number(subject)) + 1
    }

    #[inline]
    #[allow(clippy::cast_sign_loss)]
    fn push(&mut self, number: u64, minute: i64) {
        if self.fresh.len() == self.room {
            self.order();
        }
        if self.fresh.capacity() == 0 {
            self.fresh.reserve_exact(self.room);
        }
        // No time lies before 1970, and the minutes up to the year 9999 are fewer than 2³².
        self.fresh.push(number << 32 | minute as u64);
    }

    /// Puts in order what is not.
    fn order(&mut self) {
        if !self.fresh.is_empty() {
            self.runs.push(Run::of(&mut self.fresh, &mut self.spare));
            self.fresh.clear();
        }
    }

    /// About how many bytes of memory it holds.
    #[must_use]
    pub fn held(&self) -> usize {
        let runs: usize = self.runs.iter().map(Run::held).sum();
        self.subjects.held()
            + self.fresh.capacity() * size_of::<u64>()
            + self.spare.capacity() * size_of::<u32>()
            + runs
    }

    /// Counts together what is the same, so that it holds as many minutes as there are, however many rows there were.
    /// For a moment it may hold twice as much.
    pub fn compact(&mut self) {
        self.order();
        // The shortest first, so that nothing is merged more often than it must be.
        self.runs.sort_by_key(|run| std::cmp::Reverse(run.bytes.len()));
        while self.runs.len() > 1
            && let (Some(one), Some(other)) = (self.runs.pop(), self.runs.pop())
        {
            let merged = one.merge(other);
            let place = self.runs.partition_point(|run| run.bytes.len() > merged.bytes.len());
            self.runs.insert(place, merged);
        }
    }

    /// What it has counted; it begins anew.
    pub fn take(&mut self) -> Minutes {
        self.order();
        (self.fresh, self.spare) = (Vec::new(), Vec::new());
        Minutes {
            subjects: std::mem::take(&mut self.subjects).texts,
            runs: std::mem::take(&mut self.runs),
        }
    }
}
