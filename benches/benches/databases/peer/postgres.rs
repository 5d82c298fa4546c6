//! `COPY` of binary rows into temporary tables, and from there into the store's.

use sea_orm::DatabaseConnection;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{AssertSqlSafe, Executor as _, Postgres};

use crate::rows::{Batch, CELL, COLUMNS, GROUP, SUMS, numbers};

/// The signature, flags, and the length of an extension that is not there.
const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

pub(crate) struct Peer {
    connection: PoolConnection<Postgres>,
    prefix: String,
}

/// Rows in the form that COPY reads.
struct Copy(Vec<u8>);

impl Copy {
    fn row(&mut self, columns: i16) {
        self.0.extend(columns.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend(i32::try_from(bytes.len()).unwrap().to_be_bytes());
        self.0.extend(bytes);
    }

    fn int(&mut self, int: i64) {
        self.bytes(&int.to_be_bytes());
    }

    fn null(&mut self) {
        self.0.extend((-1_i32).to_be_bytes());
    }
}

/// A row whose key is taken is left as it is.
fn stays(key: &str) -> String {
    format!("({key}) DO NOTHING")
}

impl Peer {
    pub(crate) async fn open(db: &DatabaseConnection, prefix: &str) -> Self {
        let mut connection = db.get_postgres_connection_pool().acquire().await.unwrap();
        for table in ["events", "trails", "cells", "groups"] {
            let sql = format!("CREATE TEMP TABLE new_{table} (LIKE {prefix}{table}) ON COMMIT DELETE ROWS");
            connection.execute(AssertSqlSafe(sql)).await.unwrap();
        }
        let prefix = prefix.to_owned();
        Peer { connection, prefix }
    }

    pub(crate) async fn append(&mut self, batch: &Batch) {
        self.connection.execute("BEGIN").await.unwrap();
        if !batch.trails.is_empty() {
            let mut copy = Copy(HEAD.to_vec());
            for (id, session, subject) in &batch.trails {
                copy.row(3);
                copy.int(*id);
                copy.bytes(session.as_bytes());
                copy.bytes(subject.as_bytes());
            }
            self.copy("trails", "id, session, subject", &stays("session, subject"), copy)
                .await;
        }
        let mut copy = Copy(HEAD.to_vec());
        for row in &batch.rows {
            copy.row(13);
            copy.int(row.position);
            copy.int(1);
            copy.bytes(&row.event_id);
            copy.int(row.kind);
            copy.int(row.trail);
            copy.null();
            copy.int(row.occurred_at);
            copy.int(row.occurred_at);
            copy.null();
            copy.int(row.flags);
            copy.bytes(&row.hash);
            copy.bytes(row.data.as_bytes());
            copy.null();
        }
        self.copy("events", COLUMNS, &stays("event_id, source_id"), copy).await;
        self.count(batch).await;
        self.connection.execute("COMMIT").await.unwrap();
    }

    async fn count(&mut self, batch: &Batch) {
        if !batch.groups.is_empty() {
            let mut copy = Copy(HEAD.to_vec());
            for (digest, texts) in &batch.groups {
                copy.row(4);
                copy.int(1);
                copy.bytes(digest);
                copy.bytes(digest);
                copy.bytes(texts.as_bytes());
            }
            self.copy("groups", GROUP, &stays("metric_id, digest"), copy).await;
        }
        if batch.cells.is_empty() {
            return;
        }
        let mut copy = Copy(HEAD.to_vec());
        for ((level, at, digest, exponent), cell) in &batch.cells {
            copy.row(11);
            copy.int(1);
            copy.int(*level);
            copy.int(*at);
            copy.bytes(digest);
            copy.int(*exponent);
            for number in numbers(cell) {
                copy.int(number);
            }
        }
        let cells = format!("{}cells", self.prefix);
        let sums = SUMS.map(|column| format!("{column} = {cells}.{column} + excluded.{column}"));
        let taken = format!(
            "(metric_id, level, at, digest, exponent) DO UPDATE SET {}, \
             least = LEAST({cells}.least, excluded.least), greatest = GREATEST({cells}.greatest, excluded.greatest)",
            sums.join(", ")
        );
        self.copy("cells", CELL, &taken, copy).await;
    }

    async fn copy(&mut self, table: &str, columns: &str, taken: &str, mut rows: Copy) {
        rows.0.extend((-1_i16).to_be_bytes());
        let sql = format!("COPY new_{table} ({columns}) FROM STDIN (FORMAT binary)");
        let mut copy = self.connection.copy_in_raw(&sql).await.unwrap();
        copy.send(rows.0).await.unwrap();
        copy.finish().await.unwrap();
        let sql = format!(
            "INSERT INTO {}{table} ({columns}) SELECT {columns} FROM new_{table} ON CONFLICT {taken}",
            self.prefix
        );
        // With no values, but prepared.
        let statement = sea_orm::sqlx::query(AssertSqlSafe(sql));
        statement.execute(&mut *self.connection).await.unwrap();
    }
}
