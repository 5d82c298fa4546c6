//! The log from one position to another, in pages that fit in memory.

use std::fmt;

use event_core::query::QueryError;
use event_core::upcaster::Target;
use event_core::{Filter, StoredEvent, Timestamp};
use sea_orm::{ConnectionTrait as _, Value};

use crate::backfill::Progress;
use crate::entity::event::SELECTED;
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::lift;
use crate::position;
use crate::selection::Selection;
use crate::store::EventStore;

/// Which events to export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// Only events behind this position; 0 is before the first.
    pub after: i64,
    /// Only events that occurred from this instant on.
    pub from: Option<Timestamp>,
    /// Only events that occurred before this instant.
    pub to: Option<Timestamp>,
    /// Only events that it chooses.
    pub filter: Filter,
    /// As which version of their type events are written; as they are stored, if `None`.
    pub upcast: Option<Target>,
}

/// The events of an export, page by page.
pub struct Export {
    store: EventStore,
    options: ExportOptions,
    selection: Selection,
    until: i64,
    reached: i64,
    /// Behind this position nothing is left that could be chosen.
    last: i64,
    /// Places of the log that the next statement looks at.
    window: i64,
    /// The most rows of the next page.
    rows: usize,
}

/// Places that a statement looks at, first and at the most: one that finds little soon looks at more, but none reads
/// for long.
const WINDOW: i64 = 1 << 14;
const MOST_PLACES: i64 = 1 << 18;
/// The same where a session or a subject leads to the rows.
const MOST_PLACES_BY_TRAIL: i64 = 1 << 24;
/// Rows of a page. Powers of two, so that there are few statements to prepare.
const LEAST_ROWS: usize = 16;
const MOST_ROWS: usize = 1_024;
/// A page of more bytes of data is followed by one of fewer rows.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

impl EventStore {
    /// Starts an export of the events behind `options.after` and up to the newest of this moment, in the order of
    /// their positions.
    ///
    /// # Errors
    /// [`Error::Query`] for a filter that is not [bounded](Filter::is_bounded), or a range that ends before it starts;
    /// otherwise if the database fails.
    pub async fn export(&self, options: &ExportOptions) -> Result<Export, Error> {
        let (store, options) = (self.clone(), options.clone());
        detached(async move { start(store, options).await }).await
    }
}

async fn start(store: EventStore, options: ExportOptions) -> Result<Export, Error> {
    if !options.filter.is_bounded() {
        return Err(QueryError::TooManyConditions.into());
    }
    let (from, to) = (options.from, options.to);
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        return Err(QueryError::InvalidRange.into());
    }
    let inner = store.inner();
    let head = position::head(inner.dialect, &inner.reader, &inner.tables).await?;
    // Read after the head, so that the types and sources of all events up to it are known.
    let dictionary = inner.dictionary().await?;
    let selection = Selection::new(&options.filter, from, to, &dictionary, inner.dialect, &inner.tables);
    let until = head.max(options.after);
    let (first, last) = if selection.kinds.is_empty() {
        (until, options.after)
    } else if from.or(to).is_some() {
        bounds(inner, &selection, from, to).await?
    } else {
        (1, until)
    };
    Ok(Export {
        reached: options.after.max(first - 1).min(until),
        last: last.min(until),
        until,
        selection,
        options,
        store,
        window: WINDOW,
        rows: LEAST_ROWS,
    })
}

