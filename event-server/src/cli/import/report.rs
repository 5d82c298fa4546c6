//! What an import has done, for people and for programs.

use std::io::{self, Write as _};

use event_store::import::{Failure, Imported, Outcome, Tally};
use serde_json::{Value, json};

use super::super::{columns, with_causes};

/// A line of the table, and what it counts.
type Count = (&'static str, fn(&Tally) -> u64);

pub(super) fn print(imported: &Imported) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if imported.outcome == Outcome::NothingNew {
        let rows = imported.total.rows;
        return writeln!(out, "nothing new: all {rows} rows of this file were imported before");
    }
    if let Some(line) = imported.resumed_at_line {
        writeln!(out, "went on at line {line}")?;
    }
    let pass = &imported.pass;
    let previous = imported.previous.as_ref();
    let mut rows = vec![["rows", "this time", "last time", "all times"].map(str::to_owned)];
    let counts: [Count; 5] = [
        ("read", |tally| tally.rows),
        ("stored", |tally| tally.stored),
        ("duplicate", |tally| tally.duplicates),
        ("quarantined", |tally| tally.quarantined),
        ("rejected", |tally| tally.rejected),
    ];
    let last = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    for (name, count) in counts {
        let before = last(previous.map(|previous| count(previous).to_string()));
        rows.push([
            name.to_owned(),
            count(pass).to_string(),
            before,
            count(&imported.total).to_string(),
        ]);
    }
    for (code, all) in &imported.total.codes {
        let of = |tally: &Tally| tally.codes.get(code).copied().unwrap_or(0).to_string();
        rows.push([format!("  {code}"), of(pass), last(previous.map(of)), all.to_string()]);
    }
    drop(out);
    columns::print(&rows)?;
    let mut out = io::stdout().lock();
    if let (Some(first), Some(last)) = (pass.first, pass.last) {
        writeln!(out, "from {first} to {last}")?;
    }
    let seconds = imported.elapsed.as_secs_f64();
    let (rows, bytes, rate) = (imported.rows, imported.bytes, imported.rows_per_second());
    writeln!(out, "{rows} rows, {bytes} bytes in {seconds:.1} s: {rate:.0} rows/s")
}

pub(super) fn print_json(imported: Option<&Imported>, failure: Option<&Failure>) -> io::Result<()> {
    let mut report = match imported {
        Some(imported) => serde_json::to_value(imported)?,
        None => json!({"outcome": "stopped"}),
    };
    if let (Some(failure), Value::Object(members)) = (failure, &mut report) {
        members.insert("code".to_owned(), failure.code().into());
        members.insert("message".to_owned(), with_causes(failure).into());
    }
    writeln!(io::stdout(), "{report}")
}
