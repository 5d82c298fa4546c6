//! What was seen at one place of the data, and below it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Field;
use super::text::Texts;
use crate::json::{Kind, Node, Number, Pointer, quote};

/// Properties of one object that have descriptions of their own.
const MOST_MEMBERS: usize = 200;
/// So deep inside the data something is described; a schema is itself bounded in its depth.
const MOST_LEVELS: usize = 12;
/// What one description takes in a schema, about, beside its name.
const COST: usize = 160;

/// How much more can be described, in bytes of the schema; it keeps schemas within their bounds.
#[derive(Clone, Debug)]
pub(super) struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Room(40_000)
    }
}

impl Room {
    /// Room for one more description.
    fn take(&mut self, name: &str) -> bool {
        // Once in the properties, once in the list of those that are required.
        let cost = COST + 2 * quote(name).len();
        let fits = self.0 >= cost;
        if fits {
            self.0 -= cost;
        }
        fits
    }
}

/// How much more room there is for lists of values.
pub(super) struct Listing(usize);

impl Default for Listing {
    fn default() -> Self {
        Listing(16_000)
    }
}

/// What was seen at one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// Anything may be here: something was seen that is not described.
    open: bool,
    nulls: u64,
    booleans: u64,
    integers: u64,
    fractions: u64,
    texts: Texts,
    arrays: u64,
    objects: u64,
    members: BTreeMap<String, Member>,
    /// What the values of properties have in common that are not described one by one.
    others: Option<Box<Shape>>,
    elements: Option<Box<Shape>>,
}

/// A property.
#[derive(Clone, Debug, Default)]
struct Member {
    /// How many objects have it.
    present: u64,
    shape: Shape,
}

impl Shape {
    pub(super) fn objects(&self) -> u64 {
        self.objects
    }

    pub(super) fn add(&mut self, value: Node<'_>, level: usize, room: &mut Room) {
        if self.open {
            return;
        }
        match value.kind() {
            Kind::Null => self.nulls += 1,
            Kind::Bool => self.booleans += 1,
            Kind::Number => match value.as_number() {
                Some(Number::Int(_)) => self.integers += 1,
                _ => self.fractions += 1,
            },
            Kind::String => self.texts.add(&value.as_str().unwrap_or_default()),
            Kind::Array | Kind::Object if level == MOST_LEVELS => *self = Shape::anything(),
            Kind::Array => {
                self.arrays += 1;
                for element in value.elements() {
                    self.element(room).add(element, level + 1, room);
                }
            }
            Kind::Object => {
                self.objects += 1;
                for (name, value) in value.members() {
                    self.member(&name, 1, room).add(value, level + 1, room);
                }
            }
        }
    }

    fn anything() -> Self {
        Shape {
            open: true,
            ..Shape::default()
        }
    }

    /// One that has room to be described, or one that allows anything.
    fn fresh(room: &mut Room) -> Box<Self> {
        Box::new(if room.take("") {
            Shape::default()
        } else {
            Shape::anything()
        })
    }

    fn element(&mut self, room: &mut Room) -> &mut Shape {
        self.elements.get_or_insert_with(|| Shape::fresh(room))
    }

    /// Where the values of a property are described, of which `present` objects more have it.
    fn member(&mut self, name: &str, present: u64, room: &mut Room) -> &mut Shape {
        // A property is described by itself from the first one on, or never.
        let known = self.members.contains_key(name);
        if known || self.others.is_none() && self.members.len() < MOST_MEMBERS && room.take(name) {
            let member = self.members.entry(name.to_owned()).or_default();
            member.present += present;
            return &mut member.shape;
        }
        self.others.get_or_insert_with(|| Shape::fresh(room))
    }

