//! A schema → its outline.

use std::collections::BTreeMap;

use jsonschema::json::Json;
use serde_json::{Map, Value, json};

use super::fields::{Members, Others};
use super::{Choice, Outline, bit, number};
use crate::json::Kind;
use crate::schema::adapter::Tape;

/// How deep the parts of an outline may stand in one another, references followed: it has no cycles.
const DEPTH: usize = 32;
/// How many parts it may have, those that are referred to counted each time.
const PARTS: usize = 2_000;
/// Keywords that ask for nothing.
const SILENT: [&str; 8] = [
    "title",
    "description",
    "default",
    "examples",
    "$comment",
    "deprecated",
    "readOnly",
    "writeOnly",
];
/// Keywords that ask for nothing where they stand outside of all others.
const OUTER: [&str; 4] = ["$schema", "$id", "$defs", "definitions"];

/// The outline of a schema that has been compiled; nothing if it asks for more. `Some(None)` where any value will do.
#[allow(clippy::option_option, reason = "none at all, or one that asks for nothing")]
pub(in crate::schema) fn read(source: &Value) -> Option<Option<Outline>> {
    let mut reader = Reader { source, parts: PARTS };
    let mut outline = reader.part(source, DEPTH)?;
    if let Some(outline) = &mut outline {
        outline.number_objects(&mut 0);
    }
    Some(outline)
}

struct Reader<'a> {
    source: &'a Value,
    /// How many more there may be.
    parts: usize,
}

fn size(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}

fn kind(name: &str) -> Option<(Kind, bool)> {
    Some(match name {
        "null" => (Kind::Null, false),
        "boolean" => (Kind::Bool, false),
        "number" => (Kind::Number, false),
        "integer" => (Kind::Number, true),
        "string" => (Kind::String, false),
        "array" => (Kind::Array, false),
        "object" => (Kind::Object, false),
        _ => return None,
    })
}

/// The bits of the kinds, and whether numbers have to be whole.
fn kinds(value: &Value) -> Option<(u8, bool)> {
    let names = match value {
        Value::Array(names) => names.as_slice(),
        name => std::slice::from_ref(name),
    };
    let (mut kinds, mut integer, mut number) = (0, false, false);
    for name in names {
        let (kind, whole) = kind(name.as_str()?)?;
        kinds |= bit(kind);
        integer |= whole;
        number |= kind == Kind::Number && !whole;
    }
    Some((kinds, integer && !number))
}

fn choice(value: &Value) -> Option<Choice> {
    Some(match value {
        Value::Null => Choice::Null,
        Value::Bool(value) => Choice::Bool(*value),
        Value::Number(number) => Choice::Int(number.as_i64()?),
        Value::String(text) => Choice::String(text.as_str().into()),
        Value::Array(_) | Value::Object(_) => return None,
    })
}

/// The schema beside `null`, where one of the two will do.
fn nullable(any_of: &Value) -> Option<&Value> {
    let null = json!({"type": "null"});
    match any_of.as_array()?.as_slice() {
        [one, other] if *other == null => Some(one),
        [other, one] if *other == null => Some(one),
        _ => None,
    }
}

