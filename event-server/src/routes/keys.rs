//! `/v1/keys`: who may talk to the collector, and what for.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use event_core::Code;
use event_core::analysis::Length;
use event_core::query::ParameterError;
use event_store::Error;
use event_store::api_key::{CreatedKey, KeyRecord};
use serde::Serialize;

use super::{App, new_key};
use crate::body::{self, Media};
use crate::reply::{self, Failure, Reason};
use crate::target::{Named, NoParameters, Parameters};

/// So long an old key stays in use where nobody says how long.
const GRACE: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Serialize)]
struct Keys {
    keys: Vec<KeyRecord>,
}

/// A key that was just made: the only time that the whole of it can be seen.
#[derive(Serialize)]
struct Created<'a> {
    key: &'a str,
    #[serde(flatten)]
    record: &'a KeyRecord,
}

pub(super) async fn list(State(app): State<App>, _: NoParameters) -> Result<Response, Failure> {
    let keys = app.store.keys().await?;
    Ok(reply::json(&Keys { keys }))
}

pub(super) async fn create(State(app): State<App>, _: NoParameters, request: Request) -> Result<Response, Failure> {
    let (_, body) = body::read(request, &app.config, &[Media::Json]).await?;
    match app.store.create_key(new_key::read(&body)?).await {
        Ok(key) => Ok(shown(&key)),
        Err(Error::Config(message)) => Err(Failure::new(Reason::InvalidKey, message)),
        Err(error) => Err(error.into()),
    }
}

/// `POST /v1/keys/{prefix}/rotate?grace=24h`: another one in its place.
pub(super) async fn rotate(
    State(app): State<App>,
    Named(prefix): Named<String>,
    parameters: Parameters,
) -> Result<Response, Failure> {
    let [grace] = parameters.once(["grace"])?;
    let grace = grace.map(str::parse::<Length>).transpose();
    let grace = grace.map_err(|error| ParameterError::new("grace", Code::InvalidParameter, error.to_string()))?;
    let grace = grace.map_or(GRACE, |grace| Duration::from_micros(grace.as_micros().unsigned_abs()));
    match app.store.rotate_key(&prefix, grace).await? {
        Some(key) => Ok(shown(&key)),
        None => Err(unknown()),
    }
}

/// It is of no use from now on; what it was stays to be told.
pub(super) async fn revoke(
    State(app): State<App>,
    Named(prefix): Named<String>,
    _: NoParameters,
) -> Result<Response, Failure> {
    let revoked = app.store.revoke_key(&prefix).await?;
    Ok(reply::json(&revoked.ok_or_else(unknown)?))
}

fn shown(key: &CreatedKey) -> Response {
    reply::created(&Created {
        key: key.expose(),
        record: key.record(),
    })
}

fn unknown() -> Failure {
    // Not what was asked for: it may be a whole key.
    Failure::new(Reason::KeyNotFound, "no key has this prefix")
}
