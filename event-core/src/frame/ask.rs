//! From a question to a tally: block by block, column by column.

use std::ops::Range;

use super::kinds::Kinds;
use super::measured::Measured;
use super::places::Places;
use super::rows::{BLOCK, Rows};
use super::totals::Totals;
use super::{Frame, FrameError};
use crate::aggregate::edges::Edges;
use crate::aggregate::{GroupKey, Key, Summary, Tally};
use crate::query::Query;

/// What some rows of a frame know of the answer to a question.
pub(super) fn tally(frame: &Frame, query: &Query, among: Range<usize>) -> Result<Tally, FrameError> {
    let mut tally = Tally::new(query)?;
    let rows = Rows::chosen(frame, query, among)?;
    let measured = Measured::of(frame, &query.measure, &rows)?;
    let by = query.by.iter().map(|field| Ok(Kinds::of(frame.column(field)?, &rows)));
    let by: Vec<Kinds<'_>> = by.collect::<Result<_, FrameError>>()?;
    let Some((first, last)) = rows.ends(frame) else {
        return Ok(tally);
    };
    let mut edges = query.bucket.map(Edges::new);
    if let Some(edges) = &mut edges
        && edges.locate(first).and_then(|_| edges.locate(last)).is_err()
    {
        tally.give_up();
        return Ok(tally);
    }
    let mut places = Places::new(rows.len());
    by.iter().for_each(|kinds| places.tell(kinds.len()));
    edges.iter().for_each(|edges| places.tell(edges.len()));
    if let Measured::Values(kinds) = &measured {
        places.tell(kinds.len());
    }
    let totals = total(frame, &rows, &by, edges.as_mut(), &measured, &mut places);
    let mut key = String::new();
    let mut add = |cell: &[u32], summary: &Summary| {
        let mut numbers = cell.iter();
        key.clear();
        for (kinds, number) in by.iter().zip(&mut numbers) {
            GroupKey::push_text(&mut key, &kinds.text(*number));
        }
        let bucket = edges.as_ref().zip(numbers.next());
        let at = bucket.map_or(0, |(edges, index)| edges.nth(*index as usize));
        tally.add_summary(at, Key::Text(&key), summary)
    };
    // Places of one cell that differ by their value alone mostly follow on one another.
    let mut open: Option<(Vec<u32>, Summary)> = None;
    let mut cell = Vec::new();
    for (place, total) in totals.iter() {
        places.numbers(place, &mut cell);
        let value = if measured.tells_values() { cell.pop() } else { None };
        if open.as_ref().is_none_or(|(known, _)| *known != cell)
            && let Some((cell, summary)) = open.replace((cell.clone(), Summary::default()))
            && !add(&cell, &summary)
        {
            return Ok(tally);
        }
        if let Some((_, summary)) = &mut open {
            measured.add_to(summary, &query.measure, total, value);
        }
    }
    if let Some((cell, summary)) = open {
        add(&cell, &summary);
    }
    Ok(tally)
}

/// What the rows of each cell come to.
fn total(
    frame: &Frame,
    rows: &Rows,
    by: &[Kinds<'_>],
    mut edges: Option<&mut Edges>,
    measured: &Measured<'_>,
    places: &mut Places,
) -> Totals {
    let mut totals = Totals::new(places.count());
    let mut cells = Vec::with_capacity(BLOCK);
    // Rooms for what is picked, of either kind.
    let (mut numbers, mut wide) = (Vec::with_capacity(BLOCK), Vec::with_capacity(BLOCK));
    for block in rows.blocks() {
        cells.clear();
        cells.resize(block.len(), 0);
        let mut step = 0..;
        let mut tell = |cells: &mut [u32], numbers: &[u32]| places.step(step.next().unwrap_or(0), cells, numbers);
        for kinds in by {
            tell(&mut cells, block.pick(&kinds.codes, &mut numbers));
        }
        if let Some(edges) = &mut edges {
            edges.indexes(block.pick(&frame.at, &mut wide), &mut numbers);
            tell(&mut cells, &numbers);
        }
        match measured {
            Measured::Count => totals.count(&cells),
            Measured::Sum(column) => totals.sum(&cells, block.pick(column.mantissas(), &mut wide)),
            Measured::Extremes(column) => totals.extremes(&cells, block.pick(column.mantissas(), &mut wide)),
            Measured::Values(kinds) => {
                tell(&mut cells, block.pick(&kinds.codes, &mut numbers));
                totals.count(&cells);
            }
        }
    }
    totals
}
