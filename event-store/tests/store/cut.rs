//! All connections of a server's database are ended, but for one.

use sea_orm::{ConnectionTrait as _, DatabaseBackend, DatabaseConnection, DbErr, Statement};

/// Ends all others, and says how many there were.
pub(crate) async fn all(db: &DatabaseConnection) -> Result<usize, DbErr> {
    let backend = db.get_database_backend();
    let ask = async |sql: &str| db.query_all_raw(Statement::from_string(backend, sql)).await;
    if backend != DatabaseBackend::MySql {
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                      WHERE pid <> pg_backend_pid() AND datname = current_database()";
        return Ok(ask(others).await?.len());
    }
    let others = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist \
                  WHERE id <> CONNECTION_ID() AND db IS NOT NULL";
    let others = ask(others).await?;
    for other in &others {
        // One that has ended by itself meanwhile is no matter.
        let id: i64 = other.try_get_by_index(0)?;
        let _ = db.execute_unprepared(&format!("KILL {id}")).await;
    }
    Ok(others.len())
}
