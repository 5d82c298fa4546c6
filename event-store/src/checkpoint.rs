//! How far an import has come: written in the transaction that stores the rows, so that it is never
//! ahead of them and never behind.

mod tally;
mod reject;

use event_core::{Timestamp, Verdict};
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};

pub use tally::Tally;

pub(crate) use reject::{HEAD, Places, Reject};

use crate::dialect::{Dialect, Transaction};
use crate::error::Error;
use crate::position;
use crate::tables::Tables;

/// How far an import has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// The byte at which the next record begins, in the decompressed file.
    pub(crate) offset: u64,
    /// The line that it is on.
    pub(crate) line: u64,
    /// The byte up to which the file was read, and the hash of all before it.
    pub(crate) checked: u64,
    pub(crate) hash: String,
    /// The hash of a last record without line end, which begins at `offset` and may still grow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tail: Option<String>,
    /// What became of the rows since the last time that the file was read to its end.
    pub(crate) pass: Tally,
    /// Of those before, in the last pass and in all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<Tally>,
    pub(crate) earlier: Tally,
    /// How long the file of rejects was before the last batch, and what that batch adds to it.
    pub(crate) rejects_bytes: u64,
    pub(crate) rejects: String,
    /// Whether the file was read to its end.
    pub(crate) finished: bool,
}

impl Checkpoint {
    /// All rows, those of earlier passes included.
    pub(crate) fn total(&self) -> Tally {
        let mut total = self.earlier.clone();
        total.add(&self.pass);
        total
    }

    /// Begins another pass, over what has been added to the file.
    pub(crate) fn next_pass(mut self) -> Self {
        self.earlier = self.total();
        self.previous = Some(std::mem::take(&mut self.pass));
        self.finished = false;
        self
    }

    /// Begins another pass, over all of the file.
    pub(crate) fn over(self) -> Self {
        let Checkpoint { previous, earlier, .. } = match self.finished {
            true => self.next_pass(),
            false => Checkpoint {
                earlier: self.total(),
                ..self
            },
        };
        Checkpoint {
            previous,
            earlier,
            ..Checkpoint::default()
        }
    }
}

/// A row of the file on its way to the store.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) line: u64,
    pub(crate) offset: u64,
    pub(crate) occurred_at: Option<Timestamp>,
    /// What became of it, where it never comes to the store.
    pub(crate) dropped: Option<Verdict>,
}

/// Which run of which import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) digest: [u8; 16],
    pub(crate) fence: i64,
}

/// What is to be written with the rows of a batch.
#[derive(Debug)]
pub(crate) struct Mark {
    /// `None` for an import that cannot be taken up again, and so is written nowhere.
    pub(crate) run: Option<Run>,
    /// How often was written before.
    pub(crate) step: i64,
    /// How far it has come with this batch, but for what becomes of its rows.
    pub(crate) checkpoint: Checkpoint,
    pub(crate) rows: Vec<Row>,
    /// Which column of the file a rule is about.
    pub(crate) places: std::sync::Arc<Places>,
}

impl Mark {
    /// How far the import has come, once the entries of its batch have these verdicts.
    pub(crate) fn after(&self, verdicts: &[Verdict]) -> Checkpoint {
        let mut after = self.checkpoint.clone();
        after.rejects.clear();
        let mut kept = verdicts.iter();
        for row in &self.rows {
            let Some(verdict) = row.dropped.as_ref().or_else(|| kept.next()) else {
                break;
            };
            after.pass.count(verdict, row.occurred_at);
            if let Some(reject) = Reject::of(row, verdict, &self.places) {
                reject.write(&mut after.rejects);
            }
        }
        after
    }

    /// Writes how far the import has come, unless another run of it has begun, or this was written before.
    pub(crate) async fn write(
        &self,
        dialect: Dialect,
        db: &Transaction,
        tables: &Tables,
        verdicts: &[Verdict],
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(run) = self.run else { return Ok(()) };
        let after = self.after(verdicts);
        let state = serde_json::to_string(&after).map_err(|_| Error::corrupt("no JSON"))?;
        let update = tables.sql(
            "UPDATE {imports} SET step = step + 1, state = ?, updated_at = ?, finished_at = ? \
             WHERE digest = ? AND fence = ? AND step = ?",
        );
        let values: [Value; 6] = [
            state.into(),
            now.as_micros().into(),
            after.finished.then(|| now.as_micros()).into(),
            run.digest.to_vec().into(),
            run.fence.into(),
            self.step.into(),
        ];
        let written = db.execute_raw(dialect.statement(&update, values)).await?;
        if written.rows_affected() == 1 {
            Ok(())
        } else {
            Err(Error::ImportTaken)
        }
    }
}

/// What is written of an import.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) fence: i64,
    pub(crate) step: i64,
    pub(crate) checkpoint: Checkpoint,
}

/// Reads how far an import has come, if it was ever begun.
pub(crate) async fn read(
    dialect: Dialect,
    db: &impl ConnectionTrait,
    tables: &Tables,
    digest: &[u8; 16],
) -> Result<Option<Written>, Error> {
    let select = tables.sql("SELECT fence, step, state FROM {imports} WHERE digest = ?");
    let statement = dialect.statement(&select, [digest.to_vec().into()]);
    let Some(row) = db.query_one_raw(statement).await? else {
        return Ok(None);
    };
    let state: String = row.try_get_by_index(2)?;
    let checkpoint = serde_json::from_str(&state).map_err(|_| Error::corrupt("a malformed checkpoint"))?;
    Ok(Some(Written {
        fence: row.try_get_by_index(0)?,
        step: row.try_get_by_index(1)?,
        checkpoint,
    }))
}

/// Begins a run of an import: from now on no other run of it writes.
pub(crate) async fn begin(
    dialect: Dialect,
    transaction: Transaction,
    tables: &Tables,
    digest: [u8; 16],
    name: &str,
    now: Timestamp,
) -> Result<Written, Error> {
    // Whoever has the lock is the only one who looks.
    position::lock(dialect, &transaction, tables).await?;
    let found = read(dialect, &transaction, tables, &digest).await?;
    let written = match found {
        Some(found) => {
            let update = tables.sql("UPDATE {imports} SET fence = fence + 1, updated_at = ? WHERE digest = ?");
            let values: [Value; 2] = [now.as_micros().into(), digest.to_vec().into()];
            transaction.execute_raw(dialect.statement(&update, values)).await?;
            let fence = found.fence + 1;
            Written { fence, ..found }
        }
        None => {
            let checkpoint = Checkpoint::default();
            let state = serde_json::to_string(&checkpoint).map_err(|_| Error::corrupt("no JSON"))?;
            let insert = tables.sql(
                "INSERT INTO {imports} (digest, name, fence, step, state, started_at, updated_at) \
                 VALUES (?, ?, 1, 0, ?, ?, ?)",
            );
            let values: [Value; 5] = [
                digest.to_vec().into(),
                name.into(),
                state.into(),
                now.as_micros().into(),
                now.as_micros().into(),
            ];
            transaction.execute_raw(dialect.statement(&insert, values)).await?;
            let (fence, step) = (1, 0);
            Written {
                fence,
                step,
                checkpoint,
            }
        }
    };
    transaction.commit().await?;
    Ok(written)
}
