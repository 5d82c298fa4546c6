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

/// Where a text is to be found, and enough of it to tell it from most others.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// The upper half of its hash.
    tag: u32,
    /// From 1; 0 where there is none.
    number: u32,
    start: usize,
    length: usize,
}

/// Texts, and where to find each.
#[derive(Debug, Default)]
pub(super) struct Subjects {
    pub(super) texts: Texts,
    /// A power of two of places, at the most half of them taken.
    places: Vec<Place>,
    seed: RandomState,
}

impl Subjects {
    /// The number of a text, from 0; a new one if it is new.
    pub(super) fn number(&mut self, text: &[u8]) -> u32 {
        if self.texts.len() * 2 >= self.places.len() {
            self.grow();
        }
        let (tag, mut at) = self.place(text);
        loop {
            let place = self.places[at];
            if place.number == 0 {
                break;
            }
            if place.tag == tag && same(&self.texts.bytes[place.start..][..place.length], text) {
                return place.number - 1;
            }
            at = (at + 1) & (self.places.len() - 1);
        }
        let start = self.texts.bytes.len();
        self.texts.push(text);
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.places[at] = Place {
            tag,
            number,
            start,
            length: text.len(),
        };
        number - 1
    }

    #[allow(clippy::cast_possible_truncation)]
    fn place(&self, text: &[u8]) -> (u32, usize) {
        let hash = self.seed.hash_one(text);
        ((hash >> 32) as u32, hash as usize & (self.places.len() - 1))
    }

    fn grow(&mut self) {
        let room = (self.places.len() * 2).max(1024);
        let places = std::mem::replace(&mut self.places, vec![Place::default(); room]);
        for place in places.into_iter().filter(|place| place.number != 0) {
            let text = &self.texts.bytes[place.start..][..place.length];
            let (_, mut at) = self.place(text);
            while self.places[at].number != 0 {
                at = (at + 1) & (room - 1);
            }
            self.places[at] = place;
        }
    }

    pub(super) fn held(&self) -> usize {
        self.texts.held() + self.places.capacity() * size_of::<Place>()
    }
}

/// Whether two texts are the same. Many ids are UUIDs: their length is known, and comparing them no call.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    let words = |text: &[u8]| {
        let (words, rest) = text.as_chunks::<16>();
        match (words, rest) {
            ([first, last], []) => Some((u128::from_ne_bytes(*first), u128::from_ne_bytes(*last))),
            _ => None,
        }
    };
    match (words(one), words(other)) {
        (Some(one), Some(other)) => one == other,
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
