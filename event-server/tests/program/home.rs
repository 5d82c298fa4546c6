use crate::collector::Collector;

#[test]
fn the_page_greets_shows_and_escapes() {
    let collector = Collector::start();
    let empty = collector.get("/");
    assert_eq!(
        (empty.status, empty.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    let policy = empty.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
    assert!(empty.text().contains("No event is stored yet"));
    assert!(empty.text().contains(&format!("curl '{}/v1/events'", collector.url())));
    assert_eq!(
        collector.get("/page.css").header("content-type"),
        Some("text/css; charset=utf-8")
    );

    collector.post(
        "/v1/events",
        r#"[{"id": "<i>", "category": "<b>", "name": "</td><script>alert(1)</script>", "session_id": "<s>",
             "data": {"html": "<img src=x onerror=alert(1)>\u2028{{7*7}}"}}, 7]"#,
    );
    let page = collector.get("/");
    assert!(page.text().contains("&lt;img src=x onerror=alert(1)&gt;"));
    assert!(page.text().contains("invalid_envelope"));
    for tag in ["<b>", "<i>", "<s>", "<script", "<img"] {
        assert!(!page.text().contains(tag), "{tag}");
    }
}
