//! What a schema may not be, told before it is compiled: it comes from outside, and what it costs
//! is paid by every event.

use std::collections::HashMap;

use serde_json::Value;

use super::{SchemaError, SchemaErrorCode};
use crate::json::Pointer;

const MAX_BYTES: usize = 64 * 1024;
const MAX_DEPTH: usize = 32;
const MAX_SUBSCHEMAS: usize = 1_000;
const MAX_PATTERN: usize = 512;
/// Schemas with an `$id`, and schemas of one name: so many may be meant by one reference.
const MAX_DOCUMENTS: usize = 100;
/// How often one value may be judged, at the worst.
const MAX_FANOUT: u64 = 10_000;
/// How deep the fan-out is followed: as deep as payloads go.
const PAYLOAD_DEPTH: u8 = 20;

const DRAFTS: [&str; 5] = [
    "json-schema.org/draft/2020-12/schema",
    "json-schema.org/draft/2019-09/schema",
    "json-schema.org/draft-07/schema",
    "json-schema.org/draft-06/schema",
    "json-schema.org/draft-04/schema",
];

/// Keywords that hold one schema, for the same value or for values inside it.
const ONE: [(&str, Place); 13] = [
    ("not", Place::Same),
    ("if", Place::Same),
    ("then", Place::Same),
    ("else", Place::Same),
    ("additionalProperties", Place::Inside),
    ("unevaluatedProperties", Place::Inside),
    ("propertyNames", Place::Inside),
    ("additionalItems", Place::Inside),
    ("unevaluatedItems", Place::Inside),
    ("items", Place::Inside),
    ("contains", Place::Inside),
    ("contentSchema", Place::Inside),
    ("extends", Place::Same),
];
/// Keywords that hold a list of schemas.
const LISTS: [(&str, Place); 5] = [
    ("allOf", Place::Same),
    ("anyOf", Place::Same),
    ("oneOf", Place::Same),
    ("prefixItems", Place::Inside),
    ("items", Place::Inside),
];
/// Keywords that hold schemas by name.
const MAPS: [(&str, Place); 6] = [
    ("properties", Place::Inside),
    ("patternProperties", Place::Inside),
    ("dependentSchemas", Place::Same),
    ("dependencies", Place::Same),
    ("$defs", Place::Aside),
    ("definitions", Place::Aside),
];

/// Which values a subschema judges.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The value that the schema itself judges.
    Same,
    /// Values inside it.
    Inside,
    /// None, until somebody refers to it.
    Aside,
}

fn fail(code: SchemaErrorCode, pointer: &[String], message: impl Into<String>) -> SchemaError {
    let pointer = Pointer::from_tokens(pointer.iter().cloned()).to_string();
    SchemaError {
        code,
        pointer,
        message: message.into(),
    }
}

/// Checks a schema; answers how many subschemas it has.
pub(super) fn check(root: &Value) -> Result<usize, SchemaError> {
    // Depth first: writing or walking a very deep tree would overflow the stack.
    let mut open = vec![(root, 1)];
    while let Some((value, depth)) = open.pop() {
        if depth > MAX_DEPTH {
            let message = format!("the schema is nested deeper than {MAX_DEPTH}");
            return Err(fail(SchemaErrorCode::TooComplex, &[], message));
        }
        match value {
            Value::Array(elements) => open.extend(elements.iter().map(|element| (element, depth + 1))),
            Value::Object(members) => open.extend(members.values().map(|member| (member, depth + 1))),
            _ => {}
        }
    }
    let bytes = root.to_string().len();
    if bytes > MAX_BYTES {
        let message = format!("the schema has {bytes} bytes, the limit is {MAX_BYTES}");
        return Err(fail(SchemaErrorCode::TooComplex, &[], message));
    }
    let mut walk = Walk {
        references: Vec::new(),
        seen: 0,
        pointer: Vec::new(),
    };
    walk.schema(root)?;
    let references = References::of(root);
    if references.most() > MAX_DOCUMENTS {
        let message = format!("more than {MAX_DOCUMENTS} schemas have an `$id`, or one and the same anchor");
        return Err(fail(SchemaErrorCode::TooComplex, &[], message));
    }
    if let Some((_, pointer)) = walk.references.iter().find(|(it, _)| references.targets(it).is_empty()) {
        let message = "a reference stays inside this document: \"#/$defs/name\" or \"#anchor\"";
        return Err(fail(SchemaErrorCode::RefNotAllowed, pointer, message));
    }
    let mut fanout = Fanout {
        references,
        known: HashMap::new(),
    };
    if fanout.of(root, PAYLOAD_DEPTH) > MAX_FANOUT {
        let message = format!("its branches multiply: one value could be judged more than {MAX_FANOUT} times");
        return Err(fail(SchemaErrorCode::TooComplex, &[], message));
    }
    Ok(walk.seen)
}

