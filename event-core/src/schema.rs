//! One JSON Schema, compiled: judges payloads in time linear in their size, and never fetches,
//! backtracks or repeats the value that it refuses.

mod adapter;
mod guard;
mod outline;
mod glance;
mod check;

use std::fmt;
use std::sync::Arc;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::json::Json;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use crate::json::{Node, Payload};
use crate::limits::Limits;
use crate::violation::Violation;
use adapter::Tape;
pub(crate) use glance::Glance;
pub(crate) use outline::Known;
pub use outline::{Fields, Outline};

/// Why a schema is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}{}{pointer}: {message}", if pointer.is_empty() { "" } else { " at " })]
pub struct SchemaError {
    /// The machine-readable reason.
    pub code: SchemaErrorCode,
    /// The place in the schema, as a JSON pointer.
    pub pointer: String,
    /// What was wrong and what to do.
    pub message: String,
}

/// The ways in which a schema fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaErrorCode {
    /// A `$ref` that leaves the document, or a `$schema` that is no known draft.
    RefNotAllowed,
    /// A pattern that needs backtracking, or that is too large.
    PatternUnsupported,
    /// Larger, deeper or more branching than the limits.
    TooComplex,
    /// Not a JSON Schema.
    Invalid,
}

impl SchemaErrorCode {
    /// The `snake_case` name that goes over the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            SchemaErrorCode::RefNotAllowed => "schema_ref_not_allowed",
            SchemaErrorCode::PatternUnsupported => "schema_pattern_unsupported",
            SchemaErrorCode::TooComplex => "schema_too_complex",
            SchemaErrorCode::Invalid => "schema_invalid",
        }
    }
}

impl fmt::Display for SchemaErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A compiled JSON Schema (drafts 4, 6, 7, 2019-09 and 2020-12; 2020-12 where none is named).
///
/// Formats are asserted. Patterns run on a linear-time engine, so that look-around and
/// back-references are refused when the schema is compiled.
///
/// ```
/// use event_core::{Limits, Payload, Schema};
/// let schema = Schema::compile(&serde_json::json!({"required": ["host"]}))?;
/// let payload = Payload::parse(br#"{"path": "/"}"#, &Limits::default())?;
/// let violations = schema.validate(&payload).unwrap_err();
/// assert_eq!(violations[0].keyword, "required");
/// assert_eq!(violations[0].message, "\"host\" is a required property");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Schema {
    source: Value,
    /// How many subschemas it has.
    size: usize,
    validator: Validator<Tape>,
    /// What can be told of it while values are read; nothing, where it asks for more than that.
    outline: Option<Arc<Option<Outline>>>,
}

