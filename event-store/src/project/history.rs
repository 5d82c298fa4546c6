//! What was done to parked events, when and by whom: never what a failure said.

use event_core::{Label, Timestamp};
use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;

use super::shard::Held;
use crate::entity::event::time;
use crate::error::Error;
use crate::inner::{Inner, now};

/// What was done to a parked event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ParkedAction {
    /// Somebody has asked for it to be tried again.
    ReplayAsked,
    /// Somebody has asked for it to be given up.
    DiscardAsked,
    /// It was applied.
    Replayed,
    /// It was tried again, and stays.
    FailedAgain,
    /// It was given up.
    Discarded,
    /// The event itself was pruned or erased: there is nothing to apply any more.
    Gone,
}

impl ParkedAction {
    const ALL: [ParkedAction; 6] = [
        ParkedAction::ReplayAsked,
        ParkedAction::DiscardAsked,
        ParkedAction::Replayed,
        ParkedAction::FailedAgain,
        ParkedAction::Discarded,
        ParkedAction::Gone,
    ];

    /// The name that goes over the wire, and into the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            ParkedAction::ReplayAsked => "replay_asked",
            ParkedAction::DiscardAsked => "discard_asked",
            ParkedAction::Replayed => "replayed",
            ParkedAction::FailedAgain => "failed_again",
            ParkedAction::Discarded => "discarded",
            ParkedAction::Gone => "gone",
        }
    }
}

/// One thing that was done to a parked event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ParkedHistory {
    /// Of which tables.
    pub generation: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub action: ParkedAction,
    /// Who asked for it, where that was said: over HTTP the prefix of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Label>,
}

/// Writes down what the holder of a shard does, in the transaction that does it.
pub(super) async fn record(
    inner: &Inner,
    db: &impl ConnectionTrait,
    held: &Held,
    position: i64,
    action: ParkedAction,
) -> Result<(), Error> {
    let sql = inner
        .tables
        .sql("INSERT INTO {parked_history} (name, generation, position, at, action) VALUES (?, ?, ?, ?, ?)");
    let values: [Value; 5] = [
        held.name.as_str().into(),
        held.generation.into(),
        position.into(),
        now().as_micros().into(),
        action.as_str().into(),
    ];
    db.execute_raw(inner.dialect.statement(&sql, values)).await?;
    Ok(())
}

/// All that was done to an event that was parked, the oldest first.
pub(super) async fn of(
    inner: &Inner,
    db: &impl ConnectionTrait,
    name: &str,
    position: i64,
) -> Result<Vec<ParkedHistory>, Error> {
    let sql = inner
        .tables
        .sql("SELECT generation, at, action, actor FROM {parked_history} WHERE name = ? AND position = ? ORDER BY id");
    let statement = inner.dialect.statement(&sql, [name.into(), position.into()]);
    let rows = db.query_all_raw(statement).await?;
    rows.iter()
        .map(|row| {
            let (action, actor): (String, Option<String>) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
            let known = ParkedAction::ALL.into_iter().find(|known| known.as_str() == action);
            Ok(ParkedHistory {
                generation: row.try_get_by_index(0)?,
                at: time(row.try_get_by_index(1)?)?,
                action: known.ok_or_else(|| Error::corrupt(format!("the action {action:?}")))?,
                actor: actor.and_then(|actor| Label::new(actor).ok()),
            })
        })
        .collect()
}
