//! What other people's clients send: those of Segment and PostHog.

use axum::http::Method;

use super::route::{Route, route};
use super::shape::{Shape, anything, flag, list, may, named, need, object, open, record, text, word};
use crate::reply::Reason;

const SEGMENT: [(&str, &str); 6] = [
    ("/segment/v1/track", "segmentTrack"),
    ("/segment/v1/identify", "segmentIdentify"),
    ("/segment/v1/page", "segmentPage"),
    ("/segment/v1/screen", "segmentScreen"),
    ("/segment/v1/group", "segmentGroup"),
    ("/segment/v1/alias", "segmentAlias"),
];

const POSTHOG: [(&str, &str); 6] = [
    ("/posthog/batch", "posthogBatch"),
    ("/posthog/batch/", "posthogBatchSlash"),
    ("/posthog/capture", "posthogCapture"),
    ("/posthog/capture/", "posthogCaptureSlash"),
    ("/posthog/i/v0/e", "posthogEvent"),
    ("/posthog/i/v0/e/", "posthogEventSlash"),
];

pub(super) fn routes() -> Vec<Route> {
    let batch = segment("/segment/v1/batch", "segmentBatch", named("SegmentBatch"));
    let calls = SEGMENT.map(|(path, name)| segment(path, name, object().into()));
    let captures = POSTHOG.map(|(path, name)| {
        taken(route(&Method::POST, path, name, "Send events as PostHog's clients do"))
            .told("The key is `api_key` in the body, or `token`.")
            .takes_json(named("PosthogBatch"))
            .answers(named("PosthogTaken"), "One verdict an event")
    });
    std::iter::once(batch).chain(calls).chain(captures).collect()
}

fn segment(path: &'static str, name: &'static str, body: Shape) -> Route {
    taken(route(&Method::POST, path, name, "Send events as Segment's clients do"))
        .told("The key is the name of the user in `Basic` authentication, or `writeKey` in the body.")
        .takes_json(body)
        .answers(named("SegmentTaken"), "One verdict an event")
}

/// Their keys come elsewhere.
fn taken(route: Route) -> Route {
    route
        .under("other clients")
        .without_key()
        .refuses(&[Reason::BatchTooLarge])
}

pub(super) fn schemas() -> Vec<(&'static str, Shape)> {
    let results = || need("results", list(named("Verdict")));
    let batch = open([
        need("batch", list(anything())),
        may("writeKey", text()),
        may("sentAt", text()),
        may("context", object()),
    ]);
    let capture = open([
        may("api_key", text()),
        may("token", text()),
        may("batch", list(anything())),
        may("sent_at", text()),
        may("historical_migration", flag()),
    ]);
    vec![
        ("SegmentBatch", batch.into()),
        ("SegmentTaken", record([need("success", flag()), results()]).into()),
        ("PosthogBatch", capture.into()),
        ("PosthogTaken", record([need("status", word(["Ok"])), results()]).into()),
    ]
}
