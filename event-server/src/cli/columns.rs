//! A table for people: every column as wide as its widest text.

use std::io::{self, Write as _};

/// Prints rows; all but the last column are filled up to one width.
pub(super) fn print(rows: &[impl AsRef<[String]>]) -> io::Result<()> {
    align(rows, |_| false)
}

/// Prints rows below a row of names; columns of numbers are aligned to the right.
pub(super) fn print_numbers(rows: &[impl AsRef<[String]>]) -> io::Result<()> {
    let is_number = |text: &str| text == "-" || text.parse::<event_core::decimal::Decimal>().is_ok();
    let of_numbers = |column: usize| {
        let mut cells = rows.iter().skip(1).filter_map(|row| row.as_ref().get(column));
        cells.all(|text| is_number(text))
    };
    align(rows, of_numbers)
}

fn align(rows: &[impl AsRef<[String]>], to_the_right: impl Fn(usize) -> bool) -> io::Result<()> {
    let mut widths = Vec::new();
    for row in rows {
        for (column, text) in row.as_ref().iter().enumerate() {
            if column == widths.len() {
                widths.push(0);
            }
            widths[column] = text.chars().count().max(widths[column]);
        }
    }
    let right: Vec<bool> = (0..widths.len()).map(to_the_right).collect();
    let mut out = io::stdout().lock();
    for row in rows {
        let cells = row.as_ref().iter().zip(&widths).zip(&right);
        let cells = cells.map(|((text, &width), right)| match right {
            true => format!("{text:>width$}"),
            false => format!("{text:width$}"),
        });
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// Text that comes from events, which may hold what a terminal obeys.
pub(super) fn harmless(text: &str) -> String {
    let shown = |character: char| if character.is_control() { '\u{fffd}' } else { character };
    text.chars().map(shown).collect()
}
