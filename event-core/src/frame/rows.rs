//! The rows that a question is about, and a block of them at a time.

use std::ops::Range;

use super::{Frame, FrameError, column};
use crate::query::Query;

/// So many rows are worked on at a time: what is known of them stays near the processor.
pub(super) const BLOCK: usize = 4096;

/// Some rows of a frame.
#[derive(Debug)]
pub(super) enum Rows {
    /// All of these.
    All(Range<usize>),
    /// These, in order.
    Chosen(Vec<u32>),
}

/// Some rows beside each other.
#[derive(Debug)]
pub(super) enum Block<'a> {
    All(Range<usize>),
    Chosen(&'a [u32]),
}

impl Rows {
    /// Those of some rows that lie in the range of a question and pass its conditions.
    pub(super) fn chosen(frame: &Frame, query: &Query, among: Range<usize>) -> Result<Self, FrameError> {
        let conditions = query.filter.all.iter();
        let columns = conditions.map(|condition| Ok((frame.column(&condition.field)?, &condition.test)));
        let tests: Vec<_> = columns.collect::<Result<_, FrameError>>()?;
        let from = query.from.map_or(i64::MIN, |from| from.as_micros());
        let to = query.to.map_or(i64::MAX, |to| to.as_micros() - 1);
        if tests.is_empty() && query.from.is_none() && query.to.is_none() {
            return Ok(Rows::All(among));
        }
        let mut rows: Vec<u32> = (super::number(among.start)..super::number(among.end)).collect();
        if query.from.is_some() || query.to.is_some() {
            column::keep(&mut rows, |row| (from..=to).contains(&frame.at[row]));
        }
        for (column, test) in tests {
            column.keep(test, &mut rows);
        }
        Ok(Rows::Chosen(rows))
    }

    /// The first and the last instant of them, or of all that the frame has.
    pub(super) fn ends(&self, frame: &Frame) -> Option<(i64, i64)> {
        let Rows::Chosen(rows) = self else { return frame.ends };
        let at = || rows.iter().map(|row| frame.at[*row as usize]);
        at().min().zip(at().max())
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Rows::All(rows) => rows.len(),
            Rows::Chosen(rows) => rows.len(),
        }
    }

    /// Does something for each of them, in order.
    pub(super) fn each(&self, mut does: impl FnMut(usize)) {
        match self {
            Rows::All(rows) => rows.clone().for_each(does),
            Rows::Chosen(rows) => rows.iter().for_each(|row| does(*row as usize)),
        }
    }

    /// All of them, block by block.
    pub(super) fn blocks(&self) -> impl Iterator<Item = Block<'_>> {
        let count = self.len();
        (0..count).step_by(BLOCK).map(move |start| {
            let range = start..count.min(start + BLOCK);
            match self {
                Rows::All(rows) => Block::All(rows.start + range.start..rows.start + range.end),
                Rows::Chosen(rows) => Block::Chosen(&rows[range]),
            }
        })
    }
}

impl Block<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Block::All(range) => range.len(),
            Block::Chosen(rows) => rows.len(),
        }
    }

    /// What a column has for these rows: where it stands, or brought together in a room.
    pub(super) fn pick<'c, T: Copy>(&self, column: &'c [T], room: &'c mut Vec<T>) -> &'c [T] {
        match self {
            Block::All(range) => &column[range.clone()],
            Block::Chosen(rows) => {
                room.clear();
                room.extend(rows.iter().map(|row| column[*row as usize]));
                room
            }
        }
    }
}
