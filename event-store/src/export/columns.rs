//! Events as a table of Arrow: the envelope as columns, the data as JSON text.

use std::sync::{Arc, LazyLock};

use arrow_array::builder::{
    Int64Builder, ListBuilder, StringBuilder, StringDictionaryBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use event_core::{Label, SessionId, StoredEvent, Subject, Timestamp};

use super::encoded::unwritten;
use crate::error::Error;

/// Texts that repeat from row to row are kept once a batch.
type Words = StringDictionaryBuilder<Int32Type>;

/// The columns of events as they are stored, and of those that are shown as ones of other versions.
static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| build(&[]));
static LIFTED: LazyLock<SchemaRef> = LazyLock::new(|| build(&["stored_version", "upcast_error"]));

fn build(more: &[&str]) -> SchemaRef {
    let words = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let time = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let is = |name: &str, of: DataType| Field::new(name, of, false);
    let may_be = |name: &str, of: DataType| Field::new(name, of, true);
    let mut fields = vec![
        is("position", DataType::Int64),
        is("id", DataType::Utf8),
        is("category", words()),
        is("name", words()),
        may_be("version", words()),
        is("source", words()),
        may_be("session_id", DataType::Utf8),
        may_be("subject", DataType::Utf8),
        may_be("sequence", DataType::Int64),
        is("occurred_at", time()),
        is("received_at", time()),
        may_be("sent_at", time()),
        is("flags", DataType::List(Arc::new(flag()))),
    ];
    fields.extend(more.iter().map(|name| may_be(name, words())));
    fields.push(is("data", DataType::Utf8));
    Arc::new(Schema::new(fields))
}

fn flag() -> Field {
    Field::new("element", DataType::Utf8, false)
}

/// What the columns are.
pub(super) fn schema(lifted: bool) -> SchemaRef {
    SchemaRef::clone(if lifted { &LIFTED } else { &SCHEMA })
}

/// A row for each event.
pub(super) fn batch(events: &[StoredEvent], lifted: bool) -> Result<RecordBatch, Error> {
    let envelopes = || events.iter().map(|stored| stored.event.envelope());
    let mut flags = ListBuilder::new(StringBuilder::new()).with_field(flag());
    for stored in events {
        for flag in stored.event.flags().iter() {
            flags.values().append_value(flag.as_str());
        }
        flags.append(true);
    }
    let mut columns: Vec<ArrayRef> = vec![
        numbers(events.iter().map(|stored| Some(stored.position))),
        texts(envelopes().map(|envelope| Some(envelope.id.as_str()))),
        words(envelopes().map(|envelope| Some(envelope.event_type.category.as_str()))),
        words(envelopes().map(|envelope| Some(envelope.event_type.name.as_str()))),
        words(envelopes().map(|envelope| envelope.version.as_ref().map(Label::as_str))),
        words(envelopes().map(|envelope| Some(envelope.source.as_str()))),
        texts(envelopes().map(|envelope| envelope.session_id.as_ref().map(SessionId::as_str))),
        texts(envelopes().map(|envelope| envelope.subject.as_ref().map(Subject::as_str))),
        numbers(envelopes().map(|envelope| envelope.sequence)),
        times(envelopes().map(|envelope| Some(envelope.occurred_at))),
        times(events.iter().map(|stored| Some(stored.received_at))),
        times(envelopes().map(|envelope| envelope.sent_at)),
        Arc::new(flags.finish()),
    ];
    if lifted {
        let lifts = || events.iter().map(|stored| stored.upcast.as_ref());
        columns.push(words(lifts().map(|lift| Some(lift?.from.as_ref()?.as_str()))));
        columns.push(words(lifts().map(|lift| Some(lift?.error.as_ref()?.code()))));
    }
    columns.push(texts(events.iter().map(|stored| Some(stored.event.payload().as_str()))));
    RecordBatch::try_new(schema(lifted), columns).map_err(unwritten)
}

fn numbers(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    let mut column = Int64Builder::new();
    values.for_each(|value| column.append_option(value));
    Arc::new(column.finish())
}

fn times(values: impl Iterator<Item = Option<Timestamp>>) -> ArrayRef {
    let mut column = TimestampMicrosecondBuilder::new();
    values.for_each(|value| column.append_option(value.map(Timestamp::as_micros)));
    Arc::new(column.finish().with_timezone("UTC"))
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    let mut column = StringBuilder::new();
    values.for_each(|value| column.append_option(value));
    Arc::new(column.finish())
}

fn words<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    let mut column = Words::new();
    values.for_each(|value| column.append_option(value));
    Arc::new(column.finish())
}
