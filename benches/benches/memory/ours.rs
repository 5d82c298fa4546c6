//! Our answers: over a frame, events and columns, by a tally in each thread.

use std::ops::Range;
use std::thread;

use event_core::aggregate::Tally;
use event_core::filter::{Field, Found};
use event_core::frame::Frame;
use event_core::json::Number;
use event_core::{Answer, Event, Query};

use crate::rows::Rows;

/// A frame of all columns of some events.
pub(crate) fn frame(events: &[Event]) -> Frame {
    let fields = ["subject", "/province", "/total"].map(|field| field.parse().unwrap());
    let mut frame = Frame::new(fields);
    events.iter().for_each(|event| frame.add(event));
    frame
}

/// The same by all processors: a frame in each thread, one after the other.
pub(crate) fn frame_together(events: &[Event]) -> Frame {
    let frames = together(events.len(), |part| frame(&events[part]));
    let append = |mut whole: Frame, part| {
        whole.append(part).unwrap();
        whole
    };
    frames.into_iter().reduce(append).unwrap()
}

/// Over a frame, by all processors.
pub(crate) fn over_frame(query: &Query, frame: &Frame) -> Answer {
    merged(together(frame.len(), |part| frame.tally_part(query, part).unwrap()))
}

/// Over events, by all processors.
pub(crate) fn over_events(query: &Query, events: &[Event]) -> Answer {
    merged(together(events.len(), |part| {
        let mut tally = Tally::new(query).unwrap();
        for event in &events[part] {
            tally.add(event);
        }
        tally
    }))
}

/// Over columns, by all processors.
pub(crate) fn over_columns(query: &Query, rows: &Rows) -> Answer {
    merged(together(rows.len(), |range| part(query, rows, range)))
}

/// A column that a question asks for.
#[derive(Clone, Copy)]
enum Column {
    Subject,
    Province,
    Total,
}

/// A tally of some of the rows.
fn part(query: &Query, rows: &Rows, range: Range<usize>) -> Tally {
    let mut tally = Tally::new(query).unwrap();
    let column = |field: &Field| match field.to_string().as_str() {
        "subject" => Column::Subject,
        "/province" => Column::Province,
        "/total" => Column::Total,
        field => panic!("{field} is no column"),
    };
    let columns: Vec<Column> = tally.fields().map(column).collect();
    for row in range {
        tally.add_found(rows.at[row], |place, _| match columns[place] {
            Column::Subject => Some(Found::Text(&rows.subject[row])),
            Column::Province => Some(Found::Text(&rows.province[row])),
            Column::Total => Number::from_parts(rows.total[row], -2).map(Found::Number),
        });
    }
    tally
}

/// The tallies of all parts as one answer.
fn merged(mut tallies: Vec<Tally>) -> Answer {
    let mut sum = tallies.pop().unwrap();
    for tally in tallies {
        sum.merge(tally);
    }
    sum.answer().unwrap()
}

/// What is made of all parts, one for each processor.
fn together<T: Send>(count: usize, make: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let each = count.div_ceil(threads);
    thread::scope(|scope| {
        let start = |thread: usize| {
            let (make, range) = (&make, thread * each..((thread + 1) * each).min(count));
            scope.spawn(move || make(range))
        };
        let running: Vec<_> = (0..threads).map(start).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
