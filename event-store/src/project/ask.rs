//! What outsiders ask for: parked events tried again, or given up.
//!
//! They only say so in the rows, with who they are. The holder of the shard does it, in its own order and under its token.

use event_core::Label;
use sea_orm::{ConnectionTrait, Value};

use super::history::ParkedAction;
use super::parked::ParkedState;
use crate::error::Error;
use crate::inner::{Inner, detached, now};
use crate::patience::Patience;
use crate::store::EventStore;

/// So many places stand in one statement.
const PLACES: usize = 500;

impl EventStore {
    /// Has parked events tried again by whoever holds their shards, within a second: those of some positions, or all; `actor`
    /// is written down as who asked. Answers how many. What fails again is parked again.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let store = event_store::EventStore::connect("sqlite::memory:").await?;
    /// let ann = event_core::Label::new("ann")?;
    /// let asked = store.replay_parked("orders", Some(&[17, 18]), Some(&ann)).await?;
    /// assert_eq!(asked, 0, "nothing is parked at these places");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the database fails.
    pub async fn replay_parked(
        &self,
        name: &str,
        positions: Option<&[i64]>,
        actor: Option<&Label>,
    ) -> Result<u64, Error> {
        self.ask(name, positions, ParkedState::Replay, actor).await
    }

    /// Gives parked events up, those of some positions or all. Others that wait behind them go on.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn discard_parked(
        &self,
        name: &str,
        positions: Option<&[i64]>,
        actor: Option<&Label>,
    ) -> Result<u64, Error> {
        self.ask(name, positions, ParkedState::Discard, actor).await
    }

    async fn ask(
        &self,
        name: &str,
        positions: Option<&[i64]>,
        state: ParkedState,
        actor: Option<&Label>,
    ) -> Result<u64, Error> {
        let (inner, name) = (self.inner().clone(), name.to_owned());
        let (positions, actor) = (positions.map(<[i64]>::to_vec), actor.cloned());
        detached(async move {
            let chunks: Vec<String> = match &positions {
                None => vec![String::new()],
                Some(positions) => {
                    let list = |some: &[i64]| some.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
                    let chunk = |some: &[i64]| format!(" AND position IN ({})", list(some));
                    positions.chunks(PLACES).map(chunk).collect()
                }
            };
            let mut marked = 0;
            for chosen in chunks {
                let patience = Patience::with(inner.dialect);
                marked += loop {
                    match mark(&inner, &name, &chosen, state, actor.as_ref()).await {
                        // A holder is at one of them.
                        Err(error) if patience.lasts(&error).await => {}
                        outcome => break outcome?,
                    }
                };
            }
            Ok(marked)
        })
        .await
    }
}

async fn mark(
    inner: &Inner,
    name: &str,
    chosen: &str,
    state: ParkedState,
    actor: Option<&Label>,
) -> Result<u64, Error> {
    let action = match state {
        ParkedState::Discard => ParkedAction::DiscardAsked,
        _ => ParkedAction::ReplayAsked,
    };
    let at = now().as_micros();
    let transaction = inner.dialect.begin(&inner.worker).await?;
    let sql = format!(
        "UPDATE {{parked}} SET state = ?, asked_at = ?, asked_by = ? \
         WHERE name = ? AND state IN ('parked', 'replay'){chosen}"
    );
    let values: [Value; 4] = [
        state.as_str().into(),
        at.into(),
        actor.map(|actor| actor.as_str().to_owned()).into(),
        name.into(),
    ];
    let statement = inner.dialect.statement(&inner.tables.sql(&sql), values);
    let marked = transaction.execute_raw(statement).await?.rows_affected();
    // Those very rows: nobody else changes them before the commit.
    let sql = format!(
        "INSERT INTO {{parked_history}} (name, generation, position, at, action, actor) \
         SELECT name, generation, position, asked_at, '{}', asked_by FROM {{parked}} \
         WHERE name = ? AND state = ? AND asked_at = ?{chosen}",
        action.as_str()
    );
    let values: [Value; 3] = [name.into(), state.as_str().into(), at.into()];
    let statement = inner.dialect.statement(&inner.tables.sql(&sql), values);
    transaction.execute_raw(statement).await?;
    transaction.commit().await?;
    Ok(marked)
}
