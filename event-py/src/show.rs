//! An answer as people look at it: a table of text, or of HTML.

use std::fmt::Write as _;

use event_core::aggregate::Row;
use event_core::query::Unit;
use event_core::{Answer, Query};

/// More rows are not shown, only counted.
const ROWS: usize = 60;

/// The first rows, cell by cell.
struct Cells {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    /// How long the bar of each value is, from 0 to 1.
    bars: Vec<f64>,
    /// Rows that are not shown.
    left: usize,
}

impl Cells {
    fn of(query: &Query, answer: &Answer) -> Self {
        let mut head = Vec::new();
        if query.bucket.is_some() {
            head.push("start".to_owned());
        }
        head.extend(query.by.iter().map(ToString::to_string));
        head.push(query.measure.to_string());
        let shown = &answer.rows[..answer.rows.len().min(ROWS)];
        let length = |row: &Row| {
            let value = row.value.as_ref().and_then(|value| value.to_string().parse().ok());
            value.map_or(0.0, f64::abs)
        };
        let longest = shown.iter().map(length).fold(f64::MIN_POSITIVE, f64::max).min(f64::MAX);
        Cells {
            head,
            rows: shown.iter().map(|row| cells(query, row)).collect(),
            bars: shown.iter().map(|row| (length(row) / longest).min(1.0)).collect(),
            left: answer.rows.len() - shown.len(),
        }
    }
}

fn cells(query: &Query, row: &Row) -> Vec<String> {
    let mut cells = Vec::new();
    if let Some((bucket, span)) = query.bucket.zip(row.bucket) {
        let start = span.start.to_datetime().with_timezone(&bucket.zone);
        let form = match bucket.unit {
            Unit::Minute | Unit::Hour => "%Y-%m-%d %H:%M %Z",
            Unit::Day | Unit::Week => "%Y-%m-%d",
            Unit::Month => "%Y-%m",
        };
        let cut = if span.partial { " (partial)" } else { "" };
        cells.push(format!("{}{cut}", start.format(form)));
    }
    for (_, text) in row.group.iter().flat_map(|group| group.iter()) {
        // A string without its quotes.
        cells.push(serde_json::from_str(text).unwrap_or_else(|_| text.to_owned()));
    }
    cells.push(row.value.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string));
    cells
}

/// A table of text; the values stand below each other.
pub(crate) fn text(query: &Query, answer: &Answer) -> String {
    let cells = Cells::of(query, answer);
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
            let _ = match column {
                column if column == last => write!(text, "{cell:>width$}"),
                _ => write!(text, "{cell:<width$}  "),
            };
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

/// A table of HTML with a bar below each value, in the colours of the page that it stands in.
pub(crate) fn html(query: &Query, answer: &Answer) -> String {
    let cells = Cells::of(query, answer);
    let mut html = "<table><thead><tr>".to_owned();
    for name in &cells.head {
        let _ = write!(html, "<th>{}</th>", escaped(name));
    }
    html.push_str("</tr></thead><tbody>");
    for (row, bar) in cells.rows.iter().zip(&cells.bars) {
        html.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            let cell = escaped(cell);
            let _ = if column + 1 < row.len() {
                write!(html, "<td style=\"text-align:left\">{cell}</td>")
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
