//! What can be told of values while they are read, one by one: most schemas ask for nothing else.
//!
//! An outline knows the keywords that schemas are mostly made of, and a schema with others has none. It says yes to
//! what the schema surely allows; "no" is no more than a reason to ask the schema itself, which has the last word
//! and finds the words.

mod fields;
mod number;
mod read;
#[cfg(test)]
mod tests;

use jsonschema::Validator;

use super::adapter::{Tape, TapeNode};
use crate::json::{Kind, Node, Number, StringNode};
pub use fields::Fields;
pub(crate) use fields::Known;
use fields::Members;
use number::Interval;
pub(super) use read::read;

/// The rules for one value, as far as they can be told while it is read. `None` in place of one means that any value
/// will do.
///
/// ```
/// use event_core::{Schema, json::Number};
/// let schema = Schema::compile(&serde_json::json!({"properties": {"width": {"minimum": 0}}}))?;
/// let outline = schema.outline().unwrap().unwrap();
/// let mut fields = outline.object(1).unwrap();
/// let width = fields.member("width").unwrap().unwrap();
/// assert!(width.number(Number::Int(1280)) && !width.number(Number::Int(-1)));
/// assert!(fields.are_complete());
/// # Ok::<(), event_core::schema::SchemaError>(())
/// ```
pub struct Outline {
    /// A bit for each kind that it may be of.
    kinds: u8,
    whole: bool,
    choices: Option<Vec<Choice>>,
    /// Characters of a string.
    length: (usize, usize),
    /// Pattern and format of a string.
    form: Option<Validator<Tape>>,
    interval: Interval,
    /// Elements of an array.
    elements: (usize, usize),
    each: Option<Box<Outline>>,
    members: Option<Box<Members>>,
}

/// A value that `enum` or `const` lists.
enum Choice {
    Null,
    Bool(bool),
    Int(i64),
    String(Box<str>),
}

#[inline(never)]
fn has(form: &Validator<Tape>, text: &str) -> bool {
    let mut buffer = StringNode::default();
    form.is_valid(TapeNode(buffer.set(text)))
}

const fn bit(kind: Kind) -> u8 {
    1 << kind as u8
}

impl Outline {
    fn is_of(&self, kind: Kind) -> bool {
        self.kinds & bit(kind) != 0
    }

    fn is_chosen(&self, is: impl Fn(&Choice) -> bool) -> bool {
        self.choices.as_ref().is_none_or(|choices| choices.iter().any(is))
    }

    /// Whether it may be null.
    #[must_use]
    pub fn null(&self) -> bool {
        self.is_of(Kind::Null) && self.is_chosen(|choice| matches!(choice, Choice::Null))
    }

    /// Whether it may be this boolean.
    #[must_use]
    pub fn boolean(&self, value: bool) -> bool {
        self.is_of(Kind::Bool) && self.is_chosen(|choice| matches!(choice, Choice::Bool(bool) if *bool == value))
    }

    /// Whether it may be any number at all.
    pub(super) fn any_number(&self) -> bool {
        self.is_of(Kind::Number) && !self.whole && self.choices.is_none() && self.interval.is_all()
    }

    /// Whether it may be this number.
    #[inline]
    #[must_use]
    pub fn number(&self, value: Number) -> bool {
        let good = match value {
            Number::Int(_) => true,
            // Whether one beyond `i64` is an integer is told differently by the drafts.
            Number::Float(float) => !self.whole && float.fract() != 0.0,
        };
        good && self.is_of(Kind::Number)
            && self.interval.holds(value)
            && self.is_chosen(|choice| matches!(choice, Choice::Int(int) if value.as_i64() == Some(*int)))
    }

    /// Whether it may be this string.
    #[inline]
    #[must_use]
    pub fn string(&self, text: &str) -> bool {
        self.string_of_form(text, |form| has(form, text))
    }