/// Every subschema of a schema, with where it applies.
fn subschemas(schema: &Value) -> Vec<(Vec<String>, &Value, Place)> {
    let Value::Object(members) = schema else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (keyword, place) in ONE {
        if let Some(one @ (Value::Object(_) | Value::Bool(_))) = members.get(keyword) {
            found.push((vec![keyword.to_owned()], one, place));
        }
    }
    for (keyword, place) in LISTS {
        if let Some(Value::Array(list)) = members.get(keyword) {
            let each = list.iter().enumerate();
            found.extend(each.map(|(at, one)| (vec![keyword.to_owned(), at.to_string()], one, place)));
        }
    }
    for (keyword, place) in MAPS {
        if let Some(Value::Object(map)) = members.get(keyword) {
            found.extend(
                map.iter()
                    .map(|(name, one)| (vec![keyword.to_owned(), name.clone()], one, place)),
            );
        }
    }
    found
}

struct Walk<'a> {
    /// Each reference, and where it stands.
    references: Vec<(&'a str, Vec<String>)>,
    seen: usize,
    pointer: Vec<String>,
}

impl<'a> Walk<'a> {
    fn schema(&mut self, schema: &'a Value) -> Result<(), SchemaError> {
        self.seen += 1;
        if self.seen > MAX_SUBSCHEMAS {
            let message = format!("the schema has more than {MAX_SUBSCHEMAS} subschemas");
            return Err(fail(SchemaErrorCode::TooComplex, &[], message));
        }
        self.keywords(schema)?;
        for (tokens, subschema, _) in subschemas(schema) {
            let length = self.pointer.len();
            self.pointer.extend(tokens);
            self.schema(subschema)?;
            self.pointer.truncate(length);
        }
        Ok(())
    }

    fn fail(&self, code: SchemaErrorCode, keyword: &str, message: &str) -> SchemaError {
        let mut pointer = self.pointer.clone();
        pointer.push(keyword.to_owned());
        fail(code, &pointer, message)
    }

    fn keywords(&mut self, schema: &'a Value) -> Result<(), SchemaError> {
        for keyword in ["$ref", "$dynamicRef", "$recursiveRef"] {
            if let Some(Value::String(reference)) = schema.get(keyword) {
                let mut pointer = self.pointer.clone();
                pointer.push(keyword.to_owned());
                self.references.push((reference, pointer));
            }
        }
        if let Some(Value::String(draft)) = schema.get("$schema") {
            let name = draft
                .trim_start_matches("https://")
                .trim_start_matches("http://")
                .trim_end_matches('#');
            if !DRAFTS.contains(&name) {
                let message = "known are the drafts 4, 6, 7, 2019-09 and 2020-12 of json-schema.org";
                return Err(self.fail(SchemaErrorCode::RefNotAllowed, "$schema", message));
            }
        }
        let own = schema
            .get("pattern")
            .and_then(Value::as_str)
            .map(|pattern| ("pattern", pattern));
        let of_names = schema.get("patternProperties").and_then(Value::as_object);
        let of_names = of_names
            .into_iter()
            .flat_map(|map| map.keys().map(|key| ("patternProperties", key.as_str())));
        for (keyword, pattern) in own.into_iter().chain(of_names) {
            if pattern.len() > MAX_PATTERN {
                return Err(self.fail(
                    SchemaErrorCode::PatternUnsupported,
                    keyword,
                    "the pattern is longer than 512 bytes",
                ));
            }
        }
        Ok(())
    }
}

