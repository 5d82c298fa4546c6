//! What became of one event, by its id.

use event_core::{EventId, Source, StoredEvent};
use sea_orm::{ConnectionTrait, Value};

use crate::entity::event::SELECTED;
use crate::entity::event_id;
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::store::EventStore;

/// The answer to "is this event stored?".
#[derive(Clone, Debug, PartialEq)]
pub enum Receipt {
    /// It is, and this is what is stored.
    Found(Box<StoredEvent>),
    /// It was counted, and is not kept itself.
    Counted {
        /// Its place in the log.
        position: i64,
    },
    /// It is not.
    Missing,
    /// Events of several sources have this id.
    Ambiguous(Vec<Source>),
}

impl EventStore {
    /// Looks an event up by its id, within a source or in all of them.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn receipt(&self, id: &EventId, source: Option<&Source>) -> Result<Receipt, Error> {
        let (inner, id, source) = (self.inner().clone(), id.clone(), source.cloned());
        detached(async move { look_up(&inner, &id, source.as_ref()).await }).await
    }
}

async fn look_up(inner: &Inner, id: &EventId, source: Option<&Source>) -> Result<Receipt, Error> {
    let dictionary = inner.dictionary().await?;
    let tables = inner.tables.sql("{events} e LEFT JOIN {trails} t ON t.id = e.trail_id");
    let mut sql = format!("SELECT {SELECTED} FROM {tables} WHERE e.event_id = ?");
    let mut values = vec![Value::from(event_id::encode(id).into_vec())];
    if let Some(source) = source {
        let Some(source_id) = dictionary.source_id(source) else {
            return Ok(Receipt::Missing);
        };
        sql.push_str(" AND e.source_id = ?");
        values.push(source_id.into());
    }
    let rows = inner
        .reader
        .query_all_raw(inner.dialect.statement(&sql, values))
        .await?;
    let mut found = inner.events(&rows, &dictionary).await?;
    let counted = counted(inner, id, source).await?;
    Ok(match (found.pop(), found.as_slice(), counted.as_slice()) {
        (None, _, []) => Receipt::Missing,
        (None, _, [(_, position)]) => Receipt::Counted { position: *position },
        (Some(event), [], []) => Receipt::Found(Box::new(event)),
        (event, ..) => {
            let mut sources: Vec<_> = found
                .iter()
                .chain(&event)
                .map(|event| event.event.envelope().source.clone())
                .chain(counted.into_iter().map(|(source, _)| source))
                .collect();
            sources.sort_unstable();
            Receipt::Ambiguous(sources)
        }
    })
}

/// The sources and places of events with this id that are only counted.
async fn counted(inner: &Inner, id: &EventId, source: Option<&Source>) -> Result<Vec<(Source, i64)>, Error> {
    let sql = inner
        .tables
        .sql("SELECT source_id, position FROM {keys} WHERE event_id = ?");
    let statement = inner.dialect.statement(&sql, [event_id::encode(id).into_vec().into()]);
    let rows = inner.reader.query_all_raw(statement).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    // Read after the ids, so that the sources of all of them are known.
    let dictionary = inner.dictionary().await?;
    let mut found = Vec::new();
    for row in rows {
        let known = dictionary.source(row.try_get_by_index(0)?);
        let known = known.ok_or_else(|| Error::corrupt("an id with an unknown source"))?;
        if source.is_none_or(|source| source == known) {
            found.push((known.clone(), row.try_get_by_index(1)?));
        }
    }
    Ok(found)
}
