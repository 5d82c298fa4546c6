//! The projection that is measured: how many orders each customer has, and what they cost.

use std::sync::Arc;
use std::time::Instant;

use event_benches::backend::Backend;
use event_core::StoredEvent;
use event_store::EventStore;
use event_store::project::{Failure, Projection, Rows};
use sea_orm::ConnectionTrait as _;
use tokio::sync::mpsc::UnboundedSender;

/// What a row is changed by; customers that have none yet get one by [`INSERT`].
pub(crate) const UPDATE: &str = "UPDATE {totals} SET n = n + 1, cents = cents + ? WHERE customer = ?";
pub(crate) const INSERT: &str = "INSERT INTO {totals} (customer, n, cents) VALUES (?, 1, ?)";

/// Makes a table of its own for each name.
pub(crate) struct Totals {
    pub(crate) name: String,
    /// The name of the view, leaked once a round.
    table: [&'static str; 1],
    /// Who is told that an event is being applied.
    told: Option<Arc<UnboundedSender<(i64, Instant)>>>,
}

impl Totals {
    pub(crate) fn new(name: &str) -> Self {
        Totals {
            name: name.to_owned(),
            table: [Box::leak(format!("follow_{name}").into_boxed_str())],
            told: None,
        }
    }

    pub(crate) fn telling(mut self, told: UnboundedSender<(i64, Instant)>) -> Self {
        self.told = Some(Arc::new(told));
        self
    }

    /// The name of the view.
    pub(crate) fn view(&self) -> &'static str {
        self.table[0]
    }

    fn sql(&self, template: &str) -> String {
        template.replace("totals", self.table[0])
    }
}

/// The customer and the cents of an order.
pub(crate) fn order(stored: &StoredEvent) -> (String, i64) {
    let subject = stored.event.envelope().subject.as_ref();
    let total = stored.event.payload().root().get("total");
    let total = total.map_or(String::new(), |total| total.to_value().to_string());
    (subject.map_or(String::new(), ToString::to_string), cents(&total))
}

/// `12.5` as 1250.
pub(crate) fn cents(total: &str) -> i64 {
    let (whole, part) = total.split_once('.').unwrap_or((total, ""));
    let part = format!("{part:0<2}");
    whole.parse::<i64>().unwrap_or(0) * 100 + part[..2].parse::<i64>().unwrap_or(0)
}

impl Projection for Totals {
    fn name(&self) -> &str {
        &self.name
    }

    fn tables(&self) -> &[&str] {
        &self.table
    }

    async fn create(&self, rows: &Rows<'_>) -> Result<(), Failure> {
        let create = "CREATE TABLE IF NOT EXISTS {totals} (customer {text:100} NOT NULL PRIMARY KEY, n {int} NOT NULL, \
                      cents {int} NOT NULL) {table}";
        rows.define(&self.sql(create)).await
    }

    async fn apply(&self, stored: &StoredEvent, rows: &Rows<'_>) -> Result<(), Failure> {
        if let Some(told) = &self.told {
            let _ = told.send((stored.position, Instant::now()));
        }
        let (customer, cents) = order(stored);
        let known = rows
            .execute(&self.sql(UPDATE), [cents.into(), customer.as_str().into()])
            .await?;
        if known == 0 {
            rows.execute(&self.sql(INSERT), [customer.into(), cents.into()]).await?;
        }
        Ok(())
    }
}

/// Takes away what a projection has made, on a server that others use, too.
pub(crate) async fn clean(backend: &Backend, store: &EventStore, views: &[&str]) {
    store.close().await.unwrap();
    if let Backend::Sqlite(_) = backend {
        return;
    }
    let db = backend.connection("clean").await;
    for view in views {
        for sql in [
            format!("DROP VIEW IF EXISTS {view}"),
            format!("DROP TABLE IF EXISTS {view}_g1"),
        ] {
            db.execute_unprepared(&sql).await.unwrap();
        }
    }
    db.close().await.unwrap();
    backend.clean().await;
}