impl Reader<'_> {
    #[allow(clippy::option_option, reason = "as of the whole")]
    fn part(&mut self, source: &Value, depth: usize) -> Option<Option<Outline>> {
        let rules = match source {
            Value::Bool(true) => return Some(None),
            Value::Object(rules) => rules,
            _ => return None,
        };
        self.parts = self.parts.checked_sub(1)?;
        let depth = depth.checked_sub(1)?;
        let outer = std::ptr::eq(source, self.source);
        let silent = |key: &str| SILENT.contains(&key) || outer && OUTER.contains(&key);
        let mut asking = rules.keys().filter(|key| !silent(key));
        match (asking.next().map(String::as_str), asking.next()) {
            (None, _) => return Some(None),
            (Some("$ref"), None) => return self.referred(rules["$ref"].as_str()?, depth),
            (Some("anyOf"), None) => {
                let outline = self.part(nullable(&rules["anyOf"])?, depth)?;
                return match outline {
                    // Null may be in the list of choices, or else none is kept that could hold it.
                    Some(Outline { choices: Some(_), .. }) => None,
                    Some(outline) => Some(Some(Outline {
                        kinds: outline.kinds | bit(Kind::Null),
                        ..outline
                    })),
                    None => Some(None),
                };
            }
            _ => {}
        }
        self.keywords(rules, outer, depth).map(Some)
    }

    /// What a reference stands for.
    #[allow(clippy::option_option, reason = "as of the whole")]
    fn referred(&mut self, reference: &str, depth: usize) -> Option<Option<Outline>> {
        let name = ["#/$defs/", "#/definitions/"].map(|place| reference.strip_prefix(place));
        let (place, name) = match name {
            [Some(name), _] => ("$defs", name),
            [_, Some(name)] => ("definitions", name),
            _ => return None,
        };
        if name.contains(['/', '~', '%']) {
            return None;
        }
        // With another base, the reference might mean something else.
        if self.source.get("$id").is_some() {
            return None;
        }
        let source = self.source;
        self.part(source.get(place)?.get(name)?, depth)
    }

    fn keywords(&mut self, rules: &Map<String, Value>, outer: bool, depth: usize) -> Option<Outline> {
        let mut outline = Outline {
            kinds: u8::MAX,
            whole: false,
            choices: None,
            length: (0, usize::MAX),
            form: None,
            interval: super::Interval::default(),
            elements: (0, usize::MAX),
            each: None,
            members: None,
        };
        let mut named: BTreeMap<&str, (Option<Outline>, bool)> = BTreeMap::new();
        let mut others = Others::Allowed;
        let mut count = (0, usize::MAX);
        let mut form = Map::new();
        for (keyword, value) in rules {
            match keyword.as_str() {
                "type" => (outline.kinds, outline.whole) = kinds(value)?,
                // The two together are one list that both have; nobody writes that.
                "enum" if !rules.contains_key("const") => {
                    outline.choices = Some(value.as_array()?.iter().map(choice).collect::<Option<_>>()?);
                }
                "const" if !rules.contains_key("enum") => outline.choices = Some(vec![choice(value)?]),
                "minLength" => outline.length.0 = size(value)?,
                "maxLength" => outline.length.1 = size(value)?,
                "minItems" => outline.elements.0 = size(value)?,
                "maxItems" => outline.elements.1 = size(value)?,
                "minProperties" => count.0 = size(value)?,
                "maxProperties" => count.1 = size(value)?,
                "pattern" | "format" => drop(form.insert(keyword.clone(), value.clone())),
                "items" => outline.each = self.part(value, depth)?.map(Box::new),
                "properties" => {
                    for (key, value) in value.as_object()? {
                        named.entry(key).or_default().0 = self.part(value, depth)?;
                    }
                }
                "required" => {
                    for key in value.as_array()? {
                        named.entry(key.as_str()?).or_default().1 = true;
                    }
                }
                "additionalProperties" => {
                    others = match value {
                        Value::Bool(false) => Others::Refused,
                        value => self
                            .part(value, depth)?
                            .map_or(Others::Allowed, |outline| Others::Judged(Box::new(outline))),
                    };
                }
                keyword if SILENT.contains(&keyword) || outer && OUTER.contains(&keyword) => {}
                keyword => *outline.interval.bound(keyword)? = Some(number::of(value)?),
            }
        }
        let properties = rules.get("properties").and_then(Value::as_object);
        let only_required = |key: &&str| !properties.is_some_and(|properties| properties.contains_key(*key));
        if !matches!(others, Others::Allowed) && named.keys().any(only_required) {
            // Then it is one of the others, whose rules hold for it.
            return None;
        }
        if !form.is_empty() {
            outline.form = Some(self.form(form)?);
        }
        if !named.is_empty() || !matches!(others, Others::Allowed) || count != (0, usize::MAX) {
            let named = named
                .into_iter()
                .map(|(key, (outline, must))| (key.into(), outline, must));
            outline.members = Some(Box::new(Members::of(named.collect(), others, count)?));
        }
        Some(outline)
    }

    /// What judges the form of a string, by the draft of the whole schema.
    fn form(&self, mut keywords: Map<String, Value>) -> Option<jsonschema::Validator<Tape>> {
        if let Some(draft) = self.source.get("$schema") {
            keywords.insert("$schema".to_owned(), draft.clone());
        }
        compiled(&Value::Object(keywords))
    }
}

fn compiled<F: Json>(source: &Value) -> Option<jsonschema::Validator<F>> {
    crate::schema::build(source).ok()
}
