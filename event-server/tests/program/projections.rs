//! Projections that an application runs over the database of a collector: told and worked on from outside, over HTTP and
//! by the program, over each database.

use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use event_core::StoredEvent;
use event_store::project::{Failure, ProjectOptions, Projection, Projector, Rows, Siblings};
use event_store::{EventStore, Options};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::collector::{Collector, Place, Response};

on_each_database! {
    what_is_parked_is_told_replayed_and_discarded_over_http,
    the_program_does_the_same,
    a_rebuild_is_asked_for_and_given_up,
    health_metrics_and_the_page_tell_of_projections,
}

/// Sums of orders by customer; an order without a total cannot be taken, until that is mended.
struct Sums {
    table: [&'static str; 1],
    version: u32,
    pace: Duration,
    mended: Arc<AtomicBool>,
}

impl Projection for Sums {
    fn name(&self) -> &str {
        "sums"
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn tables(&self) -> &[&str] {
        &self.table
    }

    async fn create(&self, rows: &Rows<'_>) -> Result<(), Failure> {
        let table = self.table[0];
        rows.define(&format!(
            "CREATE TABLE IF NOT EXISTS {{{table}}} (customer {{text:100}} NOT NULL PRIMARY KEY, total {{int}} NOT NULL) \
             {{table}}"
        ))
        .await
    }

    async fn apply(&self, stored: &StoredEvent, rows: &Rows<'_>) -> Result<(), Failure> {
        tokio::time::sleep(self.pace).await;
        let total = stored.event.payload().root().to_value()["total"].as_i64();
        let total = match total {
            Some(total) => total,
            None if self.mended.load(Ordering::Acquire) => 0,
            None => return Err(Failure::lasting("an order without a \"total\"")),
        };
        let subject = stored.event.envelope().subject.as_ref().map(ToString::to_string);
        let row = [("customer", subject.into()), ("total", total.into())];
        rows.put(self.table[0], 1, row).await
    }
}

/// An application of its own, over the tables of the collector.
struct Application {
    runtime: Runtime,
    store: EventStore,
    projector: Option<Projector>,
    mended: Arc<AtomicBool>,
    table: &'static str,
}

impl Application {
    fn start(place: &Place) -> Self {
        let runtime = Runtime::new().unwrap();
        let options = Options::new().prefix(place.prefix());
        let store = runtime
            .block_on(EventStore::connect_with(place.url(), options))
            .unwrap();
        let table: &'static str = Box::leak(format!("{}sums", place.prefix()).into_boxed_str());
        let mut application = Application {
            runtime,
            store,
            projector: None,
            mended: Arc::default(),
            table,
        };
        application.projector = Some(application.run(1, Duration::ZERO));
        application
    }

    fn run(&self, version: u32, pace: Duration) -> Projector {
        let sums = Sums {
            table: [self.table],
            version,
            pace,
            mended: Arc::clone(&self.mended),
        };
        let options = ProjectOptions::new()
            .siblings(Siblings::Wait)
            .poll(Duration::from_millis(50));
        self.runtime.block_on(self.store.project(sums, options)).unwrap()
    }

