//! What many events hold at one field.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::dictionary::{Dictionary, NOTHING};
use super::numbers::Numbers;
use crate::filter::{Found, Test, TextTest};
use crate::json::Kind;

/// Numbers as long as there is nothing else and they fit into one scale; then values of any kind.
#[derive(Clone, Debug)]
pub(super) enum Column {
    Numbers(Numbers),
    Values(Values),
}

/// The number of each one's canonical text in a dictionary.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    pub(super) codes: Vec<u32>,
    pub(super) dictionary: Dictionary,
}

impl Default for Column {
    fn default() -> Self {
        Column::Numbers(Numbers::default())
    }
}

impl Column {
    /// Adds what an event has.
    pub(super) fn add(&mut self, found: Option<Found<'_>>, scratch: &mut String) {
        let Some(found) = found.filter(|found| found.kind() != Kind::Null) else {
            return self.add_nothing();
        };
        if let (Column::Numbers(numbers), Some((mantissa, exponent))) = (&mut *self, found.decimal_parts())
            && numbers.add(mantissa, exponent)
        {
            return;
        }
        let Values { codes, dictionary } = self.make_values();
        scratch.clear();
        found.write_to(scratch);
        codes.push(dictionary.number(scratch));
    }

    fn add_nothing(&mut self) {
        match self {
            Column::Numbers(numbers) => numbers.add_none(),
            Column::Values(values) => values.codes.push(NOTHING),
        }
    }

    /// Adds all that another column has.
    pub(super) fn append(&mut self, other: Column) {
        match other {
            Column::Numbers(more) => {
                let mut scratch = String::new();
                for mantissa in more.mantissas() {
                    self.add(more.number(*mantissa).map(Found::Number), &mut scratch);
                }
            }
            Column::Values(more) => {
                let Values { codes, dictionary } = self.make_values();
                let learned = more.dictionary.texts().skip(1).map(|text| dictionary.number(text));
                let known: Vec<u32> = std::iter::once(NOTHING).chain(learned).collect();
                codes.extend(more.codes.iter().map(|code| known[*code as usize]));
            }
        }
    }

    /// From now on values of any kind.
    fn make_values(&mut self) -> &mut Values {
        if let Column::Numbers(numbers) = self {
            *self = Column::Values(Values::of(numbers));
        }
        match self {
            Column::Values(values) => values,
            Column::Numbers(_) => unreachable!("they have just become values"),
        }
    }

    /// Leaves of some rows those that pass a test.
    pub(super) fn keep(&self, test: &Test, rows: &mut Vec<u32>) {
        match self {
            Column::Numbers(numbers) => {
                let mantissas = numbers.mantissas();
                if let Some(range) = numbers.within(test) {
                    // What has none lies below every range.
                    keep(rows, |row| range.contains(&i128::from(mantissas[row])));
                } else {
                    let some = numbers.among(test);
                    keep(rows, |row| some.contains(&mantissas[row]));
                }
            }
            Column::Values(Values { codes, dictionary }) => {
                let test = TextTest::new(test);
                let holds: Vec<bool> = dictionary.texts().map(|text| test.holds(text)).collect();
                keep(rows, |row| holds[codes[row] as usize]);
            }
        }
    }
}

impl Values {
    /// A text for each different number.
    fn of(numbers: &Numbers) -> Values {
        let mut dictionary = Dictionary::default();
        let mut known: HashMap<i64, u32, RandomState> = HashMap::default();
        let code = |mantissa: &i64| {
            *known.entry(*mantissa).or_insert_with(|| {
                let number = numbers.number(*mantissa);
                number.map_or(NOTHING, |number| dictionary.number(&number.to_string()))
            })
        };
        let codes = numbers.mantissas().iter().map(code).collect();
        Values { codes, dictionary }
    }
}

/// Leaves those rows that a condition holds for, without a branch that would be guessed wrong.
pub(super) fn keep(rows: &mut Vec<u32>, holds: impl Fn(usize) -> bool) {
    let mut kept = 0;
    for place in 0..rows.len() {
        let row = rows[place];
        rows[kept] = row;
        kept += usize::from(holds(row as usize));
    }
    rows.truncate(kept);
}
