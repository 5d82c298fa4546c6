//! How far the log of somebody else was read: what feeds our log from there goes on behind it.

use event_core::Timestamp;
use sea_orm::ConnectionTrait;

use crate::dialect::{Bind, Insert, Kind, Merge, Taken};
use crate::error::Error;
use crate::inner::{detached, now};
use crate::position;
use crate::store::EventStore;

/// Characters of a name, and of a place.
const LONGEST: usize = 200;

const BOOKMARKS: Insert<3> = Insert {
    table: "{bookmarks}",
    columns: [("name", Kind::Text), ("place", Kind::Text), ("updated_at", Kind::Int)],
    taken: Taken::Merges {
        key: "name",
        changes: &[("place", Merge::Replace), ("updated_at", Merge::Replace)],
    },
};

impl EventStore {
    /// The place that was written down under this name, and when.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn bookmark(&self, name: &str) -> Result<Option<(String, Timestamp)>, Error> {
        let (inner, name) = (self.inner().clone(), name.to_owned());
        detached(async move {
            let sql = inner
                .tables
                .sql("SELECT place, updated_at FROM {bookmarks} WHERE name = ?");
            let statement = inner.dialect.statement(&sql, [name.into()]);
            let Some(row) = inner.reader.query_one_raw(statement).await? else {
                return Ok(None);
            };
            let updated_at = Timestamp::from_micros(row.try_get_by_index(1)?);
            let updated_at = updated_at.map_err(|_| Error::corrupt("a time that is none"))?;
            Ok(Some((row.try_get_by_index(0)?, updated_at)))
        })
        .await
    }

    /// Writes down how far the log of somebody else was read. It is not written with the events that came from there,
    /// so set it when these are stored: what comes twice after a crash is known by its id.
    ///
    /// # Errors
    /// [`Error::Bookmark`] for a name or a place that is empty or has more than 200 characters; otherwise if the
    /// database fails.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let store = event_store::EventStore::connect("sqlite::memory:").await?;
    /// store.set_bookmark("kurrent", "C:120/P:120").await?;
    /// assert_eq!(store.bookmark("kurrent").await?.map(|(place, _)| place).as_deref(), Some("C:120/P:120"));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn set_bookmark(&self, name: &str, place: &str) -> Result<(), Error> {
        let fits = |text: &str| (1..=LONGEST).contains(&text.chars().count());
        if !fits(name) || !fits(place) {
            return Err(Error::Bookmark { limit: LONGEST });
        }
        let (inner, name, place) = (self.inner().clone(), name.to_owned(), place.to_owned());
        if inner.queue.is_closed() {
            return Err(Error::Closed);
        }
        detached(async move {
            let transaction = inner.dialect.begin(&inner.writer).await?;
            position::lock(inner.dialect, &transaction, &inner.tables).await?;
            let row = [Bind::Text(&name), Bind::Text(&place), Bind::Int(now().as_micros())];
            transaction.insert(&BOOKMARKS, &inner.tables, &[row]).await?;
            transaction.commit().await
        })
        .await
    }
}
