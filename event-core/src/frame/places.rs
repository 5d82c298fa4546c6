//! Several small numbers a row, as one: which cell of the answer a row belongs to.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use foldhash::fast::RandomState;

/// So many places are laid out side by side, and no more than a few for each row; more are numbered as they come.
const SIDE_BY_SIDE: RangeInclusive<usize> = 1 << 12..=1 << 20;
const FEW: usize = 4;

/// The combinations of numbers of one more kind with those of the kinds before.
#[derive(Debug)]
enum Step {
    /// `before × count + number`.
    SideBySide(u32),
    /// By the order of their coming.
    AsTheyCome {
        numbers: HashMap<(u32, u32), u32, RandomState>,
        pairs: Vec<(u32, u32)>,
    },
}

/// The combinations of numbers of several kinds.
#[derive(Debug)]
pub(super) struct Places {
    steps: Vec<Step>,
    /// How many there may be; nothing where they are numbered as they come.
    count: Option<u32>,
    /// So many of them are laid out side by side.
    most: usize,
}

impl Places {
    /// The one place there is of so many rows before anything is told apart.
    pub(super) fn new(rows: usize) -> Self {
        let few = rows.saturating_mul(FEW);
        Places {
            steps: Vec::new(),
            count: Some(1),
            most: few.clamp(*SIDE_BY_SIDE.start(), *SIDE_BY_SIDE.end()),
        }
    }

    /// Tells apart numbers of one kind more, of which there are so many.
    pub(super) fn tell(&mut self, count: usize) {
        let together = self.count.and_then(|before| count.checked_mul(before as usize));
        let side_by_side = together.filter(|together| *together <= self.most);
        self.count = side_by_side.and_then(|together| u32::try_from(together).ok());
        self.steps.push(match self.count {
            Some(_) => Step::SideBySide(super::number(count)),
            None => Step::AsTheyCome {
                numbers: HashMap::default(),
                pairs: Vec::new(),
            },
        });
    }

    /// So many places there may be, as far as is known.
    pub(super) fn count(&self) -> usize {
        self.count.unwrap_or(0) as usize
    }

    /// Brings places before a step to those behind it.
    pub(super) fn step(&mut self, step: usize, places: &mut [u32], numbers: &[u32]) {
        match &mut self.steps[step] {
            Step::SideBySide(count) => {
                for (place, number) in places.iter_mut().zip(numbers) {
                    *place = *place * *count + number;
                }
            }
            Step::AsTheyCome { numbers: known, pairs } => {
                for (place, number) in places.iter_mut().zip(numbers) {
                    let pair = (*place, *number);
                    *place = *known.entry(pair).or_insert_with(|| {
                        pairs.push(pair);
                        super::number(pairs.len() - 1)
                    });
                }
            }
        }
    }

    /// The numbers that a place stands for, in the order of the steps.
    pub(super) fn numbers(&self, mut place: u32, numbers: &mut Vec<u32>) {
        numbers.clear();
        for step in self.steps.iter().rev() {
            let (before, number) = match step {
                Step::SideBySide(count) => (place / count, place % count),
                Step::AsTheyCome { pairs, .. } => pairs[place as usize],
            };
            numbers.push(number);
            place = before;
        }
        numbers.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_has_a_place() {
        let most = *SIDE_BY_SIDE.end();
        for counts in [vec![3, 4, 5], vec![3, most, 5], vec![most + 1, 7]] {
            let mut places = Places::new(usize::MAX);
            counts.iter().for_each(|count| places.tell(*count));
            let rows: Vec<Vec<u32>> = (0..200)
                .map(|row: u32| {
                    (1..)
                        .zip(&counts)
                        .map(|(prime, count)| row * prime % u32::try_from(*count).unwrap())
                        .collect()
                })
                .collect();
            let mut found = vec![0; rows.len()];
            for step in 0..counts.len() {
                let numbers: Vec<u32> = rows.iter().map(|row| row[step]).collect();
                places.step(step, &mut found, &numbers);
            }
            let mut numbers = Vec::new();
            for (row, place) in rows.iter().zip(&found) {
                places.numbers(*place, &mut numbers);
                assert_eq!(&numbers, row);
                assert!(places.count() == 0 || (*place as usize) < places.count());
            }
            let same = |a: usize, b: usize| (rows[a] == rows[b]) == (found[a] == found[b]);
            assert!((0..200).all(|a| (0..200).all(|b| same(a, b))));
        }
    }

    #[test]
    fn few_rows_have_few_places() {
        for (rows, side_by_side) in [(0, 4096), (1024, 4096), (1025, 4100), (1 << 30, 1 << 20)] {
            let count = |told| {
                let mut places = Places::new(rows);
                places.tell(told);
                places.count()
            };
            assert_eq!(
                (count(side_by_side), count(side_by_side + 1)),
                (side_by_side, 0),
                "{rows}"
            );
        }
    }
}
