use std::time::{Duration, Instant};

use serde_json::Value;

use crate::CLICKS;
use crate::collector::{Collector, Connection, Place, Response};

/// A line on which messages come.
struct Line {
    connection: Connection,
    head: Response,
    read: Vec<u8>,
}

/// One message: its id, its kind and its data.
#[derive(Clone, Debug, Default, PartialEq)]
struct Message {
    id: Option<i64>,
    kind: Option<String>,
    data: Option<Value>,
}

impl Line {
    fn open(collector: &Collector, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut connection = collector.connect();
        connection.send_request("GET", path, headers, "");
        let head = connection.head().unwrap();
        let line = Line {
            connection,
            head,
            read: Vec::new(),
        };
        assert_eq!(
            (line.head.status, line.head.header("content-type")),
            (200, Some("text/event-stream"))
        );
        line
    }

    /// The next message, or nothing where the line ends.
    fn next(&mut self) -> Option<Message> {
        let end = loop {
            if let Some(at) = self.read.windows(2).position(|two| two == b"\n\n") {
                break at;
            }
            self.read.extend(self.connection.chunk()?);
        };
        let text = String::from_utf8(self.read.drain(..end + 2).collect()).unwrap();
        let mut message = Message::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").unwrap();
            match name {
                "id" => message.id = Some(value.parse().unwrap()),
                "event" => message.kind = Some(value.to_owned()),
                "data" => message.data = Some(serde_json::from_str(value).unwrap()),
                "retry" => {}
                _ => panic!("{text}"),
            }
        }
        Some(message)
    }

    /// The next one that says something.
    fn event(&mut self) -> Option<Message> {
        loop {
            let message = self.next()?;
            if message.data.is_some() {
                return Some(message);
            }
        }
    }

    /// So many events: the names that they have.
    fn names(&mut self, count: usize) -> Vec<String> {
        let names = (0..count).map(|_| self.event().unwrap().data.unwrap()["name"].as_str().unwrap().to_owned());
        names.collect()
    }
}

