//! Prepared statements of many rows.

use sea_orm::DatabaseConnection;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{AssertSqlSafe, Executor as _, MySql};

use crate::rows::{Batch, CELL, COLUMNS, GROUP, SUMS, numbers};

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
        self.count(batch).await;
        self.connection.execute("COMMIT").await.unwrap();
    }

    async fn count(&mut self, batch: &Batch) {
        for groups in batch.groups.chunks(50) {
            let rows = vec!["(1, ?, ?, ?)"; groups.len()].join(", ");
            let sql = format!("INSERT INTO {}groups ({GROUP}) VALUES {rows}", self.prefix);
            let mut statement = sea_orm::sqlx::query(AssertSqlSafe(sql));
            for (digest, texts) in groups {
                statement = statement.bind(&digest[..]).bind(&digest[..]).bind(texts);
            }
            statement.execute(&mut *self.connection).await.unwrap();
        }
        let sums = SUMS
            .map(|column| format!("{column} = {column} + VALUES({column})"))
            .join(", ");
        for cells in batch.cells.chunks(150) {
            let rows = vec!["(1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"; cells.len()].join(", ");
            let sql = format!(
                "INSERT INTO {}cells ({CELL}) VALUES {rows} ON DUPLICATE KEY UPDATE {sums}, \
                 least = LEAST(least, VALUES(least)), greatest = GREATEST(greatest, VALUES(greatest))",
                self.prefix
            );
            let mut statement = sea_orm::sqlx::query(AssertSqlSafe(sql));
            for ((level, at, digest, exponent), cell) in cells {
                statement = statement.bind(level).bind(at).bind(&digest[..]).bind(exponent);
                for number in numbers(cell) {
                    statement = statement.bind(number);
                }
            }
            statement.execute(&mut *self.connection).await.unwrap();
        }
    }
}
