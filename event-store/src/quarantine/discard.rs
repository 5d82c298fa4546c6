//! Refused events of which somebody says that they are of no use. They stay, but no longer as open ones.

use event_core::Label;
use serde::Serialize;

use super::history::{Action, Done, record};
use super::settle::{set_state, unchanged};
use super::work::Steps;
use super::{Run, State, Work};
use crate::backfill::Progress;
use crate::entity::quarantine::QuarantineRow;
use crate::error::Error;
use crate::inner::{Inner, detached, now};
use crate::patience::Patience;
use crate::position;
use crate::store::EventStore;

/// What was discarded, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Discarded {
    /// Whether it was done.
    pub run: Run,
    /// How many entries.
    pub entries: u64,
    /// Entries that were asked for, and are not there, or not open.
    pub skipped: u64,
    /// The `after` of the next call, where the limit has ended this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

impl EventStore {
    /// Discards refused events, with a note for the history. A discarded one is no longer replayed,
    /// unless by its number, and the same document only counts up should it come again.
    ///
    /// # Errors
    /// If the database fails; what was discarded stays so.
    pub async fn discard(
        &self,
        work: &Work,
        note: Option<&Label>,
        mut progress: impl FnMut(Progress),
    ) -> Result<Discarded, Error> {
        let inner = self.inner();
        let (begun, of) = (inner.clone(), work.clone());
        let mut steps = detached(async move { Steps::new(&of, false, &begun).await }).await?;
        let mut discarded = Discarded {
            run: work.run,
            ..Discarded::default()
        };
        loop {
            let (inner, run, actor, note) = (inner.clone(), work.run, work.actor.clone(), note.cloned());
            let step = detached(async move {
                let Some((rows, looked_for)) = steps.next(&inner).await? else {
                    return Ok((steps, None));
                };
                let entries = match run {
                    Run::Dry => rows.len(),
                    Run::Real => {
                        let patience = Patience::with(inner.dialect);
                        loop {
                            match put_away(&inner, &rows, actor.as_ref(), note.as_ref()).await {
                                Err(error) if patience.lasts(&error).await => {}
                                outcome => break outcome?,
                            }
                        }
                    }
                };
                Ok((steps, Some((entries, looked_for))))
            });
            let found;
            (steps, found) = step.await?;
            let Some((entries, looked_for)) = found else {
                discarded.next = steps.rest();
                return Ok(discarded);
            };
            let count = |entries: usize| u64::try_from(entries).unwrap_or(u64::MAX);
            discarded.entries += count(entries);
            discarded.skipped += count(looked_for.saturating_sub(entries));
            let done = i64::try_from(discarded.entries + discarded.skipped).unwrap_or(i64::MAX);
            progress(Progress::new(done, steps.total));
        }
    }
}

async fn put_away(
    inner: &Inner,
    rows: &[QuarantineRow],
    actor: Option<&Label>,
    note: Option<&Label>,
) -> Result<usize, Error> {
    let transaction = inner.dialect.begin(&inner.writer).await?;
    position::lock(inner.dialect, &transaction, &inner.tables).await?;
    let same = unchanged(inner, &transaction, rows).await?;
    let mine = rows.iter().zip(same).filter(|(_, same)| *same);
    let numbers: Vec<i64> = mine.map(|(row, _)| row.entry.number).collect();
    set_state(inner, &transaction, &numbers, State::Discarded).await?;
    let done: Vec<Done> = numbers
        .iter()
        .map(|number| Done {
            entry: *number,
            action: Action::Discarded,
            detail: note.map(ToString::to_string),
        })
        .collect();
    record(inner, &transaction, now(), actor, &done).await?;
    transaction.commit().await?;
    Ok(numbers.len())
}
