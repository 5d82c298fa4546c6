use crate::collector::Collector;

#[test]
fn what_is_not_there_is_a_problem() {
    let collector = Collector::start();
    for (method, path, status, code) in [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/v1", 404, "not_found"),
        ("GET", "//v1/events", 404, "not_found"),
        ("GET", "/v1/events/", 404, "not_found"),
        ("GET", "/v1/events%00", 400, "invalid_path"),
        ("POST", "/v1/types/order/created/9/events", 404, "type_not_found"),
        ("GET", "/v1/sessions/nobody?a=1", 400, "unknown_parameter"),
        ("POST", "/v1/events?token=secret", 400, "unknown_parameter"),
    ] {
        let response = collector.request(method, path, &[("content-type", "application/json")], "");
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (status, Some(code)),
            "{method} {path}"
        );
    }
    let log = collector.log();
    assert!(
        log.contains("route=\"/v1/events\" status=400") && !log.contains("secret"),
        "{log}"
    );
}

#[test]
fn another_method_is_told_which_there_are() {
    let collector = Collector::start();
    for (method, path, allow) in [
        ("PUT", "/v1/events", "GET,HEAD,POST"),
        ("DELETE", "/v1/events/1", "GET,HEAD"),
        ("GET", "/v1/types/a/b/1/events", "POST"),
        ("POST", "/v1/types/a/b/1", "GET,HEAD,PUT"),
        ("POST", "/", "GET,HEAD"),
        ("OPTIONS", "/v1/events", "GET,HEAD,POST"),
    ] {
        let headers = [
            ("origin", "https://evil.example"),
            ("access-control-request-method", "POST"),
        ];
        let response = collector.request(method, path, &headers, "");
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (405, Some("method_not_allowed")),
            "{method} {path}"
        );
        assert_eq!(response.header("allow"), Some(allow), "{method} {path}");
        assert!(
            !response
                .headers
                .iter()
                .any(|(name, _)| name.starts_with("access-control"))
        );
    }
    let response = collector.request("GET", "/v1/events", &[("origin", "https://evil.example")], "");
    assert!(
        !response
            .headers
            .iter()
            .any(|(name, _)| name.starts_with("access-control"))
    );
}

#[test]
fn only_declared_kinds_of_bodies_are_read() {
    let collector = Collector::start();
    let send = |headers: &[(&str, &str)]| collector.request("POST", "/v1/events", headers, "[]");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""] {
        let response = send(&[("content-type", kind)]);
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (415, Some("unsupported_media_type")),
            "{kind}"
        );
    }
    assert_eq!(send(&[]).problem().as_deref(), Some("unsupported_media_type"));
    let charset = send(&[("content-type", "application/json; charset=utf-16")]);
    assert_eq!(
        (charset.status, charset.problem().as_deref()),
        (415, Some("unsupported_charset"))
    );
    for encoding in ["br", "gzip, gzip", "identity, gzip", "x-foo"] {
        let response = send(&[("content-type", "application/json"), ("content-encoding", encoding)]);
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (415, Some("unsupported_content_encoding"))
        );
        assert_eq!(
            response.header("accept-encoding"),
            Some("gzip, zstd, deflate, identity")
        );
    }
    let gzip = ("content-encoding", "gzip");
    let twice = send(&[("content-type", "application/json"), gzip, gzip]);
    assert_eq!(twice.problem().as_deref(), Some("unsupported_content_encoding"));
    assert_eq!(
        send(&[("content-type", "application/json"), ("content-encoding", "identity")]).status,
        200
    );
}

#[test]
fn every_answer_is_for_its_reader_alone() {
    let collector = Collector::start();
    for path in ["/v1/events", "/nothing", "/"] {
        let response = collector.get(path);
        assert_eq!(response.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
}