/// So many violations of one event are told; more would help nobody.
const MAX_VIOLATIONS: usize = 10;
/// So many bytes they have together.
const MAX_BYTES: usize = 2 * 1024;
/// What the JSON around one violation's texts takes.
const FRAME_BYTES: usize = 64;
/// Subschemas times values up to which every broken rule is looked for; beyond, the first will do.
const MAX_WORK: usize = 50_000;
/// So many bytes of one text: its keys come from the event.
const MAX_TEXT: usize = 200;

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    /// What is wrong with the schema, and where; see [`SchemaErrorCode`].
    pub fn compile(source: &Value) -> Result<Self, SchemaError> {
        let size = guard::check(source)?;
        Ok(Schema {
            source: source.clone(),
            size,
            validator: build(source)?,
            outline: outline::read(source).map(Arc::new),
        })
    }

    /// Compiles the same schema, by the same options, for values in another representation. It allows
    /// those that [`Schema::validate`] allows as payloads, if the representation tells integers from
    /// other numbers as payloads do: by their value, not by how they were written.
    ///
    /// # Errors
    /// As [`Schema::compile`], which has succeeded before.
    ///
    /// ```
    /// use event_core::Schema;
    /// use jsonschema::json::SerdeJson;
    /// let schema = Schema::compile(&serde_json::json!({"required": ["host"]}))?;
    /// assert!(!schema.validator::<SerdeJson>()?.is_valid(&serde_json::json!({"path": "/"})));
    /// # Ok::<(), event_core::schema::SchemaError>(())
    /// ```
    pub fn validator<F: Json>(&self) -> Result<Validator<F>, SchemaError> {
        build(&self.source)
    }

    /// The schema as it was given.
    #[must_use]
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// Whether a value keeps to the schema, be it canonical or as it was sent: the verdict alone, for those who need
    /// no payload afterwards.
    ///
    /// ```
    /// use event_core::json::Document;
    /// use event_core::{Limits, Schema};
    /// let schema = Schema::compile(&serde_json::json!({"required": ["host"]}))?;
    /// let document = Document::parse(br#"{ "path": "/" }"#, &Limits::default())?;
    /// assert!(!schema.allows(document.root()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn allows(&self, value: Node<'_>) -> bool {
        let surely = self
            .outline()
            .is_some_and(|outline| outline.is_none_or(|outline| outline.allows(value)));
        surely || self.validator.is_valid(adapter::TapeNode(value))
    }

    /// What can be told of values while they are read, if that is all that it asks for; `Some(None)` if any value
    /// will do.
    #[must_use]
    #[allow(clippy::option_option, reason = "none at all, or one that asks for nothing")]
    pub fn outline(&self) -> Option<Option<&Outline>> {
        self.outline.as_deref().map(Option::as_ref)
    }

    /// Whether a text is an object that the limits and the schema surely allow, told while it is read. "No" is no more
    /// than a reason to look closer.
    ///
    /// ```
    /// use event_core::{Limits, Schema};
    /// let schema = Schema::compile(&serde_json::json!({"required": ["host"]}))?;
    /// assert!(schema.surely_allows(br#"{ "host": "example.org" }"#, &Limits::default()));
    /// assert!(!schema.surely_allows(br#"{ "path": "/" }"#, &Limits::default()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn surely_allows(&self, text: &[u8], limits: &Limits) -> bool {
        let (Some(outline), Ok(text)) = (self.outline(), std::str::from_utf8(text)) else {
            return false;
        };
        let mut glance = Glance::of(text, limits);
        glance.peek() == b'{' && glance.value(outline, 0).is_some() && glance.is_over()
    }

    /// Judges a payload.
    ///
    /// # Errors
    /// The broken rules, ten and 2 KiB at the most, without the values that break them.
    pub fn validate(&self, payload: &Payload) -> Result<(), Vec<Violation>> {
        if self.allows(payload.root()) {
            return Ok(());
        }
        let root = adapter::TapeNode(payload.root());
        if self.size.saturating_mul(payload.size()) > MAX_WORK {
            let first = self.validator.validate(root).err();
            return Err(first.iter().map(violation).collect());
        }
        let mut violations = Vec::new();
        let mut bytes = 0;
        for violation in self
            .validator
            .iter_errors(root)
            .take(MAX_VIOLATIONS)
            .map(|error| violation(&error))
        {
            let Violation {
                pointer,
                keyword,
                limit,
                message,
            } = &violation;
            bytes +=
                pointer.len() + keyword.len() + limit.as_ref().map_or(0, String::len) + message.len() + FRAME_BYTES;
            if bytes > MAX_BYTES {
                break;
            }
            violations.push(violation);
        }
        Err(violations)
    }
}

/// What every representation is judged by.
fn build<F: Json>(source: &Value) -> Result<Validator<F>, SchemaError> {
    let patterns = PatternOptions::regex().size_limit(1 << 20).dfa_size_limit(1 << 20);
    jsonschema::options_for::<F>()
        .offline()
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .with_pattern_options(patterns)
        .build(source)
        .map_err(|error| refused(&error))
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.source).finish()
    }
}

fn refused(error: &ValidationError<'_>) -> SchemaError {
    let pointer = error.instance_path().to_string();
    let of_pattern = pointer.ends_with("/pattern")
        || pointer.contains("/patternProperties")
        || matches!(error.kind(), ValidationErrorKind::Format { format } if format == "regex");
    let (code, message) = if matches!(error.kind(), ValidationErrorKind::Referencing(_)) {
        (
            SchemaErrorCode::RefNotAllowed,
            "a reference does not resolve inside this document".to_owned(),
        )
    } else if of_pattern {
        let message = "the pattern is malformed, too large, or uses look-around or back-references";
        (SchemaErrorCode::PatternUnsupported, message.to_owned())
    } else {
        (SchemaErrorCode::Invalid, cut(&error.masked().to_string(), 500))
    };
    SchemaError { code, pointer, message }
}

