//! Numbered changes of the tables, each made once, in order, and recorded in a table of our own.
//!
//! `sea-orm-migration` is not used: it switches on every default feature of `sea-orm` and a log
//! subscriber in every application that adds this crate, and knows no table prefix.

mod m0001_first_tables;
mod m0002_metrics;
mod m0003_api_keys;
mod m0004_losses;
mod m0005_imports;
mod m0006_quarantine_work;
mod m0007_shadows;
mod m0008_sketches;
mod m0009_upcasters;
mod m0010_rights;
mod m0011_followers;
mod m0012_bookmarks;
mod m0013_parked_history;
mod m0014_revisions;
mod layout;

pub(crate) use layout::{Layout, layouts};

use sea_orm::{ConnectionTrait, DatabaseConnection};

use crate::dialect::{Dialect, already_there};
use crate::error::Error;
use crate::tables::Tables;

/// The statements of each migration; its number is its place, from 1.
const MIGRATIONS: [&[&str]; 14] = [
    m0001_first_tables::UP,
    m0002_metrics::UP,
    m0003_api_keys::UP,
    m0004_losses::UP,
    m0005_imports::UP,
    m0006_quarantine_work::UP,
    m0007_shadows::UP,
    m0008_sketches::UP,
    m0009_upcasters::UP,
    m0010_rights::UP,
    m0011_followers::UP,
    m0012_bookmarks::UP,
    m0013_parked_history::UP,
    m0014_revisions::UP,
];

/// Brings the tables up to date. Safe to run again, and from several processes at once.
pub(crate) async fn migrate(dialect: Dialect, db: &DatabaseConnection, tables: &Tables) -> Result<(), Error> {
    let sql = |template: &str| dialect.ddl(&tables.sql(template));
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    // Looked at first without writing: a newer database is left as it is.
    let found = applied(dialect, db, tables).await.unwrap_or(0);
    if found == UNFINISHED {
        return Err(Error::Unfinished);
    }
    if found > known {
        return Err(Error::SchemaTooNew { found, known });
    }
    if found == known {
        return Ok(());
    }
    let transaction = dialect.begin(db).await?;
    let name = || [tables.sql("event-store {migrations}").into()];
    if let Some(lock) = dialect.lock_tables() {
        transaction.execute_raw(dialect.statement(lock, name())).await?;
    }
    transaction
        .execute_unprepared(&sql(
            "CREATE TABLE IF NOT EXISTS {migrations} (version {int} NOT NULL PRIMARY KEY) {table}",
        ))
        .await?;
    // Asked again under the lock: another process may have been faster.
    let found = applied(dialect, &transaction, tables).await?;
    for (number, statements) in (1..).zip(MIGRATIONS).skip_while(|(number, _)| *number <= found) {
        for statement in statements {
            match transaction.execute_unprepared(&sql(statement)).await {
                Err(error) if !already_there(&error) => return Err(error.into()),
                _ => {}
            }
        }
        let record = tables.sql("INSERT INTO {migrations} (version) VALUES (?)");
        transaction
            .execute_raw(dialect.statement(&record, [number.into()]))
            .await?;
    }
    if let Some(unlock) = dialect.unlock_tables() {
        transaction.execute_raw(dialect.statement(unlock, name())).await?;
    }
    transaction.commit().await
}

/// What stands among the migrations of a store while it is filled from another one: no program opens it then.
const UNFINISHED: i64 = 1_000_000;

/// Whether a store is being filled, or was and never got all.
pub(crate) async fn is_unfinished(dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> bool {
    matches!(applied(dialect, db, tables).await, Ok(UNFINISHED))
}

/// Says that a store is being filled, or that it is full.
pub(crate) async fn mark(
    unfinished: bool,
    dialect: Dialect,
    db: &impl ConnectionTrait,
    tables: &Tables,
) -> Result<(), Error> {
    let sql = if unfinished {
        "INSERT INTO {migrations} (version) VALUES (?)"
    } else {
        "DELETE FROM {migrations} WHERE version = ?"
    };
    let statement = dialect.statement(&tables.sql(sql), [UNFINISHED.into()]);
    db.execute_raw(statement).await?;
    Ok(())
}

async fn applied(dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> Result<i64, Error> {
    let statement = dialect.statement(&tables.sql("SELECT COALESCE(MAX(version), 0) FROM {migrations}"), []);
    let row = db
        .query_one_raw(statement)
        .await?
        .ok_or_else(|| Error::corrupt("no row for a maximum"))?;
    Ok(row.try_get_by_index(0)?)
}
