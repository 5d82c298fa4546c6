//! What happened in which component of a system, told by its developers' own words.
//!
//! ```sh
//! cargo run --release -p event-examples --example activity_log
//! curl http://localhost:5000/api/health
//! curl -X POST http://localhost:5000/api/events/ -H 'Content-Type: application/json' -d @fixtures/activity.json
//! curl http://localhost:5000/api/events/
//! curl 'http://localhost:5000/api/events/?email=ade@gmail.com&environment=production&component=order'
//! curl 'http://localhost:5000/api/events/?message=failed&from_date=04-16-2021'
//! ```

#![allow(clippy::print_stdout)]

use std::error::Error;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use clap::Parser;
use event_core::query::{Page, ParameterError, Parameters};
use event_core::{Code, EventType, Label, Source, StoredEvent};
use event_store::{EventPage, EventStore, Offer, Origin, Receipt, TypeChange};
use serde_json::{Value, json};

#[derive(Parser)]
struct Cli {
    /// Where the activities are kept
    #[arg(long, default_value = "sqlite://activity_log.db?mode=rwc")]
    database: String,
    #[arg(long, default_value_t = 5000)]
    port: u16,
}

type Log = (EventStore, EventType, Origin);

/// What an activity is. Its id and its time are the service's, and so nobody else may send them.
fn schema() -> Value {
    let text = json!({"type": "string", "pattern": "\\S", "maxLength": 10_000});
    json!({
        "type": "object",
        "required": ["component", "email", "environment", "message"],
        "properties": {
            "component": text, "environment": text, "message": text,
            "email": {"type": "string", "format": "email"},
            "data": {"type": ["object", "null"]},
            "id": false, "created_at": false,
        },
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Cli { database, port } = Cli::parse();
    let store = EventStore::connect(&database).await?;
    let activity = EventType::new("activity", "logged")?;
    let rules = TypeChange {
        schema: Some(schema()),
        mapping: Some(serde_json::from_value(json!({"subject": "/email"}))?),
        ..TypeChange::default()
    };
    store.register(&activity, &Label::new("1")?, rules).await?;
    let log = (store.clone(), activity, Origin::new(Source::new("activity-log")?));
    let router = Router::new()
        .route("/api/health", get(health))
        .route("/api/events/", get(list).post(add))
        .with_state(log);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    axum::serve(listener, router).with_graceful_shutdown(stop).await?;
    Ok(store.close().await?)
}

async fn health(State((store, ..)): State<Log>) -> Result<Json<Value>, Failure> {
    store.ping().await?;
    Ok(Json(json!({"status": "ok"})))
}

/// 201 with the activity as it is stored, or every rule that it breaks, each with its place.
async fn add(State((store, activity, origin)): State<Log>, document: Bytes) -> Result<Response, Failure> {
    let offer = Offer::Foreign {
        bytes: document.to_vec(),
        event_type: activity,
        version: None,
    };
    let verdict = store.ingest(vec![offer], &origin).await?.swap_remove(0);
    if let (Some(_), Some(id)) = (verdict.position, &verdict.id)
        && let Receipt::Found(stored) = store.receipt(id, None).await?
    {
        return Ok((StatusCode::CREATED, Json(shown(&stored))).into_response());
    }
    let status = match verdict.code {
        Some(Code::MalformedJson | Code::InvalidUtf8) => StatusCode::BAD_REQUEST,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Ok((status, Json(verdict)).into_response())
}

/// What a list may be asked for, and what the library calls it.
const NAMES: [(&str, &str); 8] = [
    ("email", "/email"),
    ("environment", "/environment"),
    ("component", "/component"),
    ("message", "contains./message"),
    ("from_date", "from"),
    ("to_date", "to"),
    ("limit", "limit"),
    ("cursor", "cursor"),
];

async fn list(State((store, ..)): State<Log>, RawQuery(query): RawQuery) -> Result<Json<Value>, Failure> {
    let asked = Parameters::read(query.as_deref().unwrap_or_default())?;
    let mut said = asked.translated(&NAMES)?;
    let dates: Vec<String> = said.iter().map(|(_, text)| iso(text)).collect();
    for ((name, text), date) in said.iter_mut().zip(&dates) {
        if ["from", "to"].contains(name) {
            *text = date;
        }
    }
    let EventPage { events, next } = store.page(&Page::from_pairs(said)?).await?;
    let events: Vec<Value> = events.iter().map(shown).collect();
    Ok(Json(json!({"events": events, "next": next})))
}

/// A date as 04-16-2021, in the order of ISO 8601; any other text as it is.
fn iso(text: &str) -> String {
    match text.split('-').collect::<Vec<_>>()[..] {
        [month, day, year] if (month.len(), day.len(), year.len()) == (2, 2, 4) => format!("{year}-{month}-{day}"),
        _ => text.to_owned(),
    }
}

/// The document as it came, with its id and when it was logged.
fn shown(stored: &StoredEvent) -> Value {
    let mut document = stored.event.payload().root().to_value();
    let envelope = stored.event.envelope();
    document["id"] = envelope.id.as_str().into();
    document["created_at"] = envelope.occurred_at.to_string().into();
    document
}

/// A problem as RFC 9457 has it.
struct Failure(StatusCode, String, Option<String>);

impl From<ParameterError> for Failure {
    fn from(error: ParameterError) -> Self {
        let error = error.translated(&NAMES);
        Failure(StatusCode::BAD_REQUEST, error.message, Some(error.parameter))
    }
}

impl From<event_store::Error> for Failure {
    fn from(error: event_store::Error) -> Self {
        match error {
            event_store::Error::Query(error) => ParameterError::from(error).into(),
            error => Failure(StatusCode::SERVICE_UNAVAILABLE, error.to_string(), None),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Failure(status, detail, parameter) = self;
        let title = status.canonical_reason();
        let problem = json!({"status": status.as_u16(), "title": title, "detail": detail, "parameter": parameter});
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (status, kind, problem.to_string()).into_response()
    }
}
