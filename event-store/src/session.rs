//! All events of a session, in the order in which they happened.

use event_core::query::{Order, Page, QueryError};
use event_core::sequence::{Gap, Session};
use event_core::{SessionId, StoredEvent};
use sea_orm::ConnectionTrait;
use serde::Serialize;

use crate::entity::event::SELECTED;
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::lift;
use crate::store::EventStore;

/// A page of a session's events.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionPage {
    /// In the order in which they happened: by time, ties by the sender's number, then by position.
    pub events: Vec<StoredEvent>,
    /// Runs of numbers that no event of the whole session has.
    pub gaps: Vec<Gap>,
    /// The cursor of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl EventStore {
    /// Reads a session; `None` if no event belongs to it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn session(&self, id: &SessionId) -> Result<Option<Session>, Error> {
        let (inner, id) = (self.inner().clone(), id.clone());
        detached(async move { read(&inner, &id).await }).await
    }

    /// Reads those events of a session that a page chooses, in the session's own order, and what its numbers tell of
    /// all of them. A session that has no event has an empty page.
    ///
    /// ```
    /// use event_core::{Filter, SessionId, Source, query::Page};
    /// use event_store::{EventStore, Offer, Origin};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let store = EventStore::connect("sqlite::memory:").await?;
    /// let click = |sequence| {
    ///     let event = serde_json::json!({"category": "page", "name": "click", "session_id": "s", "sequence": sequence});
    ///     Offer::Json(event.to_string().into_bytes())
    /// };
    /// store.ingest(vec![click(1), click(4)], &Origin::new(Source::new("shop")?)).await?;
    ///
    /// let (session, page) = (SessionId::new("s")?, Page::new(Filter::new()).at(Some("1"), None)?);
    /// let first = store.session_page(&session, &page).await?;
    /// assert_eq!((first.events.len(), first.gaps[0].after, first.gaps[0].before), (1, 1, 4));
    /// let second = store.session_page(&session, &page.at(None, first.next.as_deref())?).await?;
    /// assert_eq!(second.events[0].event.envelope().sequence, Some(4));
    /// assert_eq!(second.next, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Query`] for a filter that is not [bounded](event_core::Filter::is_bounded); otherwise if the database
    /// fails.
    pub async fn session_page(&self, id: &SessionId, page: &Page) -> Result<SessionPage, Error> {
        if !page.filter.is_bounded() {
            return Err(QueryError::TooManyConditions.into());
        }
        let session = self.session(id).await?.unwrap_or_else(|| Session::of(Vec::new()));
        let Session { mut events, gaps, .. } = session;
        if page.order == Order::Descending {
            events.reverse();
        }
        if let Some(cursor) = page.cursor {
            let last = events.iter().position(|stored| stored.position == cursor.position);
            // The very event may be erased by now; then what is left behind its time comes next.
            let passed = |stored: &StoredEvent| match page.order {
                Order::Ascending => stored.event.envelope().occurred_at <= cursor.occurred_at,
                Order::Descending => stored.event.envelope().occurred_at >= cursor.occurred_at,
            };
            let last = last.or_else(|| events.iter().rposition(passed));
            events.drain(..last.map_or(0, |last| last + 1));
        }
        events.retain(|stored| {
            let at = stored.event.envelope().occurred_at;
            let in_range = page.from.is_none_or(|from| from <= at) && page.to.is_none_or(|to| at < to);
            in_range && page.filter.matches(&stored.event)
        });
        let limit = page.limit.clamp(1, Page::MAX_LIMIT);
        let more = events.len() > limit;
        events.truncate(limit);
        let last = events.last().filter(|_| more);
        let next = last.map(|last| page.next(last.event.envelope().occurred_at, last.position));
        let events = lift::lift(self.inner(), events, page.upcast.as_ref()).await?;
        Ok(SessionPage { events, gaps, next })
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
