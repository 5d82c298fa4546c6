//! The answers about whole stories as tables: which columns each has, and what stands in them.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use event_core::Timestamp;
use event_core::aggregate::{Group, Span};
use event_core::analysis::{ActiveRow, Cohort, FunnelStep, SessionRow};
use event_core::decimal::Decimal;
use event_core::query::Bucket;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::arrow::{self, Numbers, Untold};
use crate::story::{Question, Story, Told};
use crate::values::Values;

/// A table: its columns are of one length.
pub(crate) struct Sheet<'a> {
    pub(crate) columns: Vec<(String, Column<'a>)>,
    pub(crate) rows: usize,
    /// The buckets that the rows are of, if they are.
    pub(crate) bucket: Option<Bucket>,
    /// The column that a bar is drawn for.
    pub(crate) drawn: &'static str,
}

/// What stands in a column.
pub(crate) enum Column<'a> {
    Text(Vec<&'a str>),
    Time(Vec<Timestamp>),
    Flag(Vec<bool>),
    Count(Vec<u64>),
    Number(Vec<Option<&'a Decimal>>),
    /// Any value, as JSON.
    Json(Vec<&'a str>),
}

impl<'a> Sheet<'a> {
    pub(crate) fn of(question: &Question, told: &'a Told) -> Self {
        match told {
            Story::Sessions(list) => sessions(&list.answer.sessions),
            Story::Funnel(funnel) => steps(&funnel.answer.steps),
            Story::Retention(retention) => cohorts(question, &retention.answer.cohorts),
            Story::Active(active) => levels(question, &active.answer.rows),
        }
    }

    /// The rows as dicts from columns to values.
    pub(crate) fn dicts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let values = Values::new(py)?;
        let rows = PyList::empty(py);
        for row in 0..self.rows {
            let dict = PyDict::new(py);
            for (name, column) in &self.columns {
                dict.set_item(name, column.value(py, &values, row)?)?;
            }
            rows.append(dict)?;
        }
        Ok(rows)
    }

    /// The rows as a table of Arrow.
    pub(crate) fn batch(&self, numbers: Numbers) -> Result<RecordBatch, Untold> {
        let columns = self.columns.iter();
        let columns = columns.map(|(name, column)| Ok((name.clone(), column.array(numbers)?)));
        arrow::table(columns.collect::<Result<_, Untold>>()?, self.rows)
    }
}

impl Column<'_> {
    fn value<'py>(&self, py: Python<'py>, values: &Values<'py>, row: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(Some(match self {
            Column::Text(texts) => texts[row].into_pyobject(py)?.into_any(),
            Column::Time(times) => values.time(times[row])?,
            Column::Flag(flags) => flags[row].into_pyobject(py)?.to_owned().into_any(),
            Column::Count(counts) => counts[row].into_pyobject(py)?.into_any(),
            Column::Number(numbers) => return numbers[row].map(|number| values.decimal(number)).transpose(),
            Column::Json(texts) => values.json(texts[row])?,
        }))
    }

    fn array(&self, numbers: Numbers) -> Result<ArrayRef, Untold> {
        Ok(match self {
            Column::Text(texts) => Arc::new(StringArray::from_iter_values(texts)),
            Column::Time(times) => {
                let micros = times.iter().map(|at| at.as_micros());
                Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone("UTC"))
            }
            Column::Flag(flags) => Arc::new(BooleanArray::from(flags.clone())),
            Column::Count(counts) => {
                let counts = counts.iter().map(|count| i64::try_from(*count).unwrap_or(i64::MAX));
                Arc::new(Int64Array::from_iter_values(counts))
            }
            Column::Number(values) => arrow::of_numbers(values.iter().copied(), numbers)?,
            Column::Json(texts) => {
                let texts: Vec<_> = texts
                    .iter()
                    .map(|text| Some(*text).filter(|text| *text != "null"))
                    .collect();
                arrow::of_group(&texts)
            }
        })
    }
}

/// A column with what each row has.
fn each<'a, R, T>(rows: &'a [R], what: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(what).collect()
}

