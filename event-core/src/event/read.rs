//! JSON object → event: every envelope field is read, and everything that is wrong is named.

use std::str::FromStr;

use serde_json::value::RawValue;

use super::{ContentHash, Event, Reception};
use crate::code::Code;
use crate::envelope::Envelope;
use crate::event_type::EventType;
use crate::flag::{Flag, Flags};
use crate::json::{Kind, Node, Payload};
use crate::name::{Label, NameError};
use crate::refusal::{Claims, Refusal};
use crate::timestamp::Timestamp;
use crate::violation::Violation;

/// The members of an event as they were sent.
#[derive(Default)]
struct Fields<'a> {
    id: Option<Node<'a>>,
    category: Option<Node<'a>>,
    name: Option<Node<'a>>,
    version: Option<Node<'a>>,
    session_id: Option<Node<'a>>,
    sequence: Option<Node<'a>>,
    source: Option<Node<'a>>,
    subject: Option<Node<'a>>,
    occurred_at: Option<Node<'a>>,
    timestamp: Option<Node<'a>>,
    sent_at: Option<Node<'a>>,
    data: Option<Node<'a>>,
    ignored: usize,
}

impl<'a> Fields<'a> {
    fn of(object: Node<'a>) -> Self {
        let mut fields = Fields::default();
        for (key, value) in object.members() {
            let slot = match key.as_ref() {
                // Null counts as absent everywhere but in `data`, where it is no object.
                "data" => &mut fields.data,
                _ if value.is_null() => continue,
                "id" => &mut fields.id,
                "category" => &mut fields.category,
                "name" => &mut fields.name,
                "version" => &mut fields.version,
                "session_id" => &mut fields.session_id,
                "sequence" => &mut fields.sequence,
                "source" => &mut fields.source,
                "subject" => &mut fields.subject,
                "occurred_at" => &mut fields.occurred_at,
                "timestamp" => &mut fields.timestamp,
                "sent_at" => &mut fields.sent_at,
                _ => {
                    fields.ignored += 1;
                    continue;
                }
            };
            *slot = Some(value);
        }
        fields
    }
}

/// What is wrong so far; the first code is the verdict's.
#[derive(Default)]
struct Wrong {
    code: Option<Code>,
    violations: Vec<Violation>,
}

impl Wrong {
    fn add(&mut self, code: Code, pointer: impl Into<String>, message: impl Into<String>) {
        self.code.get_or_insert(code);
        self.violations.push(Violation::new(pointer, code.as_str(), message));
    }

    /// Reads a text field; what is wrong with it is noted, and `None` stands for it.
    fn text<T: FromStr<Err = NameError>>(&mut self, node: Option<Node<'_>>, field: &str, code: Code) -> Option<T> {
        let node = node?;
        match node.as_str().map(|text| text.parse()) {
            Some(Ok(value)) => return Some(value),
            Some(Err(error)) => self.add(code, format!("/{field}"), error.to_string()),
            None => self.add(code, format!("/{field}"), "this field is a string"),
        }
        None
    }

    fn time(&mut self, node: Option<Node<'_>>, field: &str, reception: &Reception<'_>) -> Option<Timestamp> {
        let node = node?;
        match node.as_str().map(|text| Timestamp::parse_in(&text, reception.zone)) {
            Some(Ok(at)) => return Some(at),
            Some(Err(error)) => self.add(error.code(), format!("/{field}"), error.to_string()),
            None => self.add(Code::InvalidTimestamp, format!("/{field}"), "a time is a string"),
        }
        None
    }
}

/// What a refused event says of itself, where it can be read at all.
pub(super) fn claims(bytes: &[u8]) -> Claims {
    // Only the members named here are looked at; what is wrong may well lie in another.
    #[derive(serde::Deserialize, Default)]
    #[serde(default)]
    struct Readable<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
        #[serde(borrow)]
        category: Option<&'a RawValue>,
        #[serde(borrow)]
        name: Option<&'a RawValue>,
        #[serde(borrow)]
        version: Option<&'a RawValue>,
        #[serde(borrow)]
        source: Option<&'a RawValue>,
        #[serde(borrow)]
        session_id: Option<&'a RawValue>,
        #[serde(borrow)]
        subject: Option<&'a RawValue>,
    }
    fn read<T: FromStr>(raw: Option<&RawValue>) -> Option<T> {
        serde_json::from_str::<String>(raw?.get()).ok()?.parse().ok()
    }
    let readable: Readable<'_> = serde_json::from_slice(bytes).unwrap_or_default();
    let event_type = read(readable.category).zip(read(readable.name));
    Claims {
        id: read(readable.id),
        event_type: event_type.map(|(category, name)| EventType { category, name }),
        version: read(readable.version),
        source: read(readable.source),
        session_id: read(readable.session_id),
        subject: read(readable.subject),
    }
}

