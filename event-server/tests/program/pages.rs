use crate::collector::{Collector, Response};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn page(collector: &Collector, path: &str) -> String {
    let response = collector.get(path);
    assert_eq!(
        (response.status, response.header("content-type")),
        (200, Some("text/html; charset=utf-8")),
        "{path}"
    );
    let policy = response.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
        "{path}"
    );
    let text = response.text().to_owned();
    for inline in ["<script>", "<style", "style=", "onclick", "javascript:"] {
        assert!(!text.contains(inline), "{path}: {inline}");
    }
    for landmark in ["<main ", "<nav ", "<h1>", "lang=\"en\"", "href=\"#main\""] {
        assert_eq!(text.matches(landmark).count(), 1, "{path}: {landmark}");
    }
    assert_eq!(
        text.matches("<table").count(),
        text.matches("<caption").count(),
        "{path}"
    );
    text
}

fn send(collector: &Collector, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
    collector.request("POST", path, headers, body)
}

/// A type that asks for a path, an event that has one, and one that has none.
fn filled() -> Collector {
    let collector = Collector::start();
    collector.put(
        "/v1/types/page/view/1",
        r#"{"schema": {"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}}}"#,
    );
    collector.post(
        "/v1/events",
        r#"[{"id": "1", "category": "page", "name": "view", "session_id": "<s>", "sequence": 1, "data": {"path": "<b>/</b>"}},
            {"id": "2", "category": "page", "name": "view", "session_id": "<s>", "sequence": 4, "data": {"path": "/"}},
            {"id": "3", "category": "page", "name": "view", "data": {"path": "</pre><img src=x>", "n": 1, "path2": 7}},
            {"id": "4", "category": "page", "name": "view", "data": {"path": 7, "html": "<img src=x>"}}]"#,
    );
    collector
}

#[test]
fn every_page_is_there_and_obeys_nothing() {
    let collector = filled();
    for path in [
        "/",
        "/explore",
        "/explore?measure=nonsense&by=%3Cimg",
        "/explore?measure=count&by=%2Fpath",
        "/refused",
        "/refused/1",
        "/sessions/%3Cs%3E",
        "/losses",
        "/types",
        "/keys",
        "/login",
    ] {
        let text = page(&collector, path);
        assert!(
            !text.contains("<img") && !text.contains("<b>") && !text.contains("<s>"),
            "{path}"
        );
    }
    for (path, kind) in [("/page.css", "text/css"), ("/page.js", "text/javascript")] {
        let file = collector.get(path);
        assert!(file.status == 200 && file.header("content-type").unwrap().starts_with(kind));
    }
}

#[test]
fn the_first_page_draws_the_last_hour() {
    let collector = filled();
    let text = page(&collector, "/");
    assert!(
        text.contains("<svg ") && text.contains("page / view: 3</title>"),
        "{text}"
    );
    assert!(text.contains("href=\"sessions/%3Cs%3E\""));
}

#[test]
fn a_question_of_the_form_has_an_answer_a_link_and_a_line() {
    let collector = filled();
    let text = page(
        &collector,
        "/explore?measure=count&by=name&by=&bucket=&zone=&from=&to=&top=&category=page&name=&pointer=%2Fpath&value=%2F",
    );
    let (_, link) = text.split_once("href=\"v1/query?").unwrap();
    let query = link.split('"').next().unwrap().replace("&amp;", "&");
    let answer = collector.get(&format!("/v1/query?{query}"));
    assert_eq!(answer.json()["rows"][0]["value"], "1");
    assert!(text.contains(&format!("/v1/query?{query}").replace('&', "&amp;")));
    assert!(text.contains("curl '"));
    let wrong = page(&collector, "/explore?measure=sum");
    assert!(wrong.contains("role=\"alert\"") && wrong.contains("value=\"sum\""));
    assert!(!page(&collector, "/explore").contains("role=\"alert\""));
    let drawn = page(&collector, "/explore?measure=count&bucket=hour");
    assert!(drawn.contains("<svg ") && drawn.contains("<rect "));
}

#[test]
fn a_session_is_told_in_its_order_with_what_is_missing() {
    let collector = filled();
    let text = page(&collector, "/sessions/%3Cs%3E");
    assert!(text.contains("2 events") && text.contains("between 1 and 4"), "{text}");
    assert_eq!(text.matches("class=\"gap\"").count(), 1);
    assert_eq!(
        collector.get("/sessions/nobody").problem().as_deref(),
        Some("session_not_found")
    );
}

#[test]
fn who_sits_before_a_browser_is_told_of_a_problem_by_a_page() {
    let collector = Collector::start();
    let shown = collector.request("GET", "/sessions/nobody", &[("accept", "text/html")], "");
    assert_eq!(
        (shown.status, shown.header("content-type")),
        (404, Some("text/html; charset=utf-8"))
    );
    assert!(shown.text().contains("session not found") && shown.text().contains("\"../page.css\""));
    assert!(shown.header("content-security-policy").is_some());
    let own = [("accept", "text/html"), ("sec-fetch-site", "same-origin")];
    let sent = send(&collector, "/refused/9/replay", &own, "");
    assert!(
        sent.status == 404 && sent.text().contains("entry not found") && sent.text().contains("\"../../page.css\"")
    );
    let foreign = [("accept", "text/html"), ("sec-fetch-site", "cross-site")];
    let sent = send(&collector, "/refused/9/replay", &foreign, "");
    assert!(sent.status == 403 && sent.text().contains("cross site"));
    let program = send(&collector, "/refused/9/replay", &[], "");
    assert_eq!(program.problem().as_deref(), Some("entry_not_found"));
}

