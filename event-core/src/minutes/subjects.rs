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
pub(super) struct Place {
    start: u64,
    /// From 1; 0 where there is none.
    number: u32,
    /// A part of its hash.
    tag: u16,
    length: u16,
}

/// Texts, and where to find each.
#[derive(Debug)]
pub(super) struct Subjects {
    pub(super) texts: Texts,
    /// A power of two of places, at the most half of them taken.
    places: Vec<Place>,
    seed: RandomState,
    /// Words that nobody can guess.
    secrets: [u64; 4],
}

impl Default for Subjects {
    fn default() -> Self {
        let seed = RandomState::default();
        Subjects {
            texts: Texts::default(),
            places: Vec::new(),
            secrets: [0_u64, 1, 2, 3].map(|word| seed.hash_one(word)),
            seed,
        }
    }
}

impl Subjects {
    /// The number of a text, from 0; a new one if it is new.
    pub(super) fn number(&mut self, text: &[u8]) -> u32 {
        self.number_of(self.hash(text), text)
    }

    /// What stands where a text of this hash is looked for first.
    #[inline]
    pub(super) fn first(&self, hash: u64) -> Place {
        let mask = self.places.len().wrapping_sub(1);
        self.places.get(hash as usize & mask).copied().unwrap_or_default()
    }

    /// The number of a text of which it is known what stood where it is looked for first.
    #[inline]
    pub(super) fn number_from(&mut self, first: Place, hash: u64, text: &[u8]) -> u32 {
        if first.number != 0 && first.tag == tag(hash) && same(self.text(&first), text) {
            return first.number - 1;
        }
        self.number_of(hash, text)
    }

    /// The number of a text whose hash is known.
    fn number_of(&mut self, hash: u64, text: &[u8]) -> u32 {
        if let Some(mask) = self.places.len().checked_sub(1) {
            let mut at = hash as usize & mask;
            loop {
                let place = self.places[at];
                if place.number == 0 {
                    break;
                }
                if place.tag == tag(hash) && same(self.text(&place), text) {
                    return place.number - 1;
                }
                at = (at + 1) & mask;
            }
        }
        self.add(hash, text)
    }

    #[inline]
    fn text(&self, place: &Place) -> &[u8] {
        &self.texts.bytes[place.start as usize..][..usize::from(place.length)]
    }

    /// Adds a text that is not there.
    #[inline(never)]
    fn add(&mut self, hash: u64, text: &[u8]) -> u32 {
        if self.texts.len() * 2 >= self.places.len() {
            self.grow();
        }
        let start = self.texts.bytes.len() as u64;
        self.texts.push(text);
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        let tag = tag(hash);
        self.put(
            hash,
            Place {
                start,
                number,
                tag,
                length,
            },
        );
        number - 1
    }

    fn put(&mut self, hash: u64, place: Place) {
        let mask = self.places.len() - 1;
        let mut at = hash as usize & mask;
        while self.places[at].number != 0 {
            at = (at + 1) & mask;
        }
        self.places[at] = place;
    }

    /// The hash of a text; of one that is as long as most ids are, without a call.
    #[inline]
    pub(super) fn hash(&self, text: &[u8]) -> u64 {
        let Some(words) = words(text) else {
            return self.seed.hash_one(text);
        };
        let [one, two, three, four] = self.secrets;
        let (start, end) = (
            mix(words[0] ^ one, words[1] ^ two),
            mix(words[2] ^ three, words[3] ^ four),
        );
        mix(start ^ text.len() as u64, end ^ one)
    }

    fn grow(&mut self) {
        let room = (self.places.len() * 2).max(1024);
        let places = std::mem::replace(&mut self.places, vec![Place::default(); room]);
        for place in places.into_iter().filter(|place| place.number != 0) {
            let hash = self.hash(self.text(&place));
            self.put(hash, place);
        }
    }

    pub(super) fn held(&self) -> usize {
        self.texts.held() + self.places.capacity() * size_of::<Place>()
    }
}

/// What is kept of a hash, and does not say where its text is.
fn tag(hash: u64) -> u16 {
    (hash >> 48) as u16
}