/// What references inside the document can name.
///
/// An `$id` makes a document of its own of the schema that holds it: a reference in there begins there, and one outside
/// does not. Names of the same kind may be there several times, too. What is asked here is asked of all that a reference
/// could mean, so that nobody has to know which of them the validator takes.
struct References<'a> {
    documents: Vec<&'a Value>,
    anchors: HashMap<&'a str, Vec<&'a Value>>,
}

impl<'a> References<'a> {
    fn of(root: &'a Value) -> Self {
        let mut all = References {
            documents: vec![root],
            anchors: HashMap::new(),
        };
        let mut open = vec![root];
        while let Some(schema) = open.pop() {
            let text = |keyword: &str| schema.get(keyword).and_then(Value::as_str);
            for name in ["$anchor", "$dynamicAnchor"].into_iter().filter_map(text) {
                all.anchors.entry(name).or_default().push(schema);
            }
            for id in ["$id", "id"].into_iter().filter_map(text) {
                let (document, name) = id.split_once('#').unwrap_or((id, ""));
                if !document.is_empty() {
                    all.documents.push(schema);
                }
                if !name.is_empty() {
                    all.anchors.entry(name).or_default().push(schema);
                }
            }
            open.extend(subschemas(schema).into_iter().map(|(_, subschema, _)| subschema));
        }
        all
    }

    /// How much a reference may mean, at the most.
    fn most(&self) -> usize {
        let names = self.anchors.values().map(Vec::len).max();
        self.documents.len().max(names.unwrap_or(0))
    }

    /// Everything that a reference may mean; nothing for one that leaves the document, or leads nowhere.
    fn targets(&self, reference: &str) -> Vec<&'a Value> {
        let Some(fragment) = reference.strip_prefix('#') else {
            return Vec::new();
        };
        if fragment.is_empty() || fragment.starts_with('/') {
            let pointer = percent_decode(fragment);
            return self.documents.iter().filter_map(|it| it.pointer(&pointer)).collect();
        }
        self.anchors.get(fragment).cloned().unwrap_or_default()
    }
}

/// `%25` → `%`, as fragments of URIs are written.
fn percent_decode(fragment: &str) -> String {
    let bytes = fragment.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = fragment.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| fragment.to_owned())
}

/// How often one value is judged at the worst: branches for the same value add up, and multiply
/// with those of the values inside it; different values inside it do not.
struct Fanout<'a> {
    references: References<'a>,
    known: HashMap<(*const Value, u8), u64>,
}

impl<'a> Fanout<'a> {
    fn of(&mut self, schema: &'a Value, depth: u8) -> u64 {
        let key = (std::ptr::from_ref(schema), depth);
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        // A schema that refers to itself for the same value counts once.
        self.known.insert(key, 1);
        // What was evaluated is found out by walking the branches once more.
        let twice = ["unevaluatedProperties", "unevaluatedItems"]
            .iter()
            .any(|it| schema.get(it).is_some());
        let walks = if twice { 2 } else { 1 };
        let mut same = 0_u64;
        let mut inside = 0_u64;
        for (_, subschema, place) in subschemas(schema) {
            match place {
                Place::Same => same = same.saturating_add(self.of(subschema, depth)),
                Place::Inside if depth > 0 => inside = inside.max(self.of(subschema, depth - 1)),
                Place::Inside | Place::Aside => {}
            }
        }
        for keyword in ["$ref", "$dynamicRef", "$recursiveRef"] {
            let reference = schema.get(keyword).and_then(Value::as_str);
            let targets = reference.map(|reference| self.references.targets(reference));
            // It means one of them.
            let worst = targets.into_iter().flatten().map(|target| self.of(target, depth)).max();
            same = same.saturating_add(worst.unwrap_or(0));
        }
        let worst = same.saturating_mul(walks).saturating_add(1).saturating_add(inside);
        self.known.insert(key, worst);
        worst
    }
}
