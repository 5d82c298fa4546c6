//! From a question to a tally: block by block, column by column.

use std::borrow::Cow;

use super::column::Values;
use super::measured::Measured;
use super::places::Places;
use super::rows::{BLOCK, Rows};
use super::totals::Totals;
use super::{Frame, FrameError};
use crate::aggregate::edges::Edges;
use crate::aggregate::{GroupKey, Tally};
use crate::query::Query;

/// What a frame knows of the answer to a question.
pub(super) fn tally(frame: &Frame, query: &Query) -> Result<Tally, FrameError> {
    let mut tally = Tally::new(query)?;
    let measured = Measured::of(frame, &query.measure)?;
    let by = query.by.iter().map(|field| Ok(frame.column(field)?.as_values()));
    let by: Vec<Cow<'_, Values>> = by.collect::<Result<_, FrameError>>()?;
    let rows = Rows::chosen(frame, query)?;
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
    let mut places = Places::new();
    by.iter().for_each(|values| places.tell(values.dictionary.len()));
    edges.iter().for_each(|edges| places.tell(edges.len()));
    if let Measured::Values(values) = &measured {
        places.tell(values.dictionary.len());
    }
    let totals = total(frame, &rows, &by, edges.as_mut(), &measured, &mut places);
    let mut key = String::new();
    for (place, total) in totals.iter() {
        let numbers = places.numbers(place);
        let mut numbers = numbers.iter().map(|number| *number as usize);
        key.clear();
        for (values, number) in by.iter().zip(&mut numbers) {
            GroupKey::push_text(&mut key, values.dictionary.text(number));
        }
        let bucket = edges.as_ref().zip(edges.as_ref().and_then(|_| numbers.next()));
        let at = bucket.map_or(0, |(edges, index)| edges.nth(index));
        let summary = measured.summary(&query.measure, total, numbers.next());
        tally.add_summary(at, &key, &summary);
    }
    Ok(tally)
}

/// What the rows of each cell come to.
fn total(
    frame: &Frame,
    rows: &Rows,
    by: &[Cow<'_, Values>],
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
        for values in by {
            tell(&mut cells, block.pick(&values.codes, &mut numbers));
        }
        if let Some(edges) = &mut edges {
            edges.indexes(block.pick(&frame.at, &mut wide), &mut numbers);
            tell(&mut cells, &numbers);
        }
        match measured {
            Measured::Count => totals.count(&cells),
            Measured::Sum(column) => totals.sum(&cells, block.pick(column.mantissas(), &mut wide)),
            Measured::Extremes(column) => totals.extremes(&cells, block.pick(column.mantissas(), &mut wide)),
            Measured::Values(values) => {
                tell(&mut cells, block.pick(&values.codes, &mut numbers));
                totals.count(&cells);
            }
        }
    }
    totals
}
