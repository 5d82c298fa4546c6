//! How often a row has stood in its file already.

use std::collections::HashMap;

/// The rows that came before, by 48 bits of their hashes: five bytes or so a row.
///
/// Where two different rows share these bits, the second counts as a repetition of the first. That
/// changes which id it gets, but not that it gets one of its own, and the same one whenever the file
/// is read; that a repetition is missed, and two rows get one id, cannot happen.
pub(super) struct Occurrences {
    /// By the first 16 bits, in order: the other 32.
    once: Vec<Vec<u32>>,
    /// How often those came that came more than once.
    more: HashMap<u64, u64>,
}

impl Occurrences {
    pub(super) fn new() -> Self {
        Occurrences {
            once: vec![Vec::new(); 1 << 16],
            more: HashMap::new(),
        }
    }

    /// Counts a row, and answers how often it has come now.
    pub(super) fn count(&mut self, hash: &[u8; 32]) -> u64 {
        let (first, rest) = (
            u16::from_le_bytes([hash[0], hash[1]]),
            u32::from_le_bytes([hash[2], hash[3], hash[4], hash[5]]),
        );
        let known = &mut self.once[usize::from(first)];
        match known.binary_search(&rest) {
            Ok(_) => {
                let times = self.more.entry(u64::from(first) << 32 | u64::from(rest)).or_insert(1);
                *times += 1;
                *times
            }
            Err(place) => {
                if known.len() == known.capacity() {
                    // By a quarter, not by the double: there are many of these.
                    known.reserve_exact((known.len() / 4).max(4));
                }
                known.insert(place, rest);
                1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_counted_by_itself() {
        let mut seen = Occurrences::new();
        let hash = |row: u32| *blake3::hash(&row.to_le_bytes()).as_bytes();
        for round in 1..=3 {
            for row in 0..2_000 {
                assert_eq!(seen.count(&hash(row)), round, "{row}");
            }
        }
        assert_eq!(seen.count(&hash(7_000)), 1);
        // Only what is looked at tells rows apart, and then each still has a number of its own.
        let (mut one, mut other) = (hash(1), hash(1));
        (one[30], other[30]) = (1, 2);
        assert_eq!((seen.count(&one), seen.count(&other)), (4, 5));
    }
}
