//! What was done to an entry, when and by whom: never a value of its document.

use event_core::{Label, Timestamp};
use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;

use crate::error::Error;
use crate::inner::Inner;

/// What was done to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Its document was changed.
    Edited,
    /// It was judged again, and its event is stored.
    Replayed,
    /// It was judged again, and stays.
    FailedAgain,
    /// Somebody has said that it is of no use.
    Discarded,
}

impl Action {
    const ALL: [Action; 4] = [Action::Edited, Action::Replayed, Action::FailedAgain, Action::Discarded];

    /// The name that goes over the wire, and into the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Edited => "edited",
            Action::Replayed => "replayed",
            Action::FailedAgain => "failed_again",
            Action::Discarded => "discarded",
        }
    }
}

/// One thing that was done to an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub action: Action,
    /// Who: the prefix of the key by which it was asked for, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Label>,
    /// What came of it, in a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// One thing to write down.
pub(super) struct Done {
    pub(super) entry: i64,
    pub(super) action: Action,
    pub(super) detail: Option<String>,
}

/// Writes down what is done, in the transaction that does it.
pub(super) async fn record(
    inner: &Inner,
    db: &impl ConnectionTrait,
    at: Timestamp,
    actor: Option<&Label>,
    done: &[Done],
) -> Result<(), Error> {
    if done.is_empty() {
        return Ok(());
    }
    let places = vec!["(?, ?, ?, ?, ?)"; done.len()].join(", ");
    let sql = inner
        .tables
        .sql("INSERT INTO {quarantine_history} (entry, at, action, actor, detail) VALUES ");
    let values = done.iter().flat_map(|done| {
        [
            Value::from(done.entry),
            at.as_micros().into(),
            done.action.as_str().into(),
            actor.map(|actor| actor.as_str().to_owned()).into(),
            done.detail.clone().into(),
        ]
    });
    let statement = inner.dialect.statement(&format!("{sql}{places}"), values);
    db.execute_raw(statement).await?;
    Ok(())
}

/// All that was done to an entry, the oldest first.
pub(super) async fn of(inner: &Inner, db: &impl ConnectionTrait, entry: i64) -> Result<Vec<HistoryEntry>, Error> {
    let sql = inner
        .tables
        .sql("SELECT at, action, actor, detail FROM {quarantine_history} WHERE entry = ? ORDER BY id");
    let rows = db.query_all_raw(inner.dialect.statement(&sql, [entry.into()])).await?;
    rows.iter()
        .map(|row| {
            let (action, actor): (String, Option<String>) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            let known = Action::ALL.into_iter().find(|known| known.as_str() == action);
            Ok(HistoryEntry {
                at: Timestamp::from_micros(row.try_get_by_index(0)?)
                    .map_err(|_| Error::corrupt("a time outside the years 1970 to 9999"))?,
                action: known.ok_or_else(|| Error::corrupt(format!("the action {action:?}")))?,
                actor: actor.and_then(|actor| Label::new(actor).ok()),
                detail: row.try_get_by_index(3)?,
            })
        })
        .collect()
}
