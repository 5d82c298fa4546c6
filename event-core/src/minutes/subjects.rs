//! Subjects by number, each text kept once.

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;

/// Texts, in the order of their coming.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    pub(super) bytes: Vec<u8>,
    /// Where each text ends.
    pub(super) ends: Vec<usize>,
}

impl Texts {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, number: usize) -> &[u8] {
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let range = start.unwrap_or(0)..self.ends.get(number).copied().unwrap_or(0);
        self.bytes.get(range).unwrap_or_default()
    }

    pub(super) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn held(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<usize>()
    }
}

/// Texts, and where to find each.
#[derive(Debug, Default)]
pub(super) struct Subjects {
    pub(super) texts: Texts,
    /// A power of two of places, at the most half of them taken: the upper half of a hash, and a number from 1.
    places: Vec<(u32, u32)>,
    seed: RandomState,
}

impl Subjects {
    /// The number of a text, from 0; a new one if it is new.
    pub(super) fn number(&mut self, text: &[u8]) -> u32 {
        if self.texts.len() * 2 >= self.places.len() {
            self.grow();
        }
        let (tag, mut place) = self.place(text);
        loop {
            match self.places[place] {
                (_, 0) => break,
                (other, number) if other == tag && same(self.texts.get(number as usize - 1), text) => {
                    return number - 1;
                }
                _ => place = (place + 1) & (self.places.len() - 1),
            }
        }
        self.texts.push(text);
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.places[place] = (tag, number);
        number - 1
    }

    #[allow(clippy::cast_possible_truncation)]
    fn place(&self, text: &[u8]) -> (u32, usize) {
        let hash = self.seed.hash_one(text);
        ((hash >> 32) as u32, hash as usize & (self.places.len() - 1))
    }

    fn grow(&mut self) {
        let room = (self.places.len() * 2).max(1024);
        self.places = vec![(0, 0); room];
        for number in 1..=self.texts.len() {
            let (tag, mut place) = self.place(self.texts.get(number - 1));
            while self.places[place].1 != 0 {
                place = (place + 1) & (room - 1);
            }
            self.places[place] = (tag, u32::try_from(number).unwrap_or(u32::MAX));
        }
    }

    pub(super) fn held(&self) -> usize {
        self.texts.held() + self.places.capacity() * size_of::<(u32, u32)>()
    }
}

/// Whether two texts are the same. Many ids are UUIDs: their length is known, and comparing them no call.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    match (<&[u8; 32]>::try_from(one), <&[u8; 32]>::try_from(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number() {
        let mut subjects = Subjects::default();
        for round in 0..2 {
            for number in 0..5_000_u32 {
                let text = format!("customer {number}");
                assert_eq!(subjects.number(text.as_bytes()), number, "{round}");
            }
        }
        assert_eq!(subjects.texts.get(17), b"customer 17");
        assert_eq!(subjects.number(b""), 5_000);
        assert_eq!(subjects.texts.get(5_000), b"");
    }
}
