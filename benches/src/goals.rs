//! The goals of speed, and what the tables say of each. They are read from the very text of the file, so that a run of
//! one part tells of that part, and what was measured before is told as it was measured.

mod place;

use place::Place;

const GOALS: &str = include_str!("goals/goals.txt");

/// What it is to be.
#[derive(Debug)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// A goal, in words and in numbers.
#[derive(Debug)]
struct Goal {
    said: &'static str,
    bound: Bound,
    /// The number, and what it is divided by; nowhere where no bench measures it.
    places: Vec<Place>,
}

impl Goal {
    fn read(line: &'static str) -> Option<Self> {
        let mut words = line.split("; ");
        let (said, bound) = (words.next()?, words.next()?);
        let bound = match bound.split_once(' ')? {
            (">=", least) => Bound::AtLeast(least.parse().ok()?),
            ("<=", most) => Bound::AtMost(most.parse().ok()?),
            _ => return None,
        };
        let places: Vec<&str> = words.collect();
        let places = match places[..] {
            ["-"] => Vec::new(),
            _ => places.chunks(4).map(Place::new).collect::<Option<_>>()?,
        };
        Some(Goal { said, bound, places })
    }

    fn measured(&self, text: &str) -> Option<f64> {
        match &self.places[..] {
            [place] => place.read(text),
            [one, other] => Some(one.read(text)? / other.read(text)?),
            _ => None,
        }
    }

    fn reached(&self, measured: f64) -> bool {
        match self.bound {
            Bound::AtLeast(least) => measured >= least,
            Bound::AtMost(most) => measured <= most,
        }
    }

    fn line(&self, text: &str) -> String {
        let bound = match self.bound {
            Bound::AtLeast(least) => format!("≥ {least}"),
            Bound::AtMost(most) => format!("≤ {most}"),
        };
        let (measured, outcome) = match self.measured(text) {
            Some(measured) if self.reached(measured) => (format!("{measured:.2}"), "reached"),
            Some(measured) => (format!("{measured:.2}"), "not reached"),
            None => ("-".to_owned(), "not measured"),
        };
        format!("| {} | {bound} | {measured} | {outcome} |\n", self.said)
    }
}

fn goals() -> impl Iterator<Item = Option<Goal>> {
    GOALS.lines().filter(|line| !line.starts_with('#')).map(Goal::read)
}

/// A line for each goal, by the sections of the file.
#[must_use]
pub fn table(sections: &str) -> String {
    let lines: String = goals().flatten().map(|goal| goal.line(sections)).collect();
    format!("| Goal | | Measured | |\n|---|--:|--:|---|\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::{goals, table};

    const TEXT: &str = "
## Files

`cargo xtask bench`

| 5000000 rows, 5 rounds | wall s | times as long | min | max | times the memory | min | max |
|---|--:|--:|--:|--:|--:|--:|--:|
| event-server count | 0.86 | 1.00 | 1.00 | 1.00 | 1.00 | 1.00 | 1.00 |
| DuckDB | 3.46 | 4.07 | 3.44 | 4.91 | 20.21 | 19.20 | 21.05 |

## Track

| Python processes, collector down, event of 300 bytes, one thread | p50 ns | p99.9 ns | times as fast (p50) |
|---|--:|--:|--:|
| Python: json.dumps + queue.put_nowait | 8000 | 35006 | 1.00 |
| Python: event-py | 1000 | - | 8.00 |
| Python: opentelemetry-sdk logs | 18000 | 639128 | - |
";

    #[test]
    fn every_line_is_a_goal() {
        assert!(goals().count() > 50);
        for (number, goal) in goals().enumerate() {
            assert!(goal.is_some(), "line {number}");
        }
    }

    #[test]
    fn a_goal_is_reached_not_reached_or_not_measured() {
        let table = table(TEXT);
        for line in [
            "| Files, 5 M rows: DuckDB takes times as long | ≥ 5 | 4.07 | not reached |",
            "| Files, 5 M rows: DuckDB takes times the memory | ≥ 8 | 20.21 | reached |",
            "| Files, 20 M rows: DuckDB takes times as long | ≥ 5 | - | not measured |",
            "| `track` from Python, p50: times as fast as opentelemetry | ≥ 20 | 18.00 | not reached |",
            "| `track` from Python, p99.9: share of that of json.dumps + put | ≤ 1 | - | not measured |",
        ] {
            assert!(table.contains(line), "{line}\n{table}");
        }
    }
}
