//! The newest events of a type, latest first: page by page, with no transaction between the pages.

use event_core::{EventId, EventType, Label, Payload, Source};
use sea_orm::{ConnectionTrait, QueryResult};

use crate::entity::event_id;
use crate::error::Error;
use crate::inner::Inner;
use crate::position;

/// Events that are read at once.
const PAGE: usize = 2_000;
/// Places of the log that are looked through at once, at first; twice as many where events are rare.
const FIRST: i64 = 8_000;
const MOST: i64 = 1 << 20;

/// An event, as far as a schema and those who mend it ask for it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) position: i64,
    pub(crate) id: EventId,
    pub(crate) source: Source,
    pub(crate) version: Option<Label>,
    pub(crate) data: Payload,
}

/// How far the log is read, from its head towards its start.
pub(crate) struct Backwards {
    kinds: String,
    below: i64,
    window: i64,
    left: usize,
}

impl Backwards {
    /// The newest events of a type, and so many at the most.
    pub(crate) async fn of(inner: &Inner, event_type: &EventType, most: usize) -> Result<Self, Error> {
        // Read before the dictionary, which then knows the kinds of all events up to there.
        let head = position::head(inner.dialect, &inner.reader, &inner.tables).await?;
        let kinds = inner.dictionary().await?.of_type(event_type);
        let kinds: Vec<_> = kinds.iter().map(i64::to_string).collect();
        Ok(Backwards {
            below: if kinds.is_empty() { 0 } else { head.saturating_add(1) },
            kinds: kinds.join(", "),
            window: FIRST,
            left: most,
        })
    }

    /// Whether every event of the type was read.
    pub(crate) fn is_at_start(&self) -> bool {
        self.below <= 1
    }

    /// The next events, of which there may be none here; `None` at the end.
    pub(crate) async fn next(&mut self, inner: &Inner) -> Result<Option<Vec<Seen>>, Error> {
        if self.left == 0 || self.is_at_start() {
            return Ok(None);
        }
        let from = self.below.saturating_sub(self.window).max(1);
        let limit = self.left.min(PAGE);
        let sql = format!(
            "SELECT position, event_id, source_id, kind_id, data FROM {{events}} \
             WHERE position >= ? AND position < ? AND kind_id IN ({}) ORDER BY position DESC LIMIT {limit}",
            self.kinds
        );
        let places = [from.into(), self.below.into()];
        let statement = inner.dialect.statement(&inner.tables.sql(&sql), places);
        let rows = inner.reader.query_all_raw(statement).await?;
        let dictionary = inner.dictionary().await?;
        let seen = rows
            .iter()
            .map(|row| {
                let unknown = |what: &str| Error::corrupt(format!("an event with an unknown {what}"));
                let (source, kind): (i64, i64) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
                let kind = dictionary.kind(kind).ok_or_else(|| unknown("type"))?;
                let source = dictionary.source(source).ok_or_else(|| unknown("source"))?;
                read(row, source.clone(), kind.version.clone())
            })
            .collect::<Result<Vec<_>, Error>>()?;
        self.left -= seen.len();
        match seen.last() {
            Some(last) if seen.len() == limit => self.below = last.position,
            _ => {
                self.below = from;
                self.window = self.window.saturating_mul(2).min(MOST);
            }
        }
        Ok(Some(seen))
    }
}

fn read(row: &QueryResult, source: Source, version: Option<Label>) -> Result<Seen, Error> {
    let (id, data): (Vec<u8>, String) = (row.try_get_by_index(1)?, row.try_get_by_index(4)?);
    Ok(Seen {
        position: row.try_get_by_index(0)?,
        id: event_id::decode(&id).ok_or_else(|| Error::corrupt("an event with an unknown form of id"))?,
        source,
        version,
        data: Payload::from_canonical(data).map_err(|error| Error::corrupt(format!("data that is {error}")))?,
    })
}