pub(super) fn event(object: Node<'_>, reception: &Reception<'_>) -> Result<Event, Refusal> {
    if object.kind() != Kind::Object {
        return Err(Refusal::new(Code::InvalidEnvelope, "", "an event is a JSON object"));
    }
    let fields = Fields::of(object);
    let mut wrong = Wrong::default();
    let id = wrong.text(fields.id, "id", Code::InvalidId);
    let category: Option<Label> = wrong.text(fields.category, "category", Code::InvalidType);
    let name: Option<Label> = wrong.text(fields.name, "name", Code::InvalidType);
    let version = wrong.text(fields.version, "version", Code::InvalidType);
    let code = Code::InvalidEnvelope;
    let session_id = wrong.text(fields.session_id, "session_id", code);
    let source = wrong.text(fields.source, "source", code);
    let subject = wrong.text(fields.subject, "subject", code);
    let sequence = fields
        .sequence
        .and_then(|node| node.as_number())
        .and_then(|number| number.as_i64());
    if fields.sequence.is_some() && sequence.is_none_or(|sequence| sequence < 0) {
        wrong.add(code, "/sequence", "a sequence is an integer from 0");
    }
    for (field, node) in [("category", fields.category), ("name", fields.name)] {
        if node.is_none() {
            wrong.add(Code::InvalidType, format!("/{field}"), "this field is required");
        }
    }
    if fields.occurred_at.is_some() && fields.timestamp.is_some() {
        wrong.add(
            Code::DuplicateKey,
            "/timestamp",
            "\"timestamp\" is another name of \"occurred_at\": send one of them",
        );
    }
    let (time_field, time) = match fields.occurred_at {
        Some(node) => ("occurred_at", Some(node)),
        None => ("timestamp", fields.timestamp),
    };
    let occurred_at = wrong.time(time, time_field, reception);
    let sent_at = wrong.time(fields.sent_at, "sent_at", reception);
    let payload = fields.data.map_or_else(
        || Ok(Payload::empty()),
        |data| Payload::from_node(data, &reception.limits),
    );
    let payload = payload.map_err(|error| {
        let Refusal { code, violations, .. } = Refusal::from(error);
        for Violation { pointer, message, .. } in violations {
            wrong.add(code, format!("/data{pointer}"), message);
        }
    });

    let event_type = category.zip(name).map(|(category, name)| EventType { category, name });
    let (event_type, payload) = match (event_type, payload, wrong.code) {
        (Some(event_type), Ok(payload), None) => (event_type, payload),
        (event_type, _, code) => {
            let claims = Box::new(Claims {
                id,
                event_type,
                version,
                source,
                session_id,
                subject,
            });
            return Err(Refusal {
                // It is set wherever a part is missing.
                code: code.unwrap_or(Code::InvalidEnvelope),
                violations: wrong.violations,
                claims,
            });
        }
    };
    let mut flags = Flags::NONE;
    for (flag, applies) in [
        (Flag::NoTimestamp, occurred_at.is_none()),
        (Flag::NoId, id.is_none()),
        (Flag::IgnoredFields, fields.ignored > 0),
    ] {
        flags = if applies { flags.with(flag) } else { flags };
    }
    let envelope = Envelope {
        id: id.unwrap_or_else(|| (reception.new_id)()),
        event_type,
        version,
        session_id,
        sequence,
        source: source.unwrap_or_else(|| reception.source.clone()),
        subject,
        occurred_at: occurred_at.unwrap_or(reception.received_at),
        sent_at,
    };
    let content_hash = content_hash(&envelope, occurred_at, &payload);
    Ok(Event {
        envelope,
        payload,
        flags,
        content_hash,
    })
}

/// Hashes what the sender said: each text behind its length, so that no two events run together.
fn content_hash(envelope: &Envelope, occurred_at: Option<Timestamp>, payload: &Payload) -> ContentHash {
    let texts = [
        Some(envelope.event_type.category.as_str()),
        Some(envelope.event_type.name.as_str()),
        envelope.version.as_ref().map(Label::as_str),
        envelope.session_id.as_ref().map(|session| session.as_str()),
        envelope.subject.as_ref().map(|subject| subject.as_str()),
        Some(payload.as_str()),
    ];
    let mut bytes = Vec::with_capacity(payload.as_str().len() + 256);
    for text in texts {
        // Absent is not the same as empty.
        bytes.extend(text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
        bytes.extend(text.unwrap_or_default().as_bytes());
    }
    bytes.extend(envelope.sequence.unwrap_or(-1).to_le_bytes());
    bytes.extend(occurred_at.map_or(-1, Timestamp::as_micros).to_le_bytes());
    let mut short = ContentHash::default();
    short.copy_from_slice(&blake3::hash(&bytes).as_bytes()[..16]);
    short
}
