//! Bytes → tape, in one pass that checks everything the limits and the grammar ask for.

use super::JsonError;
use super::pointer::push_token;
use super::scan::{Scanner, Span};
use super::tape::{Entry, Kind, Node};
use crate::code::Code;
use crate::limits::Limits;

/// Among so many keys one is looked for one by one; of more the texts are sorted.
const FEW: u32 = 64;

pub(super) fn parse(text: &str, limits: &Limits) -> Result<Vec<Entry>, JsonError> {
    let mut parser = Parser {
        scanner: Scanner::new(text),
        nodes: 0,
        limits,
        // About what the text of an event makes.
        tape: Vec::with_capacity(16 + text.len().min(4 * 1024) / 10),
    };
    if text.len() >= u32::MAX as usize {
        return Err(parser.fail(Code::EventTooLarge));
    }
    parser.scanner.skip_space();
    parser.value(1)?;
    parser.scanner.skip_space();
    if !parser.scanner.is_at_end() {
        return Err(parser.fail(Code::MalformedJson));
    }
    Ok(parser.tape)
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    nodes: usize,
    limits: &'a Limits,
    tape: Vec<Entry>,
}

// Offsets fit: `parse` refuses a text of 4 GiB or more.
#[allow(clippy::cast_possible_truncation)]
fn small(offset: usize) -> u32 {
    offset as u32
}

impl Parser<'_> {
    #[cold]
    fn fail(&self, code: Code) -> JsonError {
        JsonError {
            code,
            offset: self.scanner.at.min(self.scanner.text.len()),
            pointer: String::new(),
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), JsonError> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            return Err(self.fail(Code::TooManyNodes));
        }
        let scanner = &mut self.scanner;
        let scanned = match scanner.peek() {
            b'"' => return self.string(),
            b'{' => return self.object(depth),
            b'[' => return self.array(depth),
            b't' => scanner.word("true").map(|span| (Kind::Bool, true, span)),
            b'f' => scanner.word("false").map(|span| (Kind::Bool, false, span)),
            b'n' => scanner.word("null").map(|span| (Kind::Null, false, span)),
            b'-' | b'0'..=b'9' => scanner.number().map(|span| (Kind::Number, false, span)),
            _ => Err(Code::MalformedJson),
        };
        match scanned {
            Ok((kind, flag, span)) => {
                self.push(kind, flag, span);
                Ok(())
            }
            Err(code) => Err(self.fail(code)),
        }
    }

    #[inline]
    fn push(&mut self, kind: Kind, flag: bool, span: Span) {
        let next = small(self.tape.len() + 1);
        self.tape.push(Entry {
            kind,
            flag,
            start: small(span.start),
            end: small(span.end),
            next,
            count: 0,
        });
    }

    #[inline]
    fn string(&mut self) -> Result<(), JsonError> {
        match self.scanner.string() {
            Ok(quoted) => {
                self.push(Kind::String, quoted.escaped, quoted.span);
                Ok(())
            }
            Err(code) => Err(self.fail(code)),
        }
    }

    fn open(&mut self, kind: Kind, depth: usize) -> Result<usize, JsonError> {
        if depth > self.limits.depth {
            return Err(self.fail(Code::TooDeep));
        }
        let at = self.scanner.at;
        self.push(kind, true, Span { start: at, end: at });
        self.scanner.at += 1;
        self.scanner.skip_space();
        Ok(self.tape.len() - 1)
    }

    fn close(&mut self, index: usize, count: u32) {
        self.scanner.at += 1;
        let (end, next) = (small(self.scanner.at), small(self.tape.len()));
        let entry = &mut self.tape[index];
        entry.end = end;
        entry.next = next;
        entry.count = count;
    }

    /// After a child: true when another follows, false at the end of the container.
    fn more(&mut self, end: u8) -> Result<bool, JsonError> {
        self.scanner.more(end).map_err(|code| self.fail(code))
    }

    fn array(&mut self, depth: usize) -> Result<(), JsonError> {
        let index = self.open(Kind::Array, depth)?;
        let mut count = 0;
        if self.scanner.peek() != b']' {
            loop {
                self.value(depth + 1).map_err(|error| error.below(&count.to_string()))?;
                count += 1;
                if !self.more(b']')? {
                    break;
                }
            }
        }
        self.close(index, count);
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Result<(), JsonError> {
        let index = self.open(Kind::Object, depth)?;
        let mut count = 0;
        let mut last = None;
        let mut sorted = true;
        let mut seen = Seen::default();
        if self.scanner.peek() != b'}' {
            loop {
                let key = self.key()?;
                sorted = sorted && last.is_none_or(|last| ascending(self.node(last), self.node(key)));
                self.see(&mut seen, index, count, key, sorted);
                last = Some(key);
                self.value(depth + 1)
                    .map_err(|error| error.below(&self.node(key).string()))?;
                count += 1;
                if !self.more(b'}')? {
                    break;
                }
            }
        }
        self.close(index, count);
        self.tape[index].flag = sorted;
        // Keys in strictly ascending order cannot repeat.
        if sorted || !seen.in_doubt {
            Ok(())
        } else {
            self.refuse_duplicates(index)
        }
    }

    fn node(&self, index: usize) -> Node<'_> {
        Node {
            text: self.scanner.text,
            tape: &self.tape,
            index,
        }
    }

    fn key(&mut self) -> Result<usize, JsonError> {
        if self.scanner.peek() != b'"' {
            return Err(self.fail(Code::MalformedJson));
        }
        let start = self.scanner.at;
        let index = self.tape.len();
        self.string()?;
        let key = self.node(index);
        let length = if key.entry().flag {
            key.string().len()
        } else {
            key.span().len()
        };
        if length == 0 || length > self.limits.key_bytes {
            self.scanner.at = start;
            return Err(self.fail(Code::InvalidKey));
        }
        self.scanner.colon().map_err(|code| self.fail(code))?;
        Ok(index)
    }

    /// The keys of an object, as they stand.
    fn keys(&self, object: usize) -> impl Iterator<Item = Node<'_>> + Clone {
        let mut at = object + 1;
        std::iter::from_fn(move || {
            let key = (at < self.tape.len()).then(|| self.node(at))?;
            at = self.tape[at + 1].next as usize;
            Some(key)
        })
    }

    /// Looks whether a key has come before, behind so many others of its object; one that all of them stand before has not.
    #[inline]
    fn see(&self, seen: &mut Seen, object: usize, count: u32, key: usize, is_last: bool) {
        let key = self.node(key);
        let bit = 1 << (mix(key.span().as_bytes()) % 64);
        let is_new = seen.kinds & bit == 0;
        seen.kinds |= bit;
        if key.entry().flag || count > FEW {
            seen.in_doubt = true;
        } else if !is_new && !is_last && !seen.in_doubt {
            let mut others = self.keys(object).take(count as usize);
            seen.in_doubt = others.any(|other| other.span() == key.span());
        }
    }

    fn refuse_duplicates(&self, object: usize) -> Result<(), JsonError> {
        let mut keys: Vec<_> = self.keys(object).map(|key| key.string()).collect();
        keys.sort_unstable();
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(self.fail(Code::DuplicateKey).below(&pair[0])),
            None => Ok(()),
        }
    }
}