    #[inline]
    fn string_of_form(&self, text: &str, has_form: impl FnOnce(&Validator<Tape>) -> bool) -> bool {
        let (least, most) = self.length;
        // Bytes are as many as characters, or more, up to four times as many.
        let surely = text.len() <= most && text.len() >= least.saturating_mul(4);
        self.is_of(Kind::String)
            && (surely || (least..=most).contains(&text.chars().count()))
            && self.is_chosen(|choice| matches!(choice, Choice::String(string) if **string == *text))
            && self.form.as_ref().is_none_or(has_form)
    }

    /// The rules for its elements, if it may be an array of so many.
    #[must_use]
    pub fn array(&self, length: usize) -> Option<Option<&Outline>> {
        let (least, most) = self.elements;
        (self.opens_array() && (least..=most).contains(&length)).then(|| self.each())
    }

    /// Whether it may be an array.
    pub(super) fn opens_array(&self) -> bool {
        self.is_of(Kind::Array) && self.choices.is_none()
    }

    pub(super) fn each(&self) -> Option<&Outline> {
        self.each.as_deref()
    }

    /// Whether as many elements will do.
    pub(super) fn holds_elements(&self, count: usize) -> bool {
        (self.elements.0..=self.elements.1).contains(&count)
    }

    /// The rules for its members, if it may be an object of so many.
    #[must_use]
    pub fn object(&self, length: usize) -> Option<Fields<'_>> {
        let fields = self.open_object()?;
        fields.may_be(length).then_some(fields)
    }

    /// The rules for its members, if it may be an object.
    pub(super) fn open_object(&self) -> Option<Fields<'_>> {
        let good = self.is_of(Kind::Object) && self.choices.is_none();
        good.then(|| Fields::of(self.members.as_deref()))
    }

    /// The names of members that its objects know, each in an order of its own: for callers who know names sooner by something
    /// else than their text.
    ///
    /// ```
    /// use event_core::Schema;
    /// let schema = Schema::compile(&serde_json::json!({"properties": {"width": {"minimum": 0}, "path": true}}))?;
    /// let outline = schema.outline().unwrap().unwrap();
    /// let mut fields = outline.object(1).unwrap();
    /// let names = &outline.names()[fields.number().unwrap()];
    /// let width = names.iter().position(|name| *name == "width").unwrap();
    /// assert!(names.len() == 2 && fields.named(width).is_some());
    /// # Ok::<(), event_core::schema::SchemaError>(())
    /// ```
    #[must_use]
    pub fn names(&self) -> Vec<Vec<&str>> {
        let mut names = Vec::new();
        self.names_below(&mut names);
        names
    }

    fn names_below<'a>(&'a self, names: &mut Vec<Vec<&'a str>>) {
        if let Some(members) = &self.members {
            members.names(names);
        }
        if let Some(each) = &self.each {
            each.names_below(names);
        }
    }

    fn number_objects(&mut self, next: &mut usize) {
        if let Some(members) = &mut self.members {
            members.number(next);
        }
        if let Some(each) = &mut self.each {
            each.number_objects(next);
        }
    }

    /// Whether a value that was read before is surely allowed.
    pub(super) fn allows(&self, node: Node<'_>) -> bool {
        let below = |outline: Option<&Outline>, node| outline.is_none_or(|outline| outline.allows(node));
        match node.kind() {
            Kind::Null => self.null(),
            Kind::Bool => node.as_bool().is_some_and(|value| self.boolean(value)),
            Kind::Number => self.any_number() || node.as_number().is_some_and(|value| self.number(value)),
            Kind::String => node
                .as_str()
                .is_some_and(|text| self.string_of_form(&text, |form| form.is_valid(TapeNode(node)))),
            Kind::Array => self
                .array(node.len())
                .is_some_and(|each| each.is_none() || node.elements().all(|element| below(each, element))),
            Kind::Object => self.object(node.len()).is_some_and(|mut fields| {
                let mut members = node.members();
                members.all(|(key, value)| fields.member(&key).is_some_and(|outline| below(outline, value)))
                    && fields.are_complete()
            }),
        }
    }
}
