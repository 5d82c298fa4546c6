//! `GET /v1/quarantine`: events that were refused and kept, with every reason.

use axum::extract::State;
use axum::response::Response;
use event_core::query::{Cursor, ParameterError};
use event_core::{Code, EventType, Source, Timestamp};
use event_store::{QuarantineEntry, QuarantinePage};
use serde::Serialize;

use super::App;
use crate::reply::{self, Failure};
use crate::target::Parameters;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

#[derive(Serialize)]
struct Entries {
    entries: Vec<QuarantineEntry>,
    next: Option<String>,
}

pub(super) async fn list(State(app): State<App>, parameters: Parameters) -> Result<Response, Failure> {
    let (page, question) = page(&parameters)?;
    let found = app.store.quarantine(&page).await?;
    let next = found.next.map(|id| place(id).write(&question));
    Ok(reply::json(&Entries {
        entries: found.entries,
        next,
    }))
}

/// The page, and what identifies its list through all of its pages.
fn page(parameters: &Parameters) -> Result<(QuarantinePage, String), ParameterError> {
    let values = parameters.once(["code", "source", "category", "name", "limit", "cursor"])?;
    let [code, source, category, name, limit, cursor] = values;
    let question = serde_json::json!(["quarantine", code, source, category, name]).to_string();
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
    let page = QuarantinePage {
        code: code
            .map(str::parse)
            .transpose()
            .map_err(|_| wrong("code", "there is no such code".to_owned()))?,
        source: source
            .map(Source::new)
            .transpose()
            .map_err(|error| wrong("source", error.to_string()))?,
        event_type,
        after: after.transpose()?.map(|place| place.position),
        limit: limit.map_or(Ok(DEFAULT_LIMIT), count)?,
    };
    Ok((page, question))
}

fn count(text: &str) -> Result<usize, ParameterError> {
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
