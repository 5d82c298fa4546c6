//! One pass over Python values as they stand: may they be judged where they are?
//!
//! It says yes to what it knows to mean the same as the JSON that would be written of it, and within every limit.
//! Whatever else there is, good or bad, is written as JSON and judged by event-core, which has the last word.

use std::borrow::Cow;

use event_core::Limits;
use event_core::json::Number;
use event_core::schema::Outline;
use jsonschema::json::{Array as _, JsonNumber as _, Node as _, Object as _};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

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

    /// Whether a value is plain all through, `depth` containers inside the payload, and surely allowed by an outline,
    /// where there is one.
    pub(crate) fn takes(&mut self, node: Node<'_>, outline: Option<&Outline>, depth: usize) -> bool {
        if node.is_exact_instance_of::<PyString>() {
            self.takes_node(2)
                && self
                    .text(node)
                    .is_some_and(|text| good(outline, |outline| outline.string(text)))
        } else if node.is_exact_instance_of::<PyInt>() {
            let integer = || node.as_number().and_then(|number| number.as_i64());
            self.takes_node(NUMBER_BYTES)
                && integer().is_some_and(|int| good(outline, |outline| outline.number(Number::Int(int))))
        } else if let Ok(float) = node.cast_exact::<PyFloat>() {
            let number = || Number::from_f64(float.value());
            self.takes_node(NUMBER_BYTES)
                && self.float(float.value())
                && good(outline, |outline| number().is_some_and(|number| outline.number(number)))
        } else if node.is_exact_instance_of::<PyDict>() {
            self.takes_node(2) && depth < self.depth && self.members(node, outline, depth + 1)
        } else if node.is_exact_instance_of::<PyList>() || node.is_exact_instance_of::<PyTuple>() {
            self.takes_node(2) && depth < self.depth && self.elements(node, outline, depth + 1)
        } else {
            let word = match node.cast_exact::<PyBool>() {
                Ok(boolean) => good(outline, |outline| outline.boolean(boolean.is_true())),
                Err(_) => node.is_none() && good(outline, Outline::null),
            };
            word && self.takes_node(5)
        }
    }

    /// The characters of a plain string.
    pub(crate) fn text<'a>(&mut self, node: Node<'a>) -> Option<&'a str> {
        // A lone surrogate is no UTF-8: then there is none.
        let text = match node.as_string()? {
            Cow::Borrowed(text) => text,
            Cow::Owned(_) => return None,
        };
        let good = self.takes_bytes(text.len().saturating_mul(ESCAPED_BYTES)) && !text.as_bytes().contains(&0);
        good.then_some(text)
    }

    /// A key that is a plain string, and one that JSON and the limits allow; what is no string at all reads as empty.
    pub(crate) fn key<'a>(&mut self, key: Cow<'a, str>) -> Option<&'a str> {
        // Only of a plain string are the characters borrowed.
        let Cow::Borrowed(key) = key else { return None };
        // Around it stand quotes, colon and comma.
        let good = (1..=self.key_bytes).contains(&key.len())
            && self.takes_bytes(key.len() * ESCAPED_BYTES + 4)
            && !key.as_bytes().contains(&0);
        good.then_some(key)
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

    fn members(&mut self, node: Node<'_>, outline: Option<&Outline>, depth: usize) -> bool {
        let Some(object) = node.as_object() else { return false };
        let mut fields = match outline.map(|outline| outline.object(object.len())) {
            Some(Some(fields)) => Some(fields),
            Some(None) => return false,
            None => None,
        };
        let all = object.members().all(|(key, value)| {
            let Some(key) = self.key(key) else { return false };
            let outline = match &mut fields {
                Some(fields) => match fields.member(key) {
                    Some(outline) => outline,
                    None => return false,
                },
                None => None,
            };
            self.takes(value, outline, depth)
        });
        all && fields.is_none_or(|fields| fields.are_complete())
    }

    fn elements(&mut self, node: Node<'_>, outline: Option<&Outline>, depth: usize) -> bool {
        let Some(array) = node.as_array() else { return false };
        let each = match outline.map(|outline| outline.array(array.len())) {
            Some(Some(each)) => each,
            Some(None) => return false,
            None => None,
        };
        array.elements().all(|element| self.takes(element, each, depth))
    }
}

/// Whether a value is good: any is where there is no outline.
fn good(outline: Option<&Outline>, is: impl FnOnce(&Outline) -> bool) -> bool {
    outline.is_none_or(is)
}
