//! Refused events, kept as they came in until somebody mends them: found, looked at, edited, replayed
//! or discarded, and all of that written down.
//!
//! ```
//! use event_core::{Code, EventType, Label, Source};
//! use event_store::quarantine::{Selection, State, Work};
//! use event_store::{EventStore, Offer, Origin, TypeChange};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let store = EventStore::connect("sqlite::memory:").await?;
//! let (order, version) = (EventType::new("order", "created")?, Label::new("1")?);
//! let rule = |rule: serde_json::Value| TypeChange { schema: Some(rule), ..TypeChange::default() };
//! store.register(&order, &version, rule(serde_json::json!({"required": ["total"]}))).await?;
//! let offer = Offer::Json(br#"{"id": "1", "category": "order", "name": "created", "data": {}}"#.to_vec());
//! store.ingest(vec![offer], &Origin::new(Source::new("shop")?)).await?;
//!
//! // The schema was too strict: it is changed, and what it had refused is replayed.
//! store.register(&order, &version, rule(serde_json::json!({}))).await?;
//! let all = Work::on(Selection::default());
//! assert_eq!(store.replay(&all.clone().dry(), |_| ()).await?.outcomes[0].status.as_str(), "stored");
//! assert_eq!(store.replay(&all, |_| ()).await?.outcomes[0].entries, 1);
//! assert_eq!(store.log(0, 10).await?[0].event.envelope().id.as_str(), "1");
//! let entry = store.quarantined(1).await?.ok_or("no entry")?;
//! assert_eq!((entry.entry.state, entry.history.len()), (State::Replayed, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod filter;
mod history;
mod work;
mod again;
mod inspect;
mod edit;
mod settle;
mod replay;
mod discard;

use event_core::{Code, EventType};
use sea_orm::{ConnectionTrait, Value};

use crate::entity::quarantine::{QuarantineEntry, SELECTED};
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::store::EventStore;

pub use crate::entity::quarantine::{State, StateError};
pub use discard::Discarded;
pub use edit::Edited;
pub use filter::QuarantineFilter;
pub use history::{Action, HistoryEntry};
pub use inspect::{Inspected, Mark};
pub use replay::{Outcome, Replayed, Sample};
pub use work::{Run, Selection, Work};

/// Which refused events to list, newest last.
#[derive(Clone, Debug, Default)]
pub struct QuarantinePage {
    /// Only these.
    pub filter: QuarantineFilter,
    /// Only those behind this number.
    pub after: Option<i64>,
    /// At most so many, 1 to 1,000; 0 stands for 100.
    pub limit: usize,
}

/// A page of the quarantine.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Quarantined {
    /// Refused events, in the order in which they came in first.
    pub entries: Vec<QuarantineEntry>,
    /// The `after` of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// How many refused events there are of a kind.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct QuarantineCount {
    /// The reason.
    pub code: Code,
    /// The type that they claim, if any.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
    /// How many different ones.
    pub entries: i64,
    /// How often they came in.
    pub occurrences: i64,
}

impl EventStore {
    /// Lists refused events.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn quarantine(&self, page: &QuarantinePage) -> Result<Quarantined, Error> {
        let (inner, page) = (self.inner().clone(), page.clone());
        detached(async move { list(&inner, &page).await }).await
    }

    /// Counts refused events that nobody has dealt with, by reason and by the type that they claim, the
    /// most frequent first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn quarantine_counts(&self) -> Result<Vec<QuarantineCount>, Error> {
        let inner = self.inner().clone();
        detached(async move { counts(&inner).await }).await
    }
}

pub(crate) async fn list(inner: &Inner, page: &QuarantinePage) -> Result<Quarantined, Error> {
    let limit = if page.limit == 0 { 100 } else { page.limit.min(1_000) };
    let (condition, mut values) = page.filter.sql();
    values.insert(0, Value::from(page.after.unwrap_or(0)));
    let table = inner.tables.sql("{quarantine}");
    let sql = format!(
        "SELECT {SELECTED} FROM {table} WHERE id > ?{condition} ORDER BY id LIMIT {}",
        limit + 1
    );
    let rows = inner
        .reader
        .query_all_raw(inner.dialect.statement(&sql, values))
        .await?;
    let mut entries = rows.iter().map(QuarantineEntry::read).collect::<Result<Vec<_>, _>>()?;
    let next = if entries.len() > limit {
        entries.get(limit - 1).map(|entry| entry.number)
    } else {
        None
    };
    entries.truncate(limit);
    Ok(Quarantined { entries, next })
}

async fn counts(inner: &Inner) -> Result<Vec<QuarantineCount>, Error> {
    let sql = inner.tables.sql(&format!(
        "SELECT code, category, name, COUNT(*), {} FROM {{quarantine}} WHERE state = 'open' \
             GROUP BY code, category, name ORDER BY 5 DESC, code, COALESCE(category, ''), COALESCE(name, '')",
        inner.dialect.total("occurrences")
    ));
    let rows = inner.reader.query_all_raw(inner.dialect.statement(&sql, [])).await?;
    rows.iter()
        .map(|row| {
            let code: String = row.try_get_by_index(0)?;
            let (category, name): (Option<String>, Option<String>) =
                (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            Ok(QuarantineCount {
                code: code.parse().map_err(|_| Error::corrupt(format!("the code {code:?}")))?,
                event_type: category
                    .zip(name)
                    .and_then(|(category, name)| EventType::new(category, name).ok()),
                entries: row.try_get_by_index(3)?,
                occurrences: row.try_get_by_index(4)?,
            })
        })
        .collect()
}
