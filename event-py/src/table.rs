//! The rows of a table as events that are counted where they stand: only the columns that the question asks for
//! are read, and nothing is built.

use std::cell::Cell;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Date64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use event_core::filter::{Field, Found};
use event_core::json::Number;
use event_core::{Code, Limits, Payload, Pointer, Refusal, Timestamp};

use crate::capsule::Batches;
use crate::column::{self, Lookup};
use crate::lines;
use crate::making::Making;
use crate::threads;
use crate::wrong::Wrong;

/// The columns that are no members of the data.
const ENVELOPE: [&str; 12] = [
    "id",
    "category",
    "name",
    "version",
    "source",
    "session_id",
    NUMBER,
    "subject",
    "occurred_at",
    "timestamp",
    "sent_at",
    DATA,
];
const DATA: &str = "data";
const NUMBER: &str = "sequence";
/// Fewer rows are not worth another thread.
const ROWS: usize = 16 * 1024;
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

type Time<'a> = Box<dyn Fn(usize) -> Result<Option<Timestamp>, Code> + Send + Sync + 'a>;

/// Counts the rows of a table, batch by batch.
pub(crate) fn fold<M: Making>(question: &M::Question, table: Batches) -> Result<M, Wrong> {
    let mut tallies: Vec<M> = threads::tallies(question)?;
    let mut first = 0;
    for batch in table {
        let batch = batch.map_err(Wrong::Table)?;
        let asked = Asked::of::<M>(&batch, tallies[0].fields(), question)?;
        let rows = batch.num_rows();
        let share = rows.div_ceil(tallies.len()).max(ROWS);
        let parts = (0..rows).step_by(share).map(|start| start..rows.min(start + share));
        threads::each(&mut tallies, parts, |tally, mut rows| {
            rows.try_for_each(|row| asked.add(tally, row, first))
        })?;
        first += rows as u64;
    }
    Ok(threads::merged(question, tallies)?)
}

/// What a question asks of the rows of one batch.
struct Asked<'a> {
    /// What stands at each of the fields of the question.
    places: Vec<Place<'a>>,
    /// The columns that tell the time, with their names, if the question is about time.
    times: Vec<(&'static str, Time<'a>)>,
    about_time: bool,
    /// The column of the numbers that senders give, if they are asked for.
    numbers: Option<Lookup<'a>>,
    /// The data as JSON text, if it is asked for.
    json: Option<Lookup<'a>>,
}

/// Where a value comes from.
struct Place<'a> {
    /// As told in errors.
    name: String,
    /// In the JSON text of the data, or else in the column.
    pointer: Option<Pointer>,
    column: Lookup<'a>,
}

impl<'a> Asked<'a> {
    fn of<M: Making>(batch: &'a RecordBatch, fields: Vec<Field>, question: &M::Question) -> Result<Self, Wrong> {
        let data = batch.column_by_name(DATA).map(|data| &**data);
        let text = data.filter(|data| is_text(data.data_type()));
        let mut places = Vec::new();
        let mut json = None;
        for field in fields {
            let mut place = Place {
                name: field.to_string(),
                pointer: None,
                column: column::nothing(),
            };
            match &field {
                Field::Data(pointer) => {
                    let tokens: Vec<&str> = pointer.tokens().collect();
                    if !(tokens.is_empty() && text.is_some()) {
                        place.column = beside(batch, data, &tokens)?;
                    }
                    if let Some(text) = text {
                        place.pointer = Some(pointer.clone());
                        json = Some(lookup(DATA, text, &[])?);
                    }
                }
                field => place.column = envelope(batch, field)?,
            }
            places.push(place);
        }
        let about_time = M::is_about_time(question);
        let mut times = Vec::new();
        for name in ["occurred_at", "timestamp"] {
            if let Some(column) = batch.column_by_name(name).filter(|_| about_time) {
                times.push((name, time(name, column)?));
            }
        }
        let numbers = batch.column_by_name(NUMBER).filter(|_| M::NUMBERED);
        let numbers = numbers.map(|numbers| lookup(NUMBER, numbers, &[])).transpose()?;
        Ok(Asked {
            places,
            times,
            about_time,
            numbers,
            json,
        })
    }

    /// Counts a row; `first` is the number of the first row of the batch.
    fn add<M: Making>(&self, tally: &mut M, row: usize, first: u64) -> Result<(), Wrong> {
        let number = first + row as u64;
        let at = self
            .at(row)
            .map_err(|(column, code)| Wrong::value(column, number, code))?;
        let of_sender = self.number(row).map_err(|code| Wrong::value(NUMBER, number, code))?;
        let payload = match &self.json {
            Some(json) => self
                .payload(json, row)
                .map_err(|refusal| Wrong::Event(format!("row {number}"), refusal))?,
            None => None,
        };
        let trouble = Cell::new(None);
        tally.add_found(at, of_sender, |place| {
            let Place { pointer, column, .. } = &self.places[place];
            let node = pointer
                .as_ref()
                .zip(payload.as_ref())
                .and_then(|(pointer, payload)| payload.pointer(pointer));
            match node {
                Some(node) => Some(Found::Node(node)),
                None => column(row).unwrap_or_else(|code| {
                    trouble.set(Some((place, code)));
                    None
                }),
            }
        });
        match trouble.get() {
            Some((place, code)) => Err(Wrong::value(
                self.places[place].name.trim_start_matches('/'),
                number,
                code,
            )),
            None => Ok(()),
        }
    }

