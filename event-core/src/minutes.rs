//! How often each subject has events in each minute, counted from many rows in little memory.
//!
//! A [`Counter`] takes subjects and times, row by row, and holds about three bytes for each minute in which a
//! subject has events. What it has counted are [`Minutes`], which answer questions by the subject and by the
//! clock, and which can be written away where there are too many for the memory. Counters of the parts of a
//! file, and minutes that were written away, are answered from together: all of them add to one
//! [`Tally`](crate::aggregate::Tally).

mod marks;
mod subjects;
mod run;
mod digits;
mod clock;
mod before;
mod counter;
mod counted;
mod question;
mod plain;
mod lines;

pub use counted::Minutes;
pub use counter::Counter;
pub use lines::PlainLines;
pub use plain::{PlainColumn, PlainRow, PlainRows};
pub use question::{Cut, Unanswerable};
