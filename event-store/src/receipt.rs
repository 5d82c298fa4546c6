//! What became of one event, by its id.

use event_core::{EventId, Source, StoredEvent};
use sea_orm::{ConnectionTrait, Value};

use crate::dictionary::Dictionary;
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
    let mut values = vec![Value::from(event_id::encode(id))];
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
    Ok(match (found.pop(), found.is_empty()) {
        (None, _) => return counted(inner, id, source, &dictionary).await,
        (Some(event), true) => Receipt::Found(Box::new(event)),
        (Some(event), false) => {
            found.push(event);
            let mut sources: Vec<_> = found
                .iter()
                .map(|event| event.event.envelope().source.clone())
                .collect();
            sources.sort_unstable();
            Receipt::Ambiguous(sources)
        }
    })
}

/// Looks among the ids of events that are only counted.
async fn counted(
    inner: &Inner,
    id: &EventId,
    source: Option<&Source>,
    dictionary: &Dictionary,
) -> Result<Receipt, Error> {
    let sql = inner
        .tables
        .sql("SELECT source_id, position FROM {keys} WHERE event_id = ?");
    let statement = inner.dialect.statement(&sql, [event_id::encode(id).into()]);
    let mut found = Vec::new();
    for row in inner.reader.query_all_raw(statement).await? {
        let known = dictionary.source(row.try_get_by_index(0)?);
        let known = known.ok_or_else(|| Error::corrupt("an id with an unknown source"))?;
        if source.is_none_or(|source| source == known) {
            found.push((known.clone(), row.try_get_by_index(1)?));
        }
    }
    found.sort_unstable();
    Ok(match found.as_slice() {
        [] => Receipt::Missing,
        [(_, position)] => Receipt::Counted { position: *position },
        _ => Receipt::Ambiguous(found.into_iter().map(|(source, _)| source).collect()),
    })
}
