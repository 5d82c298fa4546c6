use crate::collector::Collector;

#[test]
fn refused_events_are_kept_with_their_reasons() {
    let collector = Collector::start();
    let bad = r#"{"id": "b 1", "source": "shop", "category": "c", "name": "n"}"#;
    collector.post("/v1/events", format!("[{bad}, {bad}, 7]"));
    let all = collector.get("/v1/quarantine").json();
    let entries = all["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    assert!(all["next"].is_null());
    let entry = entries.iter().find(|entry| entry["code"] == "invalid_id").unwrap();
    assert_eq!(entry["occurrences"], 2);
    assert_eq!(entry["violations"][0]["pointer"], "/id");
    assert!(entry.to_string().contains("b 1"), "the event as it came: {entry}");

    for (filter, count) in [
        ("code=invalid_id", 1),
        ("code=too_deep", 0),
        ("source=shop", 1),
        ("category=c&name=n", 1),
        ("category=c&name=x", 0),
    ] {
        let found = collector.get(&format!("/v1/quarantine?{filter}")).json();
        assert_eq!(found["entries"].as_array().unwrap().len(), count, "{filter}");
    }
    let first = collector.get("/v1/quarantine?limit=1").json();
    let next = first["next"].as_str().unwrap();
    let second = collector.get(&format!("/v1/quarantine?limit=1&cursor={next}")).json();
    assert_ne!(first["entries"], second["entries"]);
    assert!(second["next"].is_null());
    let foreign = collector.get(&format!("/v1/quarantine?limit=1&source=shop&cursor={next}"));
    assert_eq!(foreign.problem().as_deref(), Some("invalid_cursor"));
}

#[test]
fn its_parameters_are_checked() {
    let collector = Collector::start();
    for (query, code, parameter) in [
        ("limit=0", "invalid_limit", "limit"),
        ("code=nonsense", "invalid_parameter", "code"),
        ("name=n", "invalid_parameter", "name"),
        ("category=c", "invalid_parameter", "category"),
        ("cursor=1", "invalid_cursor", "cursor"),
        ("colour=red", "unknown_parameter", "colour"),
    ] {
        let response = collector.get(&format!("/v1/quarantine?{query}"));
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (400, Some(code)),
            "{query}"
        );
        assert_eq!(response.json()["parameter"], parameter, "{query}");
    }
}
