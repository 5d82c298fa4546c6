//! Foreign records → events, declared as data: which place of a document becomes which field of
//! the envelope. What is not declared is not touched, and nothing is guessed.

mod cloud_event;
mod decode;

pub use cloud_event::cloud_event;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::code::Code;
use crate::event::{Event, Reception};
use crate::event_type::EventType;
use crate::json::{Document, Pointer};
use crate::limits::Limits;
use crate::name::Label;
use crate::refusal::Refusal;

/// How foreign documents (flat JSON, CSV rows) become events of one type.
///
/// As JSON, every rule is a JSON pointer into the document, or `{"const": "text"}`:
///
/// ```
/// use event_core::{EventType, Mapping};
/// # let source = event_core::Source::new("shop")?;
/// # let reception = event_core::event::Reception {
/// #     received_at: "2021-01-01T09:15:28Z".parse()?, source: &source, zone: chrono_tz::Tz::UTC,
/// #     limits: Default::default(), new_id: &|| event_core::EventId::new("made-here").unwrap(),
/// # };
/// let mapping: Mapping = serde_json::from_str(r#"{
///     "id": "/event_id",
///     "subject": "/user",
///     "decode": ["/address"],
///     "numbers": ["/line_items/*/quantity"]
/// }"#)?;
/// let document = br#"{"event_id": "o-1", "user": "66f6", "address": "{\"city\":\"Boise\"}",
///                     "line_items": [{"quantity": "2"}]}"#;
/// let event = mapping.lift(document, &EventType::new("order", "created")?, None, &reception)?;
/// assert_eq!(event.envelope().id.as_str(), "o-1");
/// assert_eq!(
///     event.payload().as_str(),
///     r#"{"address":{"city":"Boise"},"event_id":"o-1","line_items":[{"quantity":2}],"user":"66f6"}"#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// The event's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Rule>,
    /// Its category, where documents of several types come mixed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Rule>,
    /// Its name, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Rule>,
    /// The version of its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Rule>,
    /// Its session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Rule>,
    /// Its number inside the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<Rule>,
    /// The application it is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Rule>,
    /// Whom it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Rule>,
    /// When it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Rule>,
    /// When it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Rule>,
    /// Places that may hold JSON inside a string, once or several times over; a token `*` stands
    /// for every member or element. What is no string there stays as it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decode: Vec<Pointer>,
    /// Places whose strings are numbers, by the grammar of JSON; other strings stay as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<Pointer>,
    /// What becomes the event's data; without it, the whole document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<DataRule>,
}

/// Where a field comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Rule {
    /// From a place in the document; absent where the place is absent or null.
    From(Pointer),
    /// The same text for every document.
    Const {
        /// The text.
        r#const: String,
    },
}

/// Where an event's data comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DataRule {
    /// An object inside the document.
    From(Pointer),
    /// Its members one by one.
    Members(BTreeMap<String, Rule>),
}

/// What is said of documents by whoever sends them, where they do not say it themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Defaults<'a> {
    /// The category of their type.
    pub category: Option<&'a Label>,
    /// Its name.
    pub name: Option<&'a Label>,
    /// Its version.
    pub version: Option<&'a Label>,
}

impl Mapping {
    /// Lifts a foreign JSON document into an event of a type.
    ///
    /// # Errors
    /// A [`Refusal`] whose pointers name places in the foreign document where they can.
    pub fn lift(
        &self,
        bytes: &[u8],
        event_type: &EventType,
        version: Option<&Label>,
        reception: &Reception<'_>,
    ) -> Result<Event, Refusal> {
        self.lift_with(bytes, &Defaults::of(event_type, version), reception)
    }

    /// The same for documents whose types are in themselves, or only in part.
    ///
    /// # Errors
    /// As [`Mapping::lift`].
    pub fn lift_with(
        &self,
        bytes: &[u8],
        defaults: &Defaults<'_>,
        reception: &Reception<'_>,
    ) -> Result<Event, Refusal> {
        let limits = &reception.limits;
        if bytes.len() > limits.event_bytes {
            let message = format!(
                "the document has {} bytes, the limit is {}",
                bytes.len(),
                limits.event_bytes
            );
            return Err(Refusal::new(Code::EventTooLarge, "", message));
        }
        let document = Document::parse(bytes, &limits.of_document())?.root().to_value();
        self.lift_value(document, defaults, reception)
    }

