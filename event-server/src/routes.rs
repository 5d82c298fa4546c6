//! One file a resource: parse, call, reply.
//!
//! A handler may be dropped wherever it waits, as soon as its client goes away. So a handler only
//! converts; what must not stop half-way happens behind [`EventStore`], in a task of its own.

mod around;
mod shed;
mod admit;
mod attend;
mod collect;
mod events;
mod follow;
mod export;
mod import;
mod foreign;
mod segment;
mod posthog;
mod sessions;
mod query;
mod stories;
mod definition;
mod catalog;
mod version;
mod metric;
mod metrics;
mod quarantine;
mod work;
mod projections;
mod parked;
mod subjects;
mod loss;
mod losses;
mod new_key;
mod keys;
mod numbers;
mod health;
mod manual;
mod page;
#[cfg(test)]
mod tests;

use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::handler::Handler as _;
use axum::http::Uri;
use axum::routing::{delete, get, post};
use event_store::EventStore;
use tower::util::option_layer;

use crate::auth::{self, Gate, Guard};
use crate::config::ServerConfig;
use crate::cors;
use crate::meter::Meter;
use crate::reply::{Failure, Reason};
use admit::Admit;
use around::Layered;
use attend::Attend;
use shed::Shedding;

/// Where files are sent to, which may be larger than other bodies.
const IMPORT: &str = "/v1/import";

/// What handlers share: one thing to count, for each request is handed several of it.
#[derive(Clone)]
struct App(Arc<Shared>);

/// The inside of an [`App`].
struct Shared {
    store: EventStore,
    config: ServerConfig,
    guard: Arc<Guard>,
    meter: Meter,
    shedding: Shedding,
}

impl App {
    fn new(store: EventStore, config: ServerConfig) -> Self {
        App(Arc::new(Shared {
            guard: Arc::new(Guard::new(store.clone(), &config)),
            store,
            config,
            meter: Meter::new(),
            shedding: Shedding::default(),
        }))
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// All routes of the collector over a store, to be served by [`serve`](crate::serve) or nested into
/// another application. Once the store has keys, all but `/health`, `/docs`, `/login`
/// and `/openapi.json` ask for one that is for what they do.
///
/// ```
/// use event_server::{ServerConfig, router};
/// # async fn embed(store: event_store::EventStore) {
/// let mut config = ServerConfig::default();
/// config.batch_events = 100;
/// let collector: axum::Router = router(store, config);
/// # }
/// ```
pub fn router(store: EventStore, config: ServerConfig) -> Router {
    let app = App::new(store, config);
    let (guarded, _) = guarded(&app).into_parts();
    let check = || auth::check(Arc::clone(&app.guard));
    let router = guarded
        .method_not_allowed_fallback(method_not_allowed.layer(check()))
        .fallback(not_found.layer(check()))
        .merge(foreign_clients(&app))
        // Whoever only looks whether the program is well has no key.
        .route("/health/live", get(health::live).fallback(method_not_allowed))
        .route("/health/ready", get(health::ready).fallback(method_not_allowed))
        // Where a key is shown there is none yet.
        .merge(page::open())
        // The same for every collector; a browser that asks for them has no key yet.
        .route("/docs", get(manual::page).fallback(method_not_allowed))
        .route("/docs/", get(manual::slash).fallback(method_not_allowed))
        .route("/docs/{file}", get(manual::file).fallback(method_not_allowed))
        .route("/openapi.json", get(manual::document).fallback(method_not_allowed))
        // Each layer of a router costs every request about as much as all of those below it: these are one.
        .layer((
            Layered::<Attend>::new(&app),
            option_layer(cors::layer(&app.config.cors_origins)),
            Layered::<Admit>::new(&app),
        ));
    router.with_state(app)
}

/// Other people's clients, which have their keys elsewhere: in the body, say.
fn foreign_clients(app: &App) -> Router<App> {
    let routes = segment::routes().merge(posthog::routes());
    routes.route_layer(auth::check_host(Arc::clone(&app.guard)))
}

/// The routes that ask for keys, once there are some: what for says the table in `auth`.
fn guarded(app: &App) -> Gate<App> {
    page::guarded(Gate::new(Arc::clone(&app.guard)))
        .route("/v1/events", get(events::list).post(events::collect))
        .route("/v1/events/follow", get(follow::stream))
        .route("/v1/events/{id}", get(events::receipt))
        .route("/v1/export", get(export::stream))
        .route(IMPORT, post(import::upload))
        .route("/v1/sessions/{id}", get(sessions::show))
        .route("/v1/sessions", stories::sessions())
        .route("/v1/funnel", stories::funnel())
        .route("/v1/retention", stories::retention())
        .route("/v1/active", stories::active())
        .route("/v1/query", get(query::by_parameters).post(query::by_json))
        .route("/v1/types", get(catalog::list))
        .route(
            "/v1/types/{category}/{name}/{version}",
            get(catalog::show).put(catalog::register),
        )
        .route("/v1/types/{category}/{name}/{version}/events", post(foreign::collect))
        .route(
            "/v1/types/{category}/{name}/{version}/compatibility",
            get(version::compatibility),
        )
        .route("/v1/types/{category}/{name}/schema/trial", post(version::try_out))
        .route("/v1/types/{category}/{name}/schema/inferred", get(version::inferred))
        .route("/v1/metrics", get(metrics::list))
        .route(
            "/v1/metrics/{metric}",
            get(metrics::show).put(metrics::declare).delete(metrics::remove),
        )
        .route("/v1/quarantine", get(quarantine::list))
        .route("/v1/quarantine/replay", post(work::replay))
        .route("/v1/quarantine/discard", post(work::discard))
        .route("/v1/quarantine/{number}", get(quarantine::show).patch(quarantine::edit))
        .route("/v1/projections", get(projections::list))
        .route("/v1/projections/{name}", get(projections::show))
        .route("/v1/projections/{name}/rebuild", post(projections::rebuild))
        .route("/v1/projections/{name}/abandon", post(projections::abandon))
        .route("/v1/projections/{name}/parked", get(parked::list))
        .route("/v1/projections/{name}/parked/replay", post(parked::replay_many))
        .route("/v1/projections/{name}/parked/discard", post(parked::discard_many))
        .route("/v1/projections/{name}/parked/{position}", get(parked::show))
        .route("/v1/projections/{name}/parked/{position}/replay", post(parked::replay))
        .route(
            "/v1/projections/{name}/parked/{position}/discard",
            post(parked::discard),
        )
        .route("/v1/subjects/{subject}", delete(subjects::erase))
        .route("/v1/erasures", get(subjects::erasures))
        .route("/v1/losses", get(losses::list).post(losses::report))
        .route("/v1/keys", get(keys::list).post(keys::create))
        .route("/v1/keys/{prefix}", delete(keys::revoke))
        .route("/v1/keys/{prefix}/rotate", post(keys::rotate))
        .route("/metrics", get(numbers::show))
}

async fn not_found(uri: Uri) -> Failure {
    let hint = if uri.path().contains("//") {
        "; the path holds an empty segment"
    } else {
        ""
    };
    Failure::new(Reason::NotFound, format!("there is no such route{hint}"))
}

async fn method_not_allowed() -> Failure {
    Failure::new(
        Reason::MethodNotAllowed,
        "this route knows the methods of the header Allow",
    )
}
