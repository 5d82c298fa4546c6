//! Comparisons that hold on a noisy machine: every contender once a round, as ratios to the first.

use std::time::{Duration, Instant};

/// One way to do the work.
pub struct Contender<'a> {
    /// Its name in the table.
    pub name: &'a str,
    /// Does the work of one round, and answers how many things it did.
    pub work: Box<dyn FnMut() -> usize + 'a>,
}

/// How one way did: medians over all rounds, and its ratios to the first, round by round.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Its name in the table.
    pub name: String,
    /// Things done in a second.
    pub rate: f64,
    /// The greatest rate.
    pub best: f64,
    /// The ratio in the middle.
    pub ratio: f64,
    /// The least ratio.
    pub least: f64,
    /// The greatest ratio.
    pub most: f64,
}

impl Measured {
    /// What all of them did, each a name and its rates, round by round.
    #[must_use]
    pub fn all(rates: &[(String, Vec<f64>)]) -> Vec<Self> {
        let first = rates.first().map_or(&[][..], |(_, rates)| rates);
        let measured = |(name, own): &(String, Vec<f64>)| {
            let (rate, _, best) = spread(own.iter().copied());
            let (ratio, least, most) = spread(own.iter().zip(first).map(|(own, first)| own / first));
            Measured {
                name: name.clone(),
                rate,
                best,
                ratio,
                least,
                most,
            }
        };
        rates.iter().map(measured).collect()
    }
}

/// Runs all contenders in turn, round after round.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn measure(rounds: usize, contenders: Vec<Contender<'_>>) -> Vec<Measured> {
    let timed = |Contender { name, mut work }| -> (_, Rate<'_>) {
        let rate = move || {
            let started = Instant::now();
            let done = work();
            done as f64 / started.elapsed().max(Duration::from_nanos(1)).as_secs_f64()
        };
        (name, Box::new(rate))
    };
    in_turn(rounds, contenders.into_iter().map(timed).collect())
}

/// Does the work of one round, and answers how many things it did in a second.
pub type Rate<'a> = Box<dyn FnMut() -> f64 + 'a>;

/// The same for those who time themselves, as not all that they do counts.
#[must_use]
pub fn in_turn(rounds: usize, mut contenders: Vec<(&str, Rate<'_>)>) -> Vec<Measured> {
    let mut rates: Vec<(String, Vec<f64>)> = contenders
        .iter()
        .map(|(name, _)| ((*name).to_owned(), Vec::new()))
        .collect();
    // One round to warm up, which does not count.
    for round in 0..=rounds {
        for ((_, rate), (_, rates)) in contenders.iter_mut().zip(&mut rates) {
            let rate = rate();
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    Measured::all(&rates)
}

/// The number in the middle, the least and the greatest; of none they are no numbers.
#[must_use]
pub fn spread(numbers: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    let at = |place: usize| numbers.get(place).copied().unwrap_or(f64::NAN);
    (at(numbers.len() / 2), at(0), at(numbers.len().saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::Measured;

    #[test]
    fn ratios_are_taken_round_by_round() {
        // The machine was twice as fast in the second round.
        let rates = [("peer", vec![10.0, 20.0, 10.0]), ("ours", vec![9.0, 20.0, 5.0])];
        let measured = Measured::all(&rates.map(|(name, rates)| (name.to_owned(), rates)));
        assert_eq!((measured[0].ratio, measured[0].rate), (1.0, 10.0));
        let ours = &measured[1];
        assert_eq!((ours.ratio, ours.least, ours.most), (0.9, 0.5, 1.0));
        assert_eq!((ours.rate, ours.best), (9.0, 20.0));
    }
}
