//! Parked events as people look at them: page by page, and one with its event and all that was done to it.

use event_core::StoredEvent;
use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;

use super::history::{self, ParkedHistory};
use super::parked::{self, COLUMNS, Parked, ParkedState};
use crate::entity::event::SELECTED;
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::store::EventStore;

const MOST: usize = 10_000;

/// Which parked events of a projection to list, in the order of their places.
///
/// ```
/// use event_store::project::{ParkedPage, ParkedState};
/// let page = ParkedPage { state: Some(ParkedState::Waiting), ..ParkedPage::default() };
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ParkedPage {
    /// Only those in this state.
    pub state: Option<ParkedState>,
    /// Only those behind this place.
    pub after: Option<ParkedPlace>,
    /// At most so many, 1 to 10,000; 0 stands for 100.
    pub limit: usize,
}

/// Where in the list a parked event is: an event may be parked in the tables that readers see, and in those that are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParkedPlace {
    /// Its place in the log.
    pub position: i64,
    /// Of which tables.
    pub generation: i64,
}

/// A page of parked events.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ParkedEvents {
    /// They, in the order of their places.
    pub events: Vec<Parked>,
    /// The `after` of the next page, if there is one.
    pub next: Option<ParkedPlace>,
}

/// A parked event, as a person looks at it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct InspectedParked {
    /// Where it is in the log.
    pub position: i64,
    /// What became of it, in each of the tables that it is parked in; empty once it was replayed or discarded.
    pub parked: Vec<Parked>,
    /// The event itself, unless it was erased or pruned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<StoredEvent>,
    /// All that was done to it since it was parked, the oldest first.
    pub history: Vec<ParkedHistory>,
}

impl EventStore {
    /// Lists events that a projection has parked.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn parked(&self, name: &str, page: &ParkedPage) -> Result<ParkedEvents, Error> {
        let (inner, name, page) = (self.inner().clone(), name.to_owned(), *page);
        detached(async move { list(&inner, &name, &page).await }).await
    }

    /// Shows an event that a projection has parked, or had parked; `None` if there is none at this place of the log.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn parked_event(&self, name: &str, position: i64) -> Result<Option<InspectedParked>, Error> {
        let (inner, name) = (self.inner().clone(), name.to_owned());
        detached(async move { show(&inner, &name, position).await }).await
    }
}

/// What it is and what was done to it, as they were at one time.
async fn show(inner: &Inner, name: &str, position: i64) -> Result<Option<InspectedParked>, Error> {
    let snapshot = inner.dialect.snapshot(&inner.reader).await?;
    let sql = inner.tables.sql(&format!(
        "SELECT {COLUMNS} FROM {{parked}} WHERE name = ? AND position = ? ORDER BY generation"
    ));
    let values: [Value; 2] = [name.into(), position.into()];
    let rows = snapshot.query_all_raw(inner.dialect.statement(&sql, values)).await?;
    let parked = rows.iter().map(parked::read).collect::<Result<Vec<_>, _>>()?;
    let history = history::of(inner, &snapshot, name, position).await?;
    snapshot.commit().await?;
    if parked.is_empty() && history.is_empty() {
        return Ok(None);
    }
    Ok(Some(InspectedParked {
        position,
        parked,
        event: event(inner, position).await?,
        history,
    }))
}

async fn list(inner: &Inner, name: &str, page: &ParkedPage) -> Result<ParkedEvents, Error> {
    let limit = if page.limit == 0 { 100 } else { page.limit.min(MOST) };
    let mut conditions = "name = ?".to_owned();
    let mut values: Vec<Value> = vec![name.into()];
    if let Some(state) = page.state {
        conditions.push_str(" AND state = ?");
        values.push(state.as_str().into());
    }
    if let Some(after) = page.after {
        conditions.push_str(" AND (position > ? OR (position = ? AND generation > ?))");
        values.extend([after.position, after.position, after.generation].map(Value::from));
    }
    let sql = inner.tables.sql(&format!(
        "SELECT {COLUMNS} FROM {{parked}} WHERE {conditions} ORDER BY position, generation LIMIT {}",
        limit + 1
    ));
    let rows = inner
        .reader
        .query_all_raw(inner.dialect.statement(&sql, values))
        .await?;
    let mut events = rows.iter().map(parked::read).collect::<Result<Vec<_>, _>>()?;
    let is_more = events.len() > limit;
    events.truncate(limit);
    let next = events.last().filter(|_| is_more).map(|last| ParkedPlace {
        position: last.position,
        generation: last.generation,
    });
    Ok(ParkedEvents { events, next })
}

/// The event at a place of the log, if it is still there.
pub(super) async fn event(inner: &Inner, position: i64) -> Result<Option<StoredEvent>, Error> {
    let tables = inner.tables.sql("{events} e LEFT JOIN {trails} t ON t.id = e.trail_id");
    let sql = format!("SELECT {SELECTED} FROM {tables} WHERE e.position = ?");
    let statement = inner.dialect.statement(&sql, [position.into()]);
    let rows = inner.reader.query_all_raw(statement).await?;
    let dictionary = inner.dictionary().await?;
    Ok(inner.events(&rows, &dictionary).await?.pop())
}