fn sheet<'a, const N: usize>(rows: usize, drawn: &'static str, columns: [(&str, Column<'a>); N]) -> Sheet<'a> {
    Sheet {
        columns: columns.map(|(name, column)| (name.to_owned(), column)).into(),
        rows,
        bucket: None,
        drawn,
    }
}

fn sessions(rows: &[SessionRow]) -> Sheet<'_> {
    let columns = [
        ("session_id", Column::Text(each(rows, |row| row.session_id.as_str()))),
        ("start", Column::Time(each(rows, |row| row.start))),
        ("end", Column::Time(each(rows, |row| row.end))),
        ("length", Column::Number(each(rows, |row| Some(&row.length)))),
        ("events", Column::Count(each(rows, |row| row.events))),
        ("missing", Column::Count(each(rows, |row| row.missing))),
        ("reordered", Column::Count(each(rows, |row| row.reordered))),
    ];
    sheet(rows.len(), "length", columns)
}

fn steps(rows: &[FunnelStep]) -> Sheet<'_> {
    let columns = [
        ("label", Column::Text(each(rows, |row| &*row.label))),
        ("reached", Column::Count(each(rows, |row| row.reached))),
        ("of_first", Column::Number(each(rows, |row| row.of_first.as_ref()))),
        (
            "of_previous",
            Column::Number(each(rows, |row| row.of_previous.as_ref())),
        ),
        ("median", Column::Number(each(rows, |row| row.median.as_ref()))),
    ];
    sheet(rows.len(), "reached", columns)
}

fn cohorts<'a>(question: &Question, cohorts: &'a [Cohort]) -> Sheet<'a> {
    let rows: Vec<(&Cohort, u64, u64)> = cohorts
        .iter()
        .flat_map(|cohort| {
            (0..)
                .zip(&cohort.returned)
                .map(move |(period, returned)| (cohort, period, *returned))
        })
        .collect();
    let [start, end, partial] = spans(rows.iter().map(|(cohort, ..)| &cohort.bucket));
    let columns = [
        start,
        end,
        partial,
        (
            "size",
            Column::Count(rows.iter().map(|(cohort, ..)| cohort.size).collect()),
        ),
        (
            "period",
            Column::Count(rows.iter().map(|(_, period, _)| *period).collect()),
        ),
        (
            "returned",
            Column::Count(rows.iter().map(|(.., returned)| *returned).collect()),
        ),
    ];
    let mut sheet = sheet(rows.len(), "returned", columns);
    if let Story::Retention(question) = question {
        sheet.bucket = Some(question.bucket);
    }
    sheet
}

fn levels<'a>(question: &Question, rows: &'a [ActiveRow]) -> Sheet<'a> {
    let mut made = sheet(rows.len(), "maximum", spans(rows.iter().map(|row| &row.bucket)));
    if let Story::Active(question) = question {
        made.bucket = question.bucket;
        for (place, field) in question.by.iter().enumerate() {
            let texts = each(rows, |row| {
                row.group.as_ref().map_or("null", |group| text(group, place))
            });
            made.columns.push((field.to_string(), Column::Json(texts)));
        }
    }
    let columns = [
        ("open", Column::Count(each(rows, |row| row.open))),
        ("opened", Column::Count(each(rows, |row| row.opened))),
        ("closed", Column::Count(each(rows, |row| row.closed))),
        ("minimum", Column::Count(each(rows, |row| row.minimum))),
        ("maximum", Column::Count(each(rows, |row| row.maximum))),
        ("average", Column::Number(each(rows, |row| row.average.as_ref()))),
    ];
    made.columns.extend(sheet(rows.len(), "", columns).columns);
    made
}

fn text(group: &Group, place: usize) -> &str {
    group.iter().nth(place).map_or("null", |(_, text)| text)
}

fn spans<'a>(spans: impl Iterator<Item = &'a Span> + Clone) -> [(&'static str, Column<'a>); 3] {
    [
        ("start", Column::Time(spans.clone().map(|span| span.start).collect())),
        ("end", Column::Time(spans.clone().map(|span| span.end).collect())),
        ("partial", Column::Flag(spans.map(|span| span.partial).collect())),
    ]
}
