use crate::CLICKS;
use crate::collector::Collector;

#[test]
fn a_question_has_one_answer_in_both_forms() {
    let collector = Collector::start();
    collector.post("/v1/events", CLICKS);
    let range = "from=2021-01-01T09:00:00Z&to=2021-01-01T11:00:00Z";
    let by_parameters = collector.get(&format!(
        "/v1/query?measure=count&by=category&bucket=hour&zone=UTC&{range}"
    ));
    let by_json = collector.post(
        "/v1/query",
        r#"{"measure": "count", "by": ["category"], "bucket": "hour", "zone": "UTC",
            "from": "2021-01-01T09:00:00Z", "to": "2021-01-01T11:00:00Z"}"#,
    );
    assert_eq!(by_parameters.status, 200);
    assert_eq!(by_parameters.text(), by_json.text());
    let answer = by_json.json();
    let rows: Vec<_> = answer["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["bucket"]["start"].as_str().unwrap(),
                row["group"]["category"].as_str().unwrap(),
                row["value"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("2021-01-01T09:00:00Z", "form interaction", "0"),
            ("2021-01-01T09:00:00Z", "page interaction", "2"),
            ("2021-01-01T10:00:00Z", "form interaction", "1"),
            ("2021-01-01T10:00:00Z", "page interaction", "0"),
        ]
    );
    assert_eq!(answer["rows"][0]["bucket"]["partial"], false);
    assert_eq!((&answer["source"], &answer["position"]), (&"rows".into(), &3.into()));
}

#[test]
fn a_question_without_an_answer_is_refused() {
    let collector = Collector::start();
    for (query, code) in [
        ("from=2021-01-02&to=2021-01-01", "invalid_range"),
        ("bucket=minute&from=2011-01-01&to=2021-01-01", "range_too_large"),
        ("by=name&top=1000000000", "invalid_limit"),
        ("colour=red", "unknown_parameter"),
        ("measure=median", "invalid_parameter"),
        ("bucket=hour&zone=Mars/Base", "invalid_parameter"),
    ] {
        let response = collector.get(&format!("/v1/query?{query}"));
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (400, Some(code)),
            "{query}"
        );
    }
    for (body, code) in [
        ("", "malformed_json"),
        ("[]", "invalid_parameter"),
        (r#"{"measure": "count", "colour": "red"}"#, "unknown_parameter"),
        (r#"{"from": "2021-01-02", "to": "2021-01-01"}"#, "invalid_range"),
        (r#"{"filter": {"all": [{"field": "name"}]}}"#, "invalid_parameter"),
    ] {
        let response = collector.post("/v1/query", body);
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (400, Some(code)),
            "{body}"
        );
    }
}
