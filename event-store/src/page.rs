//! Events in the order of time, page by page.

use event_core::StoredEvent;
use event_core::query::{Cursor, Order, Page, QueryError};
use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;

use crate::dictionary::Dictionary;
use crate::entity::event::SELECTED;
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::lift;
use crate::selection::Selection;
use crate::store::EventStore;

/// A page of events.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventPage {
    /// In the order that was asked for, by time, then by position.
    pub events: Vec<StoredEvent>,
    /// The cursor of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Beyond so many kinds one statement sorts them all, instead of merging a sorted run of each.
const MOST_RUNS: usize = 200;
/// Nor does a statement merge runs that would bind more values than these: what it takes to prepare
/// it grows with their square.
const MOST_VALUES: usize = 2_000;
/// Nor one of more letters.
const MOST_LETTERS: usize = 1 << 20;
/// Rows that are read at once where each has to be looked at again.
const BATCH: usize = 1_000;

impl EventStore {
    /// Lists events.
    ///
    /// # Errors
    /// [`Error::Query`] for a filter that is not [bounded](event_core::Filter::is_bounded); otherwise
    /// if the database fails.
    pub async fn page(&self, page: &Page) -> Result<EventPage, Error> {
        let (inner, page) = (self.inner().clone(), page.clone());
        detached(async move { read(&inner, &page).await }).await
    }

    /// Hands over all events of a list, in its order, from the page's cursor on: as many at a time as a page may have.
    ///
    /// ```
    /// use event_core::{Filter, Source, query::Page};
    /// use event_store::{EventStore, Offer, Origin};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let store = EventStore::connect("sqlite::memory:").await?;
    /// let click = Offer::Json(br#"{"category": "page interaction", "name": "click"}"#.to_vec());
    /// store.ingest(vec![click; 3], &Origin::new(Source::new("shop")?)).await?;
    /// let mut names = Vec::new();
    /// store.each(&Page::new(Filter::new()), |stored| names.push(stored.event.envelope().event_type.name.clone())).await?;
    /// assert_eq!(names.len(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`EventStore::page`]; what was read before has been handed over.
    pub async fn each(&self, page: &Page, mut take: impl FnMut(&StoredEvent)) -> Result<(), Error> {
        let limit = Page::MAX_LIMIT;
        let mut page = Page { limit, ..page.clone() };
        loop {
            let EventPage { events, next } = self.page(&page).await?;
            events.iter().for_each(&mut take);
            let Some(last) = events.last().filter(|_| next.is_some()) else {
                return Ok(());
            };
            page.cursor = Some(place(last));
        }
    }
}

async fn read(inner: &Inner, page: &Page) -> Result<EventPage, Error> {
    if !page.filter.is_bounded() {
        return Err(QueryError::TooManyConditions.into());
    }
    let dictionary = inner.dictionary().await?;
    let selection = Selection::new(
        &page.filter,
        page.from,
        page.to,
        &dictionary,
        inner.dialect,
        &inner.tables,
    );
    let limit = page.limit.clamp(1, Page::MAX_LIMIT);
    let mut cursor = page.cursor;
    let mut events = Vec::new();
    // One more than asked for tells whether there is a next page.
    while events.len() <= limit && !selection.kinds.is_empty() {
        let want = if selection.inexact { BATCH } else { limit + 1 };
        let batch = fetch(inner, &selection, page.order, cursor, want, &dictionary).await?;
        let last = batch.len() < want || !selection.inexact;
        cursor = batch.last().map(place);
        events.extend(batch.into_iter().filter(|stored| page.filter.matches(&stored.event)));
        if last {
            break;
        }
    }
    let more = events.len() > limit;
    events.truncate(limit);
    let next = if more {
        events
            .last()
            .map(|last| page.next(last.event.envelope().occurred_at, last.position))
    } else {
        None
    };
    let events = lift::lift(inner, events, page.upcast.as_ref()).await?;
    Ok(EventPage { events, next })
}

fn place(stored: &StoredEvent) -> Cursor {
    Cursor {
        occurred_at: stored.event.envelope().occurred_at,
        position: stored.position,
    }
}

/// The next rows behind a place.
async fn fetch(
    inner: &Inner,
    selection: &Selection,
    order: Order,
    cursor: Option<Cursor>,
    limit: usize,
    dictionary: &Dictionary,
) -> Result<Vec<StoredEvent>, Error> {
    let (mut condition, mut values) = selection.sql();
    let (beyond, direction) = match order {
        Order::Ascending => ('>', "ASC"),
        Order::Descending => ('<', "DESC"),
    };
    if let Some(Cursor { occurred_at, position }) = cursor {
        let (behind, places) = inner.dialect.beyond("e.occurred_at", "e.position", beyond);
        condition.push_str(&format!(" AND {behind}"));
        let pair = [occurred_at.as_micros(), position];
        values.extend(places.iter().map(|place| Value::from(pair[*place])));
    }
    let events = inner.tables.sql("{events} e");
    let by_time = format!("e.occurred_at {direction}, e.position {direction} LIMIT {limit}");
    let runs = selection.kinds.len();
    // Each run has every value, and every letter, anew.
    let too_large = runs * values.len() > MOST_VALUES || runs * condition.len() > MOST_LETTERS;
    let (from, values) = if selection.by_trail || runs > MOST_RUNS || too_large {
        let kinds = selection
            .of_kinds()
            .map(|kinds| format!(" AND {kinds}"))
            .unwrap_or_default();
        (
            format!("(SELECT e.* FROM {events} WHERE 1 = 1{kinds}{condition} ORDER BY {by_time}) e"),
            values,
        )
    } else {
        // The index holds each kind's events in order: a run of each, merged.
        let run = |kind: &i64| {
            let (of_kind, by_kind) = inner.dialect.run("e.kind_id", *kind, direction);
            format!(
                "SELECT * FROM (SELECT e.* FROM {events} WHERE {of_kind}{condition} ORDER BY {by_kind}{by_time}) r{kind}"
            )
        };
        let runs: Vec<String> = selection.kinds.iter().map(run).collect();
        let values = std::iter::repeat_n(values, runs.len()).flatten().collect();
        (format!("({}) e", runs.join(" UNION ALL ")), values)
    };
    let trails = inner.tables.sql("LEFT JOIN {trails} t ON t.id = e.trail_id");
    let sql = format!("SELECT {SELECTED} FROM {from} {trails} ORDER BY {by_time}");
    let rows = inner
        .reader
        .query_all_raw(inner.dialect.statement(&sql, values))
        .await?;
    inner.events(&rows, dictionary).await
}
