//! Query → SQL → answer: the database counts, core decides what the counts mean.

mod cells;

use event_core::aggregate::Origin;
use event_core::aggregate::Tally;
use event_core::{Answer, Query};
use futures_util::TryStreamExt as _;
use sea_orm::StreamTrait;

use crate::dictionary::Dictionary;
use crate::entity::event::{SELECTED, stored};
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::position;
use crate::selection::Selection;
use crate::store::EventStore;

impl EventStore {
    /// Answers a question over all stored events, exactly as [`event_core::answer`] would over the
    /// same events in memory. The answer says up to which position it holds.
    ///
    /// # Errors
    /// [`Error::Query`] for a question without an answer; otherwise if the database fails.
    pub async fn answer(&self, query: &Query) -> Result<Answer, Error> {
        let (inner, query) = (self.inner().clone(), query.clone());
        detached(async move { answer(&inner, &query).await }).await
    }
}

async fn answer(inner: &Inner, query: &Query) -> Result<Answer, Error> {
    let tally = Tally::new(query)?;
    // One transaction, so that the position and the counts are of one moment.
    let snapshot = inner.dialect.snapshot(&inner.reader).await?;
    let dictionary = inner.dictionary_in(&snapshot).await?;
    let position = position::head(inner.dialect, &snapshot, &inner.tables).await?;
    let selection = Selection::new(
        &query.filter,
        query.from,
        query.to,
        &dictionary,
        inner.dialect,
        &inner.tables,
    );
    let tally = match cells::Cells::of(query, &selection, inner.dialect) {
        _ if selection.kinds.is_empty() => tally,
        Some(cells) => cells.add_to(tally, inner, &snapshot, &dictionary, &selection).await?,
        None => fold(tally, inner, &snapshot, &dictionary, &selection).await?,
    };
    snapshot.rollback().await?;
    // Building a large answer takes a while, and asks nothing of the database.
    let answer = tokio::task::spawn_blocking(move || tally.answer()).await;
    let answer = answer.map_err(|error| Error::corrupt(format!("the answer failed: {error}")))??;
    Ok(Answer {
        position: Some(position),
        source: Origin::Rows,
        ..answer
    })
}

/// Reads every row that may count, and lets core look at each.
async fn fold(
    mut tally: Tally,
    inner: &Inner,
    db: &impl StreamTrait,
    dictionary: &Dictionary,
    selection: &Selection,
) -> Result<Tally, Error> {
    let (condition, values) = selection.sql();
    let kinds = selection
        .of_kinds()
        .map(|kinds| format!(" AND {kinds}"))
        .unwrap_or_default();
    let tables = inner.tables.sql("{events} e LEFT JOIN {trails} t ON t.id = e.trail_id");
    let sql = format!("SELECT {SELECTED} FROM {tables} WHERE 1 = 1{kinds}{condition}");
    let mut rows = std::pin::pin!(db.stream_raw(inner.dialect.statement(&sql, values)).await?);
    while let Some(row) = rows.try_next().await? {
        tally.add(&stored(&row, dictionary)?.event);
    }
    Ok(tally)
}
