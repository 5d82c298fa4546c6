//! Proves that every value of one schema is a value of another, or tells what is in the way.

mod object;

use std::collections::HashMap;

use serde_json::{Number, Value, json};

use super::document::{Dialect, Document, Place};
use super::gap::{Gap, claim, listed, short};
use super::kinds::Kinds;
use super::meet::{Bound, Identity, Meet, Side, element, prefix};
use crate::json::{Payload, Pointer};
use crate::limits::Limits;
use crate::schema::Schema;

/// So many schemas are compared with so many; beyond, nothing is proved.
const MAX_STEPS: usize = 20_000;
/// So deep inside one another schemas are followed, references included: each takes room on the stack.
const DEEPEST: usize = 100;
/// What it costs to judge values one by one: the schema is compiled for it.
const JUDGING: usize = 50;
/// So deep inside required properties two schemas are looked at for what keeps them apart.
const APART: u8 = 4;

/// Keywords that are kept by the same rule only, each with those that change its meaning.
const SAME: [&[&str]; 8] = [
    &["pattern"],
    &["format"],
    &["contentEncoding"],
    &["contentMediaType"],
    &["uniqueItems"],
    &["contains", "minContains", "maxContains"],
    &["dependencies"],
    &["if", "then", "else"],
];

pub(super) struct Prover<'a> {
    wide: &'a Document<'a>,
    narrow: &'a Document<'a>,
    /// Whether equal parts of the two mean the same although they refer to others.
    same_definitions: bool,
    gaps: Vec<Gap>,
    /// Where the wide schema is looked at.
    pointer: Vec<String>,
    steps: usize,
    depth: usize,
    /// How many times the proof went from a value to one inside it.
    inside: usize,
    /// References that are being followed: for whom, where to, and how far inside.
    open: Vec<(Identity, *const Value, usize)>,
    patterns: HashMap<(String, String), Option<bool>>,
}

impl<'a> Prover<'a> {
    pub(super) fn of(narrow: &'a Document<'a>, wide: &'a Document<'a>) -> Self {
        Prover {
            wide,
            narrow,
            same_definitions: narrow.has_definitions_of(wide),
            gaps: Vec::new(),
            pointer: Vec::new(),
            steps: 0,
            depth: 0,
            inside: 0,
            open: Vec::new(),
            patterns: HashMap::new(),
        }
    }

    /// What is in the way, for values that keep to one more rule.
    pub(super) fn gaps(mut self, rule: &'a Document<'a>) -> Vec<Gap> {
        let narrow = Meet::new([rule.root(), self.narrow.root()]);
        self.fits(&narrow, self.wide.root());
        self.gaps
    }

    fn gap(&mut self, keyword: &str, claim: impl Into<String>) {
        let tokens = self.pointer.iter().cloned().chain(Some(keyword.to_owned()));
        self.gaps.push(Gap {
            pointer: Pointer::from_tokens(tokens.filter(|token| !token.is_empty())).to_string(),
            keyword: keyword.to_owned(),
            claim: claim.into(),
        });
    }

    /// The same one or two steps further inside the wide schema.
    fn below(&mut self, tokens: &[&str], narrow: &Meet<'a>, wide: Place<'a>) {
        let length = self.pointer.len();
        self.pointer.extend(tokens.iter().map(|token| (*token).to_owned()));
        self.fits(narrow, wide);
        self.pointer.truncate(length);
    }

    /// The same for values inside the value.
    fn inside(&mut self, tokens: &[&str], narrow: &Meet<'a>, wide: Place<'a>) {
        self.inside += 1;
        self.below(tokens, narrow, wide);
        self.inside -= 1;
    }

    /// Whether there is no gap; tells of none.
    fn proves(&mut self, narrow: &Meet<'a>, wide: Place<'a>) -> bool {
        let before = self.gaps.len();
        self.fits(narrow, wide);
        let proved = self.gaps.len() == before;
        self.gaps.truncate(before);
        proved
    }

    fn fits(&mut self, narrow: &Meet<'a>, wide: Place<'a>) {
        if self.depth == DEEPEST {
            return self.gap("", "what holds is too deep to be proved");
        }
        self.depth += 1;
        self.fits_here(narrow, wide);
        self.depth -= 1;
    }

