//! A parsed document as one flat list of entries over its text: no tree, no allocation per value.

use std::borrow::Cow;

use super::number::Number;
use super::pointer::{self, Pointer};

/// What a JSON value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number
    Number,
    /// A string
    String,
    /// An array
    Array,
    /// An object
    Object,
}

/// One value, or one key, in document order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    /// Strings: holds a backslash escape. Bools: the value. Objects: the keys stand in canonical order.
    pub(super) flag: bool,
    /// The span in the text; of a string without its quotes.
    pub(super) start: u32,
    pub(super) end: u32,
    /// The entry behind this one and all that is inside it.
    pub(super) next: u32,
    /// Elements of an array, members of an object.
    pub(super) count: u32,
}

/// A value inside a document. Copying it is free.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    pub(super) text: &'a str,
    pub(super) tape: &'a [Entry],
    pub(super) index: usize,
}

impl<'a> Node<'a> {
    pub(super) fn entry(&self) -> &'a Entry {
        &self.tape[self.index]
    }

    pub(super) fn at(&self, index: usize) -> Node<'a> {
        Node { index, ..*self }
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.entry().kind
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// The boolean, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        (self.kind() == Kind::Bool).then_some(self.entry().flag)
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_number(&self) -> Option<Number> {
        if self.kind() == Kind::Number {
            Number::of_literal(self.span())
        } else {
            None
        }
    }

    /// The string, unescaped, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        (self.kind() == Kind::String).then(|| self.string())
    }

    /// The JSON text of this value as it stands in its document: canonical inside a
    /// [`Payload`](super::Payload), as sent inside a [`Document`](super::Document).
    #[must_use]
    pub fn text(&self) -> &'a str {
        let entry = self.entry();
        match entry.kind {
            // The span of a string leaves its quotes out.
            Kind::String => &self.text[entry.start as usize - 1..entry.end as usize + 1],
            _ => self.span(),
        }
    }

    /// How many members or elements it has; 0 for scalars.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entry().count as usize
    }

    /// Whether it has no members or elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values it is made of, itself included and keys left out.
    pub(super) fn nodes(&self) -> usize {
        let mut nodes = 0;
        let mut stack = vec![*self];
        while let Some(node) = stack.pop() {
            nodes += 1;
            stack.extend(node.members().map(|(_, value)| value));
            stack.extend(node.elements());
        }
        nodes
    }

    /// The members of an object in the order of the document; nothing for other values.
    #[must_use]
    pub fn members(&self) -> Members<'a> {
        Members(self.children(Kind::Object))
    }

    /// The members of an object, their keys as they stand.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Node<'a>, Node<'a>)> {
        let mut children = self.children(Kind::Object);
        std::iter::from_fn(move || Some((children.step()?, children.step()?)))
    }

    /// The elements of an array; nothing for other values.
    #[must_use]
    pub fn elements(&self) -> Elements<'a> {
        Elements(self.children(Kind::Array))
    }

    /// The value of a member.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Node<'a>> {
        if self.kind() != Kind::Object {
            return None;
        }
        let end = self.entry().next as usize;
        let mut at = self.index + 1;
        while at < end {
            let name = self.at(at);
            if name.is_string(key) {
                return Some(self.at(at + 1));
            }
            at = self.tape[at + 1].next as usize;
        }
        None
    }

    /// The value at a place below this one. A token is a key in an object and an index in an array.
    #[must_use]
    pub fn pointer(&self, pointer: &Pointer) -> Option<Node<'a>> {
        pointer.tokens().try_fold(*self, |node, token| match node.kind() {
            Kind::Object => node.get(token),
            Kind::Array => node.elements().nth(pointer::index(token)?),
            _ => None,
        })
    }

    /// The same value as a tree of `serde_json`, for cold paths.
    #[must_use]
    pub fn to_value(&self) -> serde_json::Value {
        use serde_json::Value;
        match self.kind() {
            Kind::Null => Value::Null,
            Kind::Bool => Value::Bool(self.entry().flag),
            Kind::String => Value::String(self.string().into_owned()),
            Kind::Array => self.elements().map(|value| value.to_value()).collect(),
            Kind::Object => self
                .members()
                .map(|(key, value)| (key.into_owned(), value.to_value()))
                .collect(),
            Kind::Number => match self.as_number() {
                Some(Number::Int(int)) => Value::from(int),
                Some(Number::Float(float)) => Value::from(float),
                None => Value::Null,
            },
        }
    }

    fn children(&self, kind: Kind) -> Children<'a> {
        let entry = self.entry();
        let (end, left) = if entry.kind == kind {
            (entry.next, entry.count)
        } else {
            (0, 0)
        };
        Children {
            node: self.at(self.index + 1),
            end: end as usize,
            left: left as usize,
        }
    }

    /// Where the value stands in memory: its own as long as its document lives.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self.entry()) as usize
    }

    pub(super) fn span(&self) -> &'a str {
        let entry = self.entry();
        &self.text[entry.start as usize..entry.end as usize]
    }

    /// The unescaped string, for an entry that is known to be one.
    pub(super) fn string(&self) -> Cow<'a, str> {
        if self.entry().flag {
            Cow::Owned(unescape(self.span()))
        } else {
            Cow::Borrowed(self.span())
        }
    }

    fn is_string(&self, text: &str) -> bool {
        if self.entry().flag {
            self.string() == text
        } else {
            self.span() == text
        }
    }
}