    pub(super) fn merge(&mut self, other: Shape, room: &mut Room) {
        if self.open || other.open {
            *self = Shape::anything();
            return;
        }
        self.nulls += other.nulls;
        self.booleans += other.booleans;
        self.integers += other.integers;
        self.fractions += other.fractions;
        self.texts.merge(other.texts);
        self.arrays += other.arrays;
        self.objects += other.objects;
        if let Some(elements) = other.elements {
            self.element(room).merge(*elements, room);
        }
        // What one has described together may be any property of the other.
        if let Some(others) = &other.others {
            for (name, member) in &mut self.members {
                if !other.members.contains_key(name) {
                    member.shape.merge(Shape::clone(others), room);
                }
            }
        }
        for (name, member) in other.members {
            self.member(&name, member.present, room).merge(member.shape, room);
        }
        if let Some(others) = other.others {
            self.others
                .get_or_insert_with(|| Shape::fresh(room))
                .merge(*others, room);
        }
    }

    /// The kinds that were seen, as `type` has them.
    fn types(&self) -> Vec<&'static str> {
        let number = if self.fractions > 0 { "number" } else { "integer" };
        let seen = [
            ("null", self.nulls),
            ("boolean", self.booleans),
            (number, self.integers + self.fractions),
            ("string", self.texts.seen()),
            ("array", self.arrays),
            ("object", self.objects),
        ];
        seen.into_iter()
            .filter(|(_, seen)| *seen > 0)
            .map(|(kind, _)| kind)
            .collect()
    }

    pub(super) fn schema(&self, listing: &mut Listing) -> Value {
        if self.open {
            return json!({});
        }
        let mut schema = Map::new();
        let mut say = |keyword: &str, value: Value| drop(schema.insert(keyword.to_owned(), value));
        let types = self.types();
        match types.as_slice() {
            // An array of which no elements were seen has none of any kind.
            [] => {}
            [one] => say("type", json!(one)),
            several => say("type", json!(several)),
        }
        let only_texts = types.iter().all(|kind| ["string", "null"].contains(kind));
        if let Some(format) = self.texts.format() {
            say("format", json!(format));
        } else if let Some(values) = self.texts.values().filter(|_| only_texts) {
            let mut values: Vec<Value> = values.iter().map(|value| json!(value)).collect();
            if self.nulls > 0 {
                values.push(Value::Null);
            }
            let values = Value::from(values);
            let bytes = values.to_string().len();
            if bytes <= listing.0 {
                listing.0 -= bytes;
                say("enum", values);
            }
        }
        if let Some(elements) = &self.elements {
            say("items", elements.schema(listing));
        }
        if !self.members.is_empty() {
            let each = self.members.iter();
            let properties: Map<_, _> = each
                .map(|(name, member)| (name.clone(), member.shape.schema(listing)))
                .collect();
            say("properties", Value::Object(properties));
            let always = self.members.iter().filter(|(_, member)| member.present == self.objects);
            let always: Vec<&String> = always.map(|(name, _)| name).collect();
            if !always.is_empty() {
                say("required", json!(always));
            }
        }
        if let Some(others) = &self.others {
            say("additionalProperties", others.schema(listing));
        }
        Value::Object(schema)
    }

    pub(super) fn fields(&self, tokens: &mut Vec<String>, fields: &mut Vec<Field>) {
        let mut tell = |token: &str, shape: &Shape, present, of| {
            tokens.push(token.to_owned());
            fields.push(Field {
                pointer: Pointer::from_tokens(tokens.iter().cloned()),
                types: shape.types(),
                present,
                of,
            });
            shape.fields(tokens, fields);
            tokens.pop();
        };
        for (name, member) in &self.members {
            tell(name, &member.shape, member.present, self.objects);
        }
        if let Some(elements) = &self.elements {
            let count = elements.seen();
            tell("*", elements, count, count);
        }
    }

    /// How many values were here.
    fn seen(&self) -> u64 {
        self.nulls + self.booleans + self.integers + self.fractions + self.texts.seen() + self.arrays + self.objects
    }
}
