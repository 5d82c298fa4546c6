//! `POST /v1/types/{category}/{name}/{version}/events`: foreign documents, through the mapping of
//! their type.

use axum::extract::{Request, State};
use axum::response::Response;
use event_store::Offer;

use super::{App, collect};
use crate::auth;
use crate::body::Media;
use crate::reply::{self, Failure};
use crate::target::{Named, NoParameters, TypeVersion};

pub(super) async fn collect(
    State(app): State<App>,
    Named(names): Named<TypeVersion>,
    _: NoParameters,
    request: Request,
) -> Result<Response, Failure> {
    let (event_type, version) = names.split();
    let registry = app.store.registry();
    let definition = registry.get(&event_type, Some(&version));
    if definition.is_none_or(|definition| definition.mapping.is_none()) {
        return Err(event_store::Error::TypeNotFound.into());
    }
    let origin = auth::origin(&request, &app.config);
    let (media, body) = collect::read(&app, request, &[Media::Json, Media::Ndjson]).await?;
    let offer = |document: &[u8]| Offer::Foreign {
        bytes: document.to_vec(),
        event_type: event_type.clone(),
        version: Some(version.clone()),
    };
    let offers = collect::split(media, &body, &app.config)?
        .into_iter()
        .map(offer)
        .collect();
    drop(body);
    Ok(reply::json(&collect::ingest(&app, offers, &origin).await?))
}
