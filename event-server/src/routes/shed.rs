//! Requests with events that come while too much waits: told so before anything else is known of them, for whatever is done
//! for them is taken from those that were let in.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use tokio::time::sleep;

use super::App;
use crate::body;
use crate::reply;

/// How often the log says that load is shed.
const SAID: Duration = Duration::from_secs(10);

/// Whether there is room for the events of a request, if it brings any. Not even its key is looked at before.
pub(super) fn is_let_in(app: &App, request: &Request) -> bool {
    app.store.has_room() || !brings_events(request.method(), request.uri().path())
}

/// Tells whoever found no room, after a moment.
pub(super) async fn turn_away(app: &App, request: Request) -> Response {
    app.meter.shed("unread");
    app.shedding.say();
    sleep(reply::RELUCTANCE).await;
    // What has come of the body meanwhile went no further than to the connection.
    body::leave(request, &app.config);
    reply::overloaded()
}

/// Whether a request is one that brings events. Imports take the time that they take, and wait for room themselves.
fn brings_events(method: &Method, path: &str) -> bool {
    method == Method::POST
        && (path == "/v1/events"
            || path.starts_with("/segment/")
            || path.starts_with("/posthog/")
            || (path.starts_with("/v1/types/") && path.ends_with("/events")))
}

/// Says in the log that load is shed, now and then: a line for each who is turned away would cost what is to be spared.
#[derive(Debug)]
pub(super) struct Shedding {
    begun: Instant,
    /// When it was said last, in milliseconds since it began to count, and one more; 0 for never.
    said: AtomicU64,
    unsaid: AtomicU64,
}

impl Default for Shedding {
    fn default() -> Self {
        Shedding {
            begun: Instant::now(),
            said: AtomicU64::new(0),
            unsaid: AtomicU64::new(0),
        }
    }
}

impl Shedding {
    /// One more was turned away.
    pub(super) fn say(&self) {
        if let Some(requests) = self.due(self.begun.elapsed()) {
            tracing::warn!(requests, "load is shed: too many events wait to be stored");
        }
    }

    /// How many are to be told of now, if it is time.
    fn due(&self, now: Duration) -> Option<u64> {
        self.unsaid.fetch_add(1, Ordering::Relaxed);
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX - 1) + 1;
        let said = self.said.load(Ordering::Relaxed);
        if said != 0 && u128::from(now - said.min(now)) < SAID.as_millis() {
            return None;
        }
        // One of those who come at the same time says it.
        let first = self
            .said
            .compare_exchange(said, now, Ordering::Relaxed, Ordering::Relaxed);
        first.is_ok().then(|| self.unsaid.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_brings_events_is_known_by_its_path() {
        for path in [
            "/v1/events",
            "/segment/v1/batch",
            "/segment/v1/track",
            "/posthog/i/v0/e/",
            "/v1/types/order/created/1/events",
        ] {
            assert!(brings_events(&Method::POST, path), "{path}");
            assert!(!brings_events(&Method::GET, path), "{path}");
        }
        for path in [
            "/v1/import",
            "/v1/query",
            "/v1/losses",
            "/v1/events/1",
            "/v1/types/a/b/1",
            "/login",
            "/health/live",
        ] {
            assert!(!brings_events(&Method::POST, path), "{path}");
        }
    }

    #[test]
    fn the_log_has_a_line_now_and_then() {
        let (shedding, at) = (Shedding::default(), Duration::from_secs);
        assert_eq!(shedding.due(at(0)), Some(1));
        for second in 1..10 {
            assert_eq!(shedding.due(at(second)), None);
        }
        assert_eq!(shedding.due(at(10)), Some(10));
        assert_eq!(shedding.due(at(19)), None);
        assert_eq!(shedding.due(at(25)), Some(2));
    }
}