#[test]
fn what_was_refused_is_marked_mended_and_replayed() {
    let collector = filled();
    assert!(page(&collector, "/refused").contains("href=\"refused/1\""));
    let text = page(&collector, "/refused/1");
    assert!(
        text.contains("<code>/data/path</code>") && text.contains("<mark>7</mark>"),
        "{text}"
    );
    assert!(text.contains("action=\"1/replay\"") && text.contains("action=\"1/discard\""));

    // Nobody else's page does that.
    for foreign in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let refused = send(&collector, "/refused/1/replay", &[foreign], "");
        assert_eq!(
            (refused.status, refused.problem().as_deref()),
            (403, Some("cross_site"))
        );
    }
    let own = ("sec-fetch-site", "same-origin");
    let again = send(&collector, "/refused/1/replay", &[own, FORM], "");
    assert_eq!((again.status, again.header("location")), (303, Some("../1")));
    assert!(page(&collector, "/refused/1").contains("failed again"));

    collector.put("/v1/types/page/view/1", r#"{"schema": {}}"#);
    assert_eq!(send(&collector, "/refused/1/replay", &[own], "").status, 303);
    assert!(page(&collector, "/refused/1").contains("Its event is stored."));
    assert_eq!(collector.get("/v1/events/4").status, 200);
    assert!(!page(&collector, "/refused").contains("href=\"refused/1\""));
    assert!(page(&collector, "/refused?state=").contains("href=\"refused/1\""));
}

#[test]
fn many_are_tried_before_they_are_replayed() {
    let collector = filled();
    collector.post(
        "/v1/events",
        r#"[{"id": "5", "category": "page", "name": "view", "data": {}}, 7]"#,
    );
    let list = page(&collector, "/refused?code=schema_violation");
    assert!(
        list.contains("action=\"refused/replay\"") && list.contains("all of this reason"),
        "{list}"
    );
    assert!(!page(&collector, "/refused?state=discarded").contains("action=\"refused/replay\""));
    collector.put("/v1/types/page/view/1", r#"{"schema": {}}"#);

    let own = ("sec-fetch-site", "same-origin");
    let sent = |headers: &[(&str, &str)], form: &str| {
        let headers = [&[FORM][..], headers].concat();
        send(&collector, "/refused/replay", &headers, form)
    };
    let foreign = sent(&[("origin", "https://evil.example")], "run=real");
    assert_eq!(
        (foreign.status, foreign.problem().as_deref()),
        (403, Some("cross_site"))
    );
    // Whoever does not say that he means it does not mean it.
    for form in ["code=schema_violation", "code=schema_violation&run=dry&"] {
        let tried = sent(&[own], form);
        assert!(
            tried.status == 200 && tried.text().contains("2 entries"),
            "{}",
            tried.text()
        );
        assert!(tried.text().contains("name=\"run\" value=\"real\"") && tried.text().contains("href=\"1\""));
    }
    assert_eq!(collector.get("/v1/events/4").status, 404);
    let done = sent(&[own], "code=schema_violation&run=real");
    assert!(done.text().contains("<td>stored</td>") && !done.text().contains("value=\"real\""));
    assert_eq!(collector.get("/v1/events/4").status, 200);
    assert_eq!(page(&collector, "/refused").matches("href=\"refused/").count(), 1);
    for wrong in ["run=perhaps", "code=nonsense", "after=x", "other=1"] {
        assert_eq!(sent(&[own], wrong).status, 400, "{wrong}");
    }
}

#[test]
fn what_is_of_no_use_is_discarded_with_a_note() {
    let collector = filled();
    let done = send(&collector, "/refused/1/discard", &[FORM], "note=a+%3Cb%3E+note");
    assert_eq!(done.status, 303);
    let text = page(&collector, "/refused/1");
    assert!(
        text.contains("discarded") && !text.contains("action=\"1/discard\""),
        "{text}"
    );
    assert_eq!(send(&collector, "/refused/9/discard", &[FORM], "").status, 404);
}

#[test]
fn what_is_new_is_told_as_it_comes_in() {
    let collector = filled();
    let text = page(&collector, "/");
    let (_, head) = text.split_once("data-after=\"").unwrap();
    let head = head.split('"').next().unwrap();
    let first = collector.get("/page/live");
    assert_eq!(first.header("content-type"), Some("text/event-stream"));
    assert!(first.text().contains(&format!("id: {head}\n")) && !first.text().contains("data:"));
    std::thread::scope(|scope| {
        let told = scope.spawn(|| collector.get(&format!("/page/live?after={head}")));
        collector.post(
            "/v1/events",
            r#"{"id": "9", "category": "page", "name": "view", "data": {"path": "<i>\n</i>"}}"#,
        );
        let told = told.join().unwrap();
        assert!(
            told.text().contains("data: <tr>") && !told.text().contains("<i>"),
            "{}",
            told.text()
        );
    });
    // The newer of the two is what the browser says by itself.
    let old = collector.request("GET", "/page/live?after=7000", &[("last-event-id", "0")], "");
    assert!(old.text().contains("data: <tr>"));
    assert_eq!(
        collector.get("/page/live?after=x").problem().as_deref(),
        Some("invalid_parameter")
    );
}
