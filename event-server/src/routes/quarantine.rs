//! `/v1/quarantine`: events that were refused and kept, with every reason; one of them, and its document
//! changed.

use axum::extract::{Request, State};
use axum::response::Response;
use event_core::patch::Patch;
use event_core::query::{Cursor, ParameterError};
use event_core::{Code, EventType, Source, Timestamp};
use event_store::api_key::Access;
use event_store::quarantine::{QuarantineFilter, StateError};
use event_store::{QuarantineEntry, QuarantinePage};
use serde::Serialize;

use super::{App, work};
use crate::auth::{self, Reader};
use crate::body::{self, Media};
use crate::reply::{self, Failure, Reason};
use crate::target::{Named, NoParameters, Parameters};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

#[derive(Serialize)]
struct Entries {
    entries: Vec<QuarantineEntry>,
    next: Option<String>,
}

pub(super) async fn list(State(app): State<App>, reader: Reader, parameters: Parameters) -> Result<Response, Failure> {
    let (page, question) = page(&parameters)?;
    let QuarantineFilter { source, event_type, .. } = &page.filter;
    reader.check_list(source.as_ref(), event_type.as_ref())?;
    let found = app.store.quarantine(&page).await?;
    let next = found.next.map(|id| place(id).write(&question));
    Ok(reply::json(&Entries {
        entries: found.entries,
        next,
    }))
}

/// `GET /v1/quarantine/{number}`: with the spots that are wrong, and all that was done to it.
pub(super) async fn show(
    State(app): State<App>,
    Named(number): Named<i64>,
    reader: Reader,
    _: NoParameters,
) -> Result<Response, Failure> {
    let found = app.store.quarantined(number).await?;
    // What is beyond its bounds is as good as not there.
    let found = found.filter(|found| reader.sees(&found.entry.source, found.entry.event_type.as_ref()));
    Ok(reply::json(&found.ok_or_else(not_found)?))
}

/// `PATCH /v1/quarantine/{number}`: what would become of the document is told at once; with
/// `dry_run=true` nothing is written.
pub(super) async fn edit(
    State(app): State<App>,
    Named(number): Named<i64>,
    reader: Reader,
    parameters: Parameters,
    request: Request,
) -> Result<Response, Failure> {
    let run = work::run(&parameters)?;
    let sender = auth::sender(&request).cloned();
    let (_, body) = body::read(request, &app.config, &[Media::JsonPatch]).await?;
    let patch = Patch::from_slice(&body)?;
    if let Some(sender) = &sender {
        let found = app.store.quarantined(number).await?.ok_or_else(not_found)?;
        let entry = &found.entry;
        if !sender.rights.has_source(&entry.source) || !reader.sees_type(entry.event_type.as_ref()) {
            let advice = auth::advice("--source SOURCE", &[Access::Admin]);
            let detail = format!("the key of this request is for other sources or types: {advice}");
            return Err(Failure::new(Reason::NotPermitted, detail));
        }
    }
    let actor = sender.as_ref().and_then(work::actor);
    let edited = app.store.edit_quarantined(number, &patch, run, actor.as_ref()).await?;
    Ok(reply::json(&edited.ok_or_else(not_found)?))
}

fn not_found() -> Failure {
    Failure::new(Reason::EntryNotFound, "no entry of the quarantine has this number")
}

/// The page, and what identifies its list through all of its pages.
fn page(parameters: &Parameters) -> Result<(QuarantinePage, String), ParameterError> {
    let [code, source, category, name, from, to, state, limit, cursor] = parameters.once([
        "code", "source", "category", "name", "from", "to", "state", "limit", "cursor",
    ])?;
    let question = serde_json::json!(["quarantine", code, source, category, name, from, to, state]).to_string();
    let wrong = |name: &str, message: String| ParameterError::new(name, Code::InvalidParameter, message);
    let event_type = match (category, name) {
        (None, None) => None,
        (Some(category), Some(name)) => {
            Some(EventType::new(category, name).map_err(|error| wrong("category", error.to_string()))?)
        }
        (None, Some(_)) => return Err(wrong("name", "a name goes with a category".to_owned())),
        (Some(_), None) => return Err(wrong("category", "a category goes with a name".to_owned())),
    };
    let after = cursor.map(|text| {
        let place = Cursor::read(text, &question);
        place.ok_or_else(|| ParameterError::new("cursor", Code::InvalidCursor, "this is no cursor of this list"))
    });
    let instant = |name: &str, text: Option<&str>| {
        let read = text.map(str::parse::<Timestamp>).transpose();
        read.map_err(|error| ParameterError::new(name, error.code(), error.to_string()))
    };
    let filter = QuarantineFilter {
        code: code
            .map(str::parse)
            .transpose()
            .map_err(|_| wrong("code", "there is no such code".to_owned()))?,
        source: source
            .map(Source::new)
            .transpose()
            .map_err(|error| wrong("source", error.to_string()))?,
        event_type,
        from: instant("from", from)?,
        to: instant("to", to)?,
        state: state
            .map(str::parse)
            .transpose()
            .map_err(|error: StateError| wrong("state", error.to_string()))?,
    };
    let page = QuarantinePage {
        filter,
        after: after.transpose()?.map(|place| place.position),
        limit: limit.map_or(Ok(DEFAULT_LIMIT), count)?,
    };
    Ok((page, question))
}

/// A number of entries on a page.
///
/// # Errors
/// If it is none.
pub(super) fn count(text: &str) -> Result<usize, ParameterError> {
    let count = text.parse().ok().filter(|count| (1..=MAX_LIMIT).contains(count));
    count.ok_or_else(|| {
        ParameterError::new(
            "limit",
            Code::InvalidLimit,
            format!("this is a number from 1 to {MAX_LIMIT}"),
        )
    })
}

/// A cursor by number alone.
fn place(id: i64) -> Cursor {
    Cursor {
        occurred_at: Timestamp::MIN,
        position: id,
    }
}
