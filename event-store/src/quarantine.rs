//! Refused events, kept as they came in until somebody mends them.

use event_core::{Code, EventType, Source};
use sea_orm::{ConnectionTrait, Value};

use crate::entity::quarantine::{QuarantineEntry, SELECTED};
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::store::EventStore;

/// Which refused events to list, newest last.
#[derive(Clone, Debug, Default)]
pub struct QuarantinePage {
    /// Only those refused for this reason.
    pub code: Option<Code>,
    /// Only those from this application.
    pub source: Option<Source>,
    /// Only those that claim this type.
    pub event_type: Option<EventType>,
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

    /// Counts refused events by reason and by the type that they claim, the most frequent first.
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
    let (mut sql, mut values) = (
        format!(
            "SELECT {SELECTED} FROM {} WHERE id > ?",
            inner.tables.sql("{quarantine}")
        ),
        vec![Value::from(page.after.unwrap_or(0))],
    );
    let kind = page.event_type.as_ref();
    for (column, wanted) in [
        ("code", page.code.map(Code::as_str)),
        ("source", page.source.as_ref().map(Source::as_str)),
        ("category", kind.map(|kind| kind.category.as_str())),
        ("name", kind.map(|kind| kind.name.as_str())),
    ] {
        if let Some(wanted) = wanted {
            sql.push_str(&format!(" AND {column} = ?"));
            values.push(wanted.into());
        }
    }
    sql.push_str(&format!(" ORDER BY id LIMIT {}", limit + 1));
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
        "SELECT code, category, name, COUNT(*), {} FROM {{quarantine}} \
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
