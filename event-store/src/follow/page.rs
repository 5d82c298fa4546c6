//! A page of the log in the order of positions, by a filter.

use event_core::{Filter, StoredEvent};
use sea_orm::ConnectionTrait;

use crate::dictionary::only_number;
use crate::entity::event::SELECTED;
use crate::error::Error;
use crate::inner::Inner;
use crate::position;
use crate::selection::Selection;

/// So many places are looked through by one statement, however few of them are wanted.
const WINDOW: i64 = 50_000;

/// How much is read at once, and what may be missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    pub(crate) rows: usize,
    /// Whatever was pruned up to here was pruned before the follower began.
    pub(crate) pruned_to: i64,
}

/// What was read.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) events: Vec<StoredEvent>,
    /// All up to here was looked at.
    pub(crate) position: i64,
    pub(crate) head: i64,
}

/// What a follower that begins behind a place does not miss. Who begins at the very start takes what is left.
pub(crate) async fn floor(inner: &Inner, db: &impl ConnectionTrait, after: i64) -> Result<i64, Error> {
    if after > 0 {
        return Ok(0);
    }
    let sql = inner.tables.sql("SELECT COALESCE(MAX(position), 0) FROM {pruned}");
    only_number(db, inner.dialect.statement(&sql, [])).await
}

/// Reads on from a place.
pub(crate) async fn read(inner: &Inner, filter: &Filter, after: i64, scope: Scope) -> Result<Page, Error> {
    let head = position::head(inner.dialect, &inner.reader, &inner.tables).await?;
    let end = head.min(after.saturating_add(WINDOW));
    if end <= after {
        return Ok(Page {
            events: Vec::new(),
            position: after,
            head,
        });
    }
    // Read after the head, so that the types and sources of all events up to there are known: by them rows are chosen.
    let dictionary = inner.dictionary().await?;
    let selection = Selection::new(filter, None, None, &dictionary, inner.dialect, &inner.tables);
    let (mut events, mut position) = (Vec::new(), end);
    if !selection.kinds.is_empty() {
        let (condition, values) = selection.sql();
        let kinds = selection
            .of_kinds_in_the_log()
            .map(|kinds| format!(" AND {kinds}"))
            .unwrap_or_default();
        let tables = inner.tables.sql("{events} e LEFT JOIN {trails} t ON t.id = e.trail_id");
        let rows = scope.rows;
        let sql = format!(
            "SELECT {SELECTED} FROM {tables} WHERE e.position > ? AND e.position <= ?{kinds}{condition} \
             ORDER BY e.position LIMIT {rows}"
        );
        let values = [after.into(), end.into()].into_iter().chain(values);
        let found = inner
            .reader
            .query_all_raw(inner.dialect.statement(&sql, values))
            .await?;
        events = inner.events(&found, &dictionary).await?;
        if events.len() == rows
            && let Some(last) = events.last()
        {
            position = last.position;
        }
        if selection.inexact {
            events.retain(|stored| filter.matches(&stored.event));
        }
    }
    missing(inner, after, scope.pruned_to, &selection).await?;
    Ok(Page { events, position, head })
}

/// Whether events behind the place were pruned; asked after the rows were read.
async fn missing(inner: &Inner, after: i64, pruned_to: i64, selection: &Selection) -> Result<(), Error> {
    let sql = inner
        .tables
        .sql("SELECT kind_id, position FROM {pruned} WHERE position > ?");
    let statement = inner.dialect.statement(&sql, [after.max(pruned_to).into()]);
    for row in inner.reader.query_all_raw(statement).await? {
        if selection.kinds.contains(&row.try_get_by_index(0)?) {
            let to = row.try_get_by_index(1)?;
            return Err(Error::Pruned { after, to });
        }
    }
    Ok(())
}
