use crate::CLICKS;
use crate::collector::Collector;

#[test]
fn pages_follow_one_another_in_the_order_of_time() {
    let collector = Collector::start();
    collector.post("/v1/events", CLICKS);
    let first = collector
        .get("/v1/events?session=e2085be5&limit=2&order=descending")
        .json();
    let names = |page: &serde_json::Value| -> Vec<String> {
        page["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&first), ["submit", "cta click"]);
    let next = first["next"].as_str().unwrap();
    let second = collector
        .get(&format!(
            "/v1/events?session=e2085be5&limit=2&order=descending&cursor={next}"
        ))
        .json();
    assert_eq!(names(&second), ["pageview"]);
    assert!(second["next"].is_null());
    for (filter, expected) in [
        ("category=form%20interaction", vec!["submit"]),
        ("category=page+interaction&name=cta%20click", vec!["cta click"]),
        ("data./form/first_name=John", vec!["submit"]),
        ("from=2021-01-01T10:00:00Z", vec!["submit"]),
        ("to=2021-01-01&source=unknown", vec![]),
    ] {
        assert_eq!(
            names(&collector.get(&format!("/v1/events?{filter}")).json()),
            expected,
            "{filter}"
        );
    }
}

#[test]
fn what_is_wrong_with_a_parameter_is_named() {
    let collector = Collector::start();
    collector.post("/v1/events", CLICKS);
    let next = collector.get("/v1/events?limit=1").json()["next"]
        .as_str()
        .unwrap()
        .to_owned();
    let tampered = format!("{}0", &next[..next.len() - 1]);
    for (query, code, parameter) in [
        ("limit=1000000000".to_owned(), "invalid_limit", "limit"),
        ("limit=0".to_owned(), "invalid_limit", "limit"),
        ("cursor=x".to_owned(), "invalid_cursor", "cursor"),
        (format!("cursor={tampered}"), "invalid_cursor", "cursor"),
        (format!("name=pageview&cursor={next}"), "invalid_cursor", "cursor"),
        ("colour=red".to_owned(), "unknown_parameter", "colour"),
        ("from=2021-01-02&to=2021-01-01".to_owned(), "invalid_range", "to"),
        ("from=yesterday".to_owned(), "invalid_timestamp", "from"),
        ("order=random".to_owned(), "invalid_parameter", "order"),
        ("name=%ff".to_owned(), "invalid_parameter", "name"),
    ] {
        let response = collector.get(&format!("/v1/events?{query}"));
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (400, Some(code)),
            "{query}"
        );
        assert_eq!(response.json()["parameter"], parameter, "{query}");
    }
}

#[test]
fn a_receipt_is_the_event_as_it_is_stored() {
    let collector = Collector::start();
    let event = |source: &str| {
        format!(
            r#"{{"id": "a/b?c", "source": "{source}", "category": "c", "name": "n", "data": {{"b": 1e3, "a": 1}}}}"#
        )
    };
    collector.post("/v1/events", event("shop"));
    let receipt = collector.get("/v1/events/a%2Fb%3Fc");
    assert_eq!(receipt.status, 200);
    assert_eq!(
        (&receipt.json()["id"], &receipt.json()["source"]),
        (&"a/b?c".into(), &"shop".into())
    );
    assert!(receipt.text().contains(r#""data":{"a":1,"b":1000}"#));

    collector.post("/v1/events", event("till"));
    let ambiguous = collector.get("/v1/events/a%2Fb%3Fc");
    assert_eq!(
        (ambiguous.status, ambiguous.problem().as_deref()),
        (409, Some("ambiguous_id"))
    );
    assert_eq!(
        collector.get("/v1/events/a%2Fb%3Fc?source=till").json()["source"],
        "till"
    );
    let missing = collector.get("/v1/events/a%2Fb%3Fc?source=web");
    assert_eq!(
        (missing.status, missing.problem().as_deref()),
        (404, Some("event_not_found"))
    );
    for path in [
        "/v1/events/a%20b",
        "/v1/events/%ff",
        &format!("/v1/events/{}", "a".repeat(129)),
    ] {
        let response = collector.get(path);
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (400, Some("invalid_path")),
            "{path}"
        );
    }
}
