//! `/posthog/…`: what clients of PostHog send, as their own collector takes it.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use event_core::foreign::posthog;
use event_core::wire::BatchReply;
use serde::Serialize;

use super::{App, collect, method_not_allowed};
use crate::auth;
use crate::body::Media;
use crate::reply::{self, Failure};

/// Some clients write the slash at the end, and some do not.
const PATHS: [&str; 6] = [
    "/posthog/batch",
    "/posthog/batch/",
    "/posthog/capture",
    "/posthog/capture/",
    "/posthog/i/v0/e",
    "/posthog/i/v0/e/",
];

pub(super) fn routes() -> Router<App> {
    let routes = PATHS.into_iter();
    let capture = || post(capture).fallback(method_not_allowed);
    routes.fold(Router::new(), |routes, path| routes.route(path, capture()))
}

/// The key is in the body, which is bounded like any other.
async fn capture(State(app): State<App>, request: Request) -> Result<Response, Failure> {
    #[derive(Serialize)]
    struct Taken {
        /// What clients look for; what became of the events is behind it.
        status: &'static str,
        #[serde(flatten)]
        reply: BatchReply,
    }
    let peer = auth::peer(&request);
    app.guard.may_try(peer)?;
    let (_, body) = collect::read(&app, request, &[Media::Json]).await?;
    let sender = collect::sender(&app, None, &body, peer)?;
    let batch = posthog::batch(&body)?;
    drop(body);
    let reply = collect::foreign(&app, batch, sender.as_ref()).await?;
    Ok(reply::json(&Taken { status: "Ok", reply }))
}
