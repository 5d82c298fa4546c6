//! All of them in turn, round after round: how many events a second, and how long an answer takes.

use std::time::{Duration, Instant};

use event_benches::events;
use event_benches::load::{Load, Prepared, Tally};
use event_benches::rounds::spread;
use event_benches::table::Table;
use event_store::{EventStore, Options};

use crate::server::{CONNECTIONS, Server};

pub(crate) const COLUMNS: &[&str] = &["events/s", "ratio", "min", "max", "p50 ms", "p99 ms", "p99 max"];

/// Nobody is refused here; who waits longer is told as an answer that came too late.
pub(crate) const IN_TIME: Duration = Duration::from_secs(5);
/// Connections that send single events.
const SINGLE: [usize; 4] = [1, 16, 64, 1_000];
/// Events of a batch, and connections that send them.
const BATCH: usize = 1_000;
const SENDERS: usize = 4;
/// So many batches are appended in a round.
const APPENDED: usize = 100;

/// One reading.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) rate: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl From<&Tally> for Reading {
    /// Of what was answered well, and nothing may be answered otherwise than asked; whoever is refused is not counted.
    fn from(tally: &Tally) -> Self {
        assert_eq!(tally.wrong, 0, "{tally}");
        Reading {
            rate: tally.rate(),
            p50: tally.millis(0.5),
            p99: tally.millis(0.99),
        }
    }
}

/// A table of readings, round by round, and their ratios to those of the first line.
pub(crate) fn table(title: String, all: &[(String, Vec<Reading>)]) -> Table {
    let line = |(name, own): &(String, Vec<Reading>)| {
        let (rate, ..) = spread(own.iter().map(|it| it.rate));
        let ratio = spread(own.iter().zip(&all[0].1).map(|(own, peer)| own.rate / peer.rate));
        let (p50, ..) = spread(own.iter().map(|it| it.p50));
        let (p99, _, worst) = spread(own.iter().map(|it| it.p99));
        let ratios = [ratio.0, ratio.1, ratio.2]
            .map(|ratio| format!("{ratio:.2}"))
            .into_iter();
        let times = [p50, p99, worst].map(|time| {
            if time.is_nan() {
                "-".to_owned()
            } else {
                format!("{time:.1}")
            }
        });
        let numbers = std::iter::once(format!("{rate:.0}")).chain(ratios).chain(times);
        (name.clone(), numbers.collect())
    };
    Table {
        title,
        columns: COLUMNS,
        lines: all.iter().map(line).collect(),
    }
}

/// The collector beside axum that throws away, and its batches beside the store's own append.
pub(crate) fn contest(rounds: usize, duration: Duration, flags: &[String]) -> Vec<Table> {
    let names = ["axum, parses and throws away", "event-server, stored durably"];
    let lines = |names: &[&str]| {
        names
            .iter()
            .map(|name| ((*name).to_owned(), Vec::new()))
            .collect::<Vec<_>>()
    };
    let mut single = SINGLE.map(|_| lines(&names));
    let mut batches = lines(&["EventStore::append, one caller", names[0], names[1]]);
    // One round to warm up, which does not count.
    for round in 0..=rounds {
        let (peer, collector) = (Server::throwing_away(), Server::collector(flags));
        let of_peer = |events| Prepared::new("/v1/events", events).told_by(200);
        let ask = |server: &Server, prepared: &Prepared, connections| {
            let load = Load {
                address: server.address,
                connections,
                duration,
                in_time: IN_TIME,
            };
            let tally = load.closed(prepared);
            println!("  {} events, {connections} connections: {tally}", prepared.events);
            Reading::from(&tally)
        };
        let keep = |lines: &mut Vec<(String, Vec<Reading>)>, readings: Vec<Reading>| {
            for ((_, readings), reading) in lines.iter_mut().zip(readings) {
                if round > 0 {
                    readings.push(reading);
                }
            }
        };
        for (connections, lines) in SINGLE.into_iter().zip(&mut single) {
            let readings = [(&peer, of_peer(1)), (&collector, Prepared::new("/v1/events", 1))];
            keep(
                lines,
                readings
                    .map(|(server, prepared)| ask(server, &prepared, connections))
                    .into(),
            );
        }
        let readings = vec![
            append(),
            ask(&peer, &of_peer(BATCH), SENDERS),
            ask(&collector, &Prepared::new("/v1/events", BATCH), SENDERS),
        ];
        keep(&mut batches, readings);
    }
    let titles = SINGLE.map(|connections| {
        format!("Single events, {connections} connections (`--connection-limit {CONNECTIONS}`), {rounds} rounds")
    });
    let mut tables: Vec<Table> = titles
        .into_iter()
        .zip(&single)
        .map(|(title, lines)| table(title, lines))
        .collect();
    tables.push(table(
        format!("Batches of {BATCH} events, {SENDERS} connections, {rounds} rounds"),
        &batches,
    ));
    tables
}

/// What the store does without anything before it: events that are judged already, on a file of SQLite.
fn append() -> Reading {
    let batches: Vec<_> = (0..APPENDED)
        .map(|batch| events::valid(&events::texts(batch * BATCH, BATCH)))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("events.db").display());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = EventStore::connect_with(&url, Options::new()).await.unwrap();
        let started = Instant::now();
        for batch in batches {
            store.append(batch).await.unwrap();
        }
        let elapsed = started.elapsed();
        store.close().await.unwrap();
        #[allow(clippy::cast_precision_loss)]
        let rate = (APPENDED * BATCH) as f64 / elapsed.as_secs_f64();
        println!("  EventStore::append: {rate:.0} events/s");
        Reading {
            rate,
            p50: f64::NAN,
            p99: f64::NAN,
        }
    })
}
