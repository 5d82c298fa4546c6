//! What became of one event, by its id.

use event_core::{EventId, Source, StoredEvent};
use sea_orm::{ConnectionTrait, Value};

use crate::entity::event::{SELECTED, stored};
use crate::entity::event_id;
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::store::EventStore;

/// The answer to "is this event stored?".
#[derive(Clone, Debug, PartialEq)]
pub enum Receipt {
    /// It is, and this is what is stored.
    Found(Box<StoredEvent>),
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
    let mut found = rows
        .iter()
        .map(|row| stored(row, &dictionary))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(match (found.pop(), found.is_empty()) {
        (None, _) => Receipt::Missing,
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
