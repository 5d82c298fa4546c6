//! What was measured, as a table that is read on a terminal as well as in `RESULTS.md`.

use std::fmt;

use crate::rounds::Measured;

/// A table: what its first column is about, its other columns, its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// What it is about.
    pub title: String,
    /// The names of the columns behind the first.
    pub columns: &'static [&'static str],
    /// The first column, and the others.
    pub lines: Vec<(String, Vec<String>)>,
}

/// Columns of rates beside those of a peer.
pub const RATES: &[&str] = &["events/s", "ratio", "min", "max"];
/// The same, and how busy the machine was meanwhile.
pub const RATES_AND_LOAD: &[&str] = &["events/s", "ratio", "min", "max", "processors busy %"];
/// Columns of times beside those of a peer.
pub const TIMES: &[&str] = &["ms", "times as fast", "min", "max"];
/// Columns of times of many readings beside those of a peer.
pub const READINGS: &[&str] = &["p50 ms", "p99 ms", "times as fast (p50)"];
/// Columns of short times beside those of a peer.
pub const SHORT: &[&str] = &["ns", "least", "times as fast", "min", "max"];
/// Columns of times of peers beside ours.
pub const LONG: &[&str] = &["ms", "least", "times as long", "min", "max"];
/// Columns of short times of peers beside ours.
pub const SHORT_AS_LONG: &[&str] = &["ns", "least", "times as long", "min", "max"];

impl Table {
    /// Rates, and their ratios to that of the first line.
    #[must_use]
    pub fn rates(title: String, measured: &[Measured]) -> Self {
        Self::of(title, RATES, measured, |it| [vec![format!("{:.0}", it.rate)], fast(it)])
    }

    /// Times of one of many, and how many times as fast as the first line they are.
    #[must_use]
    pub fn times(title: String, measured: &[Measured]) -> Self {
        Self::of(title, TIMES, measured, |it| {
            [vec![format!("{:.2}", 1e3 / it.rate)], fast(it)]
        })
    }

    /// Nanoseconds of one of many, and how many times as fast as the first line they are.
    #[must_use]
    pub fn short(title: String, measured: &[Measured]) -> Self {
        Self::of(title, SHORT, measured, |it| [taken(it, 1e9), fast(it)])
    }

    /// Milliseconds of one of many, and how many times as long as the first line, which is ours, they are.
    #[must_use]
    pub fn long(title: String, measured: &[Measured]) -> Self {
        Self::of(title, LONG, measured, |it| [taken(it, 1e3), long(it)])
    }

    /// Nanoseconds of one of many, and how many times as long as the first line, which is ours, they are.
    #[must_use]
    pub fn short_as_long(title: String, measured: &[Measured]) -> Self {
        Self::of(title, SHORT_AS_LONG, measured, |it| [taken(it, 1e9), long(it)])
    }

    fn of(
        title: String,
        columns: &'static [&'static str],
        measured: &[Measured],
        cells: impl Fn(&Measured) -> [Vec<String>; 2],
    ) -> Self {
        let line = |it: &Measured| (it.name.clone(), cells(it).concat());
        Table {
            title,
            columns,
            lines: measured.iter().map(line).collect(),
        }
    }
}

/// The time that one takes, in the middle and at the least.
fn taken(it: &Measured, units: f64) -> Vec<String> {
    let digits = if units > 1e6 { 0 } else { 2 };
    [it.rate, it.best]
        .map(|rate| format!("{:.digits$}", units / rate))
        .into()
}

fn fast(it: &Measured) -> Vec<String> {
    [it.ratio, it.least, it.most].map(|ratio| format!("{ratio:.2}")).into()
}

/// What is the least as fast is the most as long.
fn long(it: &Measured) -> Vec<String> {
    [it.ratio, it.most, it.least]
        .map(|ratio| format!("{:.2}", 1.0 / ratio))
        .into()
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| {} | {} |", self.title, self.columns.join(" | "))?;
        writeln!(f, "|---|{}", "--:|".repeat(self.columns.len()))?;
        for (name, numbers) in &self.lines {
            writeln!(f, "| {name} | {} |", numbers.join(" | "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use crate::rounds::Measured;

    #[test]
    fn who_is_half_as_fast_takes_twice_as_long() {
        let rates = [("ours", vec![100.0, 200.0, 100.0]), ("peer", vec![50.0, 50.0, 80.0])];
        let measured = Measured::all(&rates.map(|(name, rates)| (name.to_owned(), rates)));
        let line = |table: Table| table.lines[1].1.join(" ");
        assert_eq!(line(Table::rates(String::new(), &measured)), "50 0.50 0.25 0.80");
        assert_eq!(line(Table::times(String::new(), &measured)), "20.00 0.50 0.25 0.80");
        assert_eq!(
            line(Table::long(String::new(), &measured)),
            "20.00 12.50 2.00 1.25 4.00"
        );
    }
}