/// The first and the last position of what occurred in a time, which the index on kinds and time tells; what lies
/// between them may be little of a long log.
async fn bounds(
    inner: &Inner,
    selection: &Selection,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Result<(i64, i64), Error> {
    let mut within = String::new();
    let mut values: Vec<Value> = Vec::new();
    for (bound, at) in [(">=", from), ("<", to)] {
        if let Some(at) = at {
            within.push_str(&format!(" AND occurred_at {bound} ?"));
            values.push(at.as_micros().into());
        }
    }
    let kinds: Vec<String> = selection.kinds.iter().map(i64::to_string).collect();
    let sql = inner.tables.sql("SELECT MIN(position), MAX(position) FROM {events}");
    let sql = format!("{sql} WHERE kind_id IN ({}){within}", kinds.join(", "));
    let row = inner
        .reader
        .query_one_raw(inner.dialect.statement(&sql, values))
        .await?
        .ok_or_else(|| Error::corrupt("no row for a minimum"))?;
    let (first, last): (Option<i64>, Option<i64>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    Ok((first.unwrap_or(i64::MAX), last.unwrap_or(0)))
}

impl Export {
    /// The position that this export holds when it is done: the newest of the log when it started. The next export
    /// goes on behind it.
    #[must_use]
    pub fn until(&self) -> i64 {
        self.until
    }

    /// Whether events are shown as those of other versions.
    pub(super) fn is_lifted(&self) -> bool {
        self.options.upcast.is_some()
    }

    /// The position up to which events were given out.
    #[must_use]
    pub fn reached(&self) -> i64 {
        self.reached
    }

    /// How much of the log is done.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let after = self.options.after;
        Progress::new(self.reached - after, self.until - after)
    }

    /// The next events; `None` once all were given out. A page has at the most about a thousand events, and fewer
    /// where they are large.
    ///
    /// # Errors
    /// If the database fails. The same page can be asked for again.
    pub async fn next(&mut self) -> Result<Option<Vec<StoredEvent>>, Error> {
        while self.reached < self.last {
            let events = self.page().await?;
            if !events.is_empty() {
                return Ok(Some(events));
            }
        }
        self.reached = self.until;
        Ok(None)
    }

    /// The chosen ones of the next places.
    async fn page(&mut self) -> Result<Vec<StoredEvent>, Error> {
        let (after, to) = (self.reached, self.reached.saturating_add(self.window).min(self.last));
        let rows = self.rows;
        let inner = self.store.inner().clone();
        let (sql, values) = self.statement(&inner, after, to);
        let (filter, upcast) = (self.options.filter.clone(), self.options.upcast.clone());
        let read = async move {
            let statement = inner.dialect.statement(&sql, values);
            let found = inner.reader.query_all_raw(statement).await?;
            let mut events = inner.events(&found, &*inner.known().await).await?;
            let full = events.len() == rows;
            let reached = events.last().filter(|_| full).map_or(to, |last| last.position);
            events.retain(|stored| filter.matches(&stored.event));
            let events = lift::lift(&inner, events, upcast.as_ref()).await?;
            Ok((found.len(), reached, events))
        };
        let (found, reached, events) = detached(read).await?;
        self.reached = reached;
        self.adapt(found, &events);
        Ok(events)
    }

    fn statement(&self, inner: &Inner, after: i64, to: i64) -> (String, Vec<Value>) {
        let (conditions, rest) = self.selection.sql();
        let kinds = self.selection.of_kinds_in_the_log();
        let kinds = kinds.map(|kinds| format!(" AND {kinds}")).unwrap_or_default();
        let tables = inner.tables.sql("{events} e LEFT JOIN {trails} t ON t.id = e.trail_id");
        let sql = format!(
            "SELECT {SELECTED} FROM {tables} WHERE e.position > ? AND e.position <= ?{kinds}{conditions} \
             ORDER BY e.position LIMIT {}",
            self.rows
        );
        let mut values: Vec<Value> = vec![after.into(), to.into()];
        values.extend(rest);
        (sql, values)
    }

    /// Asks for as much the next time as fits in memory, and does not take long.
    fn adapt(&mut self, found: usize, events: &[StoredEvent]) {
        let bytes: usize = events.iter().map(|stored| stored.event.payload().as_str().len()).sum();
        if bytes > PAGE_BYTES {
            self.rows = (self.rows / 2).max(LEAST_ROWS);
        } else if found == self.rows && bytes < PAGE_BYTES / 4 {
            self.rows = (self.rows * 2).min(MOST_ROWS);
        }
        let most = if self.selection.by_trail {
            MOST_PLACES_BY_TRAIL
        } else {
            MOST_PLACES
        };
        if found < self.rows / 4 {
            self.window = (self.window * 2).min(most);
        }
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export")
            .field("options", &self.options)
            .field("until", &self.until)
            .field("reached", &self.reached)
            .finish_non_exhaustive()
    }
}
