//! What requests cost, and how the store does: numbers for Prometheus.
//!
//! Each router counts for itself; there is no recorder that a whole process shares. Labels are taken from lists that
//! are known beforehand, never from what a request says.

mod scrape;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use axum::http::Method;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

pub(crate) use scrape::{Kept, Scrape};

/// What all names begin with.
const PREFIX: &str = "event";

/// Labels and their values.
type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];

/// Seconds: a request that stores waits for the disk, one that asks may add up many rows.
const DURATIONS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The numbers of one route, method and status.
#[derive(Clone)]
struct Numbers {
    method: &'static str,
    status: u16,
    requests: Counter,
    durations: Histogram,
}

/// Counts what one router does.
pub(crate) struct Meter {
    registry: Registry,
    requests: Family<Labels<3>, Counter>,
    durations: Family<Labels<2>, Histogram>,
    /// What was counted by route before: its labels are not made for every request anew.
    routes: RwLock<HashMap<String, Vec<Numbers>>>,
    problems: Family<Labels<1>, Counter>,
    shed: Family<Labels<1>, Counter>,
    logins: Family<Labels<1>, Counter>,
    received: Counter,
}

impl Meter {
    pub(crate) fn new() -> Self {
        let requests = Family::default();
        let durations: Family<_, Histogram> = Family::new_with_constructor(|| Histogram::new(DURATIONS));
        let (problems, shed, received) = (Family::default(), Family::default(), Counter::default());
        let logins = Family::default();
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register("http_requests", "Requests that were answered", requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "From the headers of a request to those of its answer",
            Unit::Seconds,
            durations.clone(),
        );
        registry.register(
            "http_problems",
            "Requests that were not done, by the code they were told",
            problems.clone(),
        );
        registry.register(
            "http_shed",
            "Requests with events that were turned away because too much waits, before or after their bodies were read",
            shed.clone(),
        );
        registry.register(
            "http_logins",
            "Keys that were shown to log in: good, none, or none and one too many",
            logins.clone(),
        );
        registry.register_with_unit(
            "http_received",
            "Bytes of bodies as they came over the wire",
            Unit::Bytes,
            received.clone(),
        );
        Meter {
            registry,
            requests,
            durations,
            routes: RwLock::default(),
            problems,
            shed,
            logins,
            received,
        }
    }

    /// A request was answered. Its route is the one that it matched.
    pub(crate) fn answered(&self, method: &Method, route: Option<&str>, status: u16, elapsed: Duration) {
        let (method, route) = (known(method), route.unwrap_or("none"));
        let before = {
            let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
            let same = |it: &&Numbers| it.method == method && it.status == status;
            routes.get(route).and_then(|all| all.iter().find(same).cloned())
        };
        let numbers = before.unwrap_or_else(|| self.begin(method, route, status));
        numbers.durations.observe(elapsed.as_secs_f64());
        numbers.requests.inc();
    }

    /// The numbers of what was not counted before.
    fn begin(&self, method: &'static str, route: &str, status: u16) -> Numbers {
        let (name, label) = (Cow::Borrowed(method), Cow::<'static, str>::Owned(route.to_owned()));
        let durations = [("method", name.clone()), ("route", label.clone())];
        let status_label = Cow::Owned(status.to_string());
        let requests = [("method", name), ("route", label), ("status", status_label)];
        let numbers = Numbers {
            method,
            status,
            requests: self.requests.get_or_create(&requests).clone(),
            durations: self.durations.get_or_create(&durations).clone(),
        };
        // A second one that began at the same time counts into the same.
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        routes.entry(route.to_owned()).or_default().push(numbers.clone());
        numbers
    }

    /// A request was told a problem.
    pub(crate) fn refused(&self, code: &'static str) {
        self.problems.get_or_create(&[("code", Cow::Borrowed(code))]).inc();
    }

    /// A request was turned away because of too much load.
    pub(crate) fn shed(&self, body: &'static str) {
        self.shed.get_or_create(&[("body", Cow::Borrowed(body))]).inc();
    }

    /// Somebody has shown a key to log in.
    pub(crate) fn login(&self, outcome: &'static str) {
        self.logins.get_or_create(&[("outcome", Cow::Borrowed(outcome))]).inc();
    }

    /// Counts bytes that come in.
    pub(crate) fn received(&self) -> Counter {
        self.received.clone()
    }

    /// All numbers as OpenMetrics, and with them what the store says.
    pub(crate) fn write(&self, scrape: Scrape) -> String {
        let mut store = Registry::with_prefix(PREFIX);
        store.register_collector(Box::new(scrape));
        let mut text = String::new();
        let written = encode_registry(&mut text, &self.registry)
            .and_then(|()| encode_registry(&mut text, &store))
            .and_then(|()| encode_eof(&mut text));
        if let Err(error) = written {
            // A string takes all that is written.
            tracing::error!(%error, "the numbers could not be written");
        }
        text
    }
}

/// The method of a request, one of a few.
pub(crate) fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
