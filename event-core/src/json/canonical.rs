//! One text for one value: RFC 8785 (JSON Canonicalization Scheme), but for numbers, where `i64`
//! stays exact (see [`Number`](super::Number)).

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::number::{self, Number};
use super::tape::{Entry, Kind, Node};

/// Order of keys: by UTF-16 code units, as RFC 8785 section 3.2.3 has it.
pub(super) fn order(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    match a.iter().zip(b).find(|(a, b)| a != b) {
        None => a.len().cmp(&b.len()),
        // The two orders differ only where a character beyond U+FFFF (from 0xf0) meets one from
        // U+E000 on (0xee and 0xef).
        Some((a, b)) if *a >= 0xee && *b >= 0xee && (*a >= 0xf0) != (*b >= 0xf0) => b.cmp(a),
        Some((a, b)) => a.cmp(b),
    }
}

/// A member of an object whose keys are to be put in order.
#[derive(Clone, Copy)]
struct Member {
    /// How its key begins.
    prefix: u64,
    /// The entry of its key; that of its value comes next.
    key: usize,
}

/// How a key begins, as a number: of two that differ the lesser is the key that comes first by [`order`].
fn prefix(key: &str) -> u64 {
    let mut bytes = [0; 8];
    let length = key.len().min(8);
    bytes[..length].copy_from_slice(&key.as_bytes()[..length]);
    for byte in &mut bytes {
        // They begin characters from U+E000 on, which come behind all those beyond U+FFFF.
        if matches!(byte, 0xee | 0xef) {
            *byte += 0x10;
        }
    }
    u64::from_be_bytes(bytes)
}

/// Writes canonical text and its tape at once.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) text: String,
    pub(super) tape: Vec<Entry>,
    /// Members of the objects that are open, each object's behind its parent's.
    members: Vec<Member>,
}

impl Writer {
    pub(super) fn with_capacity(text: usize, tape: usize) -> Self {
        Writer {
            text: String::with_capacity(text),
            tape: Vec::with_capacity(tape),
            members: Vec::new(),
        }
    }

    fn offset(&self) -> u32 {
        // Canonical text is never longer than six times an input of at most 4 GiB / 6; larger
        // inputs are refused long before by every limit that can be set.
        u32::try_from(self.text.len()).unwrap_or(u32::MAX)
    }

    fn length(&self) -> u32 {
        u32::try_from(self.tape.len()).unwrap_or(u32::MAX)
    }

    /// Writes a value and everything inside it; answers how many containers are nested there, itself included.
    pub(super) fn value(&mut self, node: Node<'_>) -> usize {
        let kind = node.kind();
        match kind {
            Kind::String => self.string_of(node),
            Kind::Object | Kind::Array => return self.container(node),
            Kind::Number | Kind::Bool | Kind::Null => {
                let start = self.offset();
                if kind == Kind::Number {
                    self.number(node.span());
                } else {
                    self.text.push_str(node.span());
                }
                self.push(kind, node.entry().flag, start, self.offset());
            }
        }
        0
    }

    fn container(&mut self, node: Node<'_>) -> usize {
        let index = self.tape.len();
        let source = node.entry();
        let start = self.offset();
        self.tape.push(Entry {
            kind: source.kind,
            flag: true,
            start,
            end: start,
            next: 0,
            count: source.count,
        });
        let deepest = if source.kind == Kind::Object {
            self.object(node)
        } else {
            self.array(node)
        };
        let (end, next) = (self.offset(), self.length());
        self.tape[index].end = end;
        self.tape[index].next = next;
        1 + deepest
    }

    fn number(&mut self, literal: &str) {
        if number::is_canonical(literal) {
            self.text.push_str(literal);
        } else if let Some(number) = Number::of_literal(literal) {
            number.write_to(&mut self.text);
        }
    }

    fn array(&mut self, node: Node<'_>) -> usize {
        let mut deepest = 0;
        self.text.push('[');
        for (at, element) in node.elements().enumerate() {
            if at > 0 {
                self.text.push(',');
            }
            deepest = deepest.max(self.value(element));
        }
        self.text.push(']');
        deepest
    }

