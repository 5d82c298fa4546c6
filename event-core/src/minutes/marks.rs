//! Where fields and lines may end: whatever is not plain text, found many bytes at a time.

use wide::i8x16;

/// So many bytes are looked at together: a bit for each.
const BLOCK: usize = u64::BITS as usize;
/// Most blocks have no more marks than these.
const FEW: usize = 4;

/// The places of the delimiters of a text, and of what is not printable ASCII or is a quote; line ends among them.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    /// Those that were found, and some room behind them.
    places: Vec<u32>,
    found: usize,
}

impl Marks {
    /// Finds those of a text, in place of those that were found before.
    pub(super) fn find(&mut self, text: &[u8], delimiter: u8) {
        self.found = 0;
        if self.places.len() < text.len() + BLOCK {
            self.places.resize(text.len() + BLOCK, 0);
        }
        let (blocks, rest) = text.as_chunks::<BLOCK>();
        let mut start = 0;
        for block in blocks {
            self.add(start, marks(block, delimiter));
            start += BLOCK as u32;
        }
        if !rest.is_empty() {
            // What is behind the text is no mark.
            let mut block = [if delimiter == b' ' { b'0' } else { b' ' }; BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            self.add(start, marks(&block, delimiter));
        }
    }

    #[inline]
    fn add(&mut self, start: u32, mut bits: u64) {
        let all = bits.count_ones() as usize;
        let room = &mut self.places[self.found..][..BLOCK];
        // Some are written that are none: to know how many there are would take longer.
        for place in &mut room[..FEW] {
            *place = start + bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
        }
        let mut number = FEW;
        while bits != 0 {
            room[number & (BLOCK - 1)] = start + bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
            number += 1;
        }
        self.found += all;
    }

    /// Adds where the text ends.
    pub(super) fn add_end(&mut self, length: usize) {
        self.places.truncate(self.found);
        self.places.push(u32::try_from(length).unwrap_or(u32::MAX));
        self.found += 1;
    }

    /// All of them, in order.
    #[inline]
    pub(super) fn places(&self) -> &[u32] {
        &self.places[..self.found]
    }
}

/// The marks of a block, a bit for each of its bytes.
#[inline]
fn marks(block: &[u8; BLOCK], delimiter: u8) -> u64 {
    let all = |byte: u8| i8x16::splat(byte.cast_signed());
    let (one, first, quote, delimiter) = (all(1), all(b' ' + 1), all(b'"'), all(delimiter));
    let (parts, _) = block.as_chunks::<16>();
    let marks = |marks, (number, part): (usize, &[u8; 16])| {
        let bytes = i8x16::new(part.map(u8::cast_signed));
        // What is behind `~` becomes negative, as is what is not ASCII.
        let strange = (bytes + one).simd_lt(first);
        let found = strange | bytes.simd_eq(quote) | bytes.simd_eq(delimiter);
        marks | u64::from(found.to_bitmask()) << (number * 16)
    };
    parts.iter().enumerate().fold(0, marks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_mark(byte: u8, delimiter: u8) -> bool {
        !(b' '..=b'~').contains(&byte) || byte == b'"' || byte == delimiter
    }

    #[test]
    fn every_byte_is_a_mark_or_none() {
        for delimiter in [b',', b'\t', b'"', b' ', b'x'] {
            for byte in 0..=u8::MAX {
                let mut text = [b'a'; BLOCK + 3];
                (text[7], text[BLOCK + 1]) = (byte, byte);
                let mut marks = Marks::default();
                marks.find(&text, delimiter);
                let expected: &[u32] = if is_mark(byte, delimiter) {
                    &[7, BLOCK as u32 + 1]
                } else {
                    &[]
                };
                assert_eq!(marks.places(), expected, "{byte} {delimiter}");
            }
        }
    }

    proptest! {
        #[test]
        fn marks_are_found_wherever_they_are(text in prop::collection::vec(prop_oneof![3 => Just(b'a'), 1 => any::<u8>()], 0..300)) {
            let mut marks = Marks::default();
            for text in [&text[..], &text[..text.len() / 2]] {
                marks.find(text, b',');
                let places = text.iter().enumerate().filter(|(_, byte)| is_mark(**byte, b','));
                let expected: Vec<u32> = places.map(|(place, _)| u32::try_from(place).unwrap()).collect();
                prop_assert_eq!(marks.places(), expected);
            }
        }
    }
}
