//! What an erasure has touched, written down step by step, so that one that is interrupted goes on.

use event_core::{Subject, Timestamp};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::micros;
use crate::entity::quarantine::hex;
use crate::error::Error;
use crate::inner::{Inner, now};
use crate::position;

/// The receipt of an erasure. It names nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Erasure {
    /// Its number; 0 where nothing was done.
    pub number: i64,
    /// The SHA-256 of the subject, in hexadecimal digits: whoever knows whom to ask for finds it.
    pub subject_sha256: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was done; absent where it was interrupted, or only tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// What was touched.
    pub touched: Touched,
}

/// How many rows of each table were touched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// Events that are gone, with their ids.
    pub events: u64,
    /// The place of the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_position: Option<i64>,
    /// The place of the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_position: Option<i64>,
    /// Pairs of session and subject that are gone.
    pub trails: u64,
    /// Entries of the quarantine that are gone.
    pub quarantine: u64,
    /// What was done to them, which is gone, too.
    pub quarantine_history: u64,
    /// Cells that count less now.
    pub cells_changed: u64,
    /// Cells that are gone.
    pub cells_removed: u64,
    /// Groups of cells that are gone.
    pub groups: u64,
    /// Sketches of different values that have fewer now, or are gone.
    #[serde(default)]
    pub sketches_changed: u64,
    /// Sketches of a minute that may still have a value of the subject's, once for each time they were come by:
    /// some of its events have no rows, and a sketch of many values cannot give one back.
    #[serde(default)]
    pub sketches_kept: u64,
}

impl Touched {
    fn add(&mut self, other: &Touched) {
        self.events += other.events;
        let positions = |touched: &Touched| [touched.first_position, touched.last_position];
        let all = positions(self).into_iter().chain(positions(other)).flatten();
        let (first, last) = (all.clone().min(), all.max());
        (self.first_position, self.last_position) = (first, last);
        self.trails += other.trails;
        self.quarantine += other.quarantine;
        self.quarantine_history += other.quarantine_history;
        self.cells_changed += other.cells_changed;
        self.cells_removed += other.cells_removed;
        self.groups += other.groups;
        self.sketches_changed += other.sketches_changed;
        self.sketches_kept += other.sketches_kept;
    }
}

impl Erasure {
    pub(super) fn dry(subject: &Subject, touched: Touched) -> Self {
        Erasure {
            number: 0,
            subject_sha256: name(subject),
            started_at: now(),
            finished_at: None,
            touched,
        }
    }

    fn read(row: &QueryResult) -> Result<Self, Error> {
        let time = |micros| Timestamp::from_micros(micros).map_err(|_| Error::corrupt("a time of no calendar"));
        let finished_at: Option<i64> = row.try_get_by_index(3)?;
        let receipt: String = row.try_get_by_index(4)?;
        Ok(Erasure {
            number: row.try_get_by_index(0)?,
            subject_sha256: row.try_get_by_index(1)?,
            started_at: time(row.try_get_by_index(2)?)?,
            finished_at: finished_at.map(time).transpose()?,
            touched: serde_json::from_str(&receipt).map_err(|_| Error::corrupt("a receipt that is none"))?,
        })
    }
}

const SELECT: &str = "SELECT id, subject, started_at, finished_at, receipt FROM {erasures}";

/// Every receipt.
pub(super) async fn all(inner: &Inner) -> Result<Vec<Erasure>, Error> {
    let sql = inner.tables.sql(&format!("{SELECT} ORDER BY id"));
    let rows = inner.reader.query_all_raw(inner.dialect.statement(&sql, [])).await?;
    rows.iter().map(Erasure::read).collect()
}

/// What stands for a subject.
fn name(subject: &Subject) -> String {
    hex(&sha2::Sha256::digest(subject.as_str().as_bytes()))
}

/// An erasure that is on its way.
#[derive(Clone, Debug)]
pub(super) struct Open {
    number: i64,
}

impl Open {
    /// The erasure of this subject that was interrupted, or a new one if there is anything to erase.
    pub(super) async fn begin(inner: &Inner, subject: &Subject, known: bool) -> Result<Option<Self>, Error> {
        let transaction = inner.dialect.begin(&inner.writer).await?;
        position::lock(inner.dialect, &transaction, &inner.tables).await?;
        let name = name(subject);
        let sql = inner
            .tables
            .sql("SELECT MAX(id) FROM {erasures} WHERE subject = ? AND finished_at IS NULL");
        let open = |sql: &str| inner.dialect.statement(sql, [name.as_str().into()]);
        let row = transaction.query_one_raw(open(&sql)).await?;
        let mut number: Option<i64> = row.map(|row| row.try_get_by_index(0)).transpose()?.flatten();
        if number.is_none() && known {
            let insert = inner
                .tables
                .sql("INSERT INTO {erasures} (subject, started_at, receipt) VALUES (?, ?, ?)");
            let receipt = serde_json::to_string(&Touched::default()).unwrap_or_default();
            let values: [Value; 3] = [name.as_str().into(), micros(now()), receipt.into()];
            transaction
                .execute_raw(inner.dialect.statement(&insert, values))
                .await?;
            let row = transaction.query_one_raw(open(&sql)).await?;
            number = row.map(|row| row.try_get_by_index(0)).transpose()?.flatten();
        }
        transaction.commit().await?;
        Ok(number.map(|number| Open { number }))
    }

    async fn read(&self, inner: &Inner, db: &impl ConnectionTrait) -> Result<Erasure, Error> {
        let sql = inner.tables.sql(&format!("{SELECT} WHERE id = ?"));
        let row = db
            .query_one_raw(inner.dialect.statement(&sql, [self.number.into()]))
            .await?;
        Erasure::read(&row.ok_or_else(|| Error::corrupt("an erasure without its receipt"))?)
    }

    /// Writes down what a step touches, in its transaction.
    pub(super) async fn add(&self, inner: &Inner, db: &impl ConnectionTrait, step: &Touched) -> Result<(), Error> {
        let mut touched = self.read(inner, db).await?.touched;
        touched.add(step);
        let sql = inner.tables.sql("UPDATE {erasures} SET receipt = ? WHERE id = ?");
        let receipt = serde_json::to_string(&touched).unwrap_or_default();
        let values: [Value; 2] = [receipt.into(), self.number.into()];
        db.execute_raw(inner.dialect.statement(&sql, values)).await?;
        Ok(())
    }

    /// All is gone.
    pub(super) async fn finish(&self, inner: &Inner) -> Result<Erasure, Error> {
        let transaction = inner.dialect.begin(&inner.writer).await?;
        position::lock(inner.dialect, &transaction, &inner.tables).await?;
        let sql = inner
            .tables
            .sql("UPDATE {erasures} SET finished_at = ? WHERE id = ? AND finished_at IS NULL");
        let values: [Value; 2] = [micros(now()), self.number.into()];
        transaction.execute_raw(inner.dialect.statement(&sql, values)).await?;
        let erasure = self.read(inner, &transaction).await?;
        transaction.commit().await?;
        Ok(erasure)
    }
}
