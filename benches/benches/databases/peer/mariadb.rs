//! Prepared statements of many rows.

use sea_orm::DatabaseConnection;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{AssertSqlSafe, Executor as _, MySql};

use crate::rows::{Batch, COLUMNS};

pub(crate) struct Peer {
    connection: PoolConnection<MySql>,
    prefix: String,
}

impl Peer {
    pub(crate) async fn open(db: &DatabaseConnection, prefix: &str) -> Self {
        let mut connection = db.get_mysql_connection_pool().acquire().await.unwrap();
        let isolation = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
        connection.execute(isolation).await.unwrap();
        let prefix = prefix.to_owned();
        Peer { connection, prefix }
    }

    pub(crate) async fn append(&mut self, batch: &Batch) {
        self.connection.execute("START TRANSACTION").await.unwrap();
        // As many rows at once as there are; for trails a number that is the same again and again,
        // so that a statement is prepared once.
        for trails in batch.trails.chunks(50) {
            let rows = vec!["(?, ?, ?)"; trails.len()].join(", ");
            let sql = format!("INSERT INTO {}trails (id, session, subject) VALUES {rows}", self.prefix);
            let mut statement = sea_orm::sqlx::query(AssertSqlSafe(sql));
            for (id, session, subject) in trails {
                statement = statement.bind(id).bind(session).bind(subject);
            }
            statement.execute(&mut *self.connection).await.unwrap();
        }
        let rows = vec!["(?, 1, ?, ?, ?, NULL, ?, ?, NULL, ?, ?, ?, NULL)"; batch.rows.len()].join(", ");
        let sql = format!(
            "INSERT INTO {}events ({COLUMNS}) VALUES {rows} ON DUPLICATE KEY UPDATE event_id = event_id",
            self.prefix
        );
        let mut statement = sea_orm::sqlx::query(AssertSqlSafe(sql));
        for row in &batch.rows {
            statement = statement
                .bind(row.position)
                .bind(&row.event_id)
                .bind(row.kind)
                .bind(row.trail)
                .bind(row.occurred_at)
                .bind(row.occurred_at)
                .bind(row.flags)
                .bind(&row.hash)
                .bind(&row.data);
        }
        statement.execute(&mut *self.connection).await.unwrap();
        self.connection.execute("COMMIT").await.unwrap();
    }
}
