//! The log: events in the order in which they became visible, from a place on.

use event_core::StoredEvent;
use sea_orm::ConnectionTrait;

use crate::entity::event::SELECTED;
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::position;
use crate::store::EventStore;

/// The most events that are read at once.
const MOST: usize = 10_000;

impl EventStore {
    /// Reads the events behind a position, in the order of their positions; at most `limit`, and
    /// never more than 10,000. 0 is before the first.
    ///
    /// Positions are given out in the order of commits, from whatever process: once an event is
    /// read, none with a lower position will ever appear. So whoever reads on from the last
    /// position read misses nothing. Numbers are left out where an event turned out to be a
    /// duplicate, was only counted, or is pruned.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn log(&self, after: i64, limit: usize) -> Result<Vec<StoredEvent>, Error> {
        let inner = self.inner().clone();
        detached(async move { read(&inner, after, limit.min(MOST)).await }).await
    }

    /// The newest position that is taken; 0 in an empty log.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn head(&self) -> Result<i64, Error> {
        let inner = self.inner().clone();
        detached(async move { position::head(inner.dialect, &inner.reader, &inner.tables).await }).await
    }
}

async fn read(inner: &Inner, after: i64, limit: usize) -> Result<Vec<StoredEvent>, Error> {
    let tables = inner.tables.sql("{events} e LEFT JOIN {trails} t ON t.id = e.trail_id");
    let sql = format!("SELECT {SELECTED} FROM {tables} WHERE e.position > ? ORDER BY e.position LIMIT {limit}");
    let rows = inner
        .reader
        .query_all_raw(inner.dialect.statement(&sql, [after.into()]))
        .await?;
    // Read after the rows, so that the types and sources of all of them are known.
    let dictionary = inner.dictionary().await?;
    inner.events(&rows, &dictionary).await
}
