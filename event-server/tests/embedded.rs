//! The collector that tests of applications start inside themselves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/document.rs"]
mod document;
#[allow(dead_code, reason = "a part of it is enough here")]
#[path = "support/http.rs"]
mod http;

use event_core::{EventType, Label, Query};
use event_server::ServerConfig;
use event_server::test::{Collector, CollectorError};
use event_store::{Error, Options, Registered, TypeChange};
use http::Connection;

const JSON: (&str, &str) = ("content-type", "application/json");

fn event(id: &str) -> String {
    format!(r#"{{"id":"{id}","category":"a","name":"b"}}"#)
}

/// The status of the answer, and of the first verdict.
fn send(collector: &Collector, body: &str) -> (u16, String) {
    let mut connection = Connection::open(collector.address());
    let response = connection.request("POST", "/v1/events", &[JSON], body);
    let status = response.json()["results"][0]["status"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (response.status, status)
}

fn ids(collector: &Collector) -> Vec<String> {
    let events = collector.events().unwrap();
    events
        .iter()
        .map(|stored| stored.event.envelope().id.to_string())
        .collect()
}

#[test]
fn it_works_without_a_runtime() {
    let collector = Collector::start().unwrap();
    assert_eq!(collector.url(), format!("http://{}", collector.address()));
    assert!(collector.events().unwrap().is_empty() && collector.quarantine().unwrap().is_empty());
    assert_eq!(send(&collector, &event("2")), (200, "stored".to_owned()));
    assert_eq!(send(&collector, &event("1")), (200, "stored".to_owned()));
    assert_eq!(send(&collector, r#"{"id":"3"}"#), (200, "quarantined".to_owned()));
    assert_eq!(ids(&collector), ["2", "1"]);
    let refused = collector.quarantine().unwrap();
    assert_eq!(refused[0].raw.as_deref(), Some(r#"{"id":"3"}"#));
    assert_eq!(refused.len(), 1);
}

#[test]
fn all_events_are_read_however_many_there_are() {
    let collector = Collector::start().unwrap();
    for batch in 0..3 {
        let events: Vec<String> = (0..900).map(|number| event(&format!("{batch}-{number}"))).collect();
        let refused = vec!["7"; 900].join(",");
        assert_eq!(send(&collector, &format!("[{}]", events.join(","))).0, 200);
        assert_eq!(send(&collector, &format!("[{refused}]")).0, 200);
    }
    let ids = ids(&collector);
    assert_eq!((ids.len(), ids[0].as_str(), ids[2699].as_str()), (2700, "0-0", "2-899"));
}

async fn in_a_test() {
    let mut collector = Collector::start().unwrap();
    let schema = serde_json::json!({"required": ["path"]});
    let change = TypeChange {
        schema: Some(schema),
        ..TypeChange::default()
    };
    let (event_type, version) = (EventType::new("a", "b").unwrap(), Label::new("1").unwrap());
    let (store, of_type) = (collector.store().clone(), event_type.clone());
    let registered = collector.block_on(async move { store.register(&of_type, &version, change).await });
    assert_eq!(registered.unwrap(), Registered::Created);
    assert_eq!(send(&collector, &event("1")).1, "quarantined");
    let answer = collector
        .store()
        .answer(&Query::from_json(b"{}").unwrap())
        .await
        .unwrap();
    assert_eq!(answer.rows[0].value.as_ref().unwrap().to_string(), "0");
    assert_eq!(collector.quarantine().unwrap().len(), 1);
    collector.restart().unwrap();
    assert!(collector.store().registry().get(&event_type, None).is_some());
    drop(collector);
}

#[tokio::test]
async fn it_works_inside_a_runtime_of_one_thread() {
    in_a_test().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_inside_a_runtime_of_many() {
    in_a_test().await;
}

#[test]
fn an_outage_can_be_played() {
    let mut collector = Collector::start().unwrap();
    let (url, mut kept) = (collector.url().to_owned(), Connection::open(collector.address()));
    assert_eq!(kept.request("POST", "/v1/events", &[JSON], event("1")).status, 200);
    for id in ["2", "3"] {
        let started = std::time::Instant::now();
        collector.stop().unwrap();
        collector.stop().unwrap();
        assert!(started.elapsed().as_millis() < 900, "an idle connection was waited for");
        assert!(std::net::TcpStream::connect(collector.address()).is_err());
        let closed = collector.events().unwrap_err();
        assert!(matches!(closed, CollectorError::Store(Error::Closed)), "{closed:?}");
        collector.start_again().unwrap();
        collector.start_again().unwrap();
        assert_eq!(collector.url(), url);
        assert_eq!(send(&collector, &event("1")).1, "duplicate");
        assert_eq!(send(&collector, &event(id)).1, "stored");
    }
    assert_eq!(ids(&collector), ["1", "2", "3"]);
    assert!(kept.try_response().is_none(), "the connection is still open");
}

#[test]
fn a_port_that_others_have_taken_is_an_error_and_no_end() {
    let mut collector = Collector::start().unwrap();
    collector.stop().unwrap();
    let other = std::net::TcpListener::bind(collector.address()).unwrap();
    assert!(matches!(collector.restart(), Err(CollectorError::System(_))));
    drop(other);
    collector.restart().unwrap();
    assert_eq!(send(&collector, &event("1")).1, "stored");
}

#[test]
fn it_has_the_settings_that_it_is_given() {
    let mut config = ServerConfig::default();
    config.batch_events = 1;
    let options = Options::new().prefix("other_");
    let collector = Collector::builder().config(config).options(options).start().unwrap();
    assert_eq!(send(&collector, &format!("[{},{}]", event("1"), event("2"))).0, 413);
    assert!(matches!(
        Collector::builder()
            .options(Options::new().prefix("no prefix;"))
            .start(),
        Err(CollectorError::Store(_))
    ));
}

#[test]
fn nothing_is_left_of_it() {
    let collectors = [Collector::start().unwrap(), Collector::start().unwrap()];
    assert_ne!(collectors[0].address(), collectors[1].address());
    assert_eq!(send(&collectors[0], &event("1")).1, "stored");
    assert!(collectors[1].events().unwrap().is_empty());
    let store = collectors[0].store().clone();
    let addresses = collectors.each_ref().map(Collector::address);
    drop(collectors);
    assert!(
        addresses
            .iter()
            .all(|address| std::net::TcpStream::connect(address).is_err())
    );
    assert!(!store.health().writer_alive);
}
