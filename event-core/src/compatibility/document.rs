//! A whole schema: by which draft it is read, and where its references lead.

use serde_json::{Map, Value};

use crate::json::Pointer;

/// By which draft keywords are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dialect {
    Draft4,
    Draft6,
    Draft7,
    Draft2019,
    Draft2020,
}

impl Dialect {
    fn of(root: &Value) -> Self {
        let named = |draft: &str| {
            let name = root.get("$schema").and_then(Value::as_str);
            name.is_some_and(|name| name.contains(draft))
        };
        match () {
            () if named("draft-04") => Dialect::Draft4,
            () if named("draft-06") => Dialect::Draft6,
            () if named("draft-07") => Dialect::Draft7,
            () if named("2019-09") => Dialect::Draft2019,
            () => Dialect::Draft2020,
        }
    }
}

/// Where definitions stand; references into them mean the same wherever they are copied together.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];

/// A schema as a whole.
#[derive(Debug)]
pub(super) struct Document<'a> {
    root: &'a Value,
    dialect: Dialect,
    /// Whether parts of it have names of their own, by which references could be resolved otherwise.
    renamed: bool,
    /// Whether all of its references lead into its definitions.
    portable: bool,
}

impl<'a> Document<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        let (mut renamed, mut portable) = (false, true);
        let mut open = vec![(root, true)];
        while let Some((value, outermost)) = open.pop() {
            match value {
                Value::Array(elements) => open.extend(elements.iter().map(|element| (element, false))),
                Value::Object(members) => {
                    for (keyword, value) in members {
                        match (keyword.as_str(), value) {
                            ("$id" | "id" | "$schema", Value::String(_)) if !outermost => renamed = true,
                            ("$ref", Value::String(reference)) => portable &= is_portable(reference),
                            ("$dynamicRef" | "$recursiveRef", _) => portable = false,
                            _ => {}
                        }
                        open.push((value, false));
                    }
                }
                _ => {}
            }
        }
        Document {
            root,
            dialect: Dialect::of(root),
            renamed,
            portable: portable && !renamed,
        }
    }

    /// A rule that stands in no schema, read by the draft of another document.
    pub(super) fn beside(root: &'a Value, other: &Document<'_>) -> Self {
        Document {
            dialect: other.dialect,
            ..Document::new(root)
        }
    }

    pub(super) fn root(&'a self) -> Place<'a> {
        Place {
            schema: self.root,
            document: self,
        }
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether its keywords are compared one by one.
    pub(super) fn is_understood(&self) -> bool {
        self.dialect > Dialect::Draft4
    }

    /// Whether equal parts of both mean the same, their references included.
    pub(super) fn has_definitions_of(&self, other: &Document<'_>) -> bool {
        let same = |name| self.root.get(name) == other.root.get(name);
        self.portable && other.portable && DEFINITIONS.iter().all(same)
    }

    /// One of its parts as the rule for a property `v` of a document of its own; `None` where that
    /// would mean something else.
    pub(super) fn alone(&self, part: &Value) -> Option<Value> {
        let mut members = Map::new();
        if self.portable {
            for name in DEFINITIONS.iter().chain(&["$schema"]) {
                if let Some(value) = self.root.get(name) {
                    members.insert((*name).to_owned(), value.clone());
                }
            }
        } else {
            return None;
        }
        let property: Map<String, Value> = [("v".to_owned(), part.clone())].into_iter().collect();
        members.insert("properties".to_owned(), Value::Object(property));
        Some(Value::Object(members))
    }
}

fn is_portable(reference: &str) -> bool {
    let tail = reference.strip_prefix("#/");
    tail.is_some_and(|tail| DEFINITIONS.contains(&tail.split('/').next().unwrap_or_default()))
}

/// A schema inside a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) schema: &'a Value,
    pub(super) document: &'a Document<'a>,
}

impl<'a> Place<'a> {
    pub(super) fn dialect(self) -> Dialect {
        self.document.dialect
    }

    /// Another part of the same document.
    pub(super) fn at(self, schema: &'a Value) -> Place<'a> {
        Place { schema, ..self }
    }

    /// The value of a keyword.
    pub(super) fn get(self, keyword: &str) -> Option<&'a Value> {
        self.schema.get(keyword)
    }

    /// The schema that a keyword holds.
    pub(super) fn one(self, keyword: &str) -> Option<Place<'a>> {
        let schema = self.get(keyword)?;
        matches!(schema, Value::Object(_) | Value::Bool(_)).then(|| self.at(schema))
    }

    /// The schemas that a keyword lists.
    pub(super) fn list(self, keyword: &str) -> impl Iterator<Item = Place<'a>> + use<'a> {
        let list = self.get(keyword).and_then(Value::as_array);
        list.into_iter().flatten().map(move |schema| self.at(schema))
    }

    /// The schemas that a keyword has by name.
    pub(super) fn named(self, keyword: &str) -> impl Iterator<Item = (&'a str, Place<'a>)> + use<'a> {
        let map = self.get(keyword).and_then(Value::as_object);
        let each = map.into_iter().flatten();
        each.map(move |(name, schema)| (name.as_str(), self.at(schema)))
    }

    /// Whether it is a reference beside which nothing counts, as in the older drafts.
    pub(super) fn is_reference_alone(self) -> bool {
        self.dialect() <= Dialect::Draft7 && self.get("$ref").is_some_and(Value::is_string)
    }

    /// Where its `$ref` leads, if that can be told.
    pub(super) fn target(self) -> Option<Place<'a>> {
        let (tokens, root) = (self.target_tokens()?, self.document.root);
        let found = tokens.iter().try_fold(root, |value, token| match value {
            Value::Object(members) => members.get(token),
            Value::Array(elements) => elements.get(token.parse::<usize>().ok()?),
            _ => None,
        });
        found.map(|schema| self.at(schema))
    }

    /// The same as the keys and indices that lead there.
    pub(super) fn target_tokens(self) -> Option<Vec<String>> {
        let fragment = self.get("$ref")?.as_str()?.strip_prefix('#')?;
        // What is encoded, or an anchor, is left to those who judge.
        if self.document.renamed || fragment.contains('%') {
            return None;
        }
        let pointer: Pointer = fragment.parse().ok()?;
        Some(pointer.tokens().map(str::to_owned).collect())
    }
}
