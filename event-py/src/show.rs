//! An answer as people look at it: a table of text, or of HTML.

use std::fmt::Write as _;

use event_core::aggregate::Row;
use event_core::decimal::Decimal;
use event_core::query::{Bucket, Unit};
use event_core::{Answer, Query, Timestamp};

use crate::sheet::{Column, Sheet};

/// More rows are not shown, only counted.
const ROWS: usize = 60;

/// The first rows, cell by cell.
pub(crate) struct Cells {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Which columns are of numbers.
    numbers: Vec<bool>,
    /// The column that has bars.
    drawn: usize,
    /// How long each of them is, from 0 to 1.
    bars: Vec<f64>,
    /// Rows that are not shown.
    left: usize,
}

impl Cells {
    pub(crate) fn of(query: &Query, answer: &Answer) -> Self {
        let mut head = Vec::new();
        if query.bucket.is_some() {
            head.push("start".to_owned());
        }
        head.extend(query.by.iter().map(ToString::to_string));
        head.push(query.measure.to_string());
        let shown = &answer.rows[..answer.rows.len().min(ROWS)];
        let drawn = head.len() - 1;
        Cells {
            numbers: (0..head.len()).map(|column| column == drawn).collect(),
            head,
            rows: shown.iter().map(|row| cells(query, row)).collect(),
            drawn,
            bars: bars(shown.iter().map(|row| row.value.as_ref().map(Decimal::to_string))),
            left: answer.rows.len() - shown.len(),
        }
    }

    pub(crate) fn of_sheet(sheet: &Sheet<'_>) -> Self {
        let shown = sheet.rows.min(ROWS);
        // A bucket is told by its start.
        let told = |name: &str| sheet.bucket.is_none() && name != "partial" || !["end", "partial"].contains(&name);
        let columns: Vec<_> = sheet.columns.iter().filter(|(name, _)| told(name)).collect();
        let drawn = columns
            .iter()
            .position(|(name, _)| name == sheet.drawn)
            .unwrap_or_default();
        let row = |row: usize| columns.iter().map(|(_, column)| sheet.cell(column, row)).collect();
        let rows: Vec<Vec<String>> = (0..shown).map(row).collect();
        Cells {
            head: columns.iter().map(|(name, _)| name.clone()).collect(),
            numbers: columns
                .iter()
                .map(|(_, column)| matches!(column, Column::Count(_) | Column::Number(_)))
                .collect(),
            drawn,
            bars: bars(rows.iter().map(|row| row.get(drawn))),
            rows,
            left: sheet.rows - shown,
        }
    }
}

impl Sheet<'_> {
    fn cell(&self, column: &Column<'_>, row: usize) -> String {
        match column {
            Column::Text(texts) => texts[row].to_owned(),
            Column::Time(times) => match self.bucket {
                Some(bucket) => {
                    let mut partial = self.columns.iter().filter(|(name, _)| name == "partial");
                    let partial = partial.any(|(_, column)| matches!(column, Column::Flag(flags) if flags[row]));
                    started(bucket, times[row], partial)
                }
                None => times[row].to_string(),
            },
            Column::Flag(flags) => flags[row].to_string(),
            Column::Count(counts) => counts[row].to_string(),
            Column::Number(numbers) => numbers[row].map_or_else(|| "-".to_owned(), ToString::to_string),
            Column::Json(texts) => plain(texts[row]),
        }
    }
}

/// How long the bars of numbers are, from 0 to 1.
fn bars<T: AsRef<str>>(numbers: impl Iterator<Item = Option<T>>) -> Vec<f64> {
    let lengths = numbers.map(|number| number.and_then(|number| number.as_ref().parse().ok()));
    let lengths: Vec<f64> = lengths.map(|length| length.map_or(0.0, f64::abs)).collect();
    let longest = lengths.iter().copied().fold(f64::MIN_POSITIVE, f64::max).min(f64::MAX);
    lengths.into_iter().map(|length| (length / longest).min(1.0)).collect()
}

/// When a bucket starts, in its own zone.
fn started(bucket: Bucket, start: Timestamp, partial: bool) -> String {
    let start = start.to_datetime().with_timezone(&bucket.zone);
    let form = match bucket.unit {
        Unit::Minute | Unit::Hour => "%Y-%m-%d %H:%M %Z",
        Unit::Day | Unit::Week => "%Y-%m-%d",
        Unit::Month => "%Y-%m",
    };
    let cut = if partial { " (partial)" } else { "" };
    format!("{}{cut}", start.format(form))
}

/// A string without its quotes.
fn plain(json: &str) -> String {
    serde_json::from_str(json).unwrap_or_else(|_| json.to_owned())
}

fn cells(query: &Query, row: &Row) -> Vec<String> {
    let mut cells = Vec::new();
    if let Some((bucket, span)) = query.bucket.zip(row.bucket) {
        cells.push(started(bucket, span.start, span.partial));
    }
    for (_, text) in row.group.iter().flat_map(|group| group.iter()) {
        cells.push(plain(text));
    }
    cells.push(row.value.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string));
    cells
}

/// A table of text; the numbers stand below each other.
pub(crate) fn text(cells: &Cells) -> String {
    let rows: Vec<Vec<String>> = std::iter::once(&cells.head)
        .chain(&cells.rows)
        .map(|row| row.iter().map(|cell| printable(cell)).collect())
        .collect();
    let widths: Vec<usize> = (0..cells.head.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in &rows {
        let last = row.len() - 1;
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Writing into a String cannot fail.
            let _ = match cells.numbers[column] {
                true => write!(text, "{cell:>width$}"),
                false => write!(text, "{cell:<width$}"),
            };
            if column < last {
                text.push_str("  ");
            }
        }
        text.push('\n');
    }
    if cells.left > 0 {
        let _ = writeln!(text, "… and {} more rows", cells.left);
    }
    text.truncate(text.trim_end().len());
    text
}

/// What comes from events moves no cursor and paints nothing.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            out.extend(char.escape_debug());
        } else {
            out.push(char);
        }
    }
    out
}

/// A table of HTML with a bar below each number of a column, in the colours of the page that it stands in.
pub(crate) fn html(cells: &Cells) -> String {
    let mut html = "<table><thead><tr>".to_owned();
    for name in &cells.head {
        let _ = write!(html, "<th>{}</th>", escaped(name));
    }
    html.push_str("</tr></thead><tbody>");
    for (row, bar) in cells.rows.iter().zip(&cells.bars) {
        html.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            let cell = escaped(cell);
            let _ = if column != cells.drawn {
                let side = if cells.numbers[column] { "right" } else { "left" };
                write!(html, "<td style=\"text-align:{side}\">{cell}</td>")
            } else {
                let percent = bar * 100.0;
                write!(
                    html,
                    "<td style=\"text-align:right;min-width:8em\">{cell}<div style=\"height:3px;width:{percent:.1}%;\
                     background:currentColor;opacity:.5;margin-left:auto\"></div></td>"
                )
            };
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table>");
    if cells.left > 0 {
        let _ = write!(html, "<p>… and {} more rows</p>", cells.left);
    }
    html
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            char => out.push(char),
        }
    }
    out
}