    fn fits_here(&mut self, narrow: &Meet<'a>, wide: Place<'a>) {
        self.steps += 1;
        if narrow.kinds().is_none() {
            return;
        }
        if self.steps > MAX_STEPS {
            return self.gap("", "the whole holds, which is too large to be proved");
        }
        match wide.schema {
            Value::Object(_) => {}
            Value::Bool(false) => return self.gap("", "there is no value here"),
            _ => return,
        }
        if let Some(values) = narrow.finite()
            && let Some(refused) = self.judged(&values, wide)
        {
            if let Some((value, keyword)) = refused {
                self.gap(&keyword, format!("{} is not a value", short(&value)));
            }
            return;
        }
        let before = self.gaps.len();
        self.reference(narrow, wide);
        if !wide.is_reference_alone() {
            self.keywords(narrow, wide);
        }
        if self.gaps.len() == before {
            return;
        }
        // Case by case it may hold all the same.
        let cases = match narrow.cases() {
            Some(cases) => cases,
            None if ["anyOf", "oneOf", "if", "not"].iter().any(|it| wide.get(it).is_some()) => kinds(narrow),
            None => Vec::new(),
        };
        if !cases.is_empty() && cases.iter().all(|case| self.proves(case, wide)) {
            self.gaps.truncate(before);
        }
    }

    fn judged(&mut self, values: &[Value], wide: Place<'a>) -> Option<Option<(Value, String)>> {
        self.steps += JUDGING;
        judge(values, wide)
    }

    fn reference(&mut self, narrow: &Meet<'a>, wide: Place<'a>) {
        for keyword in ["$dynamicRef", "$recursiveRef"] {
            if wide.get(keyword).is_some() {
                self.gap(keyword, "a reference holds that is not followed here");
            }
        }
        if !wide.get("$ref").is_some_and(Value::is_string) {
            return;
        }
        let (Some(target), Some(tokens)) = (wide.target(), wide.target_tokens()) else {
            return self.gap("$ref", "a reference holds that is not followed here");
        };
        let key = (narrow.identity(), std::ptr::from_ref(target.schema));
        let open = self
            .open
            .iter()
            .find(|(identity, schema, _)| (identity, schema) == (&key.0, &key.1));
        if let Some((.., inside)) = open {
            // To prove it of the value, it may be taken for granted of what is inside.
            if *inside == self.inside {
                self.gap("$ref", "a reference holds that leads to itself");
            }
            return;
        }
        self.open.push((key.0, key.1, self.inside));
        let pointer = std::mem::replace(&mut self.pointer, tokens);
        self.fits(narrow, target);
        self.pointer = pointer;
        self.open.pop();
    }

    fn keywords(&mut self, narrow: &Meet<'a>, wide: Place<'a>) {
        let kinds = narrow.kinds();
        if let Some(names) = wide.get("type")
            && !kinds.within(Kinds::listed(names))
        {
            self.gap("type", format!("the type is {}", listed(names)));
        }
        for keyword in ["enum", "const"] {
            // A list is in the other list, or it was seen above.
            if let Some(value) = wide.get(keyword)
                && !self.same(narrow, wide, &[keyword])
            {
                self.gap(keyword, format!("the value is {}", listed(value)));
            }
        }
        self.branches(narrow, wide);
        if kinds.meets(Kinds::NUMBER) {
            self.numbers(narrow, wide);
        }
        if kinds.meets(Kinds::STRING) {
            self.counts(narrow, wide, &["minLength", "maxLength"]);
            self.kept_by_the_same(
                narrow,
                wide,
                &["pattern", "format", "contentEncoding", "contentMediaType"],
            );
        }
        if kinds.meets(Kinds::ARRAY) {
            self.arrays(narrow, wide);
        }
        if kinds.meets(Kinds::OBJECT) {
            self.objects(narrow, wide);
        }
    }

    /// Whether the narrow schema has the very same rule, meaning the same.
    fn same(&self, narrow: &Meet<'a>, wide: Place<'a>, keywords: &[&str]) -> bool {
        let refers = || keywords.iter().any(|keyword| wide.get(keyword).is_some_and(refers));
        narrow.has_same(wide, keywords) && (self.same_definitions || !refers())
    }

    fn kept_by_the_same(&mut self, narrow: &Meet<'a>, wide: Place<'a>, keywords: &[&str]) {
        for group in SAME.iter().filter(|group| keywords.contains(&group[0])) {
            if let Some(value) = wide.get(group[0])
                && !self.same(narrow, wide, group)
            {
                self.gap(group[0], claim(group[0], value));
            }
        }
    }

