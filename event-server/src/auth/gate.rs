//! A router whose every route asks a key for what the table says.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use event_store::EventStore;
use event_store::api_key::{Access, Principal, Rights, Use};

use super::sender;
use super::table::{Need, Scope, TABLE};
use crate::reply::{Failure, Reason};

/// Where clients report what they had to give up.
const LOSSES: &str = "/v1/losses";

/// A router in the making.
pub(crate) struct Gate<S> {
    store: EventStore,
    router: Router<S>,
    paths: Vec<&'static str>,
}

/// What one route asks for.
struct Pass {
    store: EventStore,
    needs: Vec<Need>,
}

impl<S: Clone + Send + Sync + 'static> Gate<S> {
    pub(crate) fn new(store: EventStore) -> Self {
        Gate {
            store,
            router: Router::new(),
            paths: Vec::new(),
        }
    }

    /// The same with a route more, as [`Router::route`].
    pub(crate) fn route(mut self, path: &'static str, methods: MethodRouter<S>) -> Self {
        let needs = TABLE.iter().filter(|need| need.path == path).copied().collect();
        let store = self.store.clone();
        let methods = methods.route_layer(from_fn_with_state(Arc::new(Pass { store, needs }), permit));
        self.router = self.router.route(path, methods);
        self.paths.push(path);
        self
    }

    /// The router, and the paths that it knows.
    pub(crate) fn into_parts(self) -> (Router<S>, Vec<&'static str>) {
        (self.router, self.paths)
    }
}

/// Lets a request pass if its key is for this, and has anything left. Where there are no keys, everything is allowed.
async fn permit(State(pass): State<Arc<Pass>>, request: Request, next: Next) -> Response {
    let permitted = match sender(&request) {
        Some(sender) => pass.check(sender, request.method()),
        None => Ok(()),
    };
    match permitted {
        Ok(()) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

impl Pass {
    fn check(&self, sender: &Principal, method: &Method) -> Result<(), Failure> {
        let method = if method == Method::HEAD { "GET" } else { method.as_str() };
        let Some(need) = self.needs.iter().find(|need| need.method == method) else {
            return Err(refused(
                "no key is for this request: the routes that keys are for stand at /docs",
            ));
        };
        let rights = &sender.rights;
        if !need.access.iter().any(|access| rights.may(*access)) {
            return Err(refused(need.missing(rights)));
        }
        match need.scope {
            Scope::All if rights.is_bound_in_reading() => {
                let detail = format!(
                    "this is about all sources and types, and the key of this request is bound to some: {}",
                    advice("--any-source", need.access)
                );
                return Err(refused(detail));
            }
            Scope::Unbound if rights.is_bound() => {
                let detail = format!(
                    "this needs a key that is bound to no sources and no types: {}",
                    advice("--any-source", need.access)
                );
                return Err(refused(detail));
            }
            _ => {}
        }
        // How many events there are is known later; whoever may send none is told before they come.
        // A report of losses brings none.
        let used = if need.access == [Access::Write] && need.path != LOSSES {
            Use::Events(0)
        } else {
            Use::Request
        };
        Ok(self.store.admit(sender, used)?)
    }
}

impl Need {
    /// What whoever has a key that is for something else is told.
    fn missing(&self, rights: &Rights) -> String {
        let names = |all: &[Access]| {
            all.iter()
                .map(|access| access.as_str())
                .collect::<Vec<_>>()
                .join(" or ")
        };
        let own: Vec<Access> = Access::ALL.into_iter().filter(|access| rights.may(*access)).collect();
        let sources = match self.scope {
            Scope::Free | Scope::Within => "--source SOURCE",
            Scope::All | Scope::Unbound => "--any-source",
        };
        format!(
            "this needs a key with the access {}, and that of this request is for {}: {}",
            names(self.access),
            names(&own).replace(" or ", " and "),
            advice(sources, self.access)
        )
    }
}

/// How to come by a key that is for this.
pub(crate) fn advice(sources: &str, access: &[Access]) -> String {
    let access: Vec<&str> = access.iter().map(|access| access.as_str()).collect();
    let access = access.join(",");
    format!("whoever runs the collector makes one by `event-server key create {sources} --access {access}`")
}

fn refused(detail: impl Into<String>) -> Failure {
    Failure::new(Reason::NotPermitted, detail)
}
