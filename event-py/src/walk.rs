//! One pass over Python values as they stand: may they be judged where they are?
//!
//! It says yes to what it knows to mean the same as the JSON that would be written of it, and within every limit.
//! Whatever else there is, good or bad, is written as JSON and judged by event-core, which has the last word.

use event_core::Limits;
use event_core::json::Number;
use event_core::schema::Outline;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::names::{self, Names};

/// A value of Python, borrowed for as long as it is judged.
pub(crate) type Node<'a> = Borrowed<'a, 'a, PyAny>;

/// What the longest number takes as JSON.
const NUMBER_BYTES: usize = 32;
/// What one byte of a string takes as JSON, at the worst: `\u0001`.
const ESCAPED_BYTES: usize = 6;
/// Floats below it are the integers that they equal, in every computation.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What is left of the limits.
pub(crate) struct Walk {
    depth: usize,
    nodes: usize,
    bytes: usize,
    key_bytes: usize,
    /// Whether a float has been seen that canonical JSON writes as an integer.
    pub(crate) whole_floats: bool,
}

impl Walk {
    /// Within the limits of a payload, which are narrower than those of the event around it.
    pub(crate) fn new(limits: &Limits) -> Self {
        Walk {
            depth: limits.depth,
            nodes: limits.nodes,
            bytes: limits.event_bytes,
            key_bytes: limits.key_bytes,
            whole_floats: false,
        }
    }

    /// Whether a value is plain all through, `depth` containers inside the payload, and surely allowed by an outline with these
    /// names, where there is one.
    pub(crate) fn takes(&mut self, node: Node<'_>, outline: Option<&Outline>, names: &Names, depth: usize) -> bool {
        if let Ok(string) = node.cast_exact::<PyString>() {
            // A lone surrogate is no UTF-8: then there is none.
            let text = string.to_str().ok().filter(|_| self.takes_node(2));
            text.and_then(|text| self.text(text))
                .is_some_and(|text| good(outline, |outline| outline.string(text)))
        } else if let Ok(integer) = node.cast_exact::<PyInt>() {
            let integer = || integer.extract::<i64>().ok();
            self.takes_node(NUMBER_BYTES)
                && integer().is_some_and(|int| good(outline, |outline| outline.number(Number::Int(int))))
        } else if let Ok(float) = node.cast_exact::<PyFloat>() {
            let number = || Number::from_f64(float.value());
            self.takes_node(NUMBER_BYTES)
                && self.float(float.value())
                && good(outline, |outline| number().is_some_and(|number| outline.number(number)))
        } else if let Ok(members) = node.cast_exact::<PyDict>() {
            self.takes_node(2) && depth < self.depth && self.members(&members, outline, names, depth + 1)
        } else if let Ok(list) = node.cast_exact::<PyList>() {
            self.takes_node(2) && depth < self.depth && self.elements(list.iter(), outline, names, depth + 1)
        } else if let Ok(tuple) = node.cast_exact::<PyTuple>() {
            self.takes_node(2) && depth < self.depth && self.elements(tuple.iter(), outline, names, depth + 1)
        } else {
            let word = match node.cast_exact::<PyBool>() {
                Ok(boolean) => good(outline, |outline| outline.boolean(boolean.is_true())),
                Err(_) => node.is_none() && good(outline, Outline::null),
            };
            word && self.takes_node(5)
        }
    }

    /// A string, if it is one that JSON and the limits allow.
    pub(crate) fn text<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let good = self.takes_bytes(text.len().saturating_mul(ESCAPED_BYTES)) && !text.as_bytes().contains(&0);
        good.then_some(text)
    }

    /// A key, if it is one that JSON and the limits allow.
    pub(crate) fn key<'a>(&mut self, key: &'a str) -> Option<&'a str> {
        let good = names::is_plain(key, self.key_bytes) && self.takes_key(key.len());
        good.then_some(key)
    }

    fn takes_key(&mut self, bytes: usize) -> bool {
        // Around it stand quotes, colon and comma.
        self.takes_bytes(bytes * ESCAPED_BYTES + 4)
    }

    /// Counts a value that takes so many bytes by itself, and its comma.
    pub(crate) fn takes_node(&mut self, bytes: usize) -> bool {
        let enough = self.nodes > 0;
        self.nodes = self.nodes.saturating_sub(1);
        enough && self.takes_bytes(bytes + 1)
    }

    fn takes_bytes(&mut self, bytes: usize) -> bool {
        let enough = bytes <= self.bytes;
        self.bytes = self.bytes.saturating_sub(bytes);
        enough
    }

    fn float(&mut self, float: f64) -> bool {
        let whole = float.fract() == 0.0;
        self.whole_floats |= whole;
        // NaN and the infinities have no whole part to compare with.
        float.is_finite() && (!whole || float.abs() < EXACT)
    }

    fn members(&mut self, members: &Bound<'_, PyDict>, outline: Option<&Outline>, names: &Names, depth: usize) -> bool {
        let mut fields = match outline.map(|outline| outline.object(members.len())) {
            Some(Some(fields)) => Some(fields),
            Some(None) => return false,
            None => None,
        };
        // Where others run at the same time they may change it.
        let copy = cfg!(Py_GIL_DISABLED).then(|| members.copy().ok()).flatten();
        let members = copy.as_ref().unwrap_or(members);
        let own = names.get(fields.as_ref().and_then(|fields| fields.number()));
        for (key, value) in members.iter() {
            let outline = match (&mut fields, names::find(own, &key)) {
                (Some(fields), Some((place, bytes))) if self.takes_key(bytes) => fields.named(place),
                (fields, _) => {
                    // A subclass of strings may say something else of itself.
                    let key = key.cast_exact::<PyString>().ok().and_then(|key| key.to_str().ok());
                    let Some(key) = key.and_then(|key| self.key(key)) else {
                        return false;
                    };
                    match fields.as_mut().map(|fields| fields.member(key)) {
                        Some(Some(outline)) => outline,
                        Some(None) => return false,
                        None => None,
                    }
                }
            };
            if !self.takes(value.as_borrowed(), outline, names, depth) {
                return false;
            }
        }
        fields.is_none_or(|fields| fields.are_complete())
    }

    fn elements<'py>(
        &mut self,
        mut elements: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
        outline: Option<&Outline>,
        names: &Names,
        depth: usize,
    ) -> bool {
        let each = match outline.map(|outline| outline.array(elements.len())) {
            Some(Some(each)) => each,
            Some(None) => return false,
            None => None,
        };
        elements.all(|element| self.takes(element.as_borrowed(), each, names, depth))
    }
}

/// Whether a value is good: any is where there is no outline.
fn good(outline: Option<&Outline>, is: impl FnOnce(&Outline) -> bool) -> bool {
    outline.is_none_or(is)
}
