//! What is left of the peak when five times as much is asked for.

use std::time::Duration;

use event_benches::load::{Load, Prepared, Tally};
use event_benches::results::Table;

use crate::server::Server;

const COLUMNS: &[&str] = &[
    "goodput",
    "of the peak",
    "min",
    "max",
    "p50 ms",
    "p99 ms",
    "others in the last round",
];

/// An answer after this is too late.
const IN_TIME: Duration = Duration::from_secs(1);
/// How many times the peak is offered.
const TIMES: f64 = 5.0;

/// One kind of request, and from how many connections it comes.
pub(crate) struct Case {
    pub(crate) events: usize,
    /// Where the peak is looked for.
    pub(crate) calm: &'static [usize],
    pub(crate) crowd: usize,
}

pub(crate) const CASES: [Case; 3] = [
    Case {
        events: 1,
        calm: &[64, 256, 1_000],
        crowd: 4_000,
    },
    Case {
        events: 100,
        calm: &[4, 16, 64],
        crowd: 1_000,
    },
    Case {
        events: 1_000,
        calm: &[2, 4, 16],
        crowd: 500,
    },
];

pub(crate) fn overload(case: &Case, rounds: usize, duration: Duration, flags: &[String]) -> Table {
    let prepared = Prepared::new("/v1/events", case.events);
    let (mut peaks, mut goods, mut last) = (Vec::new(), Vec::new(), Tally::default());
    for round in 0..=rounds {
        let server = Server::collector(flags);
        let load = |connections, duration| Load {
            address: server.address,
            connections,
            duration,
            in_time: IN_TIME,
        };
        let calm = case.calm.iter().map(|connections| {
            let tally = load(*connections, duration / 2).closed(&prepared);
            println!("  {} events, {connections} connections: {tally}", case.events);
            tally
        });
        let peak = calm.max_by(|one, other| one.rate().total_cmp(&other.rate())).unwrap();
        #[allow(clippy::cast_precision_loss)]
        let rate = peak.rate() * TIMES / case.events as f64;
        let good = load(case.crowd, duration).open(&prepared, rate);
        println!("  {} offered to {} connections: {good}", good.offered, case.crowd);
        // The first round warms up.
        if round > 0 || rounds == 0 {
            peaks.push(peak);
            goods.push(good.clone());
            last = good;
        }
    }
    let middle = |numbers: Vec<f64>| crate::spread(numbers.into_iter());
    let ratio = middle(
        goods
            .iter()
            .zip(&peaks)
            .map(|(good, peak)| good.rate() / peak.rate())
            .collect(),
    );
    let line = |name: &str, tallies: &[Tally], ratio: (f64, f64, f64), others: String| {
        let of = |f: fn(&Tally) -> f64| middle(tallies.iter().map(f).collect()).0;
        let numbers = vec![
            format!("{:.0}", of(Tally::rate)),
            format!("{:.2}", ratio.0),
            format!("{:.2}", ratio.1),
            format!("{:.2}", ratio.2),
            format!("{:.1}", of(|tally| tally.millis(0.5))),
            format!("{:.1}", of(|tally| tally.millis(0.99))),
            others,
        ];
        (name.to_owned(), numbers)
    };
    let times = format!("{TIMES} times as much from {} connections", case.crowd);
    Table {
        title: format!(
            "Overload, {} events a request, answers within a second, {rounds} rounds",
            case.events
        ),
        columns: COLUMNS,
        lines: vec![
            line(
                "the peak",
                &peaks,
                (1.0, 1.0, 1.0),
                peaks.last().map(Tally::others).unwrap_or_default(),
            ),
            line(&times, &goods, ratio, last.others()),
        ],
    }
}