    /// Lifts one row of a table: its cells become strings of a flat document, under the names of
    /// their columns.
    ///
    /// # Errors
    /// As [`Mapping::lift`].
    pub fn lift_row<'a>(
        &self,
        cells: impl IntoIterator<Item = (&'a str, &'a str)>,
        defaults: &Defaults<'_>,
        reception: &Reception<'_>,
    ) -> Result<Event, Refusal> {
        let cells = cells
            .into_iter()
            .map(|(column, cell)| (column.to_owned(), Value::from(cell)));
        self.lift_value(Value::Object(cells.collect()), defaults, reception)
    }

    fn lift_value(
        &self,
        mut document: Value,
        defaults: &Defaults<'_>,
        reception: &Reception<'_>,
    ) -> Result<Event, Refusal> {
        if !document.is_object() {
            return Err(Refusal::new(Code::InvalidEnvelope, "", "a document is a JSON object"));
        }
        for place in &self.decode {
            decode::strings(&mut document, place, &reception.limits)?;
        }
        for place in &self.numbers {
            decode::numbers(&mut document, place);
        }
        let mut envelope = Map::new();
        for (field, rule) in self.rules() {
            if let Some(value) = rule.and_then(|rule| rule.value(&document, field == "sequence")) {
                envelope.insert(field.to_owned(), value);
            }
        }
        let defaults = [
            ("category", defaults.category),
            ("name", defaults.name),
            ("version", defaults.version),
        ];
        for (field, default) in defaults {
            if let Some(default) = default {
                envelope.entry(field).or_insert_with(|| default.as_str().into());
            }
        }
        envelope.insert("data".to_owned(), self.data(document));
        // Through the same door as any other event: one grammar, one set of codes.
        let limits = Limits {
            event_bytes: usize::MAX,
            ..reception.limits
        };
        let reception = Reception { limits, ..*reception };
        let text = Value::Object(envelope).to_string();
        Event::from_slice(text.as_bytes(), &reception).map_err(|refusal| self.relocate(refusal))
    }

    fn rules(&self) -> [(&'static str, Option<&Rule>); 10] {
        [
            ("id", self.id.as_ref()),
            ("category", self.category.as_ref()),
            ("name", self.name.as_ref()),
            ("version", self.version.as_ref()),
            ("session_id", self.session_id.as_ref()),
            ("sequence", self.sequence.as_ref()),
            ("source", self.source.as_ref()),
            ("subject", self.subject.as_ref()),
            ("occurred_at", self.occurred_at.as_ref()),
            ("sent_at", self.sent_at.as_ref()),
        ]
    }

    fn data(&self, mut document: Value) -> Value {
        match &self.data {
            None => document,
            Some(DataRule::From(place)) => document
                .pointer_mut(&place.to_string())
                .map(Value::take)
                .unwrap_or_default(),
            Some(DataRule::Members(members)) => {
                let member = |(key, rule): (&String, &Rule)| {
                    let value = match rule {
                        Rule::From(place) => decode::find(&document, place).cloned(),
                        Rule::Const { r#const } => Some(Value::from(r#const.as_str())),
                    };
                    value.map(|value| (key.clone(), value))
                };
                Value::Object(members.iter().filter_map(member).collect())
            }
        }
    }

    /// Points at the place in the foreign document that a field came from.
    fn relocate(&self, mut refusal: Refusal) -> Refusal {
        for violation in &mut refusal.violations {
            let field = violation.pointer.strip_prefix('/').unwrap_or_default();
            let rule = self
                .rules()
                .into_iter()
                .find(|(name, _)| *name == field)
                .and_then(|(_, rule)| rule);
            if let Some(Rule::From(place)) = rule {
                violation.pointer = place.to_string();
            }
        }
        refusal
    }
}

impl<'a> Defaults<'a> {
    /// All of a type.
    #[must_use]
    pub fn of(event_type: &'a EventType, version: Option<&'a Label>) -> Self {
        Defaults {
            category: Some(&event_type.category),
            name: Some(&event_type.name),
            version,
        }
    }
}

impl Rule {
    /// The field's value: a scalar, as text unless it is asked for as a number.
    fn value(&self, document: &Value, as_number: bool) -> Option<Value> {
        let place = match self {
            Rule::Const { r#const } => return Some(Value::from(r#const.as_str())),
            Rule::From(place) => decode::find(document, place)?,
        };
        match place {
            Value::Null => None,
            Value::Number(number) if !as_number => Some(Value::from(number.to_string())),
            Value::String(text) if as_number => Some(text.parse::<i64>().map_or(place.clone(), Value::from)),
            other => Some(other.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{EventId, Source};
    use chrono_tz::Tz;

    fn lift(mapping: Value, document: &str) -> Result<Event, Refusal> {
        let mapping: Mapping = serde_json::from_value(mapping).unwrap();
        let source = Source::new("shop").unwrap();
        let reception = Reception {
            received_at: "2021-01-01T00:00:00Z".parse().unwrap(),
            source: &source,
            zone: Tz::UTC,
            limits: Limits::default(),
            new_id: &|| EventId::new("made-here").unwrap(),
        };
        mapping.lift(
            document.as_bytes(),
            &EventType::new("order", "created").unwrap(),
            None,
            &reception,
        )
    }

    #[test]
    fn an_encoded_document_is_the_same_event_as_the_plain_one() {
        let rules = serde_json::json!({"id": "/id", "decode": ["/address", "/items", "/items/*/tags"]});
        let plain = lift(
            rules.clone(),
            r#"{"id":"1","address":{"a":1},"items":[{"tags":["x"]}]}"#,
        )
        .unwrap();
        let inner = serde_json::json!([{"tags": "[\"x\"]"}]).to_string();
        let twice = serde_json::to_string(&inner).unwrap();
        let document = serde_json::json!({"id": "1", "address": "{\"a\":1}", "items": twice}).to_string();
        let encoded = lift(rules, &document).unwrap();
        assert_eq!(encoded, plain);
    }

    #[test]
    fn a_star_stands_for_every_member_as_for_every_element() {
        let rules = serde_json::json!({"id": "/id", "decode": ["/carts/*"]});
        for (plain, encoded) in [
            (r#"{"a":{"x":1},"b":[2]}"#, r#"{"a":"{\"x\":1}","b":"[2]"}"#),
            (r#"[{"x":1},[2]]"#, r#"["{\"x\":1}","[2]"]"#),
        ] {
            let [plain, encoded] = [plain, encoded].map(|carts| {
                let document = format!(r#"{{"id":"1","carts":{carts}}}"#);
                lift(rules.clone(), &document).unwrap()
            });
            assert_eq!(encoded, plain);
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_refused_where_it_stands() {
        let rules = serde_json::json!({"decode": ["/address"]});
        for text in ["{\"a\":", "plain text", "{\"a\":1,\"a\":2}"] {
            let document = serde_json::json!({"address": text}).to_string();
            let refusal = lift(rules.clone(), &document).unwrap_err();
            assert!(refusal.violations[0].pointer.starts_with("/address"), "{refusal:?}");
        }
    }

    #[test]
    fn a_string_that_holds_no_json_is_another_thing_than_too_much() {
        let rules = serde_json::json!({"decode": ["/address"]});
        let deep = "[".repeat(200) + &"]".repeat(200);
        for (text, code) in [
            ("plain text", Code::MappingFailed),
            ("7", Code::MappingFailed),
            ("{\"a\":1,\"a\":2}", Code::DuplicateKey),
            (&deep, Code::TooDeep),
        ] {
            let document = serde_json::json!({"address": text}).to_string();
            assert_eq!(lift(rules.clone(), &document).unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn a_document_has_a_size() {
        let limit = Limits::default().event_bytes;
        let document = |length: usize| format!("{{\"a\":1}}{}", " ".repeat(length - 7));
        assert!(lift(serde_json::json!({}), &document(limit)).is_ok());
        let refusal = lift(serde_json::json!({}), &document(limit + 1)).unwrap_err();
        assert_eq!(refusal.code, Code::EventTooLarge);
    }

    #[test]
    fn numbers_are_read_only_where_declared_and_only_as_json_writes_them() {
        let rules = serde_json::json!({"numbers": ["/items/*/n", "/list/1", "/list/2", "/m/0"]});
        let event = lift(
            rules,
            r#"{"m":"1","items":[{"n":"2.50"},{"n":" 5 "},{"n":"0x10"},{"n":true}],"list":["1","2"]}"#,
        )
        .unwrap();
        assert_eq!(
            event.payload().as_str(),
            r#"{"items":[{"n":2.5},{"n":" 5 "},{"n":"0x10"},{"n":true}],"list":["1",2],"m":"1"}"#
        );
    }

    #[test]
    fn fields_are_lifted_and_their_faults_point_into_the_document() {
        let rules = serde_json::json!({
            "id": "/n", "subject": "/who", "occurred_at": "/when", "sequence": "/seq", "source": {"const": "import"},
            "data": {"kind": {"const": "x"}, "value": "/deep/value"}
        });
        let event = lift(
            rules.clone(),
            r#"{"n":7,"who":"c","when":"2021-01-01","seq":"3","deep":{"value":1}}"#,
        )
        .unwrap();
        let envelope = event.envelope();
        assert_eq!((envelope.id.as_str(), envelope.sequence), ("7", Some(3)));
        assert_eq!(
            (envelope.source.as_str(), event.payload().as_str()),
            ("import", r#"{"kind":"x","value":1}"#)
        );
        let refusal = lift(rules, r#"{"n":7,"who":"","when":"soon"}"#).unwrap_err();
        let places: Vec<_> = refusal
            .violations
            .iter()
            .map(|violation| violation.pointer.as_str())
            .collect();
        assert_eq!(places, ["/who", "/when"]);
    }
}
