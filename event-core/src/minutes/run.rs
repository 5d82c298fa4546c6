//! Numbers in order, and how often each is there, in as few bytes as they need.

/// Distinct numbers in ascending order, each as its distance from the one before it, with its count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) bytes: Vec<u8>,
}

/// A run in the making.
struct Writer {
    run: Run,
    last: u64,
}

impl Run {
    /// Sorts numbers, and counts those that are the same; `spare` is room to sort in.
    pub(super) fn of(numbers: &mut Vec<u64>, spare: &mut Vec<u64>) -> Self {
        sort(numbers, spare);
        let mut writer = Writer::with_room(numbers.len() * 3);
        for same in numbers.chunk_by(|one, other| one == other) {
            writer.push(same[0], same.len() as u64);
        }
        writer.finish()
    }

    /// Merges two runs.
    pub(super) fn merge(self, other: Run) -> Run {
        let mut writer = Writer::with_room(self.bytes.len() + other.bytes.len());
        let (mut left, mut right) = (self.iter(), other.iter());
        let (mut one, mut two) = (left.next(), right.next());
        loop {
            match (one, two) {
                (Some((a, times)), Some((b, more))) if a == b => {
                    writer.push(a, times + more);
                    (one, two) = (left.next(), right.next());
                }
                (Some((a, times)), other) if other.is_none_or(|(b, _)| a < b) => {
                    writer.push(a, times);
                    one = left.next();
                }
                (_, Some((b, times))) => {
                    writer.push(b, times);
                    two = right.next();
                }
                (_, None) => return writer.finish(),
            }
        }
    }

    /// The numbers in order, with their counts.
    pub(super) fn iter(&self) -> Pairs<'_> {
        Pairs {
            rest: &self.bytes,
            last: 0,
        }
    }
}

impl Writer {
    fn with_room(bytes: usize) -> Self {
        let bytes = Vec::with_capacity(bytes);
        Writer {
            run: Run { bytes },
            last: 0,
        }
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn push(&mut self, number: u64, times: u64) {
        let distance = number - self.last;
        self.last = number;
        // Most counts are 1: a bit says so; and most numbers are near each other.
        if times == 1 && distance < 1 << 13 {
            let distance = (distance as u16) << 1;
            if distance < 0x80 {
                self.run.bytes.push(distance as u8);
            } else {
                self.run.bytes.extend([distance as u8 | 0x80, (distance >> 7) as u8]);
            }
            return;
        }
        let distance = u128::from(distance) << 1;
        if times == 1 {
            self.varint(distance);
        } else {
            self.varint(distance | 1);
            self.varint(u128::from(times));
        }
    }

    #[allow(clippy::cast_possible_truncation)]
    fn varint(&mut self, mut value: u128) {
        while value >= 0x80 {
            self.run.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.run.bytes.push(value as u8);
    }

    fn finish(mut self) -> Run {
        self.run.bytes.shrink_to_fit();
        self.run
    }
}

/// So many numbers are worth to be sorted digit by digit.
const MANY: usize = 1 << 12;

/// Sorts numbers, many of them by their digits to the base 256, of which few differ.
#[allow(clippy::cast_possible_truncation)]
fn sort(numbers: &mut Vec<u64>, spare: &mut Vec<u64>) {
    if numbers.len() < MANY {
        numbers.sort_unstable();
        return;
    }
    spare.resize(numbers.len(), 0);
    let differ = numbers.iter().fold(0, |any, number| any | (number ^ numbers[0]));
    let mut rest = differ;
    while rest != 0 {
        let shift = rest.trailing_zeros();
        let digit = |number: u64| (number >> shift) as u8 as usize;
        let mut places = [0_usize; 256];
        for number in &*numbers {
            places[digit(*number)] += 1;
        }
        let mut before = 0;
        for place in &mut places {
            before += std::mem::replace(place, before);
        }
        for number in &*numbers {
            let place = &mut places[digit(*number)];
            spare[*place] = *number;
            *place += 1;
        }
        std::mem::swap(numbers, spare);
        rest &= !(0xff << shift);
    }
}

/// What a run holds.
pub(super) struct Pairs<'a> {
    rest: &'a [u8],
    last: u64,
}

impl Pairs<'_> {
    #[allow(clippy::cast_possible_truncation)]
    fn varint(&mut self) -> Option<u128> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u128::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
            shift += 7;
            if shift > 70 {
                return None;
            }
        }
    }
}

impl Iterator for Pairs<'_> {
    type Item = (u64, u64);

    #[allow(clippy::cast_possible_truncation)]
    fn next(&mut self) -> Option<(u64, u64)> {
        let distance = self.varint()?;
        self.last = self.last.wrapping_add((distance >> 1) as u64);
        let times = if distance & 1 == 0 { 1 } else { self.varint()? as u64 };
        Some((self.last, times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn counted(numbers: &[u64]) -> Vec<(u64, u64)> {
        let mut counts = BTreeMap::new();
        numbers
            .iter()
            .for_each(|number| *counts.entry(*number).or_insert(0) += 1);
        counts.into_iter().collect()
    }

    fn numbers() -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec(prop_oneof![0..20_u64, any::<u64>(), Just(u64::MAX)], 0..60)
    }

    proptest! {
        #[test]
        fn a_run_holds_what_was_put_in(mut one in numbers(), mut other in numbers()) {
            let all = [one.clone(), other.clone()].concat();
            let mut spare = Vec::new();
            let (first, second) = (Run::of(&mut one, &mut spare), Run::of(&mut other, &mut spare));
            prop_assert_eq!(first.iter().collect::<Vec<_>>(), counted(&one));
            prop_assert_eq!(first.merge(second).iter().collect::<Vec<_>>(), counted(&all));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn many_numbers_are_sorted_by_their_digits(seed: u64, differ: u64) {
            let mixed = |number: u64| (number ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) & differ | seed & !differ;
            let mut numbers: Vec<u64> = (0..MANY as u64 + 17).map(mixed).collect();
            let mut sorted = numbers.clone();
            sorted.sort_unstable();
            sort(&mut numbers, &mut Vec::new());
            prop_assert_eq!(numbers, sorted);
        }
    }
}
