//! Bytes → tape, in one pass that checks everything the limits and the grammar ask for.

use super::JsonError;
use super::number::Number;
use super::pointer::push_token;
use super::tape::{Entry, Kind, Node, hex};
use crate::code::Code;
use crate::limits::Limits;

pub(super) fn parse(text: &str, limits: &Limits) -> Result<Vec<Entry>, JsonError> {
    let mut parser = Parser {
        text,
        bytes: text.as_bytes(),
        at: 0,
        nodes: 0,
        limits,
        tape: Vec::with_capacity(32),
    };
    if text.len() >= u32::MAX as usize {
        return Err(parser.fail(Code::EventTooLarge));
    }
    parser.skip_space();
    parser.value(1)?;
    parser.skip_space();
    if parser.at < parser.bytes.len() {
        return Err(parser.fail(Code::MalformedJson));
    }
    Ok(parser.tape)
}

/// The bytes that end a run of plain characters in a string.
const STOPS: [bool; 256] = {
    let mut stops = [false; 256];
    let mut control = 0;
    while control < 0x20 {
        stops[control] = true;
        control += 1;
    }
    stops[b'"' as usize] = true;
    stops[b'\\' as usize] = true;
    stops
};

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
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
    fn fail(&self, code: Code) -> JsonError {
        JsonError {
            code,
            offset: self.at.min(self.bytes.len()),
            pointer: String::new(),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), JsonError> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            return Err(self.fail(Code::TooManyNodes));
        }
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b't') => self.word("true", Kind::Bool, true),
            Some(b'f') => self.word("false", Kind::Bool, false),
            Some(b'n') => self.word("null", Kind::Null, false),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.fail(Code::MalformedJson)),
        }
    }

    fn push(&mut self, kind: Kind, flag: bool, start: usize, end: usize) {
        let next = small(self.tape.len() + 1);
        self.tape.push(Entry {
            kind,
            flag,
            start: small(start),
            end: small(end),
            next,
            count: 0,
        });
    }

    fn word(&mut self, word: &str, kind: Kind, flag: bool) -> Result<(), JsonError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.fail(Code::MalformedJson));
        }
        self.push(kind, flag, self.at, self.at + word.len());
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            Err(self.fail(Code::MalformedJson))
        } else {
            Ok(())
        }
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        let (mut fraction, mut exponent) = (false, false);
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            fraction = true;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            exponent = true;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        // Short integers fit i64, and what is not too long and has no exponent fits f64.
        let short = !exponent && self.at - start <= if fraction { 300 } else { 18 };
        if !short && Number::of_literal(&self.text[start..self.at]).is_none() {
            self.at = start;
            return Err(self.fail(Code::NumberOutOfRange));
        }
        self.push(Kind::Number, false, start, self.at);
        Ok(())
    }

    fn string(&mut self) -> Result<(), JsonError> {
        let start = self.at + 1;
        let mut escaped = false;
        self.at = start;
        loop {
            let rest = &self.bytes[self.at..];
            let plain = rest.iter().position(|byte| STOPS[usize::from(*byte)]);
            self.at += plain.unwrap_or(rest.len());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(self.fail(Code::MalformedJson)),
            }
        }
        self.push(Kind::String, escaped, start, self.at);
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => match self.unit(self.at)? {
                0 => return Err(self.fail(Code::NulCharacter)),
                0xdc00..=0xdfff => return Err(self.fail(Code::InvalidUnicode)),
                0xd800..=0xdbff => {
                    let paired = self.bytes.get(self.at + 6..self.at + 8) == Some(b"\\u".as_slice())
                        && matches!(self.unit(self.at + 6)?, 0xdc00..=0xdfff);
                    if !paired {
                        return Err(self.fail(Code::InvalidUnicode));
                    }
                    self.at += 12;
                }
                _ => self.at += 6,
            },
            _ => return Err(self.fail(Code::MalformedJson)),
        }
        Ok(())
    }

    /// The code unit of the `\uXXXX` that starts at `at`.
    fn unit(&self, at: usize) -> Result<u32, JsonError> {
        match self.bytes.get(at + 2..at + 6) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(hex(&self.text[at + 2..])),
            _ => Err(self.fail(Code::MalformedJson)),
        }
    }

    fn open(&mut self, kind: Kind, depth: usize) -> Result<usize, JsonError> {
        if depth > self.limits.depth {
            return Err(self.fail(Code::TooDeep));
        }
        self.push(kind, true, self.at, self.at);
        self.at += 1;
        self.skip_space();
        Ok(self.tape.len() - 1)
    }

    fn close(&mut self, index: usize, count: u32) {
        self.at += 1;
        let (end, next) = (small(self.at), small(self.tape.len()));
        let entry = &mut self.tape[index];
        entry.end = end;
        entry.next = next;
        entry.count = count;
    }

    /// After a child: true when another follows, false at the end of the container.
    fn more(&mut self, end: u8) -> Result<bool, JsonError> {
        self.skip_space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.skip_space();
                Ok(true)
            }
            Some(byte) if byte == end => Ok(false),
            _ => Err(self.fail(Code::MalformedJson)),
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), JsonError> {
        let index = self.open(Kind::Array, depth)?;
        let mut count = 0;
        if self.peek() != Some(b']') {
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
        if self.peek() != Some(b'}') {
            loop {
                let key = self.key()?;
                sorted = sorted && last.is_none_or(|last| ascending(self.node(last), self.node(key)));
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
        if sorted { Ok(()) } else { self.refuse_duplicates(index) }
    }

    fn node(&self, index: usize) -> Node<'_> {
        Node {
            text: self.text,
            tape: &self.tape,
            index,
        }
    }

    fn key(&mut self) -> Result<usize, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.fail(Code::MalformedJson));
        }
        let start = self.at;
        let index = self.tape.len();
        self.string()?;
        let key = self.node(index);
        let length = if key.entry().flag {
            key.string().len()
        } else {
            key.span().len()
        };
        if length == 0 || length > self.limits.key_bytes {
            self.at = start;
            return Err(self.fail(Code::InvalidKey));
        }
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.fail(Code::MalformedJson));
        }
        self.at += 1;
        self.skip_space();
        Ok(index)
    }

    fn refuse_duplicates(&self, object: usize) -> Result<(), JsonError> {
        let mut keys = Vec::with_capacity(self.tape[object].count as usize);
        let mut at = object + 1;
        while at < self.tape.len() {
            keys.push(self.node(at).string());
            at = self.tape[at + 1].next as usize;
        }
        keys.sort_unstable();
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(self.fail(Code::DuplicateKey).below(&pair[0])),
            None => Ok(()),
        }
    }
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