    fn object(&mut self, node: Node<'_>) -> usize {
        let mut deepest = 0;
        self.text.push('{');
        if node.entry().flag {
            for (at, (key, value)) in node.entries().enumerate() {
                deepest = deepest.max(self.member(at, key, value));
            }
        } else {
            let base = self.members.len();
            self.members.extend(node.entries().map(|(key, _)| Member {
                prefix: prefix(&key.string()),
                key: key.index,
            }));
            let by_key = |a: &Member, b: &Member| order(&node.at(a.key).string(), &node.at(b.key).string());
            self.members[base..].sort_unstable_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| by_key(a, b)));
            for at in base..self.members.len() {
                let key = self.members[at].key;
                deepest = deepest.max(self.member(at - base, node.at(key), node.at(key + 1)));
            }
            self.members.truncate(base);
        }
        self.text.push('}');
        deepest
    }

    fn member(&mut self, at: usize, key: Node<'_>, value: Node<'_>) -> usize {
        if at > 0 {
            self.text.push(',');
        }
        self.string_of(key);
        self.text.push(':');
        self.value(value)
    }

    /// Writes a string or a key. One without escapes needs none: nothing in it is looked at, and its quotes come with it.
    fn string_of(&mut self, node: Node<'_>) {
        if node.entry().flag {
            return self.string(&node.string());
        }
        let start = self.offset() + 1;
        self.text.push_str(node.text());
        self.push(Kind::String, false, start, self.offset() - 1);
    }

    fn string(&mut self, string: &str) {
        self.text.push('"');
        let start = self.offset();
        let escaped = escape_into(&mut self.text, string);
        let end = self.offset();
        self.text.push('"');
        self.push(Kind::String, escaped, start, end);
    }

    fn push(&mut self, kind: Kind, flag: bool, start: u32, end: u32) {
        let next = self.length() + 1;
        self.tape.push(Entry {
            kind,
            flag,
            start,
            end,
            next,
            count: 0,
        });
    }
}

/// Appends a string with the least escapes that JSON asks for; true if there were any.
pub(super) fn escape_into(out: &mut String, string: &str) -> bool {
    let mut rest = string;
    let mut any = false;
    while let Some(at) = first_to_escape(rest.as_bytes()) {
        any = true;
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            control => {
                // Writing into a String cannot fail.
                let _ = write!(out, "\\u{control:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    any
}

/// Where the first byte is that JSON wants escaped: eight bytes at a time, as most strings have none.
#[inline]
pub(super) fn first_to_escape(bytes: &[u8]) -> Option<usize> {
    let Some(last) = bytes.last_chunk::<8>() else {
        return bytes
            .iter()
            .position(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\'));
    };
    let (words, _) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        if let Some(found) = first_in(*word) {
            return Some(at * 8 + found);
        }
    }
    // The last eight are looked at once more, in part: nothing was found in that part.
    first_in(*last).map(|found| bytes.len() - 8 + found)
}

/// The same of eight bytes, without a branch for each.
#[inline]
fn first_in(word: [u8; 8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    // The high bit of the first byte that is less than `least` is set, and none below it: a borrow goes up.
    let less = |word: u64, least: u8| word.wrapping_sub(ONES * u64::from(least)) & !word & HIGHS;
    let word = u64::from_le_bytes(word);
    let quote = less(word ^ (ONES * u64::from(b'"')), 1);
    let backslash = less(word ^ (ONES * u64::from(b'\\')), 1);
    let found = less(word, 0x20) | quote | backslash;
    (found != 0).then(|| found.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_stand_in_the_order_of_utf_16() {
        let mut keys = [
            "",
            "a",
            "a\u{1}",
            "aaaaaaaa",
            "aaaaaaaab",
            "aaaaaaaa\u{e000}",
            "aaaaaaaa\u{10000}",
            "\u{7f}",
            "\u{e9}",
            "\u{d7ff}",
            "\u{10000}",
            "\u{10ffff}",
            "\u{e000}",
            "\u{ffff}",
            "b\u{ffff}",
            "b\u{10000}",
        ];
        let units = |key: &str| key.encode_utf16().collect::<Vec<_>>();
        keys.sort_by_key(|key| units(key));
        for (at, key) in keys.iter().enumerate() {
            for other in &keys[at..] {
                assert_eq!(order(key, other), units(key).cmp(&units(other)), "{key:?} {other:?}");
                assert!(prefix(key) <= prefix(other), "{key:?} {other:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_found_eight_at_a_time_is_found_one_at_a_time(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0x1d..0x24_u8, 0x5b..0x5e_u8, 0x7e..0x82_u8], 0..40),
            plain in 0..40_usize,
        ) {
            let mut bytes = bytes;
            bytes.splice(0..0, std::iter::repeat_n(b'a', plain));
            let one = bytes.iter().position(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\');
            prop_assert_eq!(first_to_escape(&bytes), one);
        }
    }
}
