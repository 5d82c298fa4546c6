//! Rows of a database that is in this process: each is looked at where it lies, and counted by core.

use std::cell::OnceCell;
use std::sync::Arc;

use event_core::aggregate::Tally;
use event_core::filter::{Field, Found};
use event_core::json::JsonError;
use event_core::{Payload, Pointer, Timestamp};

use crate::dialect::{Bind, Kind as Column, Transaction};
use crate::dictionary::{Dictionary, Kind};
use crate::error::Error;
use crate::inner::Inner;
use crate::selection::Selection;

/// The columns that every question reads, in the order of their places: those of an index, so that a row is read only where
/// more is asked.
const ALWAYS: [&str; 2] = ["e.occurred_at", "e.kind_id"];

/// What a tally has so far, and how it reads a row.
struct Reading {
    tally: Tally,
    dictionary: Arc<Dictionary>,
    /// Where source, session, subject and data are among the columns, if the question asks for them.
    source: Option<usize>,
    session: Option<usize>,
    subject: Option<usize>,
    data: Option<usize>,
}

/// Adds the rows that a selection finds.
pub(super) async fn add(
    tally: Tally,
    inner: &Inner,
    db: &Transaction,
    dictionary: &Arc<Dictionary>,
    selection: &Selection,
) -> Result<Tally, Error> {
    let mut names = ALWAYS.map(str::to_owned).to_vec();
    let mut columns = vec![Column::Int; ALWAYS.len()];
    let mut wants = |name: &str, kind, asks: fn(&Field) -> bool| {
        tally.fields().any(asks).then(|| {
            names.push(name.to_owned());
            columns.push(kind);
            names.len() - 1
        })
    };
    let source = wants("e.source_id", Column::Int, |field| *field == Field::Source);
    let session = wants("t.session", Column::Text, |field| *field == Field::SessionId);
    let subject = wants("t.subject", Column::Text, |field| *field == Field::Subject);
    let data = wants("e.data", Column::Text, |field| matches!(field, Field::Data(_)));
    let tables = match (session, subject) {
        (None, None) => "{events} e",
        _ => "{events} e LEFT JOIN {trails} t ON t.id = e.trail_id",
    };
    // A session or a subject leads to few rows; SQLite would guess that kind and time do.
    let kinds = if selection.by_trail {
        selection.of_kinds_in_the_log()
    } else {
        selection.of_kinds()
    };
    let kinds = kinds.map(|kinds| format!(" AND {kinds}")).unwrap_or_default();
    let (condition, values) = selection.sql();
    let sql = format!(
        "SELECT {} FROM {} WHERE 1 = 1{kinds}{condition}",
        names.join(", "),
        inner.tables.sql(tables)
    );
    let reading = Reading {
        tally,
        dictionary: Arc::clone(dictionary),
        source,
        session,
        subject,
        data,
    };
    let statement = inner.dialect.statement(&sql, values);
    let reading = db.scan(statement, columns, reading, Reading::add).await?;
    Ok(reading.tally)
}

impl Reading {
    fn add(&mut self, row: &[Bind<'_>]) -> Result<(), Error> {
        let [Bind::Int(at), Bind::Int(kind), ..] = row else {
            return Err(Error::corrupt("an event without a time or a type"));
        };
        let unknown = || Error::corrupt("an event of an unknown type or source");
        let kind = self.dictionary.kind(*kind).ok_or_else(unknown)?;
        let source = match self.source.map(|place| row[place]) {
            Some(Bind::Int(source)) => Some(self.dictionary.source(source).ok_or_else(unknown)?),
            _ => None,
        };
        let text = |place: Option<usize>| match row.get(place?) {
            // `''` stands for none.
            Some(Bind::Text(text)) => (!text.is_empty()).then_some(Found::Text(text)),
            _ => None,
        };
        let data = match self.data.map(|place| row[place]) {
            None => "",
            Some(Bind::Text(data)) => data,
            Some(_) => return Err(Error::corrupt("an event without data")),
        };
        // All of it, if that is needed.
        let payload = OnceCell::new();
        let Kind { event_type, version } = kind;
        let find = |_, field: &Field| match field {
            Field::Category => Some(Found::Text(event_type.category.as_str())),
            Field::Name => Some(Found::Text(event_type.name.as_str())),
            Field::Version => version.as_ref().map(|version| Found::Text(version.as_str())),
            Field::Source => source.map(|source| Found::Text(source.as_str())),
            Field::SessionId => text(self.session),
            Field::Subject => text(self.subject),
            Field::Data(pointer) => data_at(data, pointer, &payload),
        };
        let at = Timestamp::from_micros(*at).map_err(|_| Error::corrupt("a time outside the years 1970 to 9999"))?;
        self.tally.add_found(at, find);
        match payload.into_inner() {
            Some(Err(error)) => Err(Error::corrupt(format!("data that is {error}"))),
            _ => Ok(()),
        }
    }
}

/// What stands at a place of canonical data: most questions ask for a number or a short string of it.
fn data_at<'a>(
    data: &'a str,
    pointer: &Pointer,
    payload: &'a OnceCell<Result<Payload, JsonError>>,
) -> Option<Found<'a>> {
    // Whatever is not as it should be goes to the reader of all of it, which says what is wrong.
    let needs_all = payload.get().is_some() || !data.starts_with('{');
    let found = if needs_all {
        None
    } else {
        match pointer.find_in(data) {
            Ok(None) => return None,
            Ok(Some(text)) => Found::of_canonical(text),
            Err(_) => None,
        }
    };
    found.or_else(|| {
        let payload = payload.get_or_init(|| Payload::from_canonical(data.to_owned()));
        payload.as_ref().ok()?.pointer(pointer).map(Found::Node)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_that_is_met_is_an_error() {
        let met = [
            ("", "/a"),
            ("x", "/a"),
            ("1", ""),
            ("1", "/a"),
            ("[1]", "/0"),
            ("{\"a\":1", "/a"),
            ("{\"a\":01}", "/a"),
            ("{\"a\":x}", "/a/b"),
            ("{\"a\":[1", "/b"),
        ];
        for (data, place) in met {
            let payload = OnceCell::new();
            assert!(data_at(data, &place.parse().unwrap(), &payload).is_none(), "{data}");
            assert!(matches!(payload.get(), Some(Err(_))), "{data}");
        }
        let payload = OnceCell::new();
        let found = data_at(" {\"a\": 1}", &"/a".parse().unwrap(), &payload);
        assert_eq!(found.map(|found| found.text()).as_deref(), Some("1"));
    }
}