    fn stop(mut self) {
        if let Some(projector) = self.projector.take() {
            self.runtime.block_on(projector.stop());
        }
        self.runtime.block_on(self.store.close()).unwrap();
    }
}

fn order(customer: &str, data: &str) -> String {
    format!(r#"{{"category":"order","name":"created","subject":"{customer}","data":{data}}}"#)
}

/// Four orders: the second one cannot be taken, and the third one waits behind it.
fn orders(collector: &Collector) {
    let batch = [
        order("ann", r#"{"total":7}"#),
        order("bob", r#"{"sum":8}"#),
        order("bob", r#"{"total":9}"#),
        order("cid", r#"{"total":10}"#),
    ];
    let sent = collector.post("/v1/events", format!("[{}]", batch.join(",")));
    assert_eq!(sent.status, 200);
}

fn soon<T>(what: &str, mut holds: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = holds() {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn status(collector: &Collector) -> Value {
    collector.get("/v1/projections/sums").json()["generations"][0].take()
}

fn caught_up(collector: &Collector) -> Value {
    soon("it has caught up", || {
        let status = status(collector);
        (status["position"] == status["head"]).then_some(status)
    })
}

fn not_there(response: &Response, code: &str) {
    assert_eq!((response.status, response.problem().as_deref()), (404, Some(code)));
}

fn actions(found: &Value) -> Vec<&str> {
    let history = found["history"].as_array().unwrap();
    history.iter().map(|done| done["action"].as_str().unwrap()).collect()
}

const PARKED: &str = "/v1/projections/sums/parked";

fn what_is_parked_is_told_replayed_and_discarded_over_http(place: &Place) {
    let collector = Collector::start_on(place, &[]);
    assert_eq!(collector.get("/v1/projections").json(), json!({"projections": []}));
    for (method, path) in [
        ("GET", "/v1/projections/sums"),
        ("GET", PARKED),
        ("GET", "/v1/projections/sums/parked/2"),
        ("POST", "/v1/projections/sums/rebuild"),
        ("POST", "/v1/projections/sums/abandon"),
        ("POST", "/v1/projections/sums/parked/2/replay"),
    ] {
        not_there(&collector.request(method, path, &[], ""), "projection_not_found");
    }
    let application = Application::start(place);
    orders(&collector);
    let told = caught_up(&collector);
    assert_eq!(
        (&told["parked"], &told["waiting"], &told["applied"], &told["stage"]),
        (&json!(1), &json!(1), &json!(2), &json!("live"))
    );

    let all = collector.get(PARKED).json();
    assert_eq!(
        (all["parked"].as_array().unwrap().len(), &all["next"]),
        (2, &Value::Null)
    );
    let first = collector.get(&format!("{PARKED}?limit=1")).json();
    assert_eq!(first["parked"][0], all["parked"][0]);
    assert_eq!(first["parked"][0]["code"], "refused");
    let next = first["next"].as_str().unwrap();
    let second = collector.get(&format!("{PARKED}?limit=1&cursor={next}")).json();
    assert_eq!(
        (&second["parked"][0], &second["next"]),
        (&all["parked"][1], &Value::Null)
    );
    let waiting = collector.get(&format!("{PARKED}?state=waiting")).json();
    assert_eq!(waiting["parked"], json!([all["parked"][1]]));
    for (asked, code) in [
        ("state=gone", "invalid_parameter"),
        ("limit=0", "invalid_limit"),
        ("cursor=1", "invalid_cursor"),
        ("name=sums", "unknown_parameter"),
    ] {
        let answer = collector.get(&format!("{PARKED}?{asked}"));
        assert_eq!(
            (answer.status, answer.problem().as_deref()),
            (400, Some(code)),
            "{asked}"
        );
    }
    let foreign = collector.get(&format!("{PARKED}?limit=1&state=waiting&cursor={next}"));
    assert_eq!(foreign.problem().as_deref(), Some("invalid_cursor"));

    let position = first["parked"][0]["position"].as_i64().unwrap();
    let place_of_it = format!("{PARKED}/{position}");
    let shown = collector.get(&place_of_it).json();
    assert_eq!(shown["parked"][0]["reason"], "an order without a \"total\"");
    assert_eq!(shown["event"]["data"], json!({"sum": 8}));
    assert_eq!(shown["history"], json!([]));
    not_there(&collector.get(&format!("{PARKED}/1")), "parked_event_not_found");
    not_there(
        &collector.request("POST", &format!("{PARKED}/1/replay"), &[], ""),
        "parked_event_not_found",
    );

    // Too soon, then mended.
    let replay = |path: &str| {
        let asked = collector.request("POST", path, &[], "");
        assert_eq!((asked.status, asked.json()), (202, json!({"asked": 1})));
    };
    replay(&format!("{place_of_it}/replay"));
    let again = soon("it failed again", || {
        let shown = collector.get(&place_of_it).json();
        (shown["history"].as_array().unwrap().len() == 2).then_some(shown)
    });
    assert_eq!(actions(&again), ["replay_asked", "failed_again"]);
    assert_eq!(again["parked"][0]["attempts"], 2);
    application.mended.store(true, Ordering::Release);
    let asked = collector.post(&format!("{PARKED}/replay"), r#"{"all": true}"#);
    assert_eq!((asked.status, asked.json()), (202, json!({"asked": 1})));
    soon("all are applied", || {
        let left = collector.get(PARKED).json();
        (left["parked"] == json!([])).then_some(())
    });
    let shown = collector.get(&place_of_it).json();
    assert_eq!(shown["parked"], json!([]));
    assert_eq!(actions(&shown).last(), Some(&"replayed"));
    assert_eq!(caught_up(&collector)["applied"], 4);

    // Given up, the one behind it goes on.
    application.mended.store(false, Ordering::Release);
    orders(&collector);
    caught_up(&collector);
    let position = collector.get(PARKED).json()["parked"][0]["position"].as_i64().unwrap();
    let both = format!(r#"{{"positions": [1, {position}]}}"#);
    let asked = collector.post(&format!("{PARKED}/discard"), both);
    assert_eq!(asked.json(), json!({"asked": 1}));
    soon("it is given up", || {
        let left = collector.get(PARKED).json();
        (left["parked"] == json!([])).then_some(())
    });
    assert_eq!(caught_up(&collector)["applied"], 7);
    for body in [
        "{}",
        r#"{"all": false}"#,
        r#"{"all": true, "positions": [1]}"#,
        r#"{"positions": []}"#,
        r#"{"ids": [1]}"#,
    ] {
        let wrong = collector.post(&format!("{PARKED}/replay"), body);
        assert_eq!(
            (wrong.status, wrong.problem().as_deref()),
            (422, Some("invalid_work")),
            "{body}"
        );
    }
    application.stop();
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn the_program_does_the_same(place: &Place) {
    let collector = Collector::start_on(place, &[]);
    assert!(out(&place.run(&["projections"])).starts_with("there are no projections"));
    let unknown = place.run(&["projections", "parked", "sums"]);
    assert_eq!(unknown.status.code(), Some(1));
    let application = Application::start(place);
    orders(&collector);
    caught_up(&collector);
    let listed = out(&place.run(&["projections"]));
    assert!(listed.contains("sums") && listed.contains("1 of 1"), "{listed}");
    let listed = out(&place.run(&["projections", "--json"]));
    let status: Value = serde_json::from_str(listed.trim()).unwrap();
    assert_eq!((&status["parked"], &status["stage"]), (&json!(1), &json!("live")));

    let parked = out(&place.run(&["projections", "parked", "sums", "--json"]));
    let parked: Vec<Value> = parked.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(parked.len(), 2);
    let position = parked[0]["position"].to_string();
    let rest = out(&place.run(&["projections", "parked", "sums", "--after", &position]));
    assert!(rest.contains("waiting") && !rest.contains("without a"), "{rest}");
    let some = place.run(&["projections", "parked", "sums", "--limit", "1"]);
    assert!(String::from_utf8_lossy(&some.stderr).contains(&format!("--after {position}")));

    let ask = |task: &str, by: &str| {
        let command = ["projections", task, "sums", &position, "--by", by];
        assert!(out(&place.run(&command)).starts_with("1 events are to be"));
    };
    ask("replay", "ann");
    let show = || out(&place.run(&["projections", "show", "sums", &position]));
    let shown = soon("it failed again", || {
        Some(show()).filter(|shown| shown.contains("failed again"))
    });
    assert!(
        shown.contains("ann") && shown.contains("without a \"total\"") && shown.contains("\"sum\":8"),
        "{shown}"
    );
    ask("discard", "bob");
    let shown = soon("it is given up", || {
        Some(show()).filter(|shown| shown.contains("not parked any more"))
    });
    assert!(shown.contains("bob") && shown.contains("discarded"), "{shown}");
    let none = place.run(&["projections", "replay", "sums"]);
    assert_eq!(none.status.code(), Some(2), "neither places nor all");
    assert!(out(&place.run(&["projections", "replay", "sums", "--all"])).starts_with("0 events"));
    let none = place.run(&["projections", "show", "sums", "1"]);
    assert_eq!(none.status.code(), Some(1));
    application.stop();
}

fn a_rebuild_is_asked_for_and_given_up(place: &Place) {
    let collector = Collector::start_on(place, &[]);
    let mut application = Application::start(place);
    orders(&collector);
    caught_up(&collector);
    let said = out(&place.run(&["projections", "rebuild", "sums"]));
    assert!(said.contains("is to be built anew"), "{said}");
    let generations = || collector.get("/v1/projections/sums").json()["generations"].take();
    soon("readers have changed over", || {
        let all = generations();
        (all[1]["stage"] == "live").then_some(())
    });
    assert!(out(&place.run(&["projections", "drop-old", "sums"])).starts_with("1 generations"));

    // A later version that takes its time, and is taken back.
    let later = application.run(2, Duration::from_millis(400));
    orders(&collector);
    soon("it is built", || {
        (generations()[1]["stage"] == "building").then_some(())
    });
    let rebuilt = collector.request("POST", "/v1/projections/sums/rebuild", &[], "");
    assert_eq!((rebuilt.status, rebuilt.json()), (202, json!({"asked": false})));
    let given_up = collector.request("POST", "/v1/projections/sums/abandon", &[], "");
    assert_eq!((given_up.status, given_up.json()), (200, json!({"generations": 1})));
    assert_eq!(generations().as_array().unwrap().len(), 1);
    soon("it ends", || later.ended());
    orders(&collector);
    assert_eq!(caught_up(&collector)["stage"], "live");
    assert!(out(&place.run(&["projections", "abandon", "sums"])).starts_with("0 generations"));
    application.runtime.block_on(later.stop());
    let projector = application.projector.take().unwrap();
    application.runtime.block_on(projector.stop());
    let asked = collector.request("POST", "/v1/projections/sums/rebuild", &[], "");
    assert_eq!(asked.json(), json!({"asked": true}));
    assert_eq!(generations()[1]["stage"], "asked");
    application.stop();
}

/// The value of a number of a projection in `/metrics`.
fn measured(collector: &Collector, name: &str) -> Option<f64> {
    let all = collector.get("/metrics");
    let start = format!("event_projection_{name}{{projection=\"sums\"}} ");
    let line = all.text().lines().find_map(|line| line.strip_prefix(&start))?;
    Some(line.parse().unwrap())
}

fn health_metrics_and_the_page_tell_of_projections(place: &Place) {
    let collector = Collector::start_on(place, &[]);
    let health = || collector.get("/health/ready").json();
    assert_eq!(health(), json!({"status": "ready"}));
    assert_eq!(measured(&collector, "position"), None);
    let application = Application::start(place);
    orders(&collector);
    let head = caught_up(&collector)["head"].as_i64().unwrap();
    let told = soon("it is live", || {
        let mut health = health();
        (health["projections"][0]["state"] == "live").then(|| health["projections"][0].take())
    });
    assert_eq!(
        told,
        json!({"name": "sums", "position": head, "behind": 0, "lag_seconds": 0.0, "parked": 1, "state": "live"})
    );
    for (name, expected) in [
        ("position", Some(head as f64)),
        ("behind", Some(0.0)),
        ("lag_seconds", Some(0.0)),
        ("parked", Some(1.0)),
        ("up", Some(1.0)),
    ] {
        assert_eq!(measured(&collector, name), expected, "{name}");
    }
    let page = collector.request("GET", "/", &[("accept", "text/html")], "");
    let page = page.text();
    assert!(page.contains("Projections") && page.contains("sums"), "{page}");

    // Nobody works on it any more: it falls behind, and says so; the collector itself is ready.
    application.stop();
    orders(&collector);
    let told = soon("it waits", || {
        let mut health = health();
        assert_eq!(health["status"], "ready");
        (health["projections"][0]["state"] == "waiting").then(|| health["projections"][0].take())
    });
    assert_eq!((&told["behind"], &told["position"]), (&json!(4), &json!(head)));
    assert!(told["lag_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(
        (measured(&collector, "behind"), measured(&collector, "up")),
        (Some(4.0), Some(0.0))
    );
    assert!(measured(&collector, "lag_seconds").unwrap() > 0.0);
}

#[test]
fn keys_that_only_read_change_nothing_and_who_asked_is_told_by_the_key() {
    let place = Place::sqlite();
    let key = |access: &str| {
        let create = ["key", "create", "--source", "shop", "--access", access, "--read-all"];
        out(&place.run(&create)).trim().to_owned()
    };
    let (reads, decides) = (key("read"), key("write,read,admin"));
    let collector = Collector::start_on(&place, &[]);
    let ask = |key: &str, method: &str, path: &str, body: &str| {
        let bearer = format!("bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        collector.request(method, path, &headers, body)
    };
    let application = Application::start(&place);
    let sent = ask(&decides, "POST", "/v1/events", &order("bob", "{}"));
    let position = sent.json()["results"][0]["position"].as_i64().unwrap();
    let one = format!("{PARKED}/{position}");
    soon("it is parked", || {
        (ask(&reads, "GET", &one, "").status == 200).then_some(())
    });
    for path in [
        "/v1/projections/sums/rebuild",
        "/v1/projections/sums/abandon",
        "/v1/projections/sums/parked/replay",
        "/v1/projections/sums/parked/discard",
        &format!("{one}/replay"),
        &format!("{one}/discard"),
    ] {
        let refused = ask(&reads, "POST", path, r#"{"all": true}"#);
        assert_eq!(
            (refused.status, refused.problem().as_deref()),
            (403, Some("not_permitted")),
            "{path}"
        );
    }
    assert_eq!(ask(&decides, "POST", &format!("{one}/discard"), "").status, 202);
    let shown = ask(&reads, "GET", &one, "").json();
    let actor = shown["history"][0]["actor"].as_str().unwrap();
    assert!(decides.contains(actor), "{actor}");
    // Who may read of some sources only does not see what all of them make.
    let bound = ["key", "create", "--source", "shop", "--access", "read"];
    let bound = out(&place.run(&bound)).trim().to_owned();
    soon("the collector knows it", || {
        (ask(&bound, "GET", PARKED, "").status == 403).then_some(())
    });
    application.stop();
}
