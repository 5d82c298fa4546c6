//! What was measured, as tables on the terminal and in `RESULTS.md`.

use std::fmt;
use std::path::Path;

use crate::rounds::Measured;

/// A table: what its first column is about, its other columns, its lines.
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
/// Columns of times beside those of a peer.
pub const TIMES: &[&str] = &["ms", "times as fast", "min", "max"];
/// Columns of times of many readings beside those of a peer.
pub const READINGS: &[&str] = &["p50 ms", "p99 ms", "times as fast (p50)"];

impl Table {
    /// Rates, and their ratios to that of the first line.
    #[must_use]
    pub fn rates(title: String, measured: &[Measured]) -> Self {
        let line = |it: &Measured| (it.name.clone(), numbers(format!("{:.0}", it.rate), it));
        let lines = measured.iter().map(line).collect();
        Table {
            title,
            columns: RATES,
            lines,
        }
    }

    /// Times of one of many, and how many times as fast as the first line they are.
    #[must_use]
    pub fn times(title: String, measured: &[Measured]) -> Self {
        let line = |it: &Measured| (it.name.clone(), numbers(format!("{:.2}", 1_000.0 / it.rate), it));
        let lines = measured.iter().map(line).collect();
        Table {
            title,
            columns: TIMES,
            lines,
        }
    }
}

fn numbers(first: String, it: &Measured) -> Vec<String> {
    let ratio = |ratio: f64| format!("{ratio:.2}");
    vec![first, ratio(it.ratio), ratio(it.least), ratio(it.most)]
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

/// The sections of the file, in their order.
const SECTIONS: [&str; 7] = ["Append", "Queries", "Track", "Files", "HTTP", "Overload", "Follow"];

/// Everything that one run has measured.
pub struct Results {
    /// Where and when, line by line.
    pub machine: Vec<String>,
    /// The line to type for the same.
    pub command: String,
    /// The names of sections, and their tables.
    pub sections: Vec<(&'static str, Vec<Table>)>,
}

impl Results {
    /// Writes the file anew; a section that was not measured stays as it was.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, file: &Path) -> std::io::Result<()> {
        let before = std::fs::read_to_string(file).unwrap_or_default();
        let mut text = include_str!("results.md").to_owned();
        for name in SECTIONS {
            let head = format!("\n## {name}\n");
            let measured = self.sections.iter().find(|(section, _)| *section == name);
            let Some((_, tables)) = measured.filter(|(_, tables)| !tables.is_empty()) else {
                if let Some((_, rest)) = before.split_once(&head) {
                    text.push_str(&head);
                    text.push_str(rest.split("\n## ").next().unwrap_or_default());
                }
                continue;
            };
            text.push_str(&head);
            text.push_str(&format!("\n`{}`\n\n", self.command));
            for line in &self.machine {
                text.push_str(&format!("- {line}\n"));
            }
            for table in tables {
                text.push_str(&format!("\n{table}"));
            }
        }
        std::fs::write(file, text)
    }
}