fn event(id: usize) -> String {
    format!(r#"{{"id": "{id}", "category": "c", "name": "n"}}"#)
}

#[test]
fn what_is_there_comes_first_and_then_what_comes() {
    let collector = Collector::start();
    collector.post("/v1/events", CLICKS);
    let mut all = Line::open(&collector, "/v1/events/follow", &[]);
    let mut forms = Line::open(&collector, "/v1/events/follow?category=form+interaction", &[]);
    let mut new = Line::open(&collector, "/v1/events/follow?after=head", &[]);
    assert_eq!(all.names(3), ["pageview", "cta click", "submit"]);
    assert_eq!(forms.names(1), ["submit"]);

    let submit = r#"{"category": "form interaction", "name": "submit", "data": {"text": "a\r\nid: 9\n\nb"}}"#;
    collector.post("/v1/events", event(1));
    collector.post("/v1/events", submit);
    assert_eq!(all.names(1), ["n"]);
    for line in [&mut all, &mut forms] {
        let told = line.event().unwrap();
        assert_eq!((told.id, told.kind), (Some(5), None));
        let data = told.data.unwrap();
        assert_eq!(data["position"], 5);
        assert_eq!(data["data"]["text"], "a\r\nid: 9\n\nb");
        assert_eq!(
            data,
            collector
                .get("/v1/events?category=form+interaction&order=descending&limit=1")
                .json()["events"][0]
        );
    }
    assert_eq!(new.names(2), ["n", "submit"]);
}

#[test]
fn whoever_is_cut_off_goes_on_behind_the_last_one() {
    let mut collector = Collector::start();
    let mut seen: Vec<i64> = Vec::new();
    for round in 0..8 {
        let mut line = if round % 2 == 0 {
            let last = seen.last().copied().unwrap_or_default().to_string();
            // The address is that of the first time, as a browser's is.
            Line::open(&collector, "/v1/events/follow?after=0", &[("last-event-id", &last)])
        } else {
            let path = format!("/v1/events/follow?after={}", seen.last().copied().unwrap_or_default());
            Line::open(&collector, &path, &[])
        };
        for id in 0..20 {
            collector.post("/v1/events", event(round * 20 + id));
        }
        // Some have come and are not read when the line is cut.
        for _ in 0..round + 5 {
            seen.push(line.event().unwrap().id.unwrap());
        }
        collector.kill();
        collector.restart();
    }
    let mut line = Line::open(
        &collector,
        "/v1/events/follow",
        &[("last-event-id", &seen.last().unwrap().to_string())],
    );
    while seen.len() < 160 {
        seen.push(line.event().unwrap().id.unwrap());
    }
    assert_eq!(seen, (1..=160).collect::<Vec<i64>>());
}

#[test]
fn the_end_of_the_program_is_not_waited_for() {
    let mut collector = Collector::start();
    let mut line = Line::open(&collector, "/v1/events/follow", &[]);
    // How soon to come again, and where it is.
    assert_eq!([line.next(), line.next()].map(|it| it.unwrap().id), [None, Some(0)]);
    assert_eq!(collector.stop().code(), Some(0));
    assert_eq!(line.next(), None);
    assert!(!collector.log().contains("connections were cut"), "{}", collector.log());
}

#[test]
fn a_key_follows_what_it_may_read_for_as_long_as_it_is_good() {
    let place = Place::sqlite();
    let out = |command: &[&str]| {
        let output = place.run(command);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    };
    let collector = Collector::start_on(&place, &[]);
    let mut open = Line::open(&collector, "/v1/events/follow", &[]);
    let shop = out(&["key", "create", "--source", "shop", "--access", "write,read"]);
    // Whoever came without a key while there was none needs one now.
    while open.next().is_some() {}

    let bearer = format!("Bearer {shop}");
    let headers = [("authorization", bearer.as_str())];
    let unbound = collector.request("GET", "/v1/events/follow", &headers, "");
    assert_eq!(
        (unbound.status, unbound.problem().as_deref()),
        (403, Some("not_permitted"))
    );
    assert_eq!(collector.get("/v1/events/follow").status, 401);
    let mut line = Line::open(&collector, "/v1/events/follow?source=shop", &headers);
    let json = [headers[0], ("content-type", "application/json")];
    collector.request("POST", "/v1/events", &json, event(1));
    assert_eq!(line.names(1), ["n"]);

    let prefix = shop.split('_').nth(1).unwrap();
    let started = Instant::now();
    out(&["key", "revoke", prefix]);
    while let Some(message) = line.next() {
        assert_eq!(message.data, None);
    }
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}

#[test]
fn what_cannot_be_followed_is_said() {
    let place = Place::sqlite();
    let collector = Collector::start_on(&place, &[]);
    for day in 1..=3 {
        let event =
            format!(r#"{{"id": "{day}", "category": "c", "name": "n", "timestamp": "2021-01-0{day}T10:00:00Z"}}"#);
        collector.post("/v1/events", event);
    }
    for (query, code) in [
        ("after=x", "invalid_parameter"),
        ("after=-1", "invalid_parameter"),
        ("after=4", "invalid_parameter"),
        ("after=1&after=1", "invalid_parameter"),
        ("limit=1", "unknown_parameter"),
        ("from=2021-01-01", "unknown_parameter"),
        ("colour=red", "unknown_parameter"),
        ("upcast=", "invalid_parameter"),
    ] {
        let refused = collector.get(&format!("/v1/events/follow?{query}"));
        assert_eq!(
            (refused.status, refused.problem().as_deref()),
            (400, Some(code)),
            "{query}"
        );
        let parameter = query.split('=').next().unwrap();
        assert_eq!(refused.json()["parameter"], parameter, "{query}");
    }
    let elsewhere = collector.request("GET", "/v1/events/follow?after=0", &[("last-event-id", "9")], "");
    assert_eq!(
        (elsewhere.status, elsewhere.problem().as_deref()),
        (400, Some("invalid_parameter"))
    );

    let pruned = place.run(&["prune", "--category", "c", "--name", "n", "--before", "2021-01-03"]);
    assert!(pruned.status.success(), "{pruned:?}");
    let gone = collector.get("/v1/events/follow?after=1");
    assert_eq!((gone.status, gone.problem().as_deref()), (410, Some("events_pruned")));
    // Who begins at the start takes what is left, and who was behind them has missed nothing.
    for after in [0, 2] {
        let mut line = Line::open(&collector, &format!("/v1/events/follow?after={after}"), &[]);
        assert_eq!(line.event().unwrap().id, Some(3));
    }
}
