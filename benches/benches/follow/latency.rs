//! From the commit to whoever follows: how long it takes until an event that was answered as stored is in the hands of
//! a follower.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use event_benches::backend::Backend;
use event_benches::events::valid;
use event_benches::orders::Orders;
use event_benches::table::{READINGS, Table};
use event_store::EventStore;
use event_store::follow::Follow;
use event_store::project::ProjectOptions;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::by_hand::ByHand;
use crate::totals::{Totals, clean};

const PREFIX: &str = "bench_latency_";
/// How long the peer waits before it asks again.
const PAUSE: Duration = Duration::from_millis(10);

type Seen = (i64, Instant);

pub(crate) fn measure(runtime: &Runtime, backend: &Backend, events: usize) -> Table {
    runtime.block_on(async {
        let (store, other) = (backend.store(PREFIX).await, backend.store(PREFIX).await);
        let mut orders = Orders::new(5_000, 1_000);
        let mut lines: Vec<(&str, Vec<f64>)> = Vec::new();
        // Whatever is done once is done before.
        send(&store, &mut orders, 50).await;

        let by_hand = ByHand::open(backend, PREFIX).await;
        let (told, seen) = unbounded_channel();
        let head = store.head().await.unwrap();
        let asking = by_hand.poll(head, PAUSE, told);
        let timed = time(&store, &mut orders, events, seen);
        let ((), readings) = tokio::join!(asking, timed);
        lines.push(("by hand, asking every 10 ms", readings));
        by_hand.close().await;

        for (name, store_of_it) in [
            ("follow, in the process that stores", &store),
            ("follow, in another one", &other),
        ] {
            let (told, seen) = unbounded_channel();
            let after = store.head().await.unwrap();
            let following = tokio::spawn(follow(store_of_it.clone(), after, told));
            lines.push((name, time(&store, &mut orders, events, seen).await));
            following.abort();
        }
        let (told, seen) = unbounded_channel();
        let totals = Totals::new("latency").telling(told);
        let view = totals.view();
        let projector = other.project(totals, ProjectOptions::new()).await.unwrap();
        projector.reach(store.head().await.unwrap()).await.unwrap();
        lines.push((
            "a projection, in another one",
            time(&store, &mut orders, events, seen).await,
        ));
        projector.stop().await;
        other.close().await.unwrap();
        clean(backend, &store, &[view]).await;
        table(backend, events, lines)
    })
}

async fn follow(store: EventStore, after: i64, told: UnboundedSender<Seen>) {
    let mut follower = store.follow(Follow::after(after));
    while let Ok(batch) = follower.next().await {
        for stored in &batch.events {
            let _ = told.send((stored.position, Instant::now()));
        }
    }
}

/// Stores events one by one, with pauses; answers where each is, and when that was known.
async fn send(store: &EventStore, orders: &mut Orders, events: usize) -> BTreeMap<i64, Instant> {
    let mut answered = BTreeMap::new();
    for number in 0..events {
        let verdicts = store.append(valid(&orders.texts(1))).await.unwrap();
        let now = Instant::now();
        // One that comes a second time is where it was.
        if let Some(position) = verdicts[0].position {
            answered.entry(position).or_insert(now);
        }
        tokio::time::sleep(Duration::from_micros(3_000 + number as u64 * 7_919 % 15_000)).await;
    }
    answered
}

/// Milliseconds from the answer to the sight of it, of each; nothing where it was seen before.
async fn time(store: &EventStore, orders: &mut Orders, events: usize, mut seen: UnboundedReceiver<Seen>) -> Vec<f64> {
    // What is looked for once is looked for before.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let answered = send(store, orders, events).await;
    let last = *answered.keys().next_back().unwrap();
    let mut sights = BTreeMap::new();
    while !sights.contains_key(&last) {
        let (position, at) = seen.recv().await.unwrap();
        sights.entry(position).or_insert(at);
    }
    seen.close();
    let took = |(position, at): (&i64, &Instant)| {
        let seen = sights.get(position).copied();
        seen.map(|seen| seen.saturating_duration_since(*at).as_secs_f64() * 1_000.0)
    };
    let readings: Vec<f64> = answered.iter().filter_map(took).collect();
    assert!(readings.len() * 100 >= answered.len() * 97, "some were never seen");
    readings
}

fn table(backend: &Backend, events: usize, lines: Vec<(&str, Vec<f64>)>) -> Table {
    let mut first = None;
    let line = |(name, mut readings): (&str, Vec<f64>)| {
        readings.sort_by(f64::total_cmp);
        let [p50, p99] = [50, 99].map(|share| readings[(readings.len() - 1) * share / 100]);
        let peer = *first.get_or_insert(p50);
        let ratio = if p50 > 0.0 {
            format!("{:.2}", peer / p50)
        } else {
            "-".to_owned()
        };
        (name.to_owned(), vec![format!("{p50:.2}"), format!("{p99:.2}"), ratio])
    };
    Table {
        title: format!("{}, commit to handler, {events} events", backend.name()),
        columns: READINGS,
        lines: lines.into_iter().map(line).collect(),
    }
}
