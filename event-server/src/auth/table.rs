//! Which route asks a key for what: one line a method, here and nowhere else.
//!
//! A route that has no line is closed to all keys; a test goes through all there are.

use event_store::api_key::Access;

/// How far the bounds of a key matter to a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Nothing that it tells is of a source or a type, or the bounds are held against what is sent.
    Free,
    /// A question has to stay within the bounds, and what is changed does: its handler sees to it.
    Within,
    /// It is about all sources and types: only for keys that may read them all.
    All,
    /// It decides about everybody: only for keys without any bounds.
    Unbound,
}

/// What a method of a route asks a key for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// One of these.
    pub(crate) access: &'static [Access],
    pub(crate) scope: Scope,
}

const fn need(method: &'static str, path: &'static str, access: &'static [Access], scope: Scope) -> Need {
    Need {
        method,
        path,
        access,
        scope,
    }
}

const WRITE: &[Access] = &[Access::Write];
const READ: &[Access] = &[Access::Read];
const ADMIN: &[Access] = &[Access::Admin];
/// What whoever has a key may know.
const ANY: &[Access] = &Access::ALL;

/// All that keys can do.
pub(crate) const TABLE: &[Need] = &[
    need("GET", "/", READ, Scope::All),
    need("GET", "/explore", READ, Scope::All),
    need("GET", "/page/live", READ, Scope::All),
    need("GET", "/refused", READ, Scope::All),
    need("GET", "/refused/{number}", READ, Scope::All),
    need("POST", "/refused/replay", ADMIN, Scope::All),
    need("POST", "/refused/{number}/replay", ADMIN, Scope::All),
    need("POST", "/refused/{number}/discard", ADMIN, Scope::All),
    need("GET", "/sessions/{id}", READ, Scope::All),
    need("GET", "/losses", READ, Scope::All),
    need("GET", "/types", READ, Scope::All),
    need("GET", "/keys", ADMIN, Scope::Unbound),
    need("POST", "/logout", ANY, Scope::Free),
    need("GET", "/metrics", READ, Scope::All),
    need("GET", "/v1/events", READ, Scope::Within),
    need("POST", "/v1/events", WRITE, Scope::Free),
    need("GET", "/v1/events/follow", READ, Scope::Within),
    need("GET", "/v1/events/{id}", READ, Scope::Within),
    need("GET", "/v1/export", READ, Scope::Within),
    need("POST", "/v1/import", WRITE, Scope::Free),
    need("GET", "/v1/sessions/{id}", READ, Scope::All),
    need("GET", "/v1/sessions", READ, Scope::Within),
    need("POST", "/v1/sessions", READ, Scope::Within),
    need("GET", "/v1/funnel", READ, Scope::Within),
    need("POST", "/v1/funnel", READ, Scope::Within),
    need("GET", "/v1/retention", READ, Scope::Within),
    need("POST", "/v1/retention", READ, Scope::Within),
    need("GET", "/v1/active", READ, Scope::Within),
    need("POST", "/v1/active", READ, Scope::Within),
    need("GET", "/v1/query", READ, Scope::Within),
    need("POST", "/v1/query", READ, Scope::Within),
    // Senders judge by the types before they send.
    need("GET", "/v1/types", ANY, Scope::Free),
    need("GET", "/v1/types/{category}/{name}/{version}", ANY, Scope::Free),
    need("PUT", "/v1/types/{category}/{name}/{version}", ADMIN, Scope::All),
    need(
        "POST",
        "/v1/types/{category}/{name}/{version}/events",
        WRITE,
        Scope::Free,
    ),
    need(
        "GET",
        "/v1/types/{category}/{name}/{version}/compatibility",
        READ,
        Scope::Free,
    ),
    need("POST", "/v1/types/{category}/{name}/schema/trial", ADMIN, Scope::All),
    need("GET", "/v1/types/{category}/{name}/schema/inferred", READ, Scope::All),
    need("GET", "/v1/metrics", READ, Scope::Free),
    need("GET", "/v1/metrics/{metric}", READ, Scope::Free),
    need("PUT", "/v1/metrics/{metric}", ADMIN, Scope::All),
    need("DELETE", "/v1/metrics/{metric}", ADMIN, Scope::All),
    need("GET", "/v1/quarantine", READ, Scope::Within),
    need("POST", "/v1/quarantine/replay", ADMIN, Scope::Within),
    need("POST", "/v1/quarantine/discard", ADMIN, Scope::Within),
    need("GET", "/v1/quarantine/{number}", READ, Scope::Within),
    need("PATCH", "/v1/quarantine/{number}", ADMIN, Scope::Within),
    need("GET", "/v1/projections", READ, Scope::All),
    need("GET", "/v1/projections/{name}", READ, Scope::All),
    need("POST", "/v1/projections/{name}/rebuild", ADMIN, Scope::All),
    need("POST", "/v1/projections/{name}/abandon", ADMIN, Scope::All),
    need("GET", "/v1/projections/{name}/parked", READ, Scope::All),
    need("POST", "/v1/projections/{name}/parked/replay", ADMIN, Scope::All),
    need("POST", "/v1/projections/{name}/parked/discard", ADMIN, Scope::All),
    need("GET", "/v1/projections/{name}/parked/{position}", READ, Scope::All),
    need(
        "POST",
        "/v1/projections/{name}/parked/{position}/replay",
        ADMIN,
        Scope::All,
    ),
    need(
        "POST",
        "/v1/projections/{name}/parked/{position}/discard",
        ADMIN,
        Scope::All,
    ),
    need("DELETE", "/v1/subjects/{subject}", ADMIN, Scope::All),
    need("GET", "/v1/erasures", READ, Scope::All),
    need("GET", "/v1/losses", READ, Scope::Within),
    need("POST", "/v1/losses", WRITE, Scope::Free),
    need("GET", "/v1/keys", ADMIN, Scope::Unbound),
    need("POST", "/v1/keys", ADMIN, Scope::Unbound),
    need("DELETE", "/v1/keys/{prefix}", ADMIN, Scope::Unbound),
    need("POST", "/v1/keys/{prefix}/rotate", ADMIN, Scope::Unbound),
];
