//! Answers that never arrive: the collector has stored the events and said so, and the client does not hear it, and sends
//! them again. Each is stored once, and counted once.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use event_client::{Client, Stats};
use event_core::{Event, Query};
use sea_orm::{ConnectionTrait as _, Database};
use tokio::runtime::Runtime;

use crate::collector::{Collector, Place};
use crate::proxy::Proxy;
use crate::{plan, scale, world};

const CLIENTS: u64 = 8;
/// One answer in so many is heard.
const ONE_IN: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(30);

fn client(url: &str, number: u64) -> Client {
    let client = Client::builder(url)
        .source(format!("shop-{number}"))
        .linger(Duration::from_millis(1))
        .backoff(Duration::from_millis(1), Duration::from_millis(2));
    client.build().unwrap()
}

/// Sends until so many answers were swallowed.
fn send(proxy: &Proxy, number: u64, swallowed: u64) -> Stats {
    let client = client(&proxy.url, number);
    for number in 0.. {
        if proxy.deeds.swallowed.load(Ordering::Relaxed) >= swallowed {
            break;
        }
        // The client makes the ids, and keeps them.
        for of in 0..3_u64 {
            let event = Event::builder("order", "created").field("total", number % 100);
            client.track(event.field("province", format!("p-{of}"))).unwrap();
        }
        // Attempts, not time: the machine may be at something else.
        let is_flushed = (0..10).any(|_| client.flush_blocking(PATIENCE).is_ok());
        assert!(is_flushed, "{:?}", client.stats());
    }
    client.shutdown_blocking(PATIENCE).unwrap();
    client.stats()
}

/// What came of it.
struct Report {
    offered: u64,
    /// Events that were there already when their answer arrived at last.
    duplicate: u64,
    swallowed: u64,
    violations: Vec<String>,
}

/// All clients at once, over a database with tables.
fn trial(place: &Place, swallowed: u64) -> Report {
    let mut collector = Collector::start_on(place, &["--log-level=error"]);
    let proxy = Proxy::swallowing(collector.address(), ONE_IN);
    let stats: Vec<Stats> = thread::scope(|scope| {
        let send = |number| {
            let proxy = &proxy;
            scope.spawn(move || send(proxy, number, swallowed))
        };
        let senders: Vec<_> = (0..CLIENTS).map(send).collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    assert_eq!(collector.stop().code(), Some(0), "{}", collector.log());

    let (rows, ids, counted, mut violations) = Runtime::new().unwrap().block_on(async {
        let store = world::open(place).await;
        let log = world::log(&store).await;
        let ids: BTreeSet<String> = log
            .iter()
            .map(|stored| stored.event.envelope().id.to_string())
            .collect();
        let all = Query::from_pairs([("category", "order"), ("name", "created")]).unwrap();
        let counted = store.answer(&all).await.unwrap().rows[0].value.clone();
        let (cells, wrong) = world::cells(&store, &log).await;
        assert!(cells > 0, "nothing was compared");
        store.close().await.unwrap();
        (log.len(), ids.len(), counted.map(|value| value.to_string()), wrong)
    });
    let sum = |of: fn(&Stats) -> u64| stats.iter().map(of).sum::<u64>();
    let offered = sum(|stats| stats.offered);
    let mut expect = |what: &str, holds: bool| {
        if !holds {
            violations.push(format!(
                "{what}: {offered} offered, {rows} rows of {ids} ids, {counted:?} counted"
            ));
        }
    };
    expect("not every event is stored", ids as u64 >= offered);
    expect("an event is stored twice", rows == ids && ids as u64 <= offered);
    expect("it is counted otherwise", counted == Some(offered.to_string()));
    let delivered = sum(|stats| stats.delivered());
    expect(
        "its client counts otherwise",
        delivered == offered && sum(|stats| stats.dropped.total()) == 0,
    );
    Report {
        offered,
        duplicate: sum(|stats| stats.duplicate),
        swallowed: proxy.deeds.swallowed.load(Ordering::Relaxed),
        violations,
    }
}

pub(crate) fn run(database: &str, place: &Place) {
    Runtime::new().unwrap().block_on(plan::prepare(place));
    let report = trial(place, scale("EVENT_TEST_SWALLOWED", 400, 100_000));
    let (offered, duplicate, violations) = (report.offered, report.duplicate, report.violations);
    println!("{database}: {offered} events, {duplicate} of them duplicates when they were heard of");
    println!(
        "proof: answers swallowed on {database}: {} trials, {} violations",
        report.swallowed,
        violations.len()
    );
    assert!(violations.is_empty(), "{violations:?}");
    assert!(duplicate > 0, "nothing was sent again");
}

/// Who judges the judge? A store that stores an event as often as it comes.
pub(crate) fn is_noticed() {
    let place = Place::sqlite();
    Runtime::new().unwrap().block_on(async {
        plan::prepare(&place).await;
        let db = Database::connect(place.url()).await.unwrap();
        db.execute_unprepared("DROP INDEX event_events_id").await.unwrap();
        db.close().await.unwrap();
    });
    let violations = trial(&place, 40).violations;
    let is_noticed = violations.iter().any(|violation| violation.contains("stored twice"));
    assert!(is_noticed, "{violations:?}");
}
