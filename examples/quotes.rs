//! Insurance quotes as a stream, kept as tables that analysts read: followed in this collector's log, which a KurrentDB may feed.
//!
//! ```sh
//! cargo run --release -p event-examples --example quotes -- --kurrent 'kurrentdb://localhost:2113?tls=false'
//! curl -X POST http://localhost:8001/v1/events -H 'Content-Type: application/json' \
//!   -d "{\"category\": \"quote\", \"name\": \"quote_started\", \"data\": $(cat fixtures/quote_started.json)}"
//! sqlite3 quotes.db 'SELECT * FROM quotes; SELECT * FROM quote_items WHERE active'
//! curl 'http://localhost:8001/active?at=2020-03-24T00:00:00Z'
//! curl 'http://localhost:8001/active?from=2020-03-23T00:00:00Z&to=2020-03-24T00:00:00Z&minutes=60&quote=e3ae688a-ecee-48a5-8219-250f222e358d'
//! curl http://localhost:8001/parked; curl -X POST http://localhost:8001/parked/7/replay
//! curl http://localhost:8001/health/ready
//! ```
//!
//! The tables are `quotes`, `quote_items` and `quote_updates`, in the database of the events.

#![allow(clippy::print_stdout)]

use std::error::Error;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get, routing::post};
use clap::Parser;
use event_core::filter::Field;
use event_core::{Filter, StoredEvent, Timestamp};
use event_server::bridge::kurrent::Kurrent;
use event_server::{ServerConfig, config::KurrentUrl, router, serve};
use event_store::project::{Failure, ProjectOptions, Projection, Rows, Siblings};
use event_store::{EventStore, Options};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Number, json};

