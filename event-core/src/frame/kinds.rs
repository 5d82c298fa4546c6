//! A small number for each different value that some rows have in a column.

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::column::{Column, Values};
use super::dictionary::{Dictionary, NOTHING};
use super::numbers::{NONE, Numbers};
use super::rows::Rows;
use crate::aggregate::Summary;
use crate::json::Number;
use crate::query::Measure;

/// The numbers of the rows, and what they stand for.
#[derive(Debug)]
pub(super) struct Kinds<'a> {
    /// For each row of the column; of a row that was not chosen it says nothing.
    pub(super) codes: Cow<'a, [u32]>,
    names: Names<'a>,
}

/// From 1 on; [`NOTHING`] is what is not there.
#[derive(Debug)]
enum Names<'a> {
    Texts(&'a Dictionary),
    /// Mantissas of a column.
    Numbers(&'a Numbers, Vec<i64>),
}

impl<'a> Kinds<'a> {
    pub(super) fn of(column: &'a Column, rows: &Rows) -> Self {
        let numbers = match column {
            Column::Numbers(numbers) => numbers,
            Column::Values(Values { codes, dictionary }) => {
                return Kinds {
                    codes: Cow::Borrowed(codes),
                    names: Names::Texts(dictionary),
                };
            }
        };
        let mantissas = numbers.mantissas();
        let mut known: HashMap<i64, u32, RandomState> = HashMap::default();
        let mut names = Vec::new();
        let mut codes = vec![NOTHING; mantissas.len()];
        rows.each(|row| {
            if mantissas[row] != NONE {
                codes[row] = *known.entry(mantissas[row]).or_insert_with(|| {
                    names.push(mantissas[row]);
                    super::number(names.len())
                });
            }
        });
        Kinds {
            codes: Cow::Owned(codes),
            names: Names::Numbers(numbers, names),
        }
    }

    /// How many numbers there may be, with that of nothing.
    pub(super) fn len(&self) -> usize {
        match &self.names {
            Names::Texts(dictionary) => dictionary.len(),
            Names::Numbers(_, names) => names.len() + 1,
        }
    }

    /// The canonical JSON text of what a number stands for.
    pub(super) fn text(&self, number: u32) -> Cow<'_, str> {
        match &self.names {
            Names::Texts(dictionary) => Cow::Borrowed(dictionary.text(number)),
            Names::Numbers(..) => {
                let number = self.number(number);
                number.map_or(Cow::Borrowed("null"), |number| Cow::Owned(number.to_string()))
            }
        }
    }

    /// What a number stands for, in a column of numbers.
    fn number(&self, number: u32) -> Option<Number> {
        let Names::Numbers(numbers, names) = &self.names else {
            return None;
        };
        let place = (number as usize).checked_sub(1)?;
        numbers.number(*names.get(place)?)
    }

    /// Adds so many events that have what a number stands for.
    pub(super) fn add_to(&self, summary: &mut Summary, measure: &Measure, number: u32, events: u64) {
        match self.number(number) {
            Some(number) => summary.add_number(measure, number, events),
            None => summary.add_text(measure, &self.text(number), events),
        }
    }
}
