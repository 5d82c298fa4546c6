//! What is asked of an event, as columns of a statement.

use event_core::analysis::Place;
use event_core::filter::{Field, Found};
use event_core::json::Document;
use event_core::{Limits, Payload};
use sea_orm::{QueryResult, Value};

use crate::dialect::Dialect;
use crate::dictionary::Dictionary;
use crate::entity::event::time;
use crate::error::Error;
use crate::inner::Inner;
use crate::selection::Selection;

/// The columns that every row has, before those of the data.
const SHARED: &str = "e.occurred_at, e.sequence, e.position, e.kind_id, e.source_id";

/// So many places in the data are cheaper to look for in the database than the data is to bring here.
const FEW: usize = 3;

/// What is read of each row.
pub(super) struct Columns {
    fields: Vec<Field>,
    with_trails: bool,
    data: Data,
}

/// How the places in the data are read.
enum Data {
    /// One expression a place, in the order of the fields.
    Places(Vec<String>),
    /// The data whole.
    Whole,
}

impl Columns {
    pub(super) fn new(fields: &[Field], dialect: Dialect) -> Self {
        let places: Option<Vec<String>> = fields
            .iter()
            .filter_map(|field| match field {
                Field::Data(pointer) => Some(dialect.json_at("e.data", pointer)),
                _ => None,
            })
            .collect();
        let data = match places {
            Some(places) if places.len() <= FEW => Data::Places(places),
            _ => Data::Whole,
        };
        Columns {
            fields: fields.to_vec(),
            with_trails: fields
                .iter()
                .any(|field| matches!(field, Field::SessionId | Field::Subject)),
            data,
        }
    }

    pub(super) fn sql(&self, selection: &Selection, inner: &Inner) -> (String, Vec<Value>) {
        let (condition, values) = selection.sql();
        let kinds = selection
            .of_kinds()
            .map(|kinds| format!(" AND {kinds}"))
            .unwrap_or_default();
        let (trails, joined) = if self.with_trails {
            (
                "COALESCE(t.session, ''), COALESCE(t.subject, '')",
                " LEFT JOIN {trails} t ON t.id = e.trail_id",
            )
        } else {
            ("'', ''", "")
        };
        let tables = inner.tables.sql(&format!("{{events}} e{joined}"));
        let data = match &self.data {
            Data::Places(places) => places.iter().map(|place| format!(", {place}")).collect(),
            Data::Whole => ", e.data".to_owned(),
        };
        let sql = format!("SELECT {SHARED}, {trails}{data} FROM {tables} WHERE 1 = 1{kinds}{condition}");
        (sql, values)
    }

    /// Hands over where an event is and what it has at the fields.
    pub(super) fn read(
        &self,
        row: &QueryResult,
        dictionary: &Dictionary,
        take: impl FnOnce(Place, &[Option<Found<'_>>]),
    ) -> Result<(), Error> {
        let unknown = || Error::corrupt("an event of an unknown type or source");
        let place = Place::new(
            time(row.try_get_by_index(0)?)?,
            row.try_get_by_index(1)?,
            row.try_get_by_index(2)?,
        );
        let kind = dictionary.kind(row.try_get_by_index(3)?).ok_or_else(unknown)?;
        let source = dictionary.source(row.try_get_by_index(4)?).ok_or_else(unknown)?;
        let (session, subject): (String, String) = if self.with_trails {
            (row.try_get_by_index(5)?, row.try_get_by_index(6)?)
        } else {
            Default::default()
        };
        let (mut payload, mut texts) = (None, Vec::new());
        match &self.data {
            Data::Whole => {
                let data: String = row.try_get_by_index(7)?;
                let read = Payload::from_canonical(data);
                payload = Some(read.map_err(|error| Error::corrupt(format!("data that is {error}")))?);
            }
            Data::Places(places) => {
                for at in 0..places.len() {
                    let text: Option<String> = row.try_get_by_index(7 + at)?;
                    texts.push(text);
                }
            }
        }
        let documents = texts.iter().map(|text| {
            let document = text
                .as_ref()
                .map(|text| Document::parse(text.as_bytes(), &Limits::DEFAULT));
            document
                .transpose()
                .map_err(|_| Error::corrupt("a value that is no JSON"))
        });
        let documents: Vec<Option<Document<'_>>> = documents.collect::<Result<_, _>>()?;
        let mut values = documents.iter();
        let found: Vec<Option<Found<'_>>> = self
            .fields
            .iter()
            .map(|field| match (field, &payload) {
                (Field::Data(pointer), Some(payload)) => payload.pointer(pointer).map(Found::Node),
                (Field::Data(_), None) => values.next()?.as_ref().map(|value| Found::Node(value.root())),
                (Field::Category, _) => Some(Found::Text(kind.event_type.category.as_str())),
                (Field::Name, _) => Some(Found::Text(kind.event_type.name.as_str())),
                (Field::Version, _) => kind.version.as_ref().map(|version| Found::Text(version.as_str())),
                (Field::Source, _) => Some(Found::Text(source.as_str())),
                (Field::SessionId, _) => text(&session),
                (Field::Subject, _) => text(&subject),
            })
            .collect();
        take(place, &found);
        Ok(())
    }
}

/// What is found of a session or subject; an empty one stands for none.
fn text(text: &str) -> Option<Found<'_>> {
    (!text.is_empty()).then_some(Found::Text(text))
}
