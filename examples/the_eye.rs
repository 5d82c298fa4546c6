//! What people do on several websites, sent by trusted applications and looked at session by session.
//!
//! ```sh
//! alias the_eye='cargo run --release -p event-examples --example the_eye --'
//! the_eye serve
//! curl -X POST http://localhost:8000/api/events/ -H 'Content-Type: application/json' -d @fixtures/page_events.json
//! curl 'http://localhost:8000/api/events/?session=e2085be5-9137-4e4e-80b5-f1ffddc25423'
//! curl 'http://localhost:8000/api/events/?category=page+interaction&date-from=2021-01-01&date-to=2021-01-02'
//! curl 'http://localhost:8000/api/errors/?reason=schema_violation'
//! the_eye key shop    # from the first key on, each request needs one: -H 'Authorization: Bearer ev_…'
//! ```
//!
//! <http://localhost:8000/docs> is a page to try it; `python/the_eye.py` sends the same with `event_py`.

#![allow(clippy::print_stdout)]

use std::error::Error;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::{Json, Router, routing::get, routing::post};
use clap::Parser;
use event_core::policy::UnknownTypes;
use event_core::query::{Page, ParameterError, Parameters};
use event_core::wire::{self, BatchReply};
use event_core::{EventType, Filter, Label, SessionId, Source};
use event_store::api_key::NewKey;
use event_store::{EventStore, Offer, Options, Origin, QuarantinePage, Quarantined, TypeChange};
use serde_json::{Value, json};

#[derive(Parser)]
struct Cli {
    /// Where the events are kept
    #[arg(long, global = true, default_value = "sqlite://the_eye.db?mode=rwc")]
    database: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make a key for an application that may send events
    Key { application: Source },
    /// Answer over HTTP
    Serve {
        #[arg(long, default_value_t = 8000)]
        port: u16,
    },
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Cli { database, command } = Cli::parse();
    let options = Options::new()
        .unknown_types(UnknownTypes::Quarantine)
        .future_tolerance_seconds(1);
    let store = EventStore::connect_with(&database, options).await?;
    match command {
        Command::Key { application } => println!("{}", store.create_key(NewKey::new(application)).await?.expose()),
        Command::Serve { port } => serve(&store, port).await?,
    }
    Ok(store.close().await?)
}

async fn serve(store: &EventStore, port: u16) -> Result<(), Box<dyn Error>> {
    let rules: Vec<(EventType, Value)> = serde_json::from_str(include_str!("the_eye/rules.json"))?;
    for (event_type, schema) in rules {
        let rules = TypeChange {
            schema: Some(schema),
            ..TypeChange::default()
        };
        store.register(&event_type, &Label::new("1")?, rules).await?;
    }
    let router = Router::new()
        .route("/api/events/", get(list).post(collect))
        // Where the clients in Rust and Python send to.
        .route("/v1/events", post(collect))
        .route("/api/errors/", get(errors))
        .route("/openapi.json", get(([JSON], include_str!("the_eye/openapi.json"))))
        .route("/docs", get(Html(include_str!("the_eye/docs.html"))))
        .with_state((store.clone(), Origin::new(Source::new("website")?)));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    Ok(axum::serve(listener, router).with_graceful_shutdown(stop).await?)
}

type Eye = (EventStore, Origin);

/// For whom a request speaks: for one application, or for any website as long as nobody has a key.
fn sender((store, website): &Eye, headers: &HeaderMap) -> Result<Origin, Failure> {
    if !store.has_keys() {
        return Ok(website.clone());
    }
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = bearer.and_then(|bearer| bearer.strip_prefix("Bearer "));
    let principal = key.and_then(|key| store.authenticate(key));
    let missing = "this needs a key: send the header Authorization with Bearer, a space and the key";
    let principal = principal.ok_or_else(|| Failure(StatusCode::UNAUTHORIZED, missing.to_owned(), None))?;
    Ok(Origin::of(&principal, website.source.clone()))
}

/// One verdict an event, in their order, as soon as they are stored.
async fn collect(State(eye): State<Eye>, headers: HeaderMap, body: Bytes) -> Result<Json<BatchReply>, Failure> {
    let origin = sender(&eye, &headers)?;
    if headers.contains_key(header::CONTENT_ENCODING) {
        let detail = "send the body as it is".to_owned();
        return Err(Failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail, None));
    }
    let lines = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/x-ndjson");
    let events = match lines {
        true => wire::split_ndjson(&body).collect(),
        false => wire::split_json(&body).map_err(|error| wrong("body", &error.to_string()))?,
    };
    let offers = events.into_iter().map(|event| Offer::Json(event.to_vec())).collect();
    let results = eye.0.ingest(offers, &origin).await?;
    Ok(Json(BatchReply { results }))
}

/// What a list may be asked for, and what the library calls it.
const NAMES: [(&str, &str); 6] = [
    ("session", "session"),
    ("category", "category"),
    ("date-from", "from"),
    ("date-to", "to"),
    ("limit", "limit"),
    ("cursor", "cursor"),
];

/// Events in the order in which they happened; of a session also which of its numbers are missing.
async fn list(State(eye): State<Eye>, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Json<Value>, Failure> {
    sender(&eye, &headers)?;
    let asked = Parameters::read(query.as_deref().unwrap_or_default())?;
    let said = asked.translated(&NAMES)?;
    let page = Page::from_pairs(said.iter().copied())?;
    let session = said.iter().find(|(name, _)| *name == "session");
    Ok(Json(match session.and_then(|(_, id)| SessionId::new(id).ok()) {
        None => json!(eye.0.page(&page).await?),
        Some(session) => json!(eye.0.session_page(&session, &page).await?),
    }))
}

/// What was refused and kept, and how many there are of each reason and type.
async fn errors(State(eye): State<Eye>, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Json<Value>, Failure> {
    sender(&eye, &headers)?;
    let asked = Parameters::read(query.as_deref().unwrap_or_default())?;
    let [reason, limit, after] = asked.once(["reason", "limit", "cursor"])?;
    let code = reason.map(str::parse).transpose();
    let after = after.map(str::parse).transpose();
    let mut page = QuarantinePage::default();
    page.filter.code = code.map_err(|_| wrong("reason", "no event is refused for this reason"))?;
    page.after = after.map_err(|_| wrong("cursor", "this is no cursor of this list"))?;
    page.limit = Page::new(Filter::new()).at(limit, None)?.limit;
    let Quarantined { entries, next } = eye.0.quarantine(&page).await?;
    let next = next.map(|next| next.to_string());
    Ok(Json(
        json!({"errors": entries, "counts": eye.0.quarantine_counts().await?, "next": next}),
    ))
}

/// A problem as RFC 9457 has it.
struct Failure(StatusCode, String, Option<String>);

fn wrong(parameter: &str, detail: &str) -> Failure {
    Failure(StatusCode::BAD_REQUEST, detail.to_owned(), Some(parameter.to_owned()))
}

impl From<ParameterError> for Failure {
    fn from(error: ParameterError) -> Self {
        let error = error.translated(&NAMES);
        wrong(&error.parameter, &error.message)
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

const JSON: (header::HeaderName, &str) = (header::CONTENT_TYPE, "application/json");

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Failure(status, detail, parameter) = self;
        let title = status.canonical_reason();
        let problem = json!({"status": status.as_u16(), "title": title, "detail": detail, "parameter": parameter});
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (status, kind, problem.to_string()).into_response()
    }
}