/// What is known of the keys of an object while they come.
#[derive(Default)]
struct Seen {
    /// A bit for each kind of key that has come.
    kinds: u64,
    /// Whether one may have come twice.
    in_doubt: bool,
}

/// A number that tells most keys of an object apart.
#[inline]
fn mix(key: &[u8]) -> usize {
    let byte = |byte: Option<&u8>| usize::from(byte.copied().unwrap_or_default());
    byte(key.first()) * 7 + byte(key.get(key.len() / 2)) * 3 + byte(key.last()) * 13 + key.len()
}

/// Whether two keys without escapes stand in strictly ascending canonical order.
fn ascending(a: Node<'_>, b: Node<'_>) -> bool {
    !a.entry().flag && !b.entry().flag && super::canonical::order(a.span(), b.span()).is_lt()
}

impl JsonError {
    /// The same error, seen from one level further out.
    fn below(mut self, token: &str) -> Self {
        let mut pointer = String::new();
        push_token(&mut pointer, token);
        pointer.push_str(&self.pointer);
        self.pointer = pointer;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn a_key_that_comes_twice_is_found_wherever_it_stands(
            keys in prop_oneof![
                // Of one kind: the same first, middle and last byte, and the same length.
                prop::collection::vec("a[a-z]m[a-z]z", 1..80),
                prop::collection::vec("[a-z]{1,3}", 1..12),
            ],
            twice in prop::option::of((any::<prop::sample::Index>(), any::<prop::sample::Index>())),
            escaped in prop::option::weighted(0.2, any::<prop::sample::Index>()),
        ) {
            let mut keys: Vec<String> = keys;
            if let Some((from, to)) = twice {
                let key = from.get(&keys).clone();
                keys.insert(to.index(keys.len() + 1), key);
            }
            let differ = keys.iter().collect::<HashSet<_>>().len() == keys.len();
            let escaped = escaped.map(|at| at.index(keys.len()));
            let members: Vec<String> = keys.iter().enumerate().map(|(at, key)| match escaped {
                Some(escaped) if escaped == at => format!("\"\\u{:04x}{}\":{{}}", key.as_bytes()[0], &key[1..]),
                _ => format!("\"{key}\":[1]"),
            }).collect();
            let text = format!("{{{}}}", members.join(","));
            match parse(&text, &Limits::default()) {
                Ok(_) => prop_assert!(differ, "{text}"),
                Err(error) => prop_assert!(!differ && error.code == Code::DuplicateKey, "{text}"),
            }
        }
    }
}
