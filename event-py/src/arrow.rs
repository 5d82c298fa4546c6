//! An answer as a table of Arrow.

use std::fmt;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{ArrowError, Field, Schema};
use event_core::aggregate::{Group, Row, Span};
use event_core::decimal::Decimal;
use event_core::json::Number;
use event_core::query::Measure;
use event_core::{Answer, Query};

/// How numbers that are no counts are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// As the nearest floats.
    Nearest,
    /// As decimals of the least scale that holds all of them.
    Exact,
}

impl Numbers {
    pub(crate) const fn of(exact: bool) -> Self {
        if exact { Numbers::Exact } else { Numbers::Nearest }
    }
}

/// Why an answer is no table.
#[derive(Debug)]
pub(crate) enum Untold {
    /// It cannot be told exactly.
    TooLong,
    /// Arrow refuses it.
    Arrow(ArrowError),
}

impl fmt::Display for Untold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Untold::TooLong => f.write_str("the exact values have more than the 38 digits of a decimal: take the rows"),
            Untold::Arrow(error) => error.fmt(f),
        }
    }
}

/// Digits that a decimal of Arrow holds.
const DIGITS: u8 = 38;

/// The rows of an answer: `start`, `end` and `partial` of buckets, each field of `by`, and `value`.
pub(crate) fn batch(query: &Query, answer: &Answer, numbers: Numbers) -> Result<RecordBatch, Untold> {
    let rows = &answer.rows;
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    if query.bucket.is_some() {
        let time = |of: fn(&Span) -> i64| -> ArrayRef {
            let micros = rows.iter().map(|row| row.bucket.as_ref().map(of));
            Arc::new(TimestampMicrosecondArray::from_iter(micros).with_timezone("UTC"))
        };
        let partial = rows.iter().map(|row| row.bucket.map(|span| span.partial));
        columns.push(("start".to_owned(), time(|span| span.start.as_micros())));
        columns.push(("end".to_owned(), time(|span| span.end.as_micros())));
        columns.push(("partial".to_owned(), Arc::new(BooleanArray::from_iter(partial))));
    }
    for (place, field) in query.by.iter().enumerate() {
        let texts: Vec<Option<&str>> = rows
            .iter()
            .map(|row| {
                row.group
                    .as_ref()
                    .and_then(|group| text(group, place))
                    .filter(|text| *text != "null")
            })
            .collect();
        columns.push((field.to_string(), of_group(&texts)));
    }
    columns.push(("value".to_owned(), of_values(query, rows, numbers)?));
    table(columns, rows.len())
}

/// A table of so many rows.
pub(crate) fn table(columns: Vec<(String, ArrayRef)>, rows: usize) -> Result<RecordBatch, Untold> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| Field::new(name, column.data_type().clone(), true))
        .collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).map_err(Untold::Arrow)
}

fn text(group: &Group, place: usize) -> Option<&str> {
    group.iter().nth(place).map(|(_, text)| text)
}

/// JSON texts as what they all are: strings, integers, numbers or booleans; else as they are.
pub(crate) fn of_group(texts: &[Option<&str>]) -> ArrayRef {
    fn all<T>(texts: &[Option<&str>], read: impl Fn(&str) -> Option<T>) -> Option<Vec<Option<T>>> {
        texts
            .iter()
            .map(|text| text.map_or(Some(None), |text| read(text).map(Some)))
            .collect()
    }
    if let Some(strings) = all(texts, |text| serde_json::from_str::<String>(text).ok()) {
        return Arc::new(StringArray::from_iter(strings));
    }
    let number = |text: &str| Number::from_literal(text);
    if let Some(integers) = all(texts, |text| number(text)?.as_i64()) {
        return Arc::new(Int64Array::from_iter(integers));
    }
    // Only where no integer would be rounded.
    let float = |text: &str| {
        let number = number(text)?;
        (Number::from_f64(number.as_f64()) == Some(number)).then(|| number.as_f64())
    };
    if let Some(floats) = all(texts, float) {
        return Arc::new(Float64Array::from_iter(floats));
    }
    if let Some(booleans) = all(texts, |text| text.parse::<bool>().ok()) {
        return Arc::new(BooleanArray::from_iter(booleans));
    }
    Arc::new(StringArray::from_iter(texts.iter().copied()))
}

/// Whether the values are counts.
pub(crate) const fn is_counted(query: &Query) -> bool {
    matches!(
        query.measure,
        Measure::Count | Measure::Unique(_) | Measure::AboutUnique(_)
    )
}

fn of_values(query: &Query, rows: &[Row], numbers: Numbers) -> Result<ArrayRef, Untold> {
    let values = rows.iter().map(|row| row.value.as_ref());
    if is_counted(query) {
        let counts = values.map(|value| value.and_then(|value| value.to_string().parse::<i64>().ok()));
        return Ok(Arc::new(Int64Array::from_iter(counts)));
    }
    of_numbers(values, numbers)
}

/// Numbers as floats or decimals.
pub(crate) fn of_numbers<'a>(
    values: impl Iterator<Item = Option<&'a Decimal>>,
    numbers: Numbers,
) -> Result<ArrayRef, Untold> {
    let texts = values.map(|value| value.map(Decimal::to_string));
    Ok(match numbers {
        Numbers::Nearest => {
            let floats = texts.map(|text| text.and_then(|text| text.parse::<f64>().ok()));
            Arc::new(Float64Array::from_iter(floats))
        }
        Numbers::Exact => decimals(&texts.collect::<Vec<_>>())?,
    })
}

fn decimals(texts: &[Option<String>]) -> Result<ArrayRef, Untold> {
    let parts = |text: &String| -> (String, usize) {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        (format!("{whole}{fraction}"), fraction.len())
    };
    let scale = texts.iter().flatten().map(|text| parts(text).1).max().unwrap_or(0);
    let mantissa = |text: &String| {
        let (digits, places) = parts(text);
        let mantissa: Option<i128> = format!("{digits}{}", "0".repeat(scale - places)).parse().ok();
        mantissa
            .filter(|mantissa| mantissa.unsigned_abs() < 10_u128.pow(u32::from(DIGITS)))
            .ok_or(Untold::TooLong)
    };
    let mantissas = texts.iter().map(|text| text.as_ref().map(mantissa).transpose());
    let mantissas: Vec<Option<i128>> = mantissas.collect::<Result<_, _>>()?;
    let scale = i8::try_from(scale)
        .ok()
        .filter(|scale| scale.unsigned_abs() <= DIGITS)
        .ok_or(Untold::TooLong)?;
    let array = Decimal128Array::from_iter(mantissas).with_precision_and_scale(DIGITS, scale);
    array
        .map(|array| Arc::new(array) as ArrayRef)
        .map_err(|_| Untold::TooLong)
}
