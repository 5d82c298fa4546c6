//! Comparisons that hold on a noisy machine: every contender once a round, as ratios to the peer.

use std::time::{Duration, Instant};

/// One way to do the work.
pub struct Contender<'a> {
    /// Its name in the table.
    pub name: &'a str,
    /// Does the work of one round, and answers how many things it did.
    pub work: Box<dyn FnMut() -> usize + 'a>,
}

/// Runs all contenders in turn, round after round, and prints a table; the first is the peer.
#[allow(clippy::print_stdout, clippy::cast_precision_loss)]
pub fn compare(title: &str, rounds: usize, mut contenders: Vec<Contender<'_>>) {
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
    println!("\n{title}, {rounds} rounds in turn; ratios to the first, round by round");
    println!(
        "{:<44} {:>12} {:>8} {:>8} {:>8}",
        "", "per second", "median", "min", "max"
    );
    for (contender, own) in contenders.iter().zip(&rates) {
        let mut ratios: Vec<f64> = own.iter().zip(&rates[0]).map(|(own, peer)| own / peer).collect();
        let mut own = own.clone();
        own.sort_by(f64::total_cmp);
        ratios.sort_by(f64::total_cmp);
        let (rate, ratio) = (own[own.len() / 2], ratios[ratios.len() / 2]);
        let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
        println!(
            "{:<44} {rate:>12.0} {ratio:>8.2} {least:>8.2} {most:>8.2}",
            contender.name
        );
    }
}
