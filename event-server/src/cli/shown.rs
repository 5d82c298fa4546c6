//! An answer as it is printed: an aligned table, JSON, CSV, or bars.

use std::io::{self, Write as _};

use serde::Serialize;

use super::{bars, columns};

/// How an answer is printed.
#[derive(clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct Shown {
    /// Print the answer as the collector gives it
    #[arg(long, conflicts_with_all = ["csv", "plot"])]
    json: bool,
    /// Print the table as CSV; text that a spreadsheet would take for a formula has a ' before it
    #[arg(long, conflicts_with = "plot")]
    csv: bool,
    /// Draw a bar for the last column of each row
    #[arg(long)]
    plot: bool,
}

/// A table: names of columns, and rows of texts.
pub(super) struct Table {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
    note: Option<String>,
}

impl Table {
    pub(super) fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Table {
            names: names.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
            note: None,
        }
    }

    /// What people are told below the table, and programs are not that read it.
    pub(super) fn note(&mut self, note: String) {
        self.note = Some(note);
    }

    pub(super) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }
}

impl Shown {
    /// Prints an answer, of which the table is what people read.
    pub(super) fn print(&self, answer: &impl Serialize, table: Table) -> Result<(), Box<dyn std::error::Error>> {
        if self.json {
            writeln!(io::stdout(), "{}", serde_json::to_string(answer)?)?;
            return Ok(());
        }
        if self.csv {
            return csv(&table);
        }
        let harmless = |row: &Vec<String>| row.iter().map(|text| columns::harmless(text)).collect::<Vec<String>>();
        let mut rows = vec![harmless(&table.names)];
        rows.extend(table.rows.iter().map(harmless));
        if self.plot {
            rows = bars::drawn(rows);
        }
        columns::print_numbers(&rows)?;
        if let Some(note) = &table.note {
            writeln!(io::stdout(), "{note}")?;
        }
        Ok(())
    }
}

fn csv(table: &Table) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = csv::Writer::from_writer(io::stdout().lock());
    out.write_record(&table.names)?;
    for row in &table.rows {
        out.write_record(row.iter().map(|text| no_formula(text)))?;
    }
    out.flush()?;
    Ok(())
}

/// A spreadsheet takes text that begins so for a formula; numbers stay as they are.
fn no_formula(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula && text.parse::<event_core::decimal::Decimal>().is_err() {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}
