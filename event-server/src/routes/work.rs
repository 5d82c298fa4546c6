//! `POST /v1/quarantine/replay` and `/discard`: work on many refused events, by their numbers or a filter:
//! `{"ids": […]}` or `{"filter": {…}}`, with `dry_run`, `limit` and `after`; an `upcast` to replay, a `note` to
//! discard.

use axum::extract::{Request, State};
use axum::response::Response;
use event_core::query::ParameterError;
use event_core::{Code, EventType, Label};
use event_store::api_key::{Access, Bounds, Principal};
use event_store::quarantine::{QuarantineFilter, Run, Selection, Work};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{App, definition};
use crate::auth;
use crate::body::{self, Media};
use crate::reply::{self, Failure, Reason};
use crate::target::{NoParameters, Parameters};

/// So many entries are worked on in one request at the most: the answer says where to go on.
const MOST: usize = 10_000;

const WORK: &str = "this is an object with either ids or filter, and with dry_run, limit and after if need be";
const FILTER: &str = "a filter is an object with code, source, category and name, from and to, each optional";

/// What a body asks for.
struct Asked {
    work: Work,
    note: Option<Label>,
}

pub(super) async fn replay(State(app): State<App>, _: NoParameters, request: Request) -> Result<Response, Failure> {
    let Asked { work, note } = asked(&app, request).await?;
    if note.is_some() {
        return Err(invalid("/note", "only what is discarded has a note"));
    }
    Ok(reply::json(&app.store.replay(&work, |_| ()).await?))
}

pub(super) async fn discard(State(app): State<App>, _: NoParameters, request: Request) -> Result<Response, Failure> {
    let Asked { work, note } = asked(&app, request).await?;
    if work.upcast.is_some() {
        return Err(invalid("/upcast", "only what is replayed is lifted to a version"));
    }
    Ok(reply::json(&app.store.discard(&work, note.as_ref(), |_| ()).await?))
}

/// Who asks, for the history.
pub(super) fn actor(sender: &Principal) -> Option<Label> {
    Label::new(sender.prefix.as_str()).ok()
}

/// The same work as somebody's: entries of sources that are not his own are as good as not there.
pub(super) fn by(sender: Option<&Principal>, work: Work) -> Work {
    Work {
        sources: sender.and_then(auth::own_sources).map(<[_]>::to_vec),
        actor: sender.and_then(actor),
        ..work
    }
}

/// Whether something is only tried.
pub(super) fn run(parameters: &Parameters) -> Result<Run, ParameterError> {
    match parameters.once(["dry_run"])? {
        [None | Some("false")] => Ok(Run::Real),
        [Some("true")] => Ok(Run::Dry),
        _ => {
            let message = "this is true or false";
            Err(ParameterError::new("dry_run", Code::InvalidParameter, message))
        }
    }
}

async fn asked(app: &App, request: Request) -> Result<Asked, Failure> {
    let sender = auth::sender(&request).cloned();
    if let Some(sender) = &sender
        && sender.rights.is_bound_in_reading()
        && sender.rights.types != Bounds::Any
    {
        let advice = auth::advice("--source SOURCE", &[Access::Admin]);
        let detail =
            format!("work on many entries is by source, and the key of this request is bound to types: {advice}");
        return Err(Failure::new(Reason::NotPermitted, detail));
    }
    let (_, body) = body::read(request, &app.config, &[Media::Json]).await?;
    let Asked { work, note } = read(&body)?;
    let work = by(sender.as_ref(), work);
    Ok(Asked { work, note })
}

fn read(body: &[u8]) -> Result<Asked, Failure> {
    let (mut work, mut note, mut selection) = (Work::default(), None, None);
    for (name, value) in definition::members(body, WORK)? {
        let place = format!("/{name}");
        match name.as_str() {
            "ids" | "filter" if selection.is_some() => return Err(invalid(&place, WORK)),
            "ids" => selection = Some(Selection::Numbers(ids(&place, value)?)),
            "filter" => selection = Some(Selection::Filter(filter(value)?)),
            "dry_run" if member(&place, value.clone())? => work.run = Run::Dry,
            "dry_run" => {}
            "after" => work.after = Some(member(&place, value)?),
            "limit" => work.limit = member(&place, value)?,
            "upcast" => work.upcast = Some(member(&place, value)?),
            "note" => note = Some(member(&place, value)?),
            _ => return Err(invalid(&place, WORK)),
        }
    }
    // Not all of them by mistake: whoever wants that says so by an empty filter.
    work.selection = selection.ok_or_else(|| invalid("", WORK))?;
    if work.limit > MOST {
        return Err(invalid("/limit", "this is a number from 1 to 10000"));
    }
    if work.limit == 0 {
        work.limit = MOST;
    }
    Ok(Asked { work, note })
}

fn ids(place: &str, value: Value) -> Result<Vec<i64>, Failure> {
    let ids: Vec<i64> = member(place, value)?;
    if ids.is_empty() || ids.len() > MOST {
        return Err(invalid(place, "these are 1 to 10000 numbers of entries"));
    }
    Ok(ids)
}

fn filter(value: Value) -> Result<QuarantineFilter, Failure> {
    let Value::Object(members) = value else {
        return Err(invalid("/filter", FILTER));
    };
    let known = ["code", "source", "category", "name", "from", "to"];
    if let Some(unknown) = members.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(invalid(&format!("/filter/{unknown}"), FILTER));
    }
    let event_type = match (text(&members, "category")?, text(&members, "name")?) {
        (None, None) => None,
        (Some(category), Some(name)) => Some(EventType { category, name }),
        _ => return Err(invalid("/filter/category", "a category goes with a name")),
    };
    Ok(QuarantineFilter {
        code: text(&members, "code")?,
        source: text(&members, "source")?,
        event_type,
        from: text(&members, "from")?,
        to: text(&members, "to")?,
        state: None,
    })
}

fn text<T: DeserializeOwned>(members: &Map<String, Value>, name: &str) -> Result<Option<T>, Failure> {
    let value = members.get(name).cloned();
    value.map(|value| member(&format!("/filter/{name}"), value)).transpose()
}

fn member<T: DeserializeOwned>(place: &str, value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|error| invalid(place, &error.to_string()))
}

fn invalid(place: &str, detail: &str) -> Failure {
    Failure::new(Reason::InvalidWork, detail).at(place)
}
