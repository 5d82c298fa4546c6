//! Numbers in order, and how often each is there, in as few bytes as they need.

/// Distinct numbers in ascending order, each as its distance from the one before it, with its count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) bytes: Vec<u8>,
    /// Places that it can be read from, in order; a run that was written away has none.
    pub(super) entries: Vec<Entry>,
}

/// A place that a run can be read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    at: usize,
    /// The number before it.
    last: u64,
}

/// So many bytes lie between two places that a run can be read from, about.
const STEP: usize = 4 << 10;

/// A run in the making.
struct Writer {
    run: Run,
    last: u64,
    /// How long it is when the next entry is made.
    next: usize,
}

impl Run {
    /// Sorts numbers, and counts those that are the same; `spare` is room to sort in.
    pub(super) fn of(numbers: &mut [u64], spare: &mut Vec<u32>) -> Self {
        match sort(numbers, spare) {
            Some((packing, sorted)) => Self::of_sorted(sorted.iter().map(|packed| packing.unpack((*packed).into()))),
            None => Self::of_sorted(numbers.iter().copied()),
        }
    }

    fn of_sorted(numbers: impl ExactSizeIterator<Item = u64>) -> Self {
        let mut writer = Writer::with_room(numbers.len() * 3);
        let (mut last, mut times) = (0, 0);
        for number in numbers {
            if number != last && times > 0 {
                writer.push(last, times);
                times = 0;
            }
            last = number;
            times += 1;
        }
        if times > 0 {
            writer.push(last, times);
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
            bytes: &self.bytes,
            entries: &self.entries,
            rest: &self.bytes,
            last: 0,
        }
    }

    /// About how many bytes of memory it holds.
    pub(super) fn held(&self) -> usize {
        self.bytes.capacity() + self.entries.capacity() * size_of::<Entry>()
    }
}

impl Writer {
    fn with_room(bytes: usize) -> Self {
        let run = Run {
            bytes: Vec::with_capacity(bytes),
            entries: Vec::new(),
        };
        Writer {
            run,
            last: 0,
            next: STEP,
        }
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn push(&mut self, number: u64, times: u64) {
        if self.run.bytes.len() >= self.next {
            self.enter();
        }
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

    #[cold]
    fn enter(&mut self) {
        let (at, last) = (self.run.bytes.len(), self.last);
        self.run.entries.push(Entry { at, last });
        self.next = at + STEP;
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
        self.run.entries.shrink_to_fit();
        self.run
    }
}

/// So many numbers are worth to be sorted digit by digit.
const MANY: usize = 1 << 12;
/// The bits of a digit at the most: its places are to be in the nearest cache.
const DIGIT: u32 = 11;

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

/// Sorts numbers: many of them digit by digit, in the room beside them; or else where they are.
#[allow(clippy::cast_possible_truncation)]
fn sort<'a>(numbers: &mut [u64], spare: &'a mut Vec<u32>) -> Option<(Packing, &'a [u32])> {
    let packing = Some(())
        .filter(|()| numbers.len() >= MANY)
        .map(|()| Packing::of(numbers));
    let Some(packing) = packing.filter(|packing| packing.bits <= u32::BITS) else {
        numbers.sort_unstable();
        return None;
    };
    let digits = packing.bits.div_ceil(DIGIT).max(1);
    let width = packing.bits.div_ceil(digits).max(1);
    let digit = |number: u32, shift: u32| (number >> shift) as usize & ((1 << width) - 1);
    // How often each digit is there, and where it comes first.
    let mut places = [[0_u32; 1 << DIGIT]; u32::BITS.div_ceil(DIGIT) as usize];
    let places = &mut places[..digits as usize];
    let shifts = || (0..).step_by(width as usize);
    spare.resize(numbers.len() * 2, 0);
    let (mut from, mut to) = spare.split_at_mut(numbers.len());
    for (number, packed) in numbers.iter().zip(&mut *from) {
        *packed = packing.pack(*number) as u32;
        for (places, shift) in places.iter_mut().zip(shifts()) {
            places[digit(*packed, shift)] += 1;
        }
    }
    for (places, shift) in places.iter_mut().zip(shifts()) {
        let mut before = 0;
        for place in &mut *places {
            before += std::mem::replace(place, before);
        }
        for number in &*from {
            let place = &mut places[digit(*number, shift)];
            to[*place as usize] = *number;
            *place += 1;
        }
        std::mem::swap(&mut from, &mut to);
    }
    Some((packing, from))
}

/// What a run holds.
#[derive(Clone, Copy)]
pub(super) struct Pairs<'a> {
    bytes: &'a [u8],
    /// Those that were not passed.
    entries: &'a [Entry],
    rest: &'a [u8],
    last: u64,
}

