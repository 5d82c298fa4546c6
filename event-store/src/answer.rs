//! Query → SQL → answer: the database counts, core decides what the counts mean.

mod days;
mod counted;
mod moment;
mod cells;
#[cfg(feature = "sqlite")]
mod scan;
mod plan;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use event_core::aggregate::{Origin, Tally};
use event_core::{Answer, Query};
use futures_util::TryStreamExt as _;
use sea_orm::{ConnectionTrait as _, StreamTrait};

use crate::dialect::{Owner, Snapshot};
use crate::dictionary::Dictionary;
use crate::entity::event::{SELECTED, stored};
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::selection::Selection;
use crate::store::EventStore;
use cells::Cells;
use moment::Moment;
use plan::{Plan, Work};

/// An answer of this [weight](Tally::weight) is built in less time than another thread takes to begin with it.
const LIGHT: usize = 1_000;

impl EventStore {
    /// Answers a question over all stored events, exactly as [`event_core::answer`] would over the
    /// same events in memory. The answer says up to which position it holds, and whether the cells
    /// of metrics were read for it.
    ///
    /// # Errors
    /// [`Error::Query`] for a question without an answer, [`Error::CountsOnly`] for one that needs
    /// events of which only counts are kept; otherwise if the database fails.
    pub async fn answer(&self, query: &Query) -> Result<Answer, Error> {
        let (inner, query) = (self.inner().clone(), query.clone());
        detached(async move { answer(&inner, &query).await }).await
    }
}

async fn answer(inner: &Inner, query: &Query) -> Result<Answer, Error> {
    let tally = Tally::new(query)?;
    let (tally, position, source) = match at_once(query, inner).await? {
        Some((tally, position)) => (tally, position, Origin::Rows),
        None => {
            // One transaction, so that the position and the counts are of one moment.
            let snapshot = inner.dialect.survey(&inner.reader).await?;
            let read = read(tally, query, inner, &snapshot).await;
            let ended = snapshot.end().await;
            let read = read?;
            ended?;
            read
        }
    };
    // How many buckets lie before an end that is far from all events is found out while it is built.
    let has_ends = query.bucket.is_none() || (query.from.is_some() && query.to.is_some());
    let answer = if has_ends && tally.weight() <= LIGHT {
        tally.answer()?
    } else {
        // Building a large answer takes a while, and asks nothing of the database.
        let answer = tokio::task::spawn_blocking(move || tally.answer()).await;
        answer.map_err(|error| Error::corrupt(format!("the answer failed: {error}")))??
    };
    Ok(Answer {
        position: Some(position),
        source,
        ..answer
    })
}

/// The same by a single statement, where a server can answer all of it from rows: each more is one more way there and back.
/// Its first columns say in each row whether that is all there is to be asked; nothing, if not, and then it has looked at no row.
async fn at_once(query: &Query, inner: &Inner) -> Result<Option<(Tally, i64)>, Error> {
    // Unless it was so the last time, it is not worth trying.
    let is_likely = inner.only_rows.load(Ordering::Relaxed);
    // What an application's connections see of transactions that are not over is its own affair.
    if inner.dialect.has_one_writer() || !is_likely || inner.owner != Owner::Store {
        return Ok(None);
    }
    let dictionary = inner.known().await;
    let counting = query.counting();
    let selection = Selection::new(
        &counting.filter,
        counting.from,
        counting.to,
        &dictionary,
        inner.dialect,
        &inner.tables,
    );
    let Some(cells) = Cells::of(&counting, &selection, inner.dialect) else {
        return Ok(None);
    };
    let pointer = counting.measure.pointer().filter(|_| cells.can_be_bold());
    let is_bold = pointer.is_some_and(|pointer| !inner.is_mixed(pointer));
    let answered = by_statement(query, inner, &dictionary, &selection, &cells, is_bold).await;
    match (answered, pointer) {
        // What is measured there is not always a number, and the next time it would be the same.
        (Err(Error::Statement(_)), Some(pointer)) if is_bold => {
            inner.learn_mixed(pointer);
            by_statement(query, inner, &dictionary, &selection, &cells, false).await
        }
        (answered, _) => answered,
    }
}

async fn by_statement(
    query: &Query,
    inner: &Inner,
    dictionary: &Dictionary,
    selection: &Selection,
    cells: &Cells<'_>,
    is_bold: bool,
) -> Result<Option<(Tally, i64)>, Error> {
    let (sql, values) = cells.sql(inner, selection, &moment::gate(dictionary.newest()), is_bold);
    let columns = inner.tables.sql(&moment::columns());
    let sql = format!("SELECT m.*, q.* FROM (SELECT {columns}) m LEFT JOIN ({sql}) q ON 1 = 1");
    let rows = inner
        .reader
        .query_all_raw(inner.dialect.statement(&sql, values))
        .await?;
    let moment = Moment::of(rows.first().ok_or_else(|| Error::corrupt("no row for what is there"))?)?;
    if !moment.has_only_rows() || dictionary.newest() != moment.newest {
        return Ok(None);
    }
    let tally = cells.add(Tally::new(query)?, &rows, moment::COLUMNS, dictionary)?;
    Ok(Some((tally, moment.head)))
}

/// All that the answer is made of, the newest place, and where it comes from.
async fn read(
    mut tally: Tally,
    query: &Query,
    inner: &Inner,
    snapshot: &Snapshot,
) -> Result<(Tally, i64, Origin), Error> {
    let moment = Moment::read(inner, snapshot).await?;
    inner.only_rows.store(moment.has_only_rows(), Ordering::Relaxed);
    let dictionary = inner.dictionary_of(moment.newest, snapshot).await?;
    let plan = Plan::new(query, &moment, inner, snapshot, &dictionary).await?;
    // What the values are is known to the database, what is measured of them to core.
    let query = &query.counting();
    for work in &plan.work {
        tally = match work {
            Work::Rows { from, to, kinds } => {
                let part = Query {
                    from: *from,
                    to: *to,
                    ..query.clone()
                };
                let mut selection =
                    Selection::new(&query.filter, *from, *to, &dictionary, inner.dialect, &inner.tables);
                selection.keep_kinds(kinds);
                rows(tally, &part, inner, snapshot, &dictionary, &selection).await?
            }
            Work::Cells(counted) => counted.add_to(tally, inner, snapshot, moment.changes).await?,
        };
    }
    Ok((tally, moment.head, plan.source()))
}

/// Adds what rows say.
async fn rows(
    tally: Tally,
    query: &Query,
    inner: &Inner,
    db: &Snapshot,
    dictionary: &Arc<Dictionary>,
    selection: &Selection,
) -> Result<Tally, Error> {
    if selection.kinds.is_empty() {
        return Ok(tally);
    }
    match db {
        #[cfg(feature = "sqlite")]
        Snapshot::InProcess(db) => match Cells::of(query, selection, inner.dialect) {
            // An index alone may tell how many there are, which is faster than to look at each.
            Some(cells) if query.bucket.is_none() && cells.only_counts() && !selection.by_trail => {
                cells.add_to(tally, inner, db, dictionary, selection).await
            }
            _ => scan::add(tally, inner, db, dictionary, selection).await,
        },
        Snapshot::Served(db) => match Cells::of(query, selection, inner.dialect) {
            Some(cells) => cells.add_to(tally, inner, db, dictionary, selection).await,
            None => fold(tally, inner, db, dictionary, selection).await,
        },
    }
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
