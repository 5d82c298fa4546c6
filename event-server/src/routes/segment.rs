//! `/segment/v1/…`: what clients of Segment send, as their own collector takes it.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use event_core::foreign::Batch;
use event_core::foreign::segment::{self, Call};
use event_store::api_key::Principal;
use serde::Serialize;

use super::{App, collect, method_not_allowed};
use crate::auth;
use crate::body::Media;
use crate::reply::{self, Failure};

/// A batch, and each call by itself.
pub(super) fn routes() -> Router<App> {
    let batch = Router::new().route("/segment/v1/batch", post(batch).fallback(method_not_allowed));
    Call::ALL.into_iter().fold(batch, |routes, call| {
        let one = move |State(app), request| one(app, call, request);
        routes.route(
            &format!("/segment/v1/{}", call.as_str()),
            post(one).fallback(method_not_allowed),
        )
    })
}

async fn batch(State(app): State<App>, request: Request) -> Result<Response, Failure> {
    let (key, peer) = (early(&app, &request)?, auth::peer(&request));
    let (_, body) = collect::read(&app, request, &[Media::Json]).await?;
    let sender = collect::sender(&app, key, &body, peer)?;
    let batch = segment::batch(&body)?;
    drop(body);
    take(&app, batch, sender.as_ref()).await
}

async fn one(app: App, call: Call, request: Request) -> Result<Response, Failure> {
    let (key, peer) = (early(&app, &request)?, auth::peer(&request));
    let (_, body) = collect::read(&app, request, &[Media::Json]).await?;
    let sender = collect::sender(&app, key, &body, peer)?;
    let batch = segment::call(call, &body)?;
    drop(body);
    take(&app, batch, sender.as_ref()).await
}

/// The key of the header, which is looked at before the body is. Some clients have theirs in the body alone.
fn early(app: &App, request: &Request) -> Result<Option<String>, Failure> {
    let key = auth::basic_user(request.headers())?;
    match key {
        Some(_) => drop(app.guard.by_key(key.as_deref(), auth::peer(request))?),
        None => app.guard.may_try(auth::peer(request))?,
    }
    Ok(key)
}

async fn take(app: &App, batch: Batch, sender: Option<&Principal>) -> Result<Response, Failure> {
    #[derive(Serialize)]
    struct Taken {
        /// What clients look for; what became of the events is behind it.
        success: bool,
        #[serde(flatten)]
        reply: event_core::wire::BatchReply,
    }
    let reply = collect::foreign(app, batch, sender).await?;
    Ok(reply::json(&Taken { success: true, reply }))
}