fn violation(error: &ValidationError<'_>) -> Violation {
    let message = match error.kind() {
        // Its text would list keys of the event, which may be many.
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            format!("{} properties that the schema does not know", unexpected.len())
        }
        // Its text would be about a key of the event.
        ValidationErrorKind::PropertyNames { .. } => "a property name that the schema does not allow".to_owned(),
        ValidationErrorKind::FalseSchema => "the schema allows no value here".to_owned(),
        _ => cut(&error.masked_with("the value").to_string(), MAX_TEXT),
    };
    let keyword = match error.kind() {
        // Which of the keywords held the `false`.
        ValidationErrorKind::FalseSchema => error
            .schema_path()
            .as_str()
            .rsplit('/')
            .next()
            .filter(|it| !it.is_empty())
            .unwrap_or("false"),
        kind => kind.keyword(),
    };
    Violation {
        pointer: cut(error.instance_path().as_str(), MAX_TEXT),
        keyword: keyword.to_owned(),
        limit: limit(error.kind()).map(|limit| cut(&limit, MAX_TEXT)),
        message,
    }
}

/// What the rule asks for, where that fits in a few words.
fn limit(kind: &ValidationErrorKind) -> Option<String> {
    use ValidationErrorKind as K;
    match kind {
        K::MaxItems { limit }
        | K::MinItems { limit }
        | K::MaxLength { limit }
        | K::MinLength { limit }
        | K::MaxProperties { limit }
        | K::MinProperties { limit } => Some(limit.to_string()),
        K::Maximum { limit } | K::Minimum { limit } | K::ExclusiveMaximum { limit } | K::ExclusiveMinimum { limit } => {
            Some(limit.to_string())
        }
        K::MultipleOf { multiple_of } => Some(multiple_of.to_string()),
        K::Required { property } => property.as_str().map(str::to_owned),
        K::Format { format } => Some(format.clone()),
        K::Pattern { pattern } => Some(pattern.clone()),
        K::Type {
            kind: TypeKind::Single(kind),
        } => Some(kind.to_string()),
        K::Type {
            kind: TypeKind::Multiple(kinds),
        } => Some(
            kinds
                .iter()
                .map(|kind| kind.to_string())
                .collect::<Vec<_>>()
                .join(" or "),
        ),
        _ => None,
    }
}

