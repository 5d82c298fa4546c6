//! A row that was not stored, as the file of rejects tells of it: where and why, never what it holds.

use std::collections::HashMap;
use std::fmt::Write as _;

use event_core::{Code, Verdict};

use super::Row;

/// The first line of the file.
pub(crate) const HEAD: &str = "line,column,offset,code,message\n";

/// The columns of a file, by the pointers that rules are broken at.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// By the pointer from the event.
    pub(crate) columns: HashMap<String, usize>,
}

impl Places {
    /// The number of the column, from 1, that a pointer of a refusal for this reason means.
    pub(crate) fn column(&self, code: Code, pointer: &str) -> Option<usize> {
        // Rules of schemas and metrics are about the data.
        let within_data = || self.nearest(&format!("/data{pointer}"));
        match code {
            Code::SchemaViolation | Code::MeasureOutOfRange => within_data(),
            _ => self.nearest(pointer),
        }
    }

    /// The column of a place, or of the innermost place around it that has one.
    fn nearest(&self, pointer: &str) -> Option<usize> {
        let mut pointer = pointer;
        loop {
            if let Some(column) = self.columns.get(pointer) {
                return Some(*column);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }
}

/// A line of the file.
#[derive(Debug)]
pub(crate) struct Reject<'a> {
    line: u64,
    column: Option<usize>,
    offset: u64,
    code: Code,
    message: &'a str,
}

impl<'a> Reject<'a> {
    /// What is told of a row, if anything is.
    pub(crate) fn of(row: &Row, verdict: &'a Verdict, places: &Places) -> Option<Self> {
        let code = verdict.code?;
        let first = verdict.violations.first();
        Some(Reject {
            line: row.line,
            column: first.and_then(|violation| places.column(code, &violation.pointer)),
            offset: row.offset,
            code,
            message: first.map_or("", |violation| &violation.message),
        })
    }

    pub(crate) fn write(&self, out: &mut String) {
        let column = self.column.map(|column| column.to_string()).unwrap_or_default();
        let message = self.message.replace('"', "\"\"");
        // Writing to a string does not fail.
        let _ = writeln!(
            out,
            "{},{column},{},{},\"{message}\"",
            self.line, self.offset, self.code
        );
    }
}
