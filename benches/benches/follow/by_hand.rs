//! The peer: a loop that reads the log by position and changes rows by hand, in one transaction for each page, as an
//! expert would write it for the one database at hand: no shards, no leases, nothing parked, no filter.

use std::time::{Duration, Instant};

use event_benches::backend::Backend;
use sea_orm::{ConnectionTrait, DatabaseConnection, QueryResult, TransactionTrait as _};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use crate::totals::{INSERT, UPDATE, cents};

/// Events of a transaction: as many as a projection takes.
const PAGE: usize = 500;

pub(crate) struct ByHand<'a> {
    backend: &'a Backend,
    db: DatabaseConnection,
    prefix: &'static str,
}

impl<'a> ByHand<'a> {
    pub(crate) async fn open(backend: &'a Backend, prefix: &'static str) -> Self {
        let db = backend.connection(prefix).await;
        ByHand { backend, db, prefix }
    }

    /// The events behind a place: position, customer, data.
    async fn page(&self, after: i64) -> Vec<QueryResult> {
        let data = match self.backend {
            Backend::Postgres(_) => "CAST(e.data AS TEXT)",
            _ => "e.data",
        };
        let sql = format!(
            "SELECT e.position, t.subject, {data} FROM {0}events e LEFT JOIN {0}trails t ON t.id = e.trail_id \
             WHERE e.position > ? ORDER BY e.position LIMIT {PAGE}",
            self.prefix
        );
        let statement = self.backend.statement(&sql, vec![after.into()]);
        self.db.query_all_raw(statement).await.unwrap()
    }

    /// Makes a table anew from the start of the log up to a place.
    pub(crate) async fn rebuild(&self, table: &str, head: i64) {
        let (update, insert) = (UPDATE.replace("{totals}", table), INSERT.replace("{totals}", table));
        let checkpoint = format!("UPDATE {table}_place SET position = ?");
        for sql in [
            format!(
                "CREATE TABLE {table} (customer VARCHAR(100) NOT NULL PRIMARY KEY, n BIGINT NOT NULL, cents BIGINT NOT NULL)"
            ),
            format!("CREATE TABLE {table}_place (position BIGINT NOT NULL)"),
            format!("INSERT INTO {table}_place (position) VALUES (0)"),
        ] {
            self.db.execute_unprepared(&sql).await.unwrap();
        }
        let mut after = 0;
        while after < head {
            let page = self.page(after).await;
            let transaction = self.db.begin().await.unwrap();
            for row in &page {
                let (customer, data): (Option<String>, String) =
                    (row.try_get_by_index(1).unwrap(), row.try_get_by_index(2).unwrap());
                let data: Value = serde_json::from_str(&data).unwrap();
                let cents = cents(&data["total"].to_string());
                let customer = customer.unwrap_or_default();
                let values = vec![cents.into(), customer.as_str().into()];
                let done = transaction.execute_raw(self.backend.statement(&update, values)).await;
                if done.unwrap().rows_affected() == 0 {
                    let values = vec![customer.into(), cents.into()];
                    let done = transaction.execute_raw(self.backend.statement(&insert, values)).await;
                    done.unwrap();
                }
            }
            after = page.last().unwrap().try_get_by_index(0).unwrap();
            let written = self.backend.statement(&checkpoint, vec![after.into()]);
            transaction.execute_raw(written).await.unwrap();
            transaction.commit().await.unwrap();
        }
    }

    /// Asks again and again for what is new, with a pause between; ends when nobody listens.
    pub(crate) async fn poll(&self, mut after: i64, pause: Duration, told: UnboundedSender<(i64, Instant)>) {
        loop {
            for row in self.page(after).await {
                after = row.try_get_by_index(0).unwrap();
                if told.send((after, Instant::now())).is_err() {
                    return;
                }
            }
            if told.is_closed() {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Rows, orders and cents of a table.
    pub(crate) async fn sums(&self, table: &str) -> (i64, i64, i64) {
        let number = if let Backend::MariaDb(_) = self.backend {
            "SIGNED"
        } else {
            "BIGINT"
        };
        let sql = format!("SELECT COUNT(*), CAST(SUM(n) AS {number}), CAST(SUM(cents) AS {number}) FROM {table}");
        let row = self.db.query_one_raw(self.backend.statement(&sql, Vec::new())).await;
        let row = row.unwrap().unwrap();
        let cell = |column| row.try_get_by_index(column).unwrap();
        (cell(0), cell(1), cell(2))
    }

    /// How many events there are.
    pub(crate) async fn count(&self) -> usize {
        let sql = format!("SELECT COUNT(*) FROM {}events", self.prefix);
        let row = self.db.query_one_raw(self.backend.statement(&sql, Vec::new())).await;
        let count: i64 = row.unwrap().unwrap().try_get_by_index(0).unwrap();
        usize::try_from(count).unwrap()
    }

    /// Takes its table away.
    pub(crate) async fn drop(&self, table: &str) {
        for table in [table.to_owned(), format!("{table}_place")] {
            self.db
                .execute_unprepared(&format!("DROP TABLE {table}"))
                .await
                .unwrap();
        }
    }

    pub(crate) async fn close(self) {
        self.db.close().await.unwrap();
    }
}
