//! A router whose every route asks a key for what the table says.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use event_store::api_key::{Access, Principal, Rights, Use};
use tower_http::validate_request::ValidateRequestHeaderLayer;

use super::table::{Need, Scope, TABLE};
use super::{Guard, sender};
use crate::reply::{Failure, Reason};

/// Where clients report what they had to give up.
const LOSSES: &str = "/v1/losses";

/// A router in the making.
pub(crate) struct Gate<S> {
    guard: Arc<Guard>,
    router: Router<S>,
    paths: Vec<&'static str>,
}

/// What one route asks for.
struct Pass {
    guard: Arc<Guard>,
    needs: Vec<Need>,
}

impl<S: Clone + Send + Sync + 'static> Gate<S> {
    pub(crate) fn new(guard: Arc<Guard>) -> Self {
        Gate {
            guard,
            router: Router::new(),
            paths: Vec::new(),
        }
    }

    /// The same with a route more, as [`Router::route`].
    pub(crate) fn route(mut self, path: &'static str, methods: MethodRouter<S>) -> Self {
        let needs = TABLE.iter().filter(|need| need.path == path).copied().collect();
        let pass = Arc::new(Pass {
            guard: Arc::clone(&self.guard),
            needs,
        });
        let permit = ValidateRequestHeaderLayer::custom(move |request: &mut Request| pass.permit(request));
        let methods = methods.route_layer(permit);
        self.router = self.router.route(path, methods);
        self.paths.push(path);
        self
    }

    /// The router, and the paths that it knows.
    pub(crate) fn into_parts(self) -> (Router<S>, Vec<&'static str>) {
        (self.router, self.paths)
    }
}

impl Pass {
    /// That the key of a request is good, is for this, and has anything left. Where there are no keys, everything is allowed.
    fn permit(&self, request: &mut Request) -> Result<(), Response> {
        self.guard.check(request)?;
        let permitted = match sender(request) {
            Some(sender) => self.check(sender, request.method()),
            None => Ok(()),
        };
        permitted.map_err(|failure| failure.into_response())
    }

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
        Ok(self.guard.store.admit(sender, used)?)
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
