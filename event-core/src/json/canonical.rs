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

/// Writes canonical text and its tape at once.
#[derive(Default)]
pub(super) struct Writer<'a> {
    pub(super) text: String,
    pub(super) tape: Vec<Entry>,
    /// Members of the objects that are open, each object's behind its parent's.
    members: Vec<(std::borrow::Cow<'a, str>, Node<'a>)>,
}

impl<'a> Writer<'a> {
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

    /// Writes a value and everything inside it.
    pub(super) fn value(&mut self, node: Node<'a>) {
        let (kind, index) = (node.kind(), self.tape.len());
        if kind == Kind::String {
            return self.string_of(node);
        }
        let start = self.offset();
        let source = node.entry();
        self.tape.push(Entry {
            kind,
            flag: source.flag,
            start,
            end: start,
            next: 0,
            count: source.count,
        });
        match kind {
            Kind::Object => self.object(node),
            Kind::Array => self.array(node),
            Kind::Number => self.number(node),
            Kind::String | Kind::Bool | Kind::Null => self.text.push_str(node.span()),
        }
        let (end, next) = (self.offset(), self.length());
        self.tape[index].end = end;
        self.tape[index].next = next;
        self.tape[index].flag |= kind == Kind::Object;
    }

    fn number(&mut self, node: Node<'a>) {
        let literal = node.span();
        if number::is_canonical(literal) {
            self.text.push_str(literal);
        } else if let Some(number) = Number::of_literal(literal) {
            number.write_to(&mut self.text);
        }
    }

    fn array(&mut self, node: Node<'a>) {
        self.text.push('[');
        for (at, element) in node.elements().enumerate() {
            if at > 0 {
                self.text.push(',');
            }
            self.value(element);
        }
        self.text.push(']');
    }

    fn object(&mut self, node: Node<'a>) {
        self.text.push('{');
        if node.entry().flag {
            for (at, (key, value)) in node.entries().enumerate() {
                if at > 0 {
                    self.text.push(',');
                }
                self.string_of(key);
                self.text.push(':');
                self.value(value);
            }
        } else {
            let base = self.members.len();
            self.members.extend(node.members());
            self.members[base..].sort_unstable_by(|a, b| order(&a.0, &b.0));
            for at in base..self.members.len() {
                let (key, value) = (std::mem::take(&mut self.members[at].0), self.members[at].1);
                self.member(at - base, &key, value);
            }
            self.members.truncate(base);
        }
        self.text.push('}');
    }

    fn member(&mut self, at: usize, key: &str, value: Node<'a>) {
        if at > 0 {
            self.text.push(',');
        }
        self.string(key);
        self.text.push(':');
        self.value(value);
    }

    /// Writes a string or a key. One without escapes needs none: nothing in it is looked at.
    fn string_of(&mut self, node: Node<'a>) {
        if node.entry().flag {
            return self.string(&node.string());
        }
        self.text.push('"');
        let start = self.offset();
        self.text.push_str(node.span());
        let end = self.offset();
        self.text.push('"');
        self.push_string(false, start, end);
    }

    fn string(&mut self, string: &str) {
        self.text.push('"');
        let start = self.offset();
        let escaped = escape_into(&mut self.text, string);
        let end = self.offset();
        self.text.push('"');
        self.push_string(escaped, start, end);
    }

    fn push_string(&mut self, flag: bool, start: u32, end: u32) {
        let (kind, next) = (Kind::String, self.length() + 1);
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
    while let Some(at) = rest
        .bytes()
        .position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\')
    {
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
