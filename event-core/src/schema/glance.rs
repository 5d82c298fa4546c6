//! JSON text, judged by an outline while it is read: nothing is built and nothing is kept of it.

use super::outline::{Known, Outline};
use crate::json::{Number, Scanner, unescape};
use crate::limits::Limits;

/// So many keys that no outline knows are compared with one another; an object with more is worth a closer look.
const FEW: usize = 32;

/// A text while it is judged. Whatever it says no to, or cannot judge, is to be looked at more closely.
pub(crate) struct Glance<'a> {
    scanner: Scanner<'a>,
    /// How many more values there may be.
    nodes: usize,
    key_bytes: usize,
    depth: usize,
    /// The keys that no outline knows, of all objects that are open.
    keys: Vec<&'a str>,
}

impl<'a> Glance<'a> {
    /// Within the limits of a payload, which are narrower than those of the event around it.
    pub(crate) fn of(text: &'a str, limits: &Limits) -> Self {
        Glance {
            scanner: Scanner::new(text),
            nodes: limits.nodes,
            key_bytes: limits.key_bytes,
            depth: limits.depth,
            keys: Vec::new(),
        }
    }

    /// Where it has come to.
    pub(crate) fn at(&self) -> usize {
        self.scanner.at
    }

    /// Reads from another place on.
    pub(crate) fn go(&mut self, at: usize) {
        self.scanner.at = at;
    }

    /// The byte that comes next, behind white space.
    pub(crate) fn peek(&mut self) -> u8 {
        self.scanner.skip_space();
        self.scanner.peek()
    }

    /// Whether nothing follows but white space.
    pub(crate) fn is_over(&mut self) -> bool {
        self.scanner.skip_space();
        self.scanner.is_at_end()
    }

    /// Reads a string as it stands; nothing if it holds escapes.
    pub(crate) fn plain_string(&mut self) -> Option<&'a str> {
        self.nodes = self.nodes.checked_sub(1)?;
        self.key()
    }

    /// Reads an integer, however it is written.
    pub(crate) fn integer(&mut self) -> Option<i64> {
        self.nodes = self.nodes.checked_sub(1)?;
        let span = self.scanner.number().ok()?;
        Number::of_literal(self.scanner.slice(span))?.as_i64()
    }

    #[inline]
    fn key(&mut self) -> Option<&'a str> {
        if self.scanner.peek() != b'"' {
            return None;
        }
        let quoted = self.scanner.string().ok()?;
        (!quoted.escaped).then(|| self.scanner.slice(quoted.span))
    }

    /// Reads an object, each of whose values is read by `value`; its keys are found to differ.
    pub(crate) fn members(&mut self, mut value: impl FnMut(&mut Self, &'a str) -> Option<Known>) -> Option<()> {
        if self.scanner.peek() != b'{' {
            return None;
        }
        self.scanner.at += 1;
        self.scanner.skip_space();
        let base = self.keys.len();
        if self.scanner.peek() != b'}' {
            loop {
                let key = self.key()?;
                if key.is_empty() || key.len() > self.key_bytes {
                    return None;
                }
                self.scanner.colon().ok()?;
                match value(self, key)? {
                    Known::Once => {}
                    Known::Twice => return None,
                    Known::No => {
                        let others = &self.keys[base..];
                        if others.len() == FEW || others.contains(&key) {
                            return None;
                        }
                        self.keys.push(key);
                    }
                }
                if !self.scanner.more(b'}').ok()? {
                    break;
                }
            }
        }
        self.scanner.at += 1;
        self.keys.truncate(base);
        Some(())
    }

    /// Reads a value, `depth` containers inside the payload.
    pub(crate) fn value(&mut self, outline: Option<&Outline>, depth: usize) -> Option<()> {
        self.nodes = self.nodes.checked_sub(1)?;
        let any = outline.is_none();
        let good = |yes: bool| yes.then_some(());
        match self.scanner.peek() {
            b'"' => {
                let quoted = self.scanner.string().ok()?;
                let Some(outline) = outline else { return Some(()) };
                let text = self.scanner.slice(quoted.span);
                good(if quoted.escaped {
                    outline.string(&unescape(text))
                } else {
                    outline.string(text)
                })
            }
            b'-' | b'0'..=b'9' => {
                let span = self.scanner.number().ok()?;
                let Some(outline) = outline else { return Some(()) };
                let literal = self.scanner.slice(span);
                good(outline.any_number() || Number::of_literal(literal).is_some_and(|number| outline.number(number)))
            }
            b'{' => self.object(outline, depth),
            b'[' => self.array(outline, depth),
            b't' => {
                self.scanner.word("true").ok()?;
                good(any || outline.is_some_and(|outline| outline.boolean(true)))
            }
            b'f' => {
                self.scanner.word("false").ok()?;
                good(any || outline.is_some_and(|outline| outline.boolean(false)))
            }
            b'n' => {
                self.scanner.word("null").ok()?;
                good(any || outline.is_some_and(Outline::null))
            }
            _ => None,
        }
    }

    fn object(&mut self, outline: Option<&Outline>, depth: usize) -> Option<()> {
        if depth >= self.depth {
            return None;
        }
        let Some(outline) = outline else {
            return self.members(|glance, _| glance.value(None, depth + 1).map(|()| Known::No));
        };
        let mut fields = outline.open_object()?;
        let mut count = 0;
        self.members(|glance, key| {
            count += 1;
            let (known, outline) = fields.next(key.as_bytes())?;
            glance.value(outline, depth + 1).map(|()| known)
        })?;
        (fields.are_complete() && fields.may_be(count)).then_some(())
    }

    fn array(&mut self, outline: Option<&Outline>, depth: usize) -> Option<()> {
        if depth >= self.depth || outline.is_some_and(|outline| !outline.opens_array()) {
            return None;
        }
        self.scanner.at += 1;
        self.scanner.skip_space();
        let each = outline.and_then(Outline::each);
        let mut count = 0;
        if self.scanner.peek() != b']' {
            loop {
                self.value(each, depth + 1)?;
                count += 1;
                if !self.scanner.more(b']').ok()? {
                    break;
                }
            }
        }
        self.scanner.at += 1;
        outline
            .is_none_or(|outline| outline.holds_elements(count))
            .then_some(())
    }
}
