use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::http::Request;
use event_server::{ServerConfig, openapi, router};
use event_store::EventStore;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::collector::Collector;

fn document() -> Value {
    serde_json::to_value(openapi::document()).unwrap()
}

/// Paths and their methods, as the document has them.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let methods = |item: &Value| {
        item.as_object()
            .unwrap()
            .keys()
            .map(|method| method.to_uppercase())
            .collect()
    };
    paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
}

/// The paths that the router itself names where it shows what it is made of.
fn routed(router: &axum::Router) -> BTreeSet<String> {
    let shown = format!("{router:?}");
    let (_, paths) = shown
        .split_once("node: Node { paths: {")
        .expect("the router shows its paths");
    let (paths, _) = paths.split_once("} }").unwrap();
    let strings = paths.split('"').skip(1).step_by(2).map(str::to_owned);
    strings.filter(|path| !path.contains("__private__axum")).collect()
}

#[tokio::test]
async fn the_document_and_the_router_have_the_same_routes_and_methods() {
    let store = EventStore::connect("sqlite::memory:").await.unwrap();
    let router = router(store, ServerConfig::default());
    let documented = documented();
    let paths: BTreeSet<String> = documented.keys().cloned().collect();
    assert_eq!(paths, routed(&router));
    for (path, methods) in &documented {
        // A method that no route knows is told which there are.
        let request = Request::builder()
            .method("TRACE")
            .uri(path)
            .body(Body::empty())
            .unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 405, "{path}");
        let allowed = response.headers()["allow"].to_str().unwrap();
        let allowed: BTreeSet<String> = allowed
            .split(',')
            .filter(|method| *method != "HEAD")
            .map(str::to_owned)
            .collect();
        assert_eq!(methods, &allowed, "{path}");
    }
}

#[test]
fn every_route_has_a_name_of_its_own_and_every_reference_leads_somewhere() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name}");
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{name}");
            assert!(operation["tags"].is_array(), "{name}");
        }
    }
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    found.insert(reference.clone());
                }
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
    }
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in schemas.keys() {
        assert!(
            found.contains(&format!("#/components/schemas/{name}")),
            "{name} is used nowhere"
        );
    }
}

/// Routes that say 404 before they look at a body: there is nothing of the name that stands here.
const UNKNOWN: [&str; 1] = ["/v1/types/{category}/{name}/{version}/events"];

#[tokio::test]
async fn every_body_is_documented_as_it_is_taken() {
    let store = EventStore::connect("sqlite::memory:").await.unwrap();
    let router = router(store, ServerConfig::default());
    let told = async |method: &str, path: &str, headers: &[(&str, &str)]| {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("sec-fetch-site", "same-origin");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = router
            .clone()
            .oneshot(request.body(Body::from("{}")).unwrap())
            .await
            .unwrap();
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let problem: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        (status, problem["detail"].as_str().unwrap_or_default().to_owned())
    };
    let document = document();
    let mut looked_at = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(content) = operation["requestBody"]["content"].as_object() else {
                continue;
            };
            let parameters = operation["parameters"].as_array().unwrap();
            let known = parameters
                .iter()
                .find(|it| it["name"] == "Content-Encoding" && it["in"] == "header");
            let known = known.unwrap_or_else(|| panic!("{method} {path} does not say how a body may be compressed"));
            let known: BTreeSet<&str> = known["schema"]["enum"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_str)
                .collect();
            if UNKNOWN.contains(&path.as_str()) {
                continue;
            }
            looked_at += 1;
            let (method, place) = (
                method.to_uppercase(),
                path.replace("{number}", "1").replace(['{', '}'], ""),
            );
            let (status, detail) = told(&method, &place, &[("content-type", "text/nothing")]).await;
            let taken: BTreeSet<&str> = detail
                .strip_prefix("the content type of a body is ")
                .unwrap_or_else(|| panic!("{method} {path}: {status} {detail}"))
                .split(" or ")
                .collect();
            assert_eq!(taken, content.keys().map(String::as_str).collect(), "{method} {path}");
            for encoding in ["gzip", "zstd", "deflate", "identity", "br"] {
                let media = taken.iter().next().unwrap();
                let headers = [("content-type", *media), ("content-encoding", encoding)];
                let (status, detail) = told(&method, &place, &headers).await;
                assert_eq!(
                    status != 415,
                    known.contains(encoding),
                    "{method} {path} {encoding}: {detail}"
                );
            }
        }
    }
    assert!(looked_at > 25, "{looked_at}");
}

#[test]
fn the_document_is_served_and_printed() {
    let collector = Collector::start();
    let served = collector.get("/openapi.json");
    assert_eq!(served.json(), document());
    let tag = served.header("etag").unwrap();
    let again = collector.request("GET", "/openapi.json", &[("if-none-match", tag)], "");
    assert_eq!(again.status, 304);
    let printed = Collector::program().arg("openapi").output().unwrap();
    assert!(printed.status.success());
    assert_eq!(serde_json::from_slice::<Value>(&printed.stdout).unwrap(), document());
}

#[test]
fn the_page_loads_only_what_lies_beside_it() {
    let collector = Collector::start();
    let page = collector.get("/docs");
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let text = page.text().to_owned();
    assert!(
        !text.contains("http:") && !text.contains("https:") && !text.contains("<script>"),
        "{text}"
    );
    for name in ["swagger-ui.css", "swagger-ui-bundle.js", "page.css", "page.js"] {
        let path = format!("docs/{name}");
        assert!(text.contains(&format!("\"{path}\"")), "{name}");
        let plain = collector.get(&format!("/{path}"));
        assert_eq!((plain.status, plain.header("content-encoding")), (200, None), "{name}");
    }
    let slash = collector.get("/docs/");
    assert_eq!((slash.status, slash.header("location")), (303, Some("../docs")));
    let packed = collector.request(
        "GET",
        "/docs/swagger-ui.css",
        &[("accept-encoding", "br, gzip;q=0.9")],
        "",
    );
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() < 40_000);
    assert_eq!(collector.get("/docs/secrets").problem().as_deref(), Some("not_found"));
}

#[test]
fn with_keys_the_page_and_the_document_are_there_for_who_has_none() {
    let collector = Collector::start();
    let place = collector.database();
    let url = format!("sqlite://{}", place.display());
    let mut program = Collector::program();
    let made = program
        .args(["key", "create", "--source", "shop", "--database-url", &url])
        .output()
        .unwrap();
    assert!(made.status.success());
    let refused = || collector.get("/v1/events").status == 401;
    while !refused() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    for path in ["/docs", "/docs/page.js", "/openapi.json"] {
        assert_eq!(collector.get(path).status, 200, "{path}");
    }
    assert_eq!(collector.get("/metrics").status, 401);
}
