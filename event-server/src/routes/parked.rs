//! `/v1/projections/{name}/parked`: events that a projection could not take; looked at, and asked to be tried again or to
//! be given up. Whoever runs the projection does it.

use axum::extract::{Request, State};
use axum::response::Response;
use event_core::query::{Cursor, ParameterError};
use event_core::{Code, Label, Timestamp};
use event_store::project::{Parked, ParkedPage, ParkedPlace, ParkedStateError};
use serde::Serialize;
use serde_json::Value;

use super::{App, definition, projections, quarantine, work};
use crate::auth;
use crate::body::{self, Media};
use crate::reply::{self, Failure, Reason};
use crate::target::{Named, NoParameters, Parameters};

const DEFAULT_LIMIT: usize = 100;
/// So many places stand in one request at the most.
const MOST: usize = 10_000;

const WORK: &str = "this is an object with either positions or all, which is true";

#[derive(Serialize)]
struct Page {
    parked: Vec<Parked>,
    next: Option<String>,
}

/// Of how many events it was asked for.
#[derive(Serialize)]
struct Asked {
    asked: u64,
}

/// What is to be done with parked events.
#[derive(Clone, Copy)]
enum Task {
    Replay,
    Discard,
}

pub(super) async fn list(
    State(app): State<App>,
    Named(name): Named<String>,
    parameters: Parameters,
) -> Result<Response, Failure> {
    let (page, question) = page(&name, &parameters)?;
    projections::known(&app, &name).await?;
    let found = app.store.parked(&name, &page).await?;
    let next = found.next.and_then(cursor);
    Ok(reply::json(&Page {
        parked: found.events,
        next: next.map(|next| next.write(&question)),
    }))
}

/// `GET /v1/projections/{name}/parked/{position}`: with the event, and all that was done since it was parked.
pub(super) async fn show(
    State(app): State<App>,
    Named((name, position)): Named<(String, i64)>,
    _: NoParameters,
) -> Result<Response, Failure> {
    projections::known(&app, &name).await?;
    let found = app.store.parked_event(&name, position).await?;
    Ok(reply::json(&found.ok_or_else(not_found)?))
}

pub(super) async fn replay(
    State(app): State<App>,
    Named(place): Named<(String, i64)>,
    _: NoParameters,
    request: Request,
) -> Result<Response, Failure> {
    one(&app, place, Task::Replay, actor(&request)).await
}

pub(super) async fn discard(
    State(app): State<App>,
    Named(place): Named<(String, i64)>,
    _: NoParameters,
    request: Request,
) -> Result<Response, Failure> {
    one(&app, place, Task::Discard, actor(&request)).await
}

/// `POST /v1/projections/{name}/parked/replay`: of all, or of many at once.
pub(super) async fn replay_many(
    State(app): State<App>,
    Named(name): Named<String>,
    _: NoParameters,
    request: Request,
) -> Result<Response, Failure> {
    many(&app, &name, Task::Replay, request).await
}

pub(super) async fn discard_many(
    State(app): State<App>,
    Named(name): Named<String>,
    _: NoParameters,
    request: Request,
) -> Result<Response, Failure> {
    many(&app, &name, Task::Discard, request).await
}

async fn one(
    app: &App,
    (name, position): (String, i64),
    task: Task,
    actor: Option<Label>,
) -> Result<Response, Failure> {
    projections::known(app, &name).await?;
    match ask(app, &name, Some(&[position]), task, actor).await? {
        0 => Err(not_found()),
        asked => Ok(reply::accepted(&Asked { asked })),
    }
}

async fn many(app: &App, name: &str, task: Task, request: Request) -> Result<Response, Failure> {
    let actor = actor(&request);
    let (_, body) = body::read(request, &app.config, &[Media::Json]).await?;
    let positions = positions(&body)?;
    projections::known(app, name).await?;
    let asked = ask(app, name, positions.as_deref(), task, actor).await?;
    Ok(reply::accepted(&Asked { asked }))
}

async fn ask(
    app: &App,
    name: &str,
    positions: Option<&[i64]>,
    task: Task,
    actor: Option<Label>,
) -> Result<u64, Failure> {
    let (store, actor) = (&app.store, actor.as_ref());
    let asked = match task {
        Task::Replay => store.replay_parked(name, positions, actor).await?,
        Task::Discard => store.discard_parked(name, positions, actor).await?,
    };
    Ok(asked)
}

fn actor(request: &Request) -> Option<Label> {
    auth::sender(request).and_then(work::actor)
}

fn not_found() -> Failure {
    let detail = "this projection has parked no event at this place of the log";
    Failure::new(Reason::ParkedEventNotFound, detail)
}

/// Which events a body asks for; `None` for all. Not all of them by mistake: whoever wants that says so.
fn positions(body: &[u8]) -> Result<Option<Vec<i64>>, Failure> {
    let mut members = definition::members(body, WORK)?;
    let (positions, all) = (members.remove("positions"), members.remove("all"));
    if let Some(unknown) = members.keys().next() {
        return Err(invalid(&format!("/{unknown}"), WORK));
    }
    match (positions, all) {
        (None, Some(Value::Bool(true))) => Ok(None),
        (Some(positions), None) => {
            let read = serde_json::from_value::<Vec<i64>>(positions);
            let positions = read.map_err(|error| invalid("/positions", &error.to_string()))?;
            if positions.is_empty() || positions.len() > MOST {
                return Err(invalid("/positions", "these are 1 to 10000 places of the log"));
            }
            Ok(Some(positions))
        }
        _ => Err(invalid("", WORK)),
    }
}

fn invalid(place: &str, detail: &str) -> Failure {
    Failure::new(Reason::InvalidWork, detail).at(place)
}

/// The page, and what identifies its list through all of its pages.
fn page(name: &str, parameters: &Parameters) -> Result<(ParkedPage, String), ParameterError> {
    let [state, limit, cursor] = parameters.once(["state", "limit", "cursor"])?;
    let question = serde_json::json!(["parked", name, state]).to_string();
    let after = cursor.map(|text| {
        let place = Cursor::read(text, &question);
        place.ok_or_else(|| ParameterError::new("cursor", Code::InvalidCursor, "this is no cursor of this list"))
    });
    let page = ParkedPage {
        state: state.map(str::parse).transpose().map_err(|error: ParkedStateError| {
            ParameterError::new("state", Code::InvalidParameter, error.to_string())
        })?,
        after: after.transpose()?.map(|place| ParkedPlace {
            position: place.position,
            generation: place.occurred_at.as_micros(),
        }),
        limit: limit.map_or(Ok(DEFAULT_LIMIT), quarantine::count)?,
    };
    Ok((page, question))
}

/// A cursor holds two numbers: here the generation stands for the time.
fn cursor(place: ParkedPlace) -> Option<Cursor> {
    let occurred_at = Timestamp::from_micros(place.generation).ok()?;
    Some(Cursor {
        occurred_at,
        position: place.position,
    })
}