/// The first `bytes` of a text, at a character's edge.
fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let mut end = bytes - 3;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use serde_json::json;

    fn judge(schema: &Value, payload: &str) -> Result<(), Vec<Violation>> {
        let payload = Payload::parse(payload.as_bytes(), &Limits::default()).unwrap();
        Schema::compile(schema).unwrap().validate(&payload)
    }

    fn code(schema: &Value) -> SchemaErrorCode {
        Schema::compile(schema).unwrap_err().code
    }

    #[test]
    fn violations_name_the_rule_and_never_the_value() {
        let schema = json!({"properties": {"mail": {"format": "email"}, "n": {"type": "integer", "maximum": 5}}});
        let violations = judge(&schema, r#"{"mail": "secret text", "n": 7}"#).unwrap_err();
        let told: Vec<_> = violations
            .iter()
            .map(|v| (v.pointer.as_str(), v.keyword.as_str(), v.limit.as_deref()))
            .collect();
        assert_eq!(told, [("/mail", "format", Some("email")), ("/n", "maximum", Some("5"))]);
        assert!(violations.iter().all(|violation| !violation.message.contains("secret")));
        assert!(judge(&schema, r#"{"n": 1.0}"#).is_ok());
        assert!(judge(&schema, r#"{"n": 1e0}"#).is_ok());
    }

    #[test]
    fn thousands_of_errors_stay_small() {
        let schema = json!({"additionalProperties": {"type": "string"}});
        let many: Vec<_> = (0..1_900).map(|n| format!("\"{}{n}\":{n}", "k".repeat(100))).collect();
        let violations = judge(&schema, &format!("{{{}}}", many.join(","))).unwrap_err();
        assert!((5..=10).contains(&violations.len()));
        assert!(serde_json::to_string(&violations).unwrap().len() <= 2 * 1024);
        let closed = json!({"properties": {"c": {}}, "additionalProperties": false});
        assert_eq!(
            judge(&closed, r#"{"a":1,"b":2}"#).unwrap_err()[0].message,
            "2 properties that the schema does not know"
        );
        let empty = judge(&json!({"additionalProperties": false}), r#"{"a":1}"#).unwrap_err();
        assert_eq!(
            (empty[0].keyword.as_str(), empty[0].pointer.as_str()),
            ("additionalProperties", "")
        );
    }

    #[test]
    fn as_many_violations_are_told_as_there_is_room_for() {
        let size = |violation: &Violation| {
            let limit = violation.limit.as_ref().map_or(0, String::len);
            violation.pointer.len() + violation.keyword.len() + limit + violation.message.len() + FRAME_BYTES
        };
        // What is long is the place, or the limit.
        for (length, wide) in (0..60).map(|n| (n * 2, 1)).chain((0..30).map(|n| (1, n * 40))) {
            let rule = json!({"enum": ["m".repeat(wide)]});
            let schema = json!({"additionalProperties": rule});
            let many: Vec<_> = (10..22).map(|n| format!("\"{}{n}\":2", "k".repeat(length))).collect();
            let violations = judge(&schema, &format!("{{{}}}", many.join(","))).unwrap_err();
            let total: usize = violations.iter().map(size).sum();
            let one_more = total + violations.first().map_or(MAX_BYTES, size);
            assert!(total <= MAX_BYTES, "{length} {wide}: {total}");
            assert!(
                violations.len() == MAX_VIOLATIONS || one_more > MAX_BYTES,
                "{length} {wide}: {total}"
            );
        }
    }

    #[test]
    fn a_text_is_cut_between_two_characters() {
        for text in ["abcdefghij", "éééééééééé", "aéaéaéaéaé", "€€€€€€€€", "😀😀😀😀😀"]
        {
            for bytes in 7..=text.len() + 1 {
                let cut = cut(text, bytes);
                assert!(
                    cut.len() <= bytes && cut.len() + 4 > bytes.min(text.len()),
                    "{text} {bytes}: {cut}"
                );
                let kept = cut.strip_suffix('…').unwrap_or(text);
                assert!(
                    text.starts_with(kept) && (cut == text) == (bytes >= text.len()),
                    "{cut}"
                );
            }
        }
    }

    #[test]
    fn a_key_of_the_event_is_not_repeated() {
        let schema = json!({"propertyNames": {"pattern": "^a"}});
        let violations = judge(&schema, r#"{"secretname@x.org": 1}"#).unwrap_err();
        assert_eq!(violations[0].keyword, "propertyNames");
        assert!(!violations[0].message.contains("secretname"), "{violations:?}");
        assert_eq!(judge(&json!(false), "{}").unwrap_err()[0].keyword, "false");
    }

    #[test]
    fn where_rules_and_values_multiply_the_first_violation_will_do() {
        let rules: Vec<_> = (0..150)
            .map(|n| json!({"properties": {"a": {"items": {"enum": [format!("x{n}")]}}}}))
            .collect();
        let payload = format!("{{\"a\":[{}]}}", vec!["0"; 1_900].join(","));
        assert_eq!(judge(&json!({"allOf": rules}), &payload).unwrap_err().len(), 1);
    }

    #[test]
    fn what_is_wrong_with_a_schema_has_a_name_and_a_place() {
        let codes = [
            SchemaErrorCode::RefNotAllowed,
            SchemaErrorCode::PatternUnsupported,
            SchemaErrorCode::TooComplex,
            SchemaErrorCode::Invalid,
        ];
        for code in codes {
            assert_eq!(code.to_string(), code.as_str());
            assert!(code.as_str().starts_with("schema_"));
            assert_eq!(codes.iter().filter(|other| other.as_str() == code.as_str()).count(), 1);
        }
        let error = Schema::compile(&json!({"properties": {"a": {"type": "nothing"}}})).unwrap_err();
        let told = format!("schema_invalid at {}: ", error.pointer);
        assert!(
            !error.pointer.is_empty() && error.to_string().starts_with(&told),
            "{error}"
        );
    }

    #[test]
    fn nothing_is_fetched() {
        for reference in [
            "http://127.0.0.1/x.json",
            "file:///etc/passwd",
            "other.json",
            "//host/x",
        ] {
            assert_eq!(
                code(&json!({"properties": {"a": {"$ref": reference}}})),
                SchemaErrorCode::RefNotAllowed
            );
        }
        assert_eq!(
            code(&json!({"$schema": "http://example.com/schema"})),
            SchemaErrorCode::RefNotAllowed
        );
        assert_eq!(
            code(&json!({"$ref": "#/$defs/nowhere"})),
            SchemaErrorCode::RefNotAllowed
        );
        // A property may well be called `$ref`.
        assert!(Schema::compile(&json!({"properties": {"$ref": {"type": "string"}}, "const": {"$ref": "x"}})).is_ok());
    }

    #[test]
    fn patterns_are_linear() {
        for pattern in ["(?=a)b", "(a)\\1", "a{1000000}", &"a".repeat(513), "("] {
            let schema = json!({"properties": {"a": {"pattern": pattern}}});
            assert_eq!(code(&schema), SchemaErrorCode::PatternUnsupported, "{pattern}");
            let schema = json!({"patternProperties": {pattern: {}}});
            assert_eq!(code(&schema), SchemaErrorCode::PatternUnsupported, "{pattern}");
        }
    }

    #[test]
    fn size_depth_and_branching_are_bounded() {
        assert_eq!(
            code(&json!({"description": "x".repeat(65 * 1024)})),
            SchemaErrorCode::TooComplex
        );
        let mut deep = json!({});
        for _ in 0..40 {
            deep = json!({"not": deep});
        }
        assert_eq!(code(&deep), SchemaErrorCode::TooComplex);
        let many: Vec<_> = (0..1_001).map(|n| json!({"minLength": n})).collect();
        assert_eq!(code(&json!({"anyOf": many})), SchemaErrorCode::TooComplex);
        let mut chain = serde_json::Map::new();
        for n in 0..30 {
            let next = json!({"$ref": format!("#/$defs/s{}", n + 1)});
            chain.insert(format!("s{n}"), json!({"anyOf": [next, next]}));
        }
        chain.insert("s30".into(), json!({"type": "string"}));
        assert_eq!(
            code(&json!({"$defs": chain.clone(), "$ref": "#/$defs/s0"})),
            SchemaErrorCode::TooComplex
        );
        // What was evaluated is found out by walking the branches again, at every level.
        let mut levels = serde_json::Map::new();
        for n in 0..30 {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            levels.insert(
                format!("d{n}"),
                json!({"anyOf": [next, {}], "unevaluatedProperties": false}),
            );
        }
        levels.insert("d30".into(), json!({"unevaluatedProperties": false}));
        assert_eq!(
            code(&json!({"$defs": levels, "$ref": "#/$defs/d0"})),
            SchemaErrorCode::TooComplex
        );
        // A schema with an `$id` is a document of its own: a reference in there begins there, whatever stands outside.
        let mut outside = chain.clone();
        outside.values_mut().for_each(|it| *it = json!({}));
        let own = json!({"$id": "urn:own", "$defs": chain, "$ref": "#/$defs/s0"});
        assert_eq!(
            code(&json!({"$defs": outside, "properties": {"own": own}})),
            SchemaErrorCode::TooComplex
        );
        let tree = json!({"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}});
        assert!(Schema::compile(&tree).is_ok());
    }

    #[test]
    fn schemas_at_their_bounds_are_taken() {
        let long = |bytes: usize| json!({"description": "x".repeat(bytes - r#"{"description":""}"#.len())});
        let deep = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({"not": inner}));
        let wide = |count: usize| json!({"anyOf": vec![json!({}); count - 1]});
        let documents = |count: usize| {
            let own = |number: usize| (number.to_string(), json!({"$id": format!("urn:{number}")}));
            json!({"$defs": (1..count).map(own).collect::<serde_json::Map<_, _>>()})
        };
        let pattern = |length: usize| json!({"pattern": "a".repeat(length)});
        for (most, more) in [
            (long(64 * 1024), long(64 * 1024 + 1)),
            (deep(32), deep(33)),
            (wide(1_000), wide(1_001)),
            (documents(100), documents(101)),
        ] {
            assert!(Schema::compile(&most).is_ok(), "{:?}", Schema::compile(&most));
            assert_eq!(code(&more), SchemaErrorCode::TooComplex);
        }
        assert!(Schema::compile(&pattern(512)).is_ok());
        assert_eq!(code(&pattern(513)), SchemaErrorCode::PatternUnsupported);
    }

    #[test]
    fn what_is_no_schema() {
        assert_eq!(code(&json!({"type": "strin"})), SchemaErrorCode::Invalid);
        assert_eq!(code(&json!(7)), SchemaErrorCode::Invalid);
        assert_eq!(
            code(&json!({"properties": {"a": {"format": "colour"}}})),
            SchemaErrorCode::Invalid
        );
        assert!(Schema::compile(&json!(true)).is_ok());
    }
}