    fn branches(&mut self, narrow: &Meet<'a>, wide: Place<'a>) {
        for (at, branch) in wide.list("allOf").enumerate() {
            self.below(&["allOf", &at.to_string()], narrow, branch);
        }
        if wide.get("anyOf").is_some()
            && !self.same(narrow, wide, &["anyOf"])
            && !wide.list("anyOf").any(|branch| self.proves(narrow, branch))
        {
            self.gap("anyOf", "one of the branches holds");
        }
        if wide.get("oneOf").is_some() && !self.same(narrow, wide, &["oneOf"]) && !self.one_of(narrow, wide) {
            self.gap("oneOf", "exactly one of the branches holds");
        }
        if let Some(not) = wide.one("not")
            && !self.same(narrow, wide, &["not"])
            && !self.is_not(narrow, not)
        {
            self.gap("not", "what it rules out is not there");
        }
        if let Some(condition) = wide.one("if")
            && wide.dialect() >= Dialect::Draft7
            && !self.same(narrow, wide, &["if", "then", "else"])
        {
            if let Some(then) = wide.one("then") {
                self.below(&["then"], &narrow.with(condition), then);
            }
            if let Some(otherwise) = wide.one("else") {
                self.below(&["else"], narrow, otherwise);
            }
        }
    }

    fn one_of(&mut self, narrow: &Meet<'a>, wide: Place<'a>) -> bool {
        let branches: Vec<_> = wide.list("oneOf").collect();
        let Some(holds) = branches.iter().position(|branch| self.proves(narrow, *branch)) else {
            return false;
        };
        let mut others = branches.iter().enumerate().filter(|(at, _)| *at != holds);
        others.all(|(_, other)| self.apart(narrow, &Meet::new([*other]), APART))
    }

    /// Whether no value of the narrow schema keeps to this one.
    fn is_not(&mut self, narrow: &Meet<'a>, ruled_out: Place<'a>) -> bool {
        if self.apart(narrow, &Meet::new([ruled_out]), APART) {
            return true;
        }
        // What is inside of what is ruled out already.
        let theirs: Vec<_> = narrow.rules().filter_map(|rule| rule.one("not")).collect();
        theirs
            .into_iter()
            .any(|theirs| self.proves(&Meet::new([ruled_out]), theirs))
    }

    /// Whether no value keeps to both.
    fn apart(&mut self, one: &Meet<'a>, other: &Meet<'a>, depth: u8) -> bool {
        let common = one.kinds().and(other.kinds());
        if common.is_none() {
            return true;
        }
        if let (Some(one), Some(other)) = (one.finite(), other.finite()) {
            let equal = jsonschema::json::cmp::equal;
            return !one.iter().any(|a| other.iter().any(|b| equal(a, b)));
        }
        if !common.within(Kinds::OBJECT) || depth == 0 {
            return false;
        }
        let both: Vec<_> = one.required().filter(|name| other.requires(name)).collect();
        both.into_iter().any(|name| {
            let (one, other) = (self.property(one, name), self.property(other, name));
            self.apart(&one, &other, depth - 1)
        })
    }

    fn numbers(&mut self, narrow: &Meet<'a>, wide: Place<'a>) {
        for (keyword, strict) in [
            ("minimum", false),
            ("exclusiveMinimum", true),
            ("maximum", false),
            ("exclusiveMaximum", true),
        ] {
            let side = Side::of(keyword);
            if let Some(value @ Value::Number(limit)) = wide.get(keyword)
                && !narrow.keeps_bound(&Bound { side, limit, strict })
            {
                self.gap(keyword, claim(keyword, value));
            }
        }
        if let Some(value @ Value::Number(step)) = wide.get("multipleOf")
            && !(narrow.rules().any(|rule| is_multiple(rule.get("multipleOf"), step))
                || step.as_u64() == Some(1) && narrow.kinds().and(Kinds::NUMBER).within(Kinds::WHOLE))
        {
            self.gap("multipleOf", claim("multipleOf", value));
        }
    }

    fn counts(&mut self, narrow: &Meet<'a>, wide: Place<'a>, keywords: &[&str]) {
        for keyword in keywords {
            if let Some(value @ Value::Number(limit)) = wide.get(keyword)
                && !(keyword.starts_with("min") && limit.as_f64() == Some(0.0))
                && !narrow.keeps_count(keyword, limit)
            {
                self.gap(keyword, claim(keyword, value));
            }
        }
    }

