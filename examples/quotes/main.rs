//! Insurance quotes as a stream, kept as tables that analysts read: followed in this collector's log, which a KurrentDB may feed.
//!
//! ```sh
//! cargo run --release -p event-examples --example quotes -- --kurrent 'kurrentdb://localhost:2113?tls=false'
//! curl -X POST http://localhost:8001/v1/events -H 'Content-Type: application/json' \
//!   -d "{\"category\": \"quote\", \"name\": \"quote_started\", \"data\": $(cat fixtures/quote_started.json)}"
//! sqlite3 quotes.db 'SELECT * FROM quotes; SELECT * FROM quote_items WHERE active'
//! curl 'http://localhost:8001/active?at=2020-03-24T00:00:00Z'
//! curl 'http://localhost:8001/active?from=2020-03-23T00:00:00Z&to=2020-03-24T00:00:00Z&minutes=60&quote=e3ae688a-ecee-48a5-8219-250f222e358d'
//! curl http://localhost:8001/v1/projections/quotes/parked; curl -X POST http://localhost:8001/v1/projections/quotes/parked/7/replay
//! curl http://localhost:8001/health/ready
//! ```
//!
//! The tables are `quotes`, `quote_items` and `quote_updates`, in the database of the events.

#![allow(clippy::print_stdout)]

mod tables;

use std::error::Error;
use std::fmt::Display;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use clap::Parser;
use event_core::Timestamp;
use event_core::query::Parameters;
use event_server::bridge::kurrent::Kurrent;
use event_server::{ServerConfig, config::KurrentUrl, router, serve};
use event_store::project::{ProjectOptions, Siblings};
use event_store::{EventStore, Options};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

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
    // A quote's later events wait for the one that could not be applied: they would be about another state of it. Whoever
    // starts after a crash takes over after two seconds.
    let options = ProjectOptions::new().shards(4).siblings(Siblings::Wait);
    let projector = store
        .project(tables::Quotes, options.lease(Duration::from_secs(2)))
        .await?;
    let mut config = ServerConfig::default();
    if let Some(url) = kurrent {
        let kurrent = Kurrent::new(url, "kurrentdb".parse()?);
        config.links.push(kurrent.link());
        tokio::spawn(kurrent.run(store.clone()));
    }
    let tables = Database::connect(&database).await?;
    let own = Router::new().route("/active", get(active)).with_state(tables);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    serve(listener, router(store.clone(), config).merge(own), stop).await;
    projector.stop().await;
    Ok(store.close().await?)
}

/// How many products are active, at an instant or from step to step, in one quote or in all.
async fn active(State(tables): State<DatabaseConnection>, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let asked = Parameters::read(query.as_deref().unwrap_or_default()).map_err(wrong)?;
    let [quote, at, from, to, minutes] = asked.once(["quote", "at", "from", "to", "minutes"]).map_err(wrong)?;
    let (Some(from), Some(to)) = (from.or(at), to.or(at)) else {
        return Err(wrong("ask by at, or by from and to"));
    };
    let [from, to] = [from, to].map(|text| text.parse::<Timestamp>().map_err(wrong));
    let (from, to) = (from?, to?);
    let step = minutes.map_or(Ok(60), str::parse::<i64>).map_err(wrong)?;
    let step = step.max(1).saturating_mul(60_000_000);
    let most = to.as_micros().saturating_sub(from.as_micros()) / step;
    if !(0..1_000).contains(&most) {
        return Err(wrong("these are no steps, or more than 1,000"));
    }
    let backend = tables.get_database_backend();
    let (one, quote) = match (quote, backend) {
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

/// What was asked cannot be answered: by what was asked, or because the database is not there.
struct Failure(StatusCode, String);

fn wrong(error: impl Display) -> Failure {
    Failure(StatusCode::BAD_REQUEST, error.to_string())
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Failure(status, detail) = self;
        let problem = json!({"status": status.as_u16(), "title": status.canonical_reason(), "detail": detail});
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (status, kind, problem.to_string()).into_response()
    }
}
