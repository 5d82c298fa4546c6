//! `/v1/projections`: tables that applications make of the log; how far they are, and what is asked of those who make them.

use axum::extract::State;
use axum::response::Response;
use event_store::Error;
use event_store::project::ProjectionStatus;
use serde::Serialize;

use super::App;
use crate::reply::{self, Failure, Reason};
use crate::target::{Named, NoParameters};

#[derive(Serialize)]
struct Projections {
    projections: Vec<ProjectionStatus>,
}

#[derive(Serialize)]
struct Generations {
    generations: Vec<ProjectionStatus>,
}

#[derive(Serialize)]
struct Begun {
    asked: bool,
}

#[derive(Serialize)]
struct Abandoned {
    generations: usize,
}

pub(super) async fn list(State(app): State<App>, _: NoParameters) -> Result<Response, Failure> {
    let projections = app.store.projections().await?;
    Ok(reply::json(&Projections { projections }))
}

/// `GET /v1/projections/{name}`: those tables that readers see, and those that are built or were replaced.
pub(super) async fn show(
    State(app): State<App>,
    Named(name): Named<String>,
    _: NoParameters,
) -> Result<Response, Failure> {
    let generations = known(&app, &name).await?;
    Ok(reply::json(&Generations { generations }))
}

/// `POST /v1/projections/{name}/rebuild`: whoever runs it begins within seconds.
pub(super) async fn rebuild(
    State(app): State<App>,
    Named(name): Named<String>,
    _: NoParameters,
) -> Result<Response, Failure> {
    let asked = app.store.rebuild_projection(&name).await.map_err(failure)?;
    Ok(reply::accepted(&Begun { asked }))
}

/// `POST /v1/projections/{name}/abandon`: what is built beside the tables that readers see goes.
pub(super) async fn abandon(
    State(app): State<App>,
    Named(name): Named<String>,
    _: NoParameters,
) -> Result<Response, Failure> {
    let generations = app.store.abandon_rebuild(&name).await.map_err(failure)?;
    Ok(reply::json(&Abandoned { generations }))
}

/// The generations of a projection that there is.
///
/// # Errors
/// If there is none of this name.
pub(super) async fn known(app: &App, name: &str) -> Result<Vec<ProjectionStatus>, Failure> {
    let generations = app.store.projection(name).await?;
    if generations.is_empty() {
        return Err(unknown());
    }
    Ok(generations)
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Config(_) => unknown(),
        error => error.into(),
    }
}

fn unknown() -> Failure {
    Failure::new(Reason::ProjectionNotFound, "there is no projection of this name")
}
