//! Calls timed one by one, and what is said of them.

use std::sync::Barrier;
use std::time::Instant;

use event_benches::rounds::spread;
use event_benches::table::Table;

use crate::options::Options;
use crate::sender::Sender;

/// A name, and how to set the contender up anew.
pub(crate) type Contender<'a> = (&'static str, Box<dyn Fn() -> Box<dyn Sender> + 'a>);

/// Calls of each round that are not measured: they start threads and fill caches.
const WARM_UP: u64 = 1_000;

pub(crate) const COLUMNS: &[&str] = &[
    "p50 ns",
    "p99 ns",
    "p99.9 ns",
    "max µs",
    "calls/s",
    "times as fast (p50)",
    "min",
    "max",
];

/// What one round says of one contender, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
    /// Calls in a second, of all threads together.
    pub(crate) rate: f64,
}

/// Runs all contenders in turn, round after round; the first is the peer.
pub(crate) fn compare(title: String, options: &Options, threads: usize, contenders: Vec<Contender<'_>>) -> Table {
    let mut readings = vec![Vec::new(); contenders.len()];
    // One round to warm up, which does not count.
    for round in 0..=options.run.rounds {
        for ((_, start), readings) in contenders.iter().zip(&mut readings) {
            let reading = read(&*start(), threads, options.calls / threads);
            if round > 0 {
                readings.push(reading);
            }
        }
    }
    let lines = contenders.iter().zip(&readings);
    Table {
        title,
        columns: COLUMNS,
        lines: lines
            .map(|((name, _), own)| ((*name).to_owned(), line(own, &readings[0])))
            .collect(),
    }
}

fn read(sender: &dyn Sender, threads: usize, calls: usize) -> Reading {
    for number in 0..WARM_UP {
        sender.send(number);
    }
    let together = Barrier::new(threads);
    let spans: Vec<(Instant, Instant, Vec<u32>)> = std::thread::scope(|scope| {
        let thread = || {
            // Zeros that are written are pages that are there.
            let mut times = vec![1_u32; calls];
            together.wait();
            let first = Instant::now();
            for (number, time) in (WARM_UP..).zip(&mut times) {
                let started = Instant::now();
                sender.send(number);
                *time = u32::try_from(started.elapsed().as_nanos()).unwrap_or(u32::MAX);
            }
            (first, Instant::now(), times)
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(thread)).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let first = spans.iter().map(|(first, ..)| *first).min().unwrap();
    let last = spans.iter().map(|(_, last, _)| *last).max().unwrap();
    let mut times: Vec<u32> = spans.into_iter().flat_map(|(.., times)| times).collect();
    times.sort_unstable();
    let at = |of_1000: usize| f64::from(times[(times.len() - 1) * of_1000 / 1000]);
    #[allow(clippy::cast_precision_loss)]
    Reading {
        p50: at(500),
        p99: at(990),
        p999: at(999),
        max: at(1000),
        rate: times.len() as f64 / (last - first).as_secs_f64(),
    }
}

/// The cells of a line: medians of the rounds, and how many times as fast as the first it is.
pub(crate) fn line(own: &[Reading], first: &[Reading]) -> Vec<String> {
    let median = |of: fn(&Reading) -> f64| spread(own.iter().map(of)).0;
    let slowest = own.iter().map(|reading| reading.max).fold(0.0, f64::max);
    let numbers = [
        median(|reading| reading.p50),
        median(|reading| reading.p99),
        median(|reading| reading.p999),
        slowest / 1_000.0,
        median(|reading| reading.rate),
    ];
    let (ratio, least, most) = spread(first.iter().zip(own).map(|(first, own)| first.p50 / own.p50));
    let numbers = numbers.map(|number| format!("{number:.0}"));
    let ratios = [ratio, least, most].map(|ratio| format!("{ratio:.2}"));
    numbers.into_iter().chain(ratios).collect()
}