    fn at(&self, row: usize) -> Result<Timestamp, (&'static str, Code)> {
        if !self.about_time {
            return Ok(Timestamp::MIN);
        }
        let mut known = None;
        for (name, time) in &self.times {
            if let Some(at) = time(row).map_err(|code| (*name, code))?
                && known.replace(at).is_some()
            {
                return Err((name, Code::DuplicateKey));
            }
        }
        known.ok_or(("occurred_at", Code::InvalidTimestamp))
    }

    fn number(&self, row: usize) -> Result<Option<i64>, Code> {
        let Some(numbers) = &self.numbers else { return Ok(None) };
        match numbers(row)? {
            None => Ok(None),
            Some(Found::Number(Number::Int(number))) if number >= 0 => Ok(Some(number)),
            Some(_) => Err(Code::InvalidEnvelope),
        }
    }

    fn payload(&self, json: &Lookup<'_>, row: usize) -> Result<Option<Payload>, Refusal> {
        match json(row) {
            Ok(Some(Found::Text(text))) => Payload::parse(text.as_bytes(), &Limits::DEFAULT)
                .map(Some)
                .map_err(|error| Refusal::from(error).within_data()),
            _ => Ok(None),
        }
    }
}

/// What an envelope field is; it is text.
fn envelope<'a>(batch: &'a RecordBatch, field: &Field) -> Result<Lookup<'a>, Wrong> {
    let name = field.to_string();
    let text = match batch.column_by_name(&name) {
        None => column::nothing(),
        Some(column) if is_text(column.data_type()) || *column.data_type() == DataType::Null => {
            lookup(&name, column, &[])?
        }
        Some(column) => return Err(unreadable(&name, column.data_type(), "this column is text")),
    };
    if *field != Field::Source {
        return Ok(text);
    }
    Ok(Box::new(move |row| Ok(text(row)?.or(Some(Found::Text(lines::SOURCE))))))
}

/// What the data has at a place, but for the JSON text of it: a member of the struct, or else a column of its
/// own.
fn beside<'a>(batch: &'a RecordBatch, data: Option<&'a dyn Array>, tokens: &[&str]) -> Result<Lookup<'a>, Wrong> {
    let Some((name, below)) = tokens.split_first() else {
        let message = "all of the data is no column: ask for a place in it".to_owned();
        return Err(Wrong::Column(format!("/{DATA}"), message));
    };
    if let Some(data) = data.filter(|data| !is_text(data.data_type())) {
        let DataType::Struct(members) = data.data_type() else {
            return Err(unreadable(DATA, data.data_type(), "the data is a struct, or JSON text"));
        };
        if members.find(name).is_some() {
            return lookup(DATA, data, tokens);
        }
    }
    match batch.column_by_name(name).filter(|_| !ENVELOPE.contains(name)) {
        Some(column) => lookup(name, column, below),
        None => Ok(column::nothing()),
    }
}

fn lookup<'a>(name: &str, array: &'a dyn Array, below: &[&str]) -> Result<Lookup<'a>, Wrong> {
    column::lookup(array, below).map_err(|stands| {
        let advice = match &stands {
            DataType::Struct(_) | DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
                "ask for a place inside of it"
            }
            DataType::ListView(_) | DataType::LargeListView(_) => "cast it to a list",
            DataType::Map(..) | DataType::Union(..) => "give a struct instead, or the data as JSON text",
            DataType::RunEndEncoded(..) => "decode its runs first",
            _ => "cast it to text or to a number",
        };
        unreadable(name, &stands, advice)
    })
}

fn unreadable(column: &str, stands: &DataType, advice: &str) -> Wrong {
    let message = format!("the column {column:?} is of type {stands}: {advice}");
    Wrong::Column(format!("/{column}"), message)
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// When the rows happened. Times without a zone are of UTC, as texts without one are.
fn time<'a>(name: &str, array: &'a dyn Array) -> Result<Time<'a>, Wrong> {
    let micros: Box<dyn Fn(usize) -> Option<i64> + Send + Sync + 'a> = match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            let array = array.as_primitive::<TimestampSecondType>();
            Box::new(|row| Some(array.value(row).saturating_mul(1_000_000)))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            let array = array.as_primitive::<TimestampMillisecondType>();
            Box::new(|row| Some(array.value(row).saturating_mul(1_000)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let array = array.as_primitive::<TimestampMicrosecondType>();
            Box::new(|row| Some(array.value(row)))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let array = array.as_primitive::<TimestampNanosecondType>();
            Box::new(|row| Some(array.value(row).div_euclid(1_000)))
        }
        DataType::Date32 => {
            let array = array.as_primitive::<Date32Type>();
            Box::new(|row| Some(i64::from(array.value(row)).saturating_mul(DAY)))
        }
        DataType::Date64 => {
            let array = array.as_primitive::<Date64Type>();
            Box::new(|row| Some(array.value(row).saturating_mul(1_000)))
        }
        DataType::Null => Box::new(|_| None),
        text if is_text(text) => {
            let text = lookup(name, array, &[])?;
            return Ok(Box::new(move |row| match text(row)? {
                Some(Found::Text(text)) => text
                    .parse()
                    .map(Some)
                    .map_err(|error: event_core::timestamp::TimestampError| error.code()),
                _ => Ok(None),
            }));
        }
        other => return Err(unreadable(name, other, "a time is a timestamp, a date or text")),
    };
    Ok(Box::new(move |row| {
        if array.is_null(row) {
            return Ok(None);
        }
        let at = micros(row).map(Timestamp::from_micros).transpose();
        at.map_err(|error| error.code())
    }))
}
