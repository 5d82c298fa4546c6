//! All events of a session, in the order in which they happened.

use event_core::SessionId;
use event_core::sequence::Session;
use sea_orm::ConnectionTrait;

use crate::entity::event::SELECTED;
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::store::EventStore;

impl EventStore {
    /// Reads a session; `None` if no event belongs to it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn session(&self, id: &SessionId) -> Result<Option<Session>, Error> {
        let (inner, id) = (self.inner().clone(), id.clone());
        detached(async move { read(&inner, &id).await }).await
    }
}

async fn read(inner: &Inner, id: &SessionId) -> Result<Option<Session>, Error> {
    let dictionary = inner.known().await;
    let tables = inner.tables.sql("{trails} t JOIN {events} e ON e.trail_id = t.id");
    let sql = format!("SELECT {SELECTED} FROM {tables} WHERE t.session = ? ORDER BY e.position");
    let rows = inner
        .reader
        .query_all_raw(inner.dialect.statement(&sql, [id.as_str().into()]))
        .await?;
    let events = inner.events(&rows, &dictionary).await?;
    Ok(if events.is_empty() {
        None
    } else {
        Some(Session::of(events))
    })
}