impl Pairs<'_> {
    /// The next one below a number, if there is one.
    #[inline]
    pub(super) fn next_below(&mut self, end: u64) -> Option<(u64, u64)> {
        let before = *self;
        let next = self.next().filter(|(number, _)| *number < end);
        if next.is_none() {
            *self = before;
        }
        next
    }

    /// Leaves out what is below a number, most of it unread.
    pub(super) fn leave_out(&mut self, start: u64) {
        if self.entries.first().is_some_and(|entry| entry.last < start) {
            let passed = self.entries.partition_point(|entry| entry.last < start);
            let (behind, ahead) = self.entries.split_at(passed);
            if let Some(entry) = behind
                .last()
                .filter(|entry| self.bytes.len() - self.rest.len() < entry.at)
            {
                (self.rest, self.last) = (&self.bytes[entry.at..], entry.last);
            }
            self.entries = ahead;
        }
        while self.next_below(start).is_some() {}
    }

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
    #[inline]
    fn next(&mut self) -> Option<(u64, u64)> {
        // As most are written: once, and near the one before.
        if let [first, rest @ ..] = self.rest
            && first & 0x81 == 0
        {
            self.rest = rest;
            self.last = self.last.wrapping_add(u64::from(first >> 1));
            return Some((self.last, 1));
        }
        if let [first, second, rest @ ..] = self.rest
            && first & 1 == 0
            && second & 0x80 == 0
        {
            self.rest = rest;
            let distance = u64::from(*second) << 7 | u64::from(first & 0x7f);
            self.last = self.last.wrapping_add(distance >> 1);
            return Some((self.last, 1));
        }
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

    #[test]
    fn numbers_far_from_nought_are_sorted_by_their_digits() {
        let apart = |number: u64| (7 + number % 3) << 32 | (1_000 + number);
        let mut numbers: Vec<u64> = (0..MANY as u64).rev().map(apart).collect();
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        let mut spare = Vec::new();
        let (packing, packed) = sort(&mut numbers, &mut spare).unwrap();
        let unpacked: Vec<u64> = packed.iter().map(|packed| packing.unpack((*packed).into())).collect();
        assert_eq!(unpacked, sorted);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn parts_of_a_run_are_found(seed: u64, near in 1..5_000_u64, parts in prop::collection::vec((0..30_000_u64, 0..900_u64), 1..9)) {
            let mixed = |number: u64| (number ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            let mut last = 0;
            // Every second one differs from the one before it, so that a run is long whatever is drawn.
            let mut numbers: Vec<u64> = (0..20_000).map(|number| { last += mixed(number) % near + number % 2; last }).collect();
            let counted = counted(&numbers);
            let run = Run::of(&mut numbers, &mut Vec::new());
            prop_assert!(!run.entries.is_empty());
            let mut parts: Vec<_> = parts.into_iter().map(|(start, length)| (start * near / 2, length * near)).collect();
            parts.sort_unstable();
            for entries in [run.entries.clone(), Vec::new()] {
                let run = Run { bytes: run.bytes.clone(), entries };
                let (mut pairs, mut read) = (run.iter(), 0);
                for (start, length) in &parts {
                    let start = read.max(*start);
                    let mut found = Vec::new();
                    pairs.leave_out(start);
                    found.extend(std::iter::from_fn(|| pairs.next_below(start + length)));
                    read = start + length;
                    let expected = counted.iter().filter(|(number, _)| (start..read).contains(number));
                    prop_assert!(found.iter().eq(expected));
                }
            }
        }

        #[test]
        fn many_numbers_are_sorted_by_their_digits(seed: u64, differ: u64, fewer: u64, least: u64) {
            // With few bits that differ, they are sorted by their digits; with many, not.
            let differ = if seed & 1 == 0 { differ } else { differ & fewer & least };
            let mixed = |number: u64| (number ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) & differ | seed & !differ;
            let mut numbers: Vec<u64> = (0..MANY as u64 + 17).map(mixed).collect();
            let mut sorted = numbers.clone();
            sorted.sort_unstable();
            let mut spare = Vec::new();
            if let Some((packing, packed)) = sort(&mut numbers, &mut spare) {
                numbers = packed.iter().map(|packed| packing.unpack((*packed).into())).collect();
            }
            prop_assert_eq!(numbers, sorted);
        }
    }
}
