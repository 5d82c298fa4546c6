//! Questions about whole stories: the database chooses the events and says what is asked of them, core makes
//! stories of it.

mod column;

use event_core::aggregate::Origin;
use event_core::analysis::{Analysed, Analysis, Fold, Wanted};
use futures_util::TryStreamExt as _;
use sea_orm::StreamTrait as _;

use crate::dictionary::Dictionary;
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::position;
use crate::rowless;
use crate::selection::Selection;
use crate::store::EventStore;
use column::Columns;

impl EventStore {
    /// Answers a question about whole stories over all stored events, exactly as
    /// [`analyse`](event_core::analysis::analyse) would over the same events in memory: sessions, funnels,
    /// retention, what is active at a time. The answer says up to which position it holds.
    ///
    /// Only what the question asks of each event is read; of each event that may count some tens of bytes are
    /// held in memory until the answer is made.
    ///
    /// ```
    /// # use event_store::EventStore;
    /// use event_core::analysis::Funnel;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = EventStore::connect("sqlite::memory:").await?;
    /// let funnel = Funnel::from_json(br#"{"steps": ["pageview", "submit"], "window": "30m"}"#)?;
    /// let answer = store.analyse(&funnel).await?;
    /// assert_eq!((answer.answer.steps[1].reached, answer.position), (0, Some(0)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Query`] for a question without an answer, [`Error::CountsOnly`] for one that needs
    /// events of which only counts are kept; otherwise if the database fails.
    pub async fn analyse<A>(&self, question: &A) -> Result<Analysed<A::Answer>, Error>
    where
        A: Analysis,
        A::Fold: Send + 'static,
        A::Answer: Send + 'static,
    {
        let (inner, fold) = (self.inner().clone(), question.fold()?);
        detached(async move { analyse(&inner, fold).await }).await
    }
}

async fn analyse<F>(inner: &Inner, mut fold: F) -> Result<Analysed<F::Answer>, Error>
where
    F: Fold + Send + 'static,
    F::Answer: Send + 'static,
{
    // One transaction, so that the position and the events are of one moment.
    let snapshot = inner.dialect.snapshot(&inner.reader).await?;
    let dictionary = inner.dictionary_in(&snapshot).await?;
    let log = position::log(inner.dialect, &snapshot, &inner.tables).await?;
    let selection = selection(fold.wanted(), &dictionary, inner);
    if log.rowless > 0 {
        let times = rowless::times(inner.dialect, &snapshot, &inner.tables).await?;
        let (from, to) = (fold.wanted().from(), fold.wanted().to());
        rowless::refuse(&times, |kind| selection.kinds.contains(&kind), from, to, &dictionary)?;
    }
    if !selection.kinds.is_empty() {
        let columns = Columns::new(fold.wanted().fields(), inner.dialect);
        let (sql, values) = columns.sql(&selection, inner);
        let mut rows = std::pin::pin!(snapshot.stream_raw(inner.dialect.statement(&sql, values)).await?);
        while let Some(row) = rows.try_next().await? {
            columns.read(&row, &dictionary, |place, found| fold.add_found(place, found))?;
        }
    }
    snapshot.rollback().await?;
    // Making stories takes a while, and asks nothing of the database.
    let answer = tokio::task::spawn_blocking(move || fold.answer()).await;
    let answer = answer.map_err(|error| Error::corrupt(format!("the answer failed: {error}")))??;
    Ok(Analysed {
        answer,
        source: Origin::Rows,
        position: Some(log.head),
    })
}

/// Which rows may count.
fn selection(wanted: &Wanted, dictionary: &Dictionary, inner: &Inner) -> Selection {
    let (from, to) = (wanted.from(), wanted.to());
    let mut selection = Selection::new(wanted.filter(), from, to, dictionary, inner.dialect, &inner.tables);
    if !wanted.any().is_empty() {
        selection.keep_any(wanted.any(), dictionary);
    }
    selection
}
