//! What a judgement leaves of an entry: its state, and the newest reason.

use event_core::{Code, Violation};
use sea_orm::{ConnectionTrait, Value};

use super::State;
use crate::dialect::Transaction;
use crate::entity::quarantine::QuarantineRow;
use crate::error::Error;
use crate::inner::Inner;
use crate::keep::digest;

/// Those of the entries that nobody has changed since they were read. The transaction has the lock of
/// all writers, so that nobody will, either.
pub(super) async fn unchanged(inner: &Inner, db: &Transaction, rows: &[QuarantineRow]) -> Result<Vec<bool>, Error> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let sql = inner
        .tables
        .sql("SELECT id, revision, state FROM {quarantine} WHERE id IN ");
    let sql = format!("{sql}({})", numbers(rows.iter().map(|row| row.entry.number)));
    let mut found = std::collections::HashMap::new();
    for row in db.query_all_raw(inner.dialect.statement(&sql, [])).await? {
        let (number, revision, state): (i64, i64, String) = (
            row.try_get_by_index(0)?,
            row.try_get_by_index(1)?,
            row.try_get_by_index(2)?,
        );
        found.insert(number, (revision, state));
    }
    let is_same = |row: &QuarantineRow| {
        let now = found.get(&row.entry.number);
        now.is_some_and(|(revision, state)| *revision == row.revision && state == row.entry.state.as_str())
    };
    Ok(rows.iter().map(is_same).collect())
}

/// Numbers as a list of SQL.
pub(super) fn numbers(numbers: impl Iterator<Item = i64>) -> String {
    numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(", ")
}

/// These entries are in this state from now on.
pub(super) async fn set_state(inner: &Inner, db: &Transaction, entries: &[i64], state: State) -> Result<(), Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let sql = inner.tables.sql("UPDATE {quarantine} SET state = ? WHERE id IN ");
    let sql = format!("{sql}({})", numbers(entries.iter().copied()));
    db.execute_raw(inner.dialect.statement(&sql, [state.as_str().into()]))
        .await?;
    Ok(())
}

/// An entry was refused again: it stays, with the newest reason.
pub(super) async fn refused_again(
    inner: &Inner,
    db: &Transaction,
    row: &QuarantineRow,
    code: Code,
    violations: &[Violation],
) -> Result<(), Error> {
    if code == row.entry.code && violations == row.entry.violations {
        return Ok(());
    }
    let number = row.entry.number;
    let sql = inner
        .tables
        .sql("UPDATE {quarantine} SET code = ?, violations = ? WHERE id = ?");
    let violations = serde_json::to_string(violations).unwrap_or_default();
    let values: [Value; 3] = [code.as_str().into(), violations.into(), number.into()];
    db.execute_raw(inner.dialect.statement(&sql, values)).await?;
    if row.entry.edited.is_some() || row.entry.sha256.is_some() {
        return Ok(());
    }
    // The very document will be refused for the new reason should it come again, and is to be found then.
    let digest = digest(&row.entry.source, code, &row.raw);
    let known = inner.tables.sql("SELECT id FROM {quarantine} WHERE digest = ?");
    let known = inner.dialect.statement(&known, [digest.clone().into()]);
    if db.query_one_raw(known).await?.is_none() {
        let sql = inner.tables.sql("UPDATE {quarantine} SET digest = ? WHERE id = ?");
        let values: [Value; 2] = [digest.into(), number.into()];
        db.execute_raw(inner.dialect.statement(&sql, values)).await?;
    }
    Ok(())
}
