//! What is left of the peak when five times as much is asked for.

use std::time::Duration;

use event_benches::load::{Load, Prepared, Tally};
use event_benches::rounds::spread;
use event_benches::table::Table;

use crate::options::Options;
use crate::processors::Processors;
use crate::server::Server;

const COLUMNS: &[&str] = &[
    "goodput",
    "of the peak",
    "min",
    "max",
    "by CPU",
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
        calm: &[64, 256, 300],
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

/// What was answered, and what that took of the server's processor time.
#[derive(Clone, Default)]
struct Reading {
    tally: Tally,
    processor_time: Option<Duration>,
}

impl Reading {
    fn rate(&self) -> f64 {
        self.tally.rate()
    }

    /// Good events by the second of the server's processor time. Unlike their rate it does not suffer from what else this
    /// machine does.
    #[allow(clippy::cast_precision_loss)]
    fn by_processor(&self) -> f64 {
        let seconds = self.processor_time.map_or(f64::NAN, |time| time.as_secs_f64());
        self.tally.events as f64 / seconds
    }
}

fn measured(server: &Server, load: impl FnOnce() -> Tally) -> Reading {
    let before = server.processor_time();
    let tally = load();
    let after = server.processor_time();
    Reading {
        tally,
        processor_time: before.zip(after).map(|(before, after)| after.saturating_sub(before)),
    }
}

pub(crate) fn overload(case: &Case, options: &Options, processors: Option<&Processors>) -> Table {
    let (rounds, duration) = (options.run.rounds, options.duration());
    let prepared = Prepared::new("/v1/events", case.events);
    let (mut calms, mut goods) = (vec![Vec::new(); case.calm.len()], Vec::new());
    for round in 0..=rounds {
        let server = Server::collector_on(processors, &options.flags);
        let load = |connections, duration| Load {
            address: server.address,
            connections,
            duration,
            in_time: IN_TIME,
        };
        let calm: Vec<Reading> = case
            .calm
            .iter()
            .map(|connections| {
                let calm = measured(&server, || load(*connections, duration / 2).closed(&prepared));
                println!("  {} events, {connections} connections: {}", case.events, calm.tally);
                calm
            })
            .collect();
        let most = calm.iter().map(Reading::rate).fold(0.0, f64::max);
        #[allow(clippy::cast_precision_loss)]
        let rate = most * TIMES / case.events as f64;
        let good = measured(&server, || load(case.crowd, duration).open(&prepared, rate));
        println!(
            "  {} offered to {} connections: {}",
            good.tally.offered, case.crowd, good.tally
        );
        // The first round warms up.
        if round > 0 {
            for (all, calm) in calms.iter_mut().zip(calm) {
                all.push(calm);
            }
            goods.push(good);
        }
    }
    // The best of several noisy readings of a round would be above what any of them is.
    let rate = |all: &[Reading]| spread(all.iter().map(Reading::rate)).0;
    let most_connections = calms.last().cloned().unwrap_or_default();
    let peaks = calms.into_iter().max_by(|one, other| rate(one).total_cmp(&rate(other)));
    let peaks = peaks.unwrap_or_default();
    let middle = |numbers: Vec<f64>| spread(numbers.into_iter());
    let ratios = |all: &[Reading], of: fn(&Reading) -> f64| {
        let ratios = all.iter().zip(&peaks).map(|(one, peak)| of(one) / of(peak));
        middle(ratios.collect())
    };
    let line = |name: &str, all: &[Reading]| {
        let of = |f: fn(&Tally) -> f64| middle(all.iter().map(|reading| f(&reading.tally)).collect()).0;
        let ratio = ratios(all, Reading::rate);
        let numbers = vec![
            format!("{:.0}", of(Tally::rate)),
            format!("{:.2}", ratio.0),
            format!("{:.2}", ratio.1),
            format!("{:.2}", ratio.2),
            format!("{:.2}", ratios(all, Reading::by_processor).0),
            format!("{:.1}", of(|tally| tally.millis(0.5))),
            format!("{:.1}", of(|tally| tally.millis(0.99))),
            all.last().map(|one| one.tally.others()).unwrap_or_default(),
        ];
        (name.to_owned(), numbers)
    };
    let calm = format!("as much as comes from {} connections", case.calm.last().unwrap_or(&0));
    let times = format!("{TIMES} times as much from {} connections", case.crowd);
    Table {
        title: format!(
            "Overload, {} events a request, answers within a second, {rounds} rounds; server and load {}",
            case.events,
            match processors {
                Some(_) => "on processors of their own",
                None => "on the same processors",
            }
        ),
        columns: COLUMNS,
        lines: vec![
            line("the peak", &peaks),
            line(&calm, &most_connections),
            line(&times, &goods),
        ],
    }
}
