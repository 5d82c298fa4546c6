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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keywords_are_read_by_their_draft() {
        let mut last = None;
        for (name, dialect) in [
            ("http://json-schema.org/draft-04/schema#", Dialect::Draft4),
            ("http://json-schema.org/draft-06/schema#", Dialect::Draft6),
            ("http://json-schema.org/draft-07/schema#", Dialect::Draft7),
            ("https://json-schema.org/draft/2019-09/schema", Dialect::Draft2019),
            ("https://json-schema.org/draft/2020-12/schema", Dialect::Draft2020),
        ] {
            let schema = json!({"$schema": name, "$ref": "#"});
            let document = Document::new(&schema);
            assert_eq!((document.dialect(), document.root().dialect()), (dialect, dialect));
            assert_eq!(document.is_understood(), dialect != Dialect::Draft4, "{name}");
            assert_eq!(
                document.root().is_reference_alone(),
                dialect <= Dialect::Draft7,
                "{name}"
            );
            let rule = json!({});
            assert_eq!(Document::beside(&rule, &document).dialect(), dialect);
            assert!(last < Some(dialect));
            last = Some(dialect);
        }
        assert_eq!(Document::new(&json!({})).dialect(), Dialect::Draft2020);
        let plain = json!({"$schema": "http://json-schema.org/draft-07/schema#"});
        assert!(!Document::new(&plain).root().is_reference_alone());
    }

    #[test]
    fn a_part_stands_alone_where_it_means_the_same() {
        for (schema, is_portable) in [
            (json!({}), true),
            (json!({"$defs": {"a": {}}, "$ref": "#/$defs/a"}), true),
            (
                json!({"definitions": {"a": {}}, "not": {"$ref": "#/definitions/a/b"}}),
                true,
            ),
            (json!({"$ref": "#"}), false),
            (json!({"$ref": "#/properties/a"}), false),
            (json!({"allOf": [{"$ref": "other.json"}]}), false),
            (json!({"allOf": [{"$dynamicRef": "#a"}]}), false),
            (json!({"$recursiveRef": "#"}), false),
            // The whole may have a name, a part of it not.
            (json!({"$id": "https://example.org/a"}), true),
            (json!({"not": {"$id": "https://example.org/a"}}), false),
            (json!({"allOf": [{"id": "https://example.org/a"}]}), false),
            (json!({"$defs": {"a": {"$schema": "https://example.org/a"}}}), false),
            (json!({"properties": {"id": {"type": "string"}}}), true),
        ] {
            let (document, empty) = (Document::new(&schema), json!({}));
            let none = Document::new(&empty);
            assert_eq!(document.alone(&json!(true)).is_some(), is_portable, "{schema}");
            assert_eq!(document.has_definitions_of(&document), is_portable, "{schema}");
            let same = is_portable && schema.get("$defs").is_none() && schema.get("definitions").is_none();
            assert_eq!(document.has_definitions_of(&none), same, "{schema}");
            assert_eq!(none.has_definitions_of(&document), same, "{schema}");
        }
        let schema =
            json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": {"a": {}}, "type": "null"});
        let alone = json!({"$schema": schema["$schema"], "$defs": {"a": {}}, "properties": {"v": {"minimum": 1}}});
        assert_eq!(Document::new(&schema).alone(&json!({"minimum": 1})), Some(alone));
    }

    #[test]
    fn references_lead_to_a_part() {
        let schema = json!({"$defs": {"a/b": {"const": 1}, "list": {"anyOf": [{}, {"const": 2}]}}});
        for (reference, found) in [
            ("#/$defs/a~1b", Some(json!({"const": 1}))),
            ("#/$defs/list/anyOf/1", Some(json!({"const": 2}))),
            ("#", Some(schema.clone())),
            ("#/$defs/list/anyOf/2", None),
            ("#/$defs/list/anyOf/x", None),
            ("#/$defs/none", None),
            ("#/$defs/a~1b/const/x", None),
            ("#/%24defs/a~1b", None),
            ("#anchor", None),
            ("other.json#/$defs/a~1b", None),
        ] {
            let rule = json!({"$ref": reference});
            let document = Document::new(&schema);
            let target = document.root().at(&rule).target();
            assert_eq!(target.map(|place| place.schema.clone()), found, "{reference}");
        }
        // Where parts have names of their own, it is left to those who judge.
        let named = json!({"$ref": "#/$defs/a", "$defs": {"a": {"$id": "x"}}});
        assert!(Document::new(&named).root().target().is_none());
    }
}