#[derive(Parser)]
struct Cli {
    /// Where the events and the tables are kept
    #[arg(long, default_value = "sqlite://quotes.db?mode=rwc")]
    database: String,
    #[arg(long, default_value_t = 8001)]
    port: u16,
    /// A KurrentDB (EventStoreDB) whose events feed the log
    #[arg(long)]
    kurrent: Option<KurrentUrl>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Cli {
        database,
        port,
        kurrent,
    } = Cli::parse();
    let store = EventStore::connect_with(&database, Options::new()).await?;
    // A quote's later events wait for the one that could not be applied: they would be about another state of it.
    let projector = store
        .project(Quotes, ProjectOptions::new().shards(4).siblings(Siblings::Wait))
        .await?;
    let mut config = ServerConfig::default();
    if let Some(url) = kurrent {
        let kurrent = Kurrent::new(url, "kurrentdb".parse()?);
        config.links.push(kurrent.link());
        tokio::spawn(kurrent.run(store.clone()));
    }
    let tables = Database::connect(&database).await?;
    let own = Router::new()
        .route("/active", get(active))
        .route("/parked", get(parked))
        .route("/parked/{position}/replay", post(replay))
        .with_state((store.clone(), tables));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    serve(listener, router(store.clone(), config).merge(own), stop).await;
    projector.stop().await;
    Ok(store.close().await?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Started {
    id: String,
    reference: String,
    timestamp: String,
    is_first_quote: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Updated {
    quote_id: String,
    products: Vec<Product>,
}

#[derive(Deserialize)]
struct Product {
    id: String,
    name: String,
    rates: Vec<Rate>,
}

#[derive(Deserialize)]
struct Rate {
    key: String,
    status: String,
    total: Number,
}

struct Quotes;

impl Projection for Quotes {
    fn name(&self) -> &str {
        "quotes"
    }

    fn filter(&self) -> Filter {
        Filter::new().equals(Field::Category, "quote")
    }

    fn tables(&self) -> &[&str] {
        &["quotes", "quote_items", "quote_updates"]
    }

    /// What is of one quote is applied in its order, wherever the quote's id stands.
    fn key(&self, event: &StoredEvent) -> String {
        let data = event.event.payload().root();
        let id = data
            .get("quoteId")
            .or_else(|| data.get("id"))
            .and_then(|id| Some(id.as_str()?.into_owned()));
        id.unwrap_or_default()
    }

    async fn create(&self, rows: &Rows<'_>) -> Result<(), Failure> {
        for table in include_str!("quotes.sql").split(';') {
            rows.define(table).await?;
        }
        Ok(())
    }

    async fn apply(&self, stored: &StoredEvent, rows: &Rows<'_>) -> Result<(), Failure> {
        match stored.event.envelope().event_type.name.as_str() {
            "quote_started" => start(read(stored)?, rows).await,
            "quote_products_updated" => update(read(stored)?, stored, rows).await,
            other => Err(Failure::lasting(format!(
                "nobody has said what {other} does to a quote"
            ))),
        }
    }
}

fn read<T: DeserializeOwned>(stored: &StoredEvent) -> Result<T, Failure> {
    serde_json::from_value(stored.event.payload().root().to_value()).map_err(Failure::lasting)
}

async fn start(quote: Started, rows: &Rows<'_>) -> Result<(), Failure> {
    let at: Timestamp = quote.timestamp.parse().map_err(Failure::lasting)?;
    let row = [
        ("id", quote.id.into()),
        ("reference", quote.reference.into()),
        ("started_at", at.as_micros().into()),
        ("first", i64::from(quote.is_first_quote).into()),
    ];
    rows.put("quotes", 1, row).await
}

/// The order of updates is that of their stream, or else that of the log.
async fn update(update: Updated, stored: &StoredEvent, rows: &Rows<'_>) -> Result<(), Failure> {
    let Updated {
        quote_id: quote,
        products,
    } = update;
    let envelope = stored.event.envelope();
    let number = envelope.sequence.unwrap_or(stored.position);
    let is_active = |rate: &Rate| rate.status == "active";
    let active = products
        .iter()
        .filter(|product| product.rates.iter().any(is_active))
        .count();
    let row = [
        ("quote", quote.as_str().into()),
        ("number", number.into()),
        ("happened_at", envelope.occurred_at.as_micros().into()),
        ("products", i64::try_from(active)?.into()),
    ];
    rows.put("quote_updates", 2, row).await?;
    let known = rows
        .query("SELECT newest FROM {quotes} WHERE id = ?", [quote.as_str().into()])
        .await?;
    let newest: Option<i64> = known.first().map_or(Ok(None), |row| row.try_get_by_index(0))?;
    if newest.is_some_and(|newest| newest >= number) {
        return Ok(());
    }
    rows.put("quotes", 1, [("id", quote.as_str().into()), ("newest", number.into())])
        .await?;
    rows.execute(
        "UPDATE {quote_items} SET active = 0 WHERE quote = ?",
        [quote.as_str().into()],
    )
    .await?;
    for product in &products {
        for rate in &product.rates {
            let row = [
                ("quote", quote.as_str().into()),
                ("product", product.id.as_str().into()),
                ("rate", rate.key.as_str().into()),
                ("name", product.name.as_str().into()),
                ("status", rate.status.as_str().into()),
                ("total", rate.total.to_string().into()),
                ("active", i64::from(is_active(rate)).into()),
            ];
            rows.put("quote_items", 3, row).await?;
        }
    }
    Ok(())
}

type Tables = State<(EventStore, DatabaseConnection)>;

#[derive(Deserialize)]
struct Asked {
    quote: Option<String>,
    at: Option<Timestamp>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    minutes: Option<i64>,
}

/// How many products are active, at an instant or from step to step, in one quote or in all.
async fn active(State((_, tables)): Tables, Query(asked): Query<Asked>) -> Result<Response, Wrong> {
    let (Some(from), Some(to)) = (asked.from.or(asked.at), asked.to.or(asked.at)) else {
        return Ok((StatusCode::BAD_REQUEST, "ask by at, or by from and to").into_response());
    };
    let step = asked.minutes.unwrap_or(60).max(1).saturating_mul(60_000_000);
    let most = to.as_micros().saturating_sub(from.as_micros()) / step;
    if !(0..1_000).contains(&most) {
        return Ok((StatusCode::BAD_REQUEST, "these are no steps, or more than 1,000").into_response());
    }
    let backend = tables.get_database_backend();
    let (one, quote) = match (asked.quote, backend) {
        (Some(quote), DbBackend::Postgres) => ("WHERE quote = $1", vec![quote.into()]),
        (Some(quote), _) => ("WHERE quote = ?", vec![quote.into()]),
        (None, _) => ("", Vec::new()),
    };
    // An update that was recorded before the one it follows counts from then on.
    let changes = format!(
        "SELECT happened_at, difference FROM (SELECT MAX(happened_at) OVER w AS happened_at, \
         products - COALESCE(LAG(products) OVER w, 0) AS difference FROM quote_updates {one} \
         WINDOW w AS (PARTITION BY quote ORDER BY number)) AS changes ORDER BY happened_at"
    );
    let changes = tables
        .query_all_raw(Statement::from_sql_and_values(backend, changes, quote))
        .await?;
    let change = |row: &QueryResult| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
    let changes = changes.iter().map(change).collect::<Result<Vec<(i64, i64)>, DbErr>>()?;
    let instants = (0..=most).map(|step_number| from.saturating_add_micros(step_number * step));
    let mut changes = changes.into_iter().peekable();
    let mut active = 0;
    let series = instants.map(|at| {
        while let Some((_, difference)) = changes.next_if(|(from, _)| *from <= at.as_micros()) {
            active += difference;
        }
        json!({"at": at, "active": active})
    });
    Ok(Json(series.collect::<Vec<_>>()).into_response())
}

async fn parked(State((store, _)): Tables) -> Result<Response, Wrong> {
    let parked = store.parked("quotes", 0, 1_000).await?;
    let parked = parked
        .iter()
        .map(|event| json!({"position": event.position, "id": event.event_id, "reason": event.reason}));
    Ok(Json(parked.collect::<Vec<_>>()).into_response())
}

async fn replay(State((store, _)): Tables, Path(position): Path<i64>) -> Result<Response, Wrong> {
    let marked = store.replay_parked("quotes", Some(&[position])).await?;
    Ok(Json(json!({"replayed": marked})).into_response())
}

/// The database is not there: whoever asks comes again.
struct Wrong(String);

impl<E: Error> From<E> for Wrong {
    fn from(error: E) -> Self {
        Wrong(error.to_string())
    }
}

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, self.0).into_response()
    }
}
