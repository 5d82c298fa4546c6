use crate::collector::Collector;

const PAGEVIEW: &str = "/v1/types/page%20interaction/pageview/1";

#[test]
fn a_type_is_registered_shown_and_listed() {
    let collector = Collector::start();
    assert_eq!(collector.get("/v1/types").json(), serde_json::json!({"types": []}));
    assert_eq!(collector.get(PAGEVIEW).problem().as_deref(), Some("type_not_found"));

    let definition = r#"{"schema": {"required": ["path"]}, "policy": {"on_violation": "reject"}}"#;
    let created = collector.put(PAGEVIEW, definition);
    assert_eq!(created.status, 201, "{}", created.text());
    assert_eq!(collector.put(PAGEVIEW, definition).status, 200);
    let shown = collector.get(PAGEVIEW).json();
    assert_eq!(shown, created.json());
    assert_eq!(
        (&shown["category"], &shown["name"]),
        (&"page interaction".into(), &"pageview".into())
    );
    assert_eq!(shown["schema"], serde_json::json!({"required": ["path"]}));
    assert_eq!(collector.get("/v1/types").json()["types"], serde_json::json!([shown]));

    let event = r#"{"category": "page interaction", "name": "pageview", "data": {}}"#;
    let verdict = collector.post("/v1/events", event).json()["results"][0].clone();
    assert_eq!(
        (&verdict["status"], &verdict["code"]),
        (&"rejected".into(), &"schema_violation".into())
    );
    assert_eq!(verdict["violations"][0]["keyword"], "required");

    // What is left out stays as it is.
    assert_eq!(
        collector
            .put(PAGEVIEW, r#"{"policy": {"on_violation": "quarantine"}}"#)
            .status,
        200
    );
    let verdict = collector.post("/v1/events", event).json()["results"][0].clone();
    assert_eq!(
        (&verdict["status"], &verdict["code"]),
        (&"quarantined".into(), &"schema_violation".into())
    );
}

#[test]
fn what_is_no_definition_is_refused_with_its_place() {
    let collector = Collector::start();
    let deep = format!(r#"{{"schema": {}true{}}}"#, r#"{"not":"#.repeat(40), "}".repeat(40));
    for (body, status, code, pointer) in [
        ("{", 400, "malformed_json", None),
        (r#"{"shema": {}}"#, 422, "invalid_definition", Some("/shema")),
        (
            r#"{"mapping": {"id": "no pointer"}}"#,
            422,
            "invalid_definition",
            Some("/mapping"),
        ),
        (
            r#"{"schema": {"type": "strin"}}"#,
            422,
            "schema_invalid",
            Some("/schema/type"),
        ),
        (
            r#"{"schema": {"$ref": "http://127.0.0.1/x"}}"#,
            422,
            "schema_ref_not_allowed",
            Some("/schema/$ref"),
        ),
        (
            r#"{"schema": {"properties": {"a": {"pattern": "(?=a)b"}}}}"#,
            422,
            "schema_pattern_unsupported",
            Some("/schema/properties/a/pattern"),
        ),
        (&deep, 422, "schema_too_complex", None),
    ] {
        let response = collector.put(PAGEVIEW, body);
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (status, Some(code)),
            "{body}"
        );
        if let Some(pointer) = pointer {
            assert_eq!(response.json()["pointer"], pointer, "{body}");
        }
    }
    assert_eq!(collector.get(PAGEVIEW).status, 404);
}

#[test]
fn names_in_a_path_are_text_and_never_files() {
    let collector = Collector::start();
    for (path, status) in [
        ("/v1/types/../../etc/passwd", 404),
        ("/v1/types/%2e%2e/%2e%2e/passwd", 404),
        ("/v1/types/%20a/b/1", 400),
        ("/v1/types/a/b%00/1", 400),
        ("/v1/types/a/%c3%28/1", 400),
        (&format!("/v1/types/a/{}/1", "b".repeat(101)), 400),
    ] {
        let response = collector.get(path);
        assert_eq!(response.status, status, "{path}");
        assert!(response.problem().is_some(), "{path}");
    }
    let path = "/v1/types/a%2Fb/%3Cscript%3E/%C3%A9";
    assert_eq!(collector.put(path, "{}").status, 201);
    let shown = collector.get(path).json();
    assert_eq!(
        (&shown["category"], &shown["name"], &shown["version"]),
        (&"a/b".into(), &"<script>".into(), &"é".into())
    );
}

#[test]
fn a_type_that_a_reader_has_is_not_sent_again() {
    let collector = Collector::start();
    assert_eq!(
        collector.put(PAGEVIEW, r#"{"schema": {"required": ["path"]}}"#).status,
        201
    );
    let mut connection = collector.connect();
    let mut tags = Vec::new();
    for path in [PAGEVIEW, "/v1/types"] {
        let first = connection.request("GET", path, &[], "");
        let tag = first.header("etag").unwrap().to_owned();
        assert!(tag.starts_with('"'), "{tag}");
        assert_eq!(first.header("cache-control"), Some("no-cache"));
        assert_eq!(
            connection.request("GET", path, &[], "").header("etag"),
            Some(tag.as_str())
        );
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let again = connection.request("GET", path, &[("if-none-match", &known)], "");
            assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
            assert_eq!(again.header("etag"), Some(tag.as_str()));
            assert_eq!(again.header("cache-control"), Some("no-cache"));
            // It would be that of what is not sent.
            assert_eq!(again.header("content-length"), None);
        }
        let head = connection.request("HEAD", path, &[("if-none-match", &tag)], "");
        assert_eq!(head.status, 304);
        tags.push(tag);
    }
    // The connection is where it was, and other bytes have another tag.
    assert_eq!(
        collector
            .put(PAGEVIEW, r#"{"policy": {"on_violation": "reject"}}"#)
            .status,
        200
    );
    for (path, tag) in [PAGEVIEW, "/v1/types"].iter().zip(&tags) {
        let changed = connection.request("GET", path, &[("if-none-match", tag)], "");
        assert_eq!(changed.status, 200, "{path}");
        assert_ne!(changed.header("etag"), Some(tag.as_str()));
    }
    let missing = connection.request("GET", "/v1/types/a/b/1", &[("if-none-match", "*")], "");
    assert_eq!(missing.problem().as_deref(), Some("type_not_found"));
    assert_eq!(missing.header("etag"), None);
}