/// Resolves the escapes of a string whose grammar has been checked.
pub(crate) fn unescape(escaped: &str) -> String {
    let mut out = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let code = rest.as_bytes()[at + 1];
        rest = &rest[at + 2..];
        out.push(match code {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut unit = hex(rest);
                rest = &rest[4..];
                if (0xd800..0xdc00).contains(&unit) {
                    unit = 0x10000 + ((unit - 0xd800) << 10) + (hex(&rest[2..]) - 0xdc00);
                    rest = &rest[6..];
                }
                char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            other => char::from(other),
        });
    }
    out.push_str(rest);
    out
}

pub(super) fn hex(text: &str) -> u32 {
    text.get(..4)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .unwrap_or(0)
}

/// The children of one container, entry by entry.
#[derive(Clone, Debug)]
struct Children<'a> {
    node: Node<'a>,
    end: usize,
    left: usize,
}

impl<'a> Children<'a> {
    fn step(&mut self) -> Option<Node<'a>> {
        if self.node.index >= self.end {
            return None;
        }
        let here = self.node;
        self.node.index = here.entry().next as usize;
        Some(here)
    }
}

/// The members of an object, see [`Node::members`].
#[derive(Clone, Debug)]
pub struct Members<'a>(Children<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Node<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.0.step()?;
        let value = self.0.step()?;
        self.0.left -= 1;
        Some((key.string(), value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.left, Some(self.0.left))
    }
}

impl ExactSizeIterator for Members<'_> {}

/// The elements of an array, see [`Node::elements`].
#[derive(Clone, Debug)]
pub struct Elements<'a>(Children<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        let value = self.0.step()?;
        self.0.left -= 1;
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.left, Some(self.0.left))
    }
}

impl ExactSizeIterator for Elements<'_> {}

/// A string on its own as a node, its space used again and again.
#[derive(Default)]
pub(crate) struct StringNode {
    text: String,
    tape: Vec<Entry>,
}

impl StringNode {
    /// The node of this string.
    pub(crate) fn set(&mut self, string: &str) -> Node<'_> {
        self.text.clear();
        self.text.push_str(string);
        self.tape.clear();
        let end = u32::try_from(string.len()).unwrap_or(u32::MAX);
        self.tape.push(Entry {
            kind: Kind::String,
            flag: false,
            start: 0,
            end,
            next: 1,
            count: 0,
        });
        Node {
            text: &self.text,
            tape: &self.tape,
            index: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::json::Document;
    use crate::limits::Limits;

    #[test]
    fn children_are_counted_before_they_come() {
        let document = Document::parse(br#"{"a": [1, [2, 3], {}], "b": {}, "c": []}"#, &Limits::default()).unwrap();
        let mut members = document.root().members();
        for left in (1..=3).rev() {
            assert_eq!((members.size_hint(), members.len()), ((left, Some(left)), left));
            members.next();
        }
        assert!(members.size_hint() == (0, Some(0)) && members.next().is_none());
        let mut elements = document.root().members().next().unwrap().1.elements();
        for left in (1..=3).rev() {
            assert_eq!((elements.size_hint(), elements.len()), ((left, Some(left)), left));
            elements.next();
        }
        assert!(elements.size_hint() == (0, Some(0)) && elements.next().is_none());
    }

    #[test]
    fn what_has_no_children_is_empty() {
        let document = Document::parse(br#"{"a": [1], "b": {}, "c": [], "d": {"e": 1}}"#, &Limits::default()).unwrap();
        let empty: Vec<bool> = document.root().members().map(|(_, node)| node.is_empty()).collect();
        assert_eq!(empty, [false, true, true, false]);
        assert!(!document.root().is_empty());
    }
}