    fn arrays(&mut self, narrow: &Meet<'a>, wide: Place<'a>) {
        self.counts(narrow, wide, &["minItems", "maxItems"]);
        if wide.get("uniqueItems") != Some(&Value::Bool(false)) {
            self.kept_by_the_same(narrow, wide, &["uniqueItems"]);
        }
        self.kept_by_the_same(narrow, wide, &["contains"]);
        self.unevaluated(narrow, wide, "unevaluatedItems");
        let own = prefix(wide).count();
        // The last of them stands for all behind it.
        for index in 0..=own.max(narrow.prefix()) {
            let Some(rule) = element(wide, index) else { continue };
            if narrow.keeps_count("maxItems", &Number::from(index)) {
                break;
            }
            let (at, tokens) = (index.to_string(), wide.dialect());
            let tokens: &[&str] = match tokens {
                Dialect::Draft2020 if index < own => &["prefixItems", &at],
                _ if index < own => &["items", &at],
                _ if wide.get("items").is_some_and(Value::is_array) => &["additionalItems"],
                _ => &["items"],
            };
            self.inside(tokens, &narrow.element(index), rule);
        }
    }

    /// What depends on all keywords beside it is the same only where all of them are.
    fn unevaluated(&mut self, narrow: &Meet<'a>, wide: Place<'a>, keyword: &str) {
        let Some(value) = wide.get(keyword).filter(|value| **value != Value::Bool(true)) else {
            return;
        };
        let equal = narrow.rules().any(|rule| rule.schema == wide.schema);
        if !equal || (!self.same_definitions && refers(wide.schema)) {
            self.gap(keyword, claim(keyword, value));
        }
    }

    fn property(&mut self, meet: &Meet<'a>, name: &str) -> Meet<'a> {
        meet.property(name, |pattern, name| self.matches(pattern, name))
    }

    /// Whether a name matches a pattern, by the engine that judges events.
    fn matches(&mut self, pattern: &str, name: &str) -> Option<bool> {
        let key = (pattern.to_owned(), name.to_owned());
        *self.patterns.entry(key).or_insert_with(|| {
            let schema = Schema::compile(&json!({"properties": {"v": {"pattern": pattern}}})).ok()?;
            let payload = Payload::from_value(&json!({"v": name}), &Limits::DEFAULT).ok()?;
            Some(schema.allows(payload.root()))
        })
    }
}

/// The first of these values that a schema refuses, and by which keyword; `None` if that cannot be told.
fn judge(values: &[Value], wide: Place<'_>) -> Option<Option<(Value, String)>> {
    let schema = Schema::compile(&wide.document.alone(wide.schema)?).ok()?;
    for value in values {
        let payload = Payload::from_value(&json!({"v": value}), &Limits::DEFAULT).ok()?;
        if let Err(violations) = schema.validate(&payload) {
            let keyword = ["enum", "const"].into_iter().find(|it| wide.get(it).is_some());
            let first = violations.first().map(|violation| violation.keyword.as_str());
            return Some(Some((value.clone(), keyword.or(first).unwrap_or_default().to_owned())));
        }
    }
    Some(None)
}

/// The same values kind by kind; nothing where they are of one kind.
fn kinds<'a>(narrow: &Meet<'a>) -> Vec<Meet<'a>> {
    let all = [
        Kinds::NULL,
        Kinds::BOOLEAN,
        Kinds::NUMBER,
        Kinds::STRING,
        Kinds::ARRAY,
        Kinds::OBJECT,
    ];
    let cases: Vec<_> = all.iter().map(|kind| narrow.of_kinds(*kind)).collect();
    let several = cases.iter().filter(|case| !case.kinds().is_none()).count() > 1;
    // A case that is the whole would be looked at for ever.
    if several { cases } else { Vec::new() }
}

fn is_multiple(of: Option<&Value>, step: &Number) -> bool {
    let Some(of) = of.and_then(Value::as_number) else {
        return false;
    };
    match (super::number::whole(of), super::number::whole(step)) {
        (Some(of), Some(step)) if step != 0 => of % step == 0,
        _ => of == step,
    }
}

/// Whether a part of a schema may refer to others.
fn refers(part: &Value) -> bool {
    match part {
        Value::Array(elements) => elements.iter().any(refers),
        Value::Object(members) => members.iter().any(|(keyword, value)| {
            ["$ref", "$dynamicRef", "$recursiveRef"].contains(&keyword.as_str()) || refers(value)
        }),
        _ => false,
    }
}
