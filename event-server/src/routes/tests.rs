//! Every route there is, and every kind of key.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Method;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use event_store::api_key::{Access, NewKey};
use tower::ServiceExt as _;

use super::*;
use crate::auth::{Need, Scope, TABLE};
use crate::peer::Peer;
use axum::extract::Request;

const METHODS: [Method; 8] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::TRACE,
    Method::CONNECT,
];

/// Those who ask whether the program is well, or how to speak to it, have no key; other people's clients have theirs elsewhere, and are asked for it
/// there.
const OPEN: [&str; 22] = [
    "/docs",
    "/docs/",
    "/docs/{file}",
    "/health/live",
    "/health/ready",
    "/login",
    "/openapi.json",
    "/page.css",
    "/page.js",
    "/posthog/batch",
    "/posthog/batch/",
    "/posthog/capture",
    "/posthog/capture/",
    "/posthog/i/v0/e",
    "/posthog/i/v0/e/",
    "/segment/v1/alias",
    "/segment/v1/batch",
    "/segment/v1/group",
    "/segment/v1/identify",
    "/segment/v1/page",
    "/segment/v1/screen",
    "/segment/v1/track",
];

async fn store() -> EventStore {
    EventStore::connect("sqlite::memory:").await.unwrap()
}

/// A path with something at each of its places.
fn filled(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment {
        "{number}" => "1",
        segment if segment.starts_with('{') => "x",
        segment => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Status, and the code of the problem, if it is one.
async fn ask(router: &Router, method: &str, target: &str, key: Option<&str>, body: &str) -> (u16, String) {
    let mut request = Request::builder().method(method).uri(target);
    if let Some(key) = key {
        request = request.header(AUTHORIZATION, format!("Bearer {key}"));
    }
    if !body.is_empty() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    if status < 400 {
        // One of these has no end.
        return (status, String::new());
    }
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let code = problem["type"].as_str().and_then(|name| name.rsplit('/').next());
    (status, code.unwrap_or_default().to_owned())
}

async fn key(store: &EventStore, new: NewKey) -> String {
    store.create_key(new).await.unwrap().expose().to_owned()
}

#[tokio::test]
async fn every_route_stands_in_the_table_and_no_other() {
    let app = App::new(store().await, ServerConfig::default());
    let (guarded, paths) = guarded(&app).into_parts();
    let guarded = guarded
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(app.clone());
    let mut routes = BTreeSet::new();
    for path in &paths {
        for method in METHODS {
            if ask(&guarded, method.as_str(), &filled(path), None, "").await.0 != 405 {
                routes.insert((method.to_string(), *path));
            }
        }
    }
    assert!(routes.len() > 40, "{routes:?}");
    let table: BTreeSet<_> = TABLE.iter().map(|need| (need.method.to_owned(), need.path)).collect();
    assert_eq!(routes, table);
    assert_eq!(table.len(), TABLE.len(), "a line stands there twice");

    // Nothing goes by the gate. What axum shows of a router for debugging has the paths in it.
    let shown = format!("{:?}", router(app.store.clone(), ServerConfig::default()));
    let all: BTreeSet<&str> = shown
        .split('"')
        .filter(|text| text.starts_with('/') && !text.contains("__private__"))
        .collect();
    let open: BTreeSet<&str> = all.difference(&paths.iter().copied().collect()).copied().collect();
    assert_eq!(open, BTreeSet::from(OPEN));
}

/// Parameters, or a body, with which a question is one.
fn question(need: &Need) -> (&'static str, &'static str) {
    match (need.method, need.path) {
        ("GET", "/v1/funnel") => ("step=a&window=1d", ""),
        ("GET", "/v1/retention") => ("by=session_id&bucket=day&periods=3", ""),
        ("GET", "/v1/active") => ("open=a&close=b&key=session_id&bucket=day", ""),
        ("GET", "/v1/query") => ("measure=count", ""),
        ("POST", "/v1/funnel") => ("", r#"{"steps": ["a"], "window": "1d"}"#),
        ("POST", "/v1/retention") => ("", r#"{"by": "session_id", "bucket": "day", "periods": 3}"#),
        ("POST", "/v1/active") => (
            "",
            r#"{"open": "a", "close": "b", "key": ["session_id"], "bucket": "day"}"#,
        ),
        ("POST", "/v1/query") => ("", r#"{"measure": "count"}"#),
        ("POST", "/v1/sessions") => ("", "{}"),
        _ => ("", ""),
    }
}

/// A route's own path and body, asked for one source.
fn of_source(need: &Need, source: Option<&str>) -> (String, String) {
    let (parameters, body) = question(need);
    let path = filled(need.path);
    match source {
        Some(source) if body.is_empty() => (format!("{path}?{parameters}&source={source}"), String::new()),
        Some(source) => {
            let filter = format!(r#""filter": {{"all": [{{"field": "source", "equals": "{source}"}}]}}}}"#);
            let comma = if body == "{}" { "" } else { ", " };
            (path, format!("{}{comma}{filter}", body.trim_end_matches('}')))
        }
        None => (format!("{path}?{parameters}"), body.to_owned()),
    }
}

/// The routes of questions, which are asked with a filter.
fn is_list(need: &Need) -> bool {
    need.scope == Scope::Within && need.access == [Access::Read] && need.path != "/v1/quarantine/{number}"
}

#[tokio::test]
async fn each_key_opens_what_it_is_for() {
    let store = store().await;
    let router = router(store.clone(), ServerConfig::default());
    let mut alone = Vec::new();
    for access in Access::ALL {
        alone.push((access, key(&store, NewKey::any_source().access([access])).await));
    }
    let shop = NewKey::new("shop".parse().unwrap()).access(Access::ALL);
    let (bound, reaching) = (
        key(&store, shop.clone()).await,
        key(&store, shop.clone().reading_all()).await,
    );
    let typed = key(
        &store,
        NewKey::any_source().access(Access::ALL).types(["a".parse().unwrap()]),
    )
    .await;
    let denied = (403, "not_permitted".to_owned());

    for need in TABLE {
        let title = format!("{} {}", need.method, need.path);
        let (target, body) = of_source(need, None);
        let asked = async |key: Option<&str>| ask(&router, need.method, &target, key, &body).await;
        assert_eq!(asked(None).await, (401, "unauthenticated".to_owned()), "{title}");
        for (access, key) in &alone {
            let answer = asked(Some(key)).await;
            if need.access.contains(access) {
                assert!(
                    ![401, 403, 405, 500].contains(&answer.0),
                    "{title} by {access}: {answer:?}"
                );
            } else {
                assert_eq!(answer, denied, "{title} by {access}");
            }
        }
        // Nobody reads beyond his bounds, nor decides about others.
        for key in [&bound, &typed] {
            let answer = asked(Some(key)).await;
            match need.scope {
                Scope::All | Scope::Unbound => assert_eq!(answer, denied, "{title}"),
                Scope::Free => assert_ne!(answer.0, 403, "{title}"),
                Scope::Within => {}
            }
        }
        let answer = asked(Some(&reaching)).await;
        assert_eq!(
            answer.0 == 403,
            need.scope == Scope::Unbound || need.path.starts_with("/v1/subjects"),
            "{title}"
        );
        if is_list(need) {
            assert_eq!(asked(Some(&bound)).await, denied, "{title} without a filter");
            let ask_for = async |source: &str, key: &str| {
                let (target, body) = of_source(need, Some(source));
                ask(&router, need.method, &target, Some(key), &body).await
            };
            assert_eq!(ask_for("bank", &bound).await, denied, "{title} of another source");
            let own = ask_for("shop", &bound).await;
            assert!([200, 404].contains(&own.0), "{title} of its own source: {own:?}");
            if need.path != "/v1/events/{id}" {
                assert_eq!(ask_for("shop", &typed).await, denied, "{title} of any type");
            }
        }
    }
}

#[tokio::test]
async fn a_collector_inside_another_application_asks_for_the_same() {
    let store = store().await;
    let inner = router(store.clone(), ServerConfig::default());
    let outer: Router = Router::new().nest("/collector", inner);
    let reader = key(&store, NewKey::any_source().access([Access::Read])).await;
    let good = ask(&outer, "GET", "/collector/v1/events", Some(&reader), "").await;
    assert_eq!(good.0, 200);
    let refused = ask(&outer, "POST", "/collector/v1/events", Some(&reader), "{}").await;
    assert_eq!(refused, (403, "not_permitted".to_owned()));
    assert_eq!(ask(&outer, "GET", "/collector/v1/events", None, "").await.0, 401);
}

#[tokio::test]
async fn a_peer_without_a_good_key_is_told_to_wait() {
    let store = store().await;
    let good = key(&store, NewKey::any_source().access([Access::Read])).await;
    let config = ServerConfig {
        failures: 3,
        ..ServerConfig::default()
    };
    let router = router(store, config);
    let send = async |peer: &str, key: &str| {
        let request = Request::builder()
            .uri("/v1/events")
            .header(AUTHORIZATION, format!("Bearer {key}"));
        let request = request
            .extension(Peer(peer.parse().unwrap()))
            .body(Body::empty())
            .unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let after = response
            .headers()
            .get("retry-after")
            .map(|value| value.to_str().unwrap().parse::<u64>());
        (response.status().as_u16(), after.transpose().unwrap())
    };
    for _ in 0..3 {
        assert_eq!(send("192.0.2.1", "ev_wrong").await, (401, None));
    }
    let (status, after) = send("192.0.2.1", "ev_wrong").await;
    assert!(
        status == 429 && after.is_some_and(|after| (1..=78).contains(&after)),
        "{after:?}"
    );
    // Who has a good key is not shut out by one who guesses at the same address; nor is anybody elsewhere.
    assert_eq!(send("192.0.2.1", &good).await.0, 200);
    assert_eq!(send("192.0.2.2", "ev_wrong").await.0, 401);
}

#[tokio::test]
async fn browsers_are_answered_for_the_origins_that_are_named() {
    let store = store().await;
    let _ = key(&store, NewKey::any_source()).await;
    let mut config = ServerConfig::default();
    let closed = router(store.clone(), config.clone());
    config.cors_origins = vec![axum::http::HeaderValue::from_static("https://shop.example")];
    let open = router(store, config);
    let preflight = async |router: &Router, origin: &str| {
        let request = Request::builder()
            .method("OPTIONS")
            .uri("/v1/events")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type");
        router
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    };
    let allowed = preflight(&open, "https://shop.example").await;
    let header = |name: &str| allowed.headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!(allowed.status(), 200);
    assert_eq!(header("access-control-allow-origin"), Some("https://shop.example"));
    assert_eq!(
        header("access-control-allow-headers"),
        Some("authorization,content-type")
    );
    assert_eq!(header("access-control-allow-credentials"), None);
    for (router, origin) in [
        (&open, "https://bank.example"),
        (&open, "null"),
        (&closed, "https://shop.example"),
    ] {
        let answer = preflight(router, origin).await;
        assert!(
            !answer.headers().contains_key("access-control-allow-origin"),
            "{origin}"
        );
    }
    assert!(
        !preflight(&closed, "https://shop.example")
            .await
            .headers()
            .contains_key("vary")
    );
    // What is refused says so to the page, too.
    let request = Request::builder()
        .uri("/v1/events")
        .header("origin", "https://shop.example");
    let refused = open
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["access-control-allow-origin"], "https://shop.example");
}

#[tokio::test]
async fn what_is_wrong_with_a_link_is_for_who_may_read() {
    let (store, mut config) = (store().await, ServerConfig::default());
    config.links = vec![crate::link::Link::new("kurrentdb")];
    let router = router(store.clone(), config);
    let links = async |key: Option<&str>| {
        let mut request = Request::builder().uri("/health/ready").header("host", "127.0.0.1");
        if let Some(key) = key {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        let response = router
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let health: serde_json::Value = serde_json::from_slice(&body).unwrap();
        health["links"]["kurrentdb"].clone()
    };
    let (whole, short) = (
        serde_json::json!({"up": false, "connections": 0, "stored": 0, "duplicates": 0, "refused": 0}),
        serde_json::json!({"up": false}),
    );
    assert_eq!(links(None).await, whole);
    let reads = key(&store, NewKey::any_source().access([Access::Read])).await;
    let writes = key(&store, NewKey::any_source()).await;
    assert_eq!(links(None).await, short);
    assert_eq!(links(Some(&writes)).await, short);
    assert_eq!(links(Some("ev_wrong")).await, short);
    assert_eq!(links(Some(&reads)).await, whole);
}