/// Both halves of a product: each bit depends on all of both numbers.
#[inline]
fn mix(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
}

/// All of a text that is short, and of this length.
#[inline]
fn words(text: &[u8]) -> Option<[u64; 4]> {
    let half = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let quarter = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
    // From both ends: what is between is part of both.
    Some(match text.len() {
        16..=32 => {
            let (start, end) = (text.first_chunk::<16>()?, text.last_chunk::<16>()?);
            [
                half(start.first_chunk()?),
                half(start.last_chunk()?),
                half(end.first_chunk()?),
                half(end.last_chunk()?),
            ]
        }
        8..16 => [half(text.first_chunk()?), half(text.last_chunk()?), 0, 0],
        4..8 => [quarter(text.first_chunk()?), quarter(text.last_chunk()?), 0, 0],
        1..4 => [text.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0, 0, 0],
        0 => [0; 4],
        _ => return None,
    })
}

/// Whether two texts are the same; of those that are as long as most ids are, without a call.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match (words(one), words(other)) {
        // Word by word: put together in memory, they would have to be waited for.
        (Some(one), Some(other)) => {
            one.iter()
                .zip(other)
                .fold(0, |differ, (one, other)| differ | (one ^ other))
                == 0
        }
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

    #[test]
    fn short_texts_are_words() {
        let long = [b'a'; 40];
        for length in 0..=40 {
            let text = &long[..length];
            assert_eq!(words(text).is_some(), length <= 32, "{length}");
            // Every byte is part of a word, and none of them has another's place.
            let mut seen = vec![words(text)];
            for place in 0..length.min(32) {
                let mut other = text.to_vec();
                other[place] = b'b';
                seen.push(words(&other));
                assert!(!same(text, &other) && same(&other, &other));
            }
            let known = seen.len();
            seen.sort_unstable();
            seen.dedup();
            assert!(seen.len() == known || length > 32, "{length}");
            // What differs everywhere alike differs.
            assert_eq!(same(text, &vec![b'b'; length]), length == 0);
            assert!(!same(text, &long[..length / 2]) || length == 0);
        }
    }

    #[test]
    fn every_bit_of_a_text_makes_another_hash() {
        let mut subjects = Subjects::default();
        for length in 1..=40_usize {
            let text = vec![b'a'; length];
            let hash = subjects.hash(&text);
            for bit in 0..length * 8 {
                let mut other = text.clone();
                other[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(subjects.hash(&other), hash, "{length} {bit}");
            }
            // And so does its length.
            assert_ne!(
                subjects.hash(&vec![0; length]),
                subjects.hash(&vec![0; length - 1]),
                "{length}"
            );
            // A text that is known is found where it is looked for first, unless another one is there.
            let number = subjects.number(&text);
            let first = subjects.first(hash);
            assert!(first.number != 0 && (first.tag != tag(hash) || first.number == number + 1));
        }
        let found = |text: &[u8]| subjects.first(subjects.hash(text)).number != 0;
        assert!((1..=40).all(|length| found(&vec![b'a'; length])));
    }

    #[test]
    fn what_stands_where_a_text_is_looked_for_may_be_another() {
        let mut subjects = Subjects::default();
        assert_eq!(subjects.number(b"one"), 0);
        let one = subjects.hash(b"one");
        let first = subjects.first(one);
        assert_eq!(subjects.number_from(first, one, b"one"), 0);
        assert_eq!(subjects.number_from(first, subjects.hash(b"another"), b"another"), 1);
        assert_eq!(subjects.number_from(first, one, b"two"), 2);
    }

    #[test]
    fn texts_of_every_length_are_told_apart_by_every_byte() {
        let mut subjects = Subjects::default();
        let mut texts: Vec<Vec<u8>> = Vec::new();
        for length in 1..70_u8 {
            texts.push(vec![b'a'; length.into()]);
            for place in 0..length {
                let mut text = vec![b'a'; length.into()];
                text[usize::from(place)] = b'b';
                texts.push(text);
            }
        }
        for round in 0..2 {
            for (number, text) in texts.iter().enumerate() {
                assert_eq!(subjects.number(text) as usize, number, "{round} {}", text.len());
            }
        }
    }
}
