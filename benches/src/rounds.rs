//! Comparisons that hold on a noisy machine: every contender once a round, as ratios to the peer.

use std::time::{Duration, Instant};

/// One way to do the work.
pub struct Contender<'a> {
    /// Its name in the table.
    pub name: &'a str,
    /// Does the work of one round, and answers how many things it did.
    pub work: Box<dyn FnMut() -> usize + 'a>,
}

/// How one way did: medians over all rounds, and its ratios to the peer round by round.
pub struct Measured {
    /// Its name in the table.
    pub name: String,
    /// Things done in a second.
    pub rate: f64,
    /// The ratio in the middle.
    pub ratio: f64,
    /// The least ratio.
    pub least: f64,
    /// The greatest ratio.
    pub most: f64,
}

/// Runs all contenders in turn, round after round, and prints a table; the first is the peer.
pub fn compare(title: &str, rounds: usize, contenders: Vec<Contender<'_>>) {
    print(title, rounds, &measure(rounds, contenders));
}

/// Runs all contenders in turn, round after round; the first is the peer.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn measure(rounds: usize, mut contenders: Vec<Contender<'_>>) -> Vec<Measured> {
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    // One round to warm up, which does not count.
    for round in 0..=rounds {
        for (contender, rates) in contenders.iter_mut().zip(&mut rates) {
            let started = Instant::now();
            let done = (contender.work)();
            let elapsed = started.elapsed().max(Duration::from_nanos(1));
            if round > 0 {
                rates.push(done as f64 / elapsed.as_secs_f64());
            }
        }
    }
    let measured = |(contender, own): (&Contender<'_>, &Vec<f64>)| {
        let mut ratios: Vec<f64> = own.iter().zip(&rates[0]).map(|(own, peer)| own / peer).collect();
        let mut own = own.clone();
        own.sort_by(f64::total_cmp);
        ratios.sort_by(f64::total_cmp);
        Measured {
            name: contender.name.to_owned(),
            rate: own[own.len() / 2],
            ratio: ratios[ratios.len() / 2],
            least: ratios[0],
            most: ratios[ratios.len() - 1],
        }
    };
    contenders.iter().zip(&rates).map(measured).collect()
}

#[allow(clippy::print_stdout)]
fn print(title: &str, rounds: usize, measured: &[Measured]) {
    println!("\n{title}, {rounds} rounds in turn; ratios to the first, round by round");
    println!(
        "{:<44} {:>12} {:>8} {:>8} {:>8}",
        "", "per second", "median", "min", "max"
    );
    for Measured {
        name,
        rate,
        ratio,
        least,
        most,
    } in measured
    {
        println!("{name:<44} {rate:>12.0} {ratio:>8.2} {least:>8.2} {most:>8.2}");
    }
}
