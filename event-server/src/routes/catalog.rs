//! `/v1/types`: what events of each type and version are like.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use event_store::compare::Compared;
use event_store::{Registered, TypeRecord};
use serde::Serialize;

use super::definition::Becomes;
use super::{App, definition};
use crate::body::{self, Media};
use crate::reply::{self, Failure, Reason};
use crate::target::{Named, NoParameters, TypeVersion};

#[derive(Serialize)]
struct Types {
    types: Vec<TypeRecord>,
}

/// What a registration made, and what it is to what was active before.
#[derive(Serialize)]
struct Registration {
    #[serde(flatten)]
    record: TypeRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    compatibility: Option<Compared>,
}

pub(super) async fn list(State(app): State<App>, headers: HeaderMap, _: NoParameters) -> Result<Response, Failure> {
    let types = app.store.types().await?;
    Ok(reply::kept(&headers, &Types { types }))
}

pub(super) async fn show(
    State(app): State<App>,
    Named(names): Named<TypeVersion>,
    headers: HeaderMap,
    _: NoParameters,
) -> Result<Response, Failure> {
    Ok(reply::kept(&headers, &record(&app, names).await?))
}

/// 201 where the version is new, 200 where it was there.
pub(super) async fn register(
    State(app): State<App>,
    Named(names): Named<TypeVersion>,
    _: NoParameters,
    request: Request,
) -> Result<Response, Failure> {
    let (_, body) = body::read(request, &app.config, &[Media::Json]).await?;
    let (change, state) = definition::read(&body)?;
    let (event_type, version) = names.clone().split();
    let compatibility = app.store.compare_change(&event_type, &version, &change).await?;
    let registered = match state {
        None => app.store.register(&event_type, &version, change).await?,
        Some(Becomes::Active) => app.store.activate(&event_type, &version, change).await?,
        Some(Becomes::Shadow) => app.store.register_shadow(&event_type, &version, change).await?,
    };
    let record = record(&app, names).await?;
    let registration = Registration { record, compatibility };
    Ok(match registered {
        Registered::Created => reply::created(&registration),
        Registered::Changed | Registered::Unchanged => reply::json(&registration),
    })
}

async fn record(app: &App, names: TypeVersion) -> Result<TypeRecord, Failure> {
    let (event_type, version) = names.split();
    let record = app.store.event_type(&event_type, &version).await?;
    record.ok_or_else(|| Failure::new(Reason::TypeNotFound, "this version of the type is not registered"))
}
