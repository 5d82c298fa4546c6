//! Who is told that his key is not for something is told how to come by one that is.

use crate::collector::{Collector, Place, Response};

fn create(place: &Place, flags: &[&str]) -> String {
    let made = place.run(&[&["key", "create"], flags].concat());
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap().trim_end().to_owned()
}

fn ask(collector: &Collector, key: &str, method: &str, path: &str) -> Response {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    collector.request(method, path, &headers, if method == "GET" { "" } else { "{}" })
}

/// The flags of the command that an answer tells.
fn told(answer: &Response) -> Vec<String> {
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    let command = detail
        .split('`')
        .find_map(|part| part.strip_prefix("event-server key create "));
    let command = command.unwrap_or_else(|| panic!("{detail}"));
    command
        .replace("SOURCE", "shop")
        .split(' ')
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_command_that_a_refusal_tells_makes_a_key_that_is_let_pass() {
    let place = Place::sqlite();
    let writes = create(&place, &["--source", "shop"]);
    let reads = create(&place, &["--source", "shop", "--access", "read"]);
    let types = create(&place, &["--any-source", "--access", "read,admin", "--type", "order"]);
    let collector = Collector::start_on(&place, &[]);
    for (key, method, path) in [
        (&writes, "GET", "/v1/events?source=shop"),
        (&writes, "GET", "/metrics"),
        (&writes, "GET", "/v1/keys"),
        (&writes, "PUT", "/v1/metrics/sales"),
        (&reads, "POST", "/v1/events"),
        (&reads, "POST", "/v1/losses"),
        (&reads, "GET", "/metrics"),
        (&reads, "GET", "/v1/erasures"),
        (&types, "GET", "/v1/keys"),
        (&types, "GET", "/metrics"),
        (&types, "DELETE", "/v1/subjects/ann"),
        (&types, "POST", "/v1/quarantine/replay"),
    ] {
        let refused = ask(&collector, key, method, path);
        assert_eq!(
            (refused.status, refused.problem().as_deref()),
            (403, Some("not_permitted")),
            "{method} {path}"
        );
        let secret = key.rsplit('_').next().unwrap();
        assert!(!refused.text().contains(secret), "{}", refused.text());
        let flags = told(&refused);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let made = create(&place, &flags);
        let mut status = 401;
        // A running collector hears of a key within five seconds.
        for _ in 0..100 {
            status = ask(&collector, &made, method, path).status;
            if status != 401 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert!(![401, 403].contains(&status), "{method} {path}: {status} by {flags:?}");
    }
}
