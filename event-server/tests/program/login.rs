use std::time::Duration;

use crate::collector::{Collector, Place, Response};
use crate::soon;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml");

fn log_in(collector: &Collector, key: &str) -> Response {
    collector.request("POST", "/login", &[FORM, OWN], format!("key={key}"))
}

/// The cookie of an answer, as a browser sends it.
fn cookie(response: &Response) -> String {
    let cookie = response.header("set-cookie").unwrap();
    for attribute in ["; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    cookie.split(';').next().unwrap().to_owned()
}

fn status(collector: &Collector, path: &str, headers: &[(&str, &str)]) -> u16 {
    collector.request("GET", path, headers, "").status
}

/// What a running collector has to hear of a key, and a browser has to ask again.
const SOON: Duration = Duration::from_secs(6);

/// A running collector, and the only key to it.
fn closed() -> (Place, Collector, String) {
    let place = Place::sqlite();
    let flags = [
        "key",
        "create",
        "--source",
        "shop",
        "--access",
        "read,admin",
        "--read-all",
    ];
    let made = place.run(&flags);
    assert!(made.status.success());
    let key = String::from_utf8(made.stdout).unwrap().trim_end().to_owned();
    let collector = Collector::start_on(&place, &[]);
    (place, collector, key)
}

#[test]
fn who_has_no_key_is_led_to_where_he_can_show_one() {
    let (_place, collector, _) = closed();
    for (path, login) in [
        ("/", "login"),
        ("/explore?measure=count", "login"),
        ("/refused/1", "../login"),
    ] {
        let led = collector.request("GET", path, &[HTML], "");
        assert_eq!((led.status, led.header("location")), (303, Some(login)), "{path}");
        assert_eq!(status(&collector, path, &[]), 401, "{path}");
    }
    let sent = collector.request("POST", "/refused/1/replay", &[HTML, OWN], "");
    assert_eq!((sent.status, sent.header("location")), (303, Some("../../login")));
    // Programs are told, whatever they take.
    assert_eq!(status(&collector, "/v1/events", &[HTML]), 401);
    let missing = collector.get("/login?again=perhaps");
    assert_eq!(missing.problem().as_deref(), Some("invalid_parameter"));
    let page = collector.get("/login");
    assert!(page.status == 200 && page.text().contains("type=\"password\""));
}

#[test]
fn a_cookie_stands_for_a_key_until_it_is_revoked() {
    let (place, collector, key) = closed();
    let wrong = log_in(&collector, &format!("{key}0"));
    assert_eq!(
        (wrong.status, wrong.header("location")),
        (303, Some("login?again=true"))
    );
    assert!(wrong.header("set-cookie").is_none());

    let good = log_in(&collector, &key);
    assert_eq!((good.status, good.header("location")), (303, Some("./")));
    assert!(!good.header("set-cookie").unwrap().contains("Secure"));
    let tls = [FORM, OWN, ("origin", "https://events.example")];
    let tls = collector.request("POST", "/login", &tls, format!("key={key}"));
    assert!(tls.header("set-cookie").unwrap().ends_with("; Secure"));
    let cookie = cookie(&good);
    assert!(!cookie.contains(&key) && !collector.log().contains(&key));
    let cookie = ("cookie", cookie.as_str());
    let page = collector.request("GET", "/", &[cookie], "");
    let prefix = key.split('_').nth(1).unwrap();
    assert!(page.status == 200 && page.text().contains(prefix) && page.text().contains("Log out"));
    assert_eq!(status(&collector, "/v1/events", &[cookie]), 200);
    // A header that says who asks is asked first.
    assert_eq!(
        status(&collector, "/", &[cookie, ("authorization", "Bearer ev_wrong")]),
        401
    );

    assert!(place.run(&["key", "revoke", prefix]).status.success());
    soon("he is logged out", SOON, || status(&collector, "/", &[cookie]) == 401);
}

#[test]
fn who_shows_keys_that_are_none_again_and_again_is_told_to_wait() {
    let (_place, collector, key) = closed();
    let tries: Vec<u16> = (0..7).map(|_| log_in(&collector, "ev_wrong").status).collect();
    assert_eq!(tries, [303, 303, 303, 303, 303, 429, 429]);
    let refused = log_in(&collector, "ev_wrong");
    assert!(refused.header("retry-after").is_some());
    // A good key is never shut out.
    assert_eq!(log_in(&collector, &key).header("location"), Some("./"));
    let bearer = format!("Bearer {key}");
    let numbers = collector.request("GET", "/metrics", &[("authorization", &bearer)], "");
    for line in [
        r#"event_http_logins_total{outcome="none"} 5"#,
        r#"event_http_logins_total{outcome="too_many"} 3"#,
        r#"event_http_logins_total{outcome="good"} 1"#,
    ] {
        assert!(numbers.text().contains(line), "{line}: {}", numbers.text());
    }
}

#[test]
fn by_a_cookie_only_our_own_pages_change_anything() {
    let (_place, collector, key) = closed();
    let cookie = cookie(&log_in(&collector, &key));
    let cookie = ("cookie", cookie.as_str());
    let put = |site: &[(&str, &str)]| {
        let headers = [&[cookie, ("content-type", "application/json")][..], site].concat();
        let answer = collector.request("PUT", "/v1/metrics/m", &headers, "{");
        (answer.status, answer.problem().unwrap())
    };
    let refused = (403, "cross_site".to_owned());
    assert_eq!(put(&[]), refused);
    assert_eq!(put(&[("sec-fetch-site", "cross-site")]), refused);
    assert_eq!(put(&[("origin", "null")]), refused);
    assert_eq!(put(&[OWN]), (400, "malformed_json".to_owned()));

    let out = collector.request("POST", "/logout", &[cookie, OWN], "");
    assert_eq!((out.status, out.header("location")), (303, Some("login")));
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(status(&collector, "/", &[cookie]), 401);
}
