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
    pub(super) fn of(numbers: &mut [u64], spare: &mut Vec<u32>) -> Self {
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
/// The bits of a digit.
const DIGIT: u32 = 10;

/// How numbers are made to need few bits: their halves lie close together, each counted from the least.
struct Packing {
    upper: u64,
    lower: u64,
    /// Bits of the lower half.
    shift: u32,
    /// Bits of both.
    bits: u32,
}

impl Packing {
    #[allow(clippy::cast_possible_truncation)]
    fn of(numbers: &[u64]) -> Self {
        let (mut least, mut most) = ([u32::MAX; 2], [0; 2]);
        for number in numbers {
            let halves = [(number >> 32) as u32, *number as u32];
            for (place, half) in halves.into_iter().enumerate() {
                least[place] = least[place].min(half);
                most[place] = most[place].max(half);
            }
        }
        let bits = |place: usize| 32 - (most[place] - least[place]).leading_zeros();
        Packing {
            upper: least[0].into(),
            lower: least[1].into(),
            shift: bits(1),
            bits: bits(0) + bits(1),
        }
    }

    fn pack(&self, number: u64) -> u64 {
        ((number >> 32) - self.upper) << self.shift | ((number & u64::from(u32::MAX)) - self.lower)
    }

    fn unpack(&self, packed: u64) -> u64 {
        let lower = packed & ((1 << self.shift) - 1);
        ((packed >> self.shift) + self.upper) << 32 | (lower + self.lower)
    }
}

/// Sorts numbers, many of them digit by digit.
#[allow(clippy::cast_possible_truncation)]
fn sort(numbers: &mut [u64], spare: &mut Vec<u32>) {
    if numbers.len() < MANY {
        numbers.sort_unstable();
        return;
    }
    let packing = Packing::of(numbers);
    if packing.bits > u32::BITS {
        numbers.sort_unstable();
        return;
    }
    spare.resize(numbers.len() * 2, 0);
    let (mut from, mut to) = spare.split_at_mut(numbers.len());
    for (number, packed) in numbers.iter().zip(&mut *from) {
        *packed = packing.pack(*number) as u32;
    }
    for shift in (0..packing.bits).step_by(DIGIT as usize) {
        let digit = |number: u32| (number >> shift) as usize & ((1 << DIGIT) - 1);
        let mut places = [0_usize; 1 << DIGIT];
        for number in &*from {
            places[digit(*number)] += 1;
        }
        let mut before = 0;
        for place in &mut places {
            before += std::mem::replace(place, before);
        }
        for number in &*from {
            let place = &mut places[digit(*number)];
            to[*place] = *number;
            *place += 1;
        }
        std::mem::swap(&mut from, &mut to);
    }
    for (number, packed) in numbers.iter_mut().zip(from) {
        *number = packing.unpack(u64::from(*packed));
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
        fn many_numbers_are_sorted_by_their_digits(seed: u64, differ: u64, fewer: u64, least: u64) {
            // With few bits that differ, they are sorted by their digits; with many, not.
            let differ = if seed & 1 == 0 { differ } else { differ & fewer & least };
            let mixed = |number: u64| (number ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) & differ | seed & !differ;
            let mut numbers: Vec<u64> = (0..MANY as u64 + 17).map(mixed).collect();
            let mut sorted = numbers.clone();
            sorted.sort_unstable();
            sort(&mut numbers, &mut Vec::new());
            prop_assert_eq!(numbers, sorted);
        }
    }
}
