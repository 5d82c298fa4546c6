//! The JSON text of an event, judged while it is read: for those who ask for the verdict alone.

use chrono_tz::Tz;

use crate::limits::Limits;
use crate::name::{EventId, SessionId, Source, Subject};
use crate::schema::{Glance, Known, Schema};
use crate::timestamp::Timestamp;

/// What an event says of itself. That category, name and version keep to their grammar is not looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Said<'a> {
    /// What it belongs to.
    pub category: &'a str,
    /// What happened.
    pub name: &'a str,
    /// The version of its type.
    pub version: Option<&'a str>,
    /// When it happened; nothing if it does not say.
    pub occurred_at: Option<Timestamp>,
}

/// Reads an event's text and judges its data at once, by the schema that `schema` has for what the event says of
/// itself, `Some(None)` where any object will do. Nothing is answered, which is no more than a reason to look closer,
/// if anything is wrong or unusual, if there is no data, or if `schema` answers nothing.
///
/// ```
/// use event_core::{Limits, Schema, registry::glance};
/// let schema = Schema::compile(&serde_json::json!({"required": ["value"]}))?;
/// let text = br#"{"category": "order", "name": "created", "data": {"value": 12.5}}"#;
/// let said = glance(text, chrono_tz::Tz::UTC, &Limits::default(), |_| Some(Some(&schema)));
/// assert_eq!(said.unwrap().name, "created");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn glance<'a, 'r>(
    text: &'a [u8],
    zone: Tz,
    limits: &Limits,
    schema: impl Fn(&Said<'a>) -> Option<Option<&'r Schema>>,
) -> Option<Said<'a>> {
    if text.len() > limits.event_bytes {
        return None;
    }
    let mut reading = Reading {
        zone,
        said: Said::default(),
        data: None,
        schema,
    };
    let mut glance = Glance::of(std::str::from_utf8(text).ok()?, limits);
    glance.peek();
    glance.members(|glance, key| reading.member(glance, key))?;
    if !glance.is_over() {
        return None;
    }
    reading.finish(&mut glance)
}

/// Data that was read.
struct Data<'a, 'r> {
    at: usize,
    /// What it was judged by: the event may have said more behind it.
    said: Said<'a>,
    schema: Option<&'r Schema>,
}

struct Reading<'a, 'r, F> {
    zone: Tz,
    said: Said<'a>,
    data: Option<Data<'a, 'r>>,
    schema: F,
}

impl<'a, 'r, F: Fn(&Said<'a>) -> Option<Option<&'r Schema>>> Reading<'a, 'r, F> {
    fn member(&mut self, glance: &mut Glance<'a>, key: &str) -> Option<Known> {
        let zone = self.zone;
        let said = &mut self.said;
        match key {
            "data" => self.data(glance)?,
            // Null counts as absent everywhere but in `data`.
            _ if glance.peek() == b'n' => glance.value(None, 0)?,
            "category" => said.category = glance.plain_string()?,
            "name" => said.name = glance.plain_string()?,
            "version" => said.version = Some(glance.plain_string()?),
            "id" => text(glance, EventId::is)?,
            "session_id" => text(glance, SessionId::is)?,
            "source" => text(glance, Source::is)?,
            "subject" => text(glance, Subject::is)?,
            "sequence" => drop(glance.integer().filter(|number| *number >= 0)?),
            // One of them, not both.
            "occurred_at" | "timestamp" if said.occurred_at.is_none() => {
                said.occurred_at = Some(time(glance, zone)?);
            }
            "occurred_at" | "timestamp" => return None,
            "sent_at" => drop(time(glance, zone)?),
            _ => glance.value(None, 0)?,
        }
        Some(Known::No)
    }

    fn data(&mut self, glance: &mut Glance<'a>) -> Option<()> {
        let at = glance.at();
        if glance.peek() != b'{' {
            return None;
        }
        // Without a type there is no schema yet.
        let typed = !self.said.category.is_empty() && !self.said.name.is_empty();
        let schema = if typed { (self.schema)(&self.said)? } else { None };
        self.data = Some(Data {
            at,
            said: self.said,
            schema,
        });
        judge(glance, schema)
    }

    fn finish(self, glance: &mut Glance<'a>) -> Option<Said<'a>> {
        let (said, data) = (self.said, self.data?);
        if said.category.is_empty() || said.name.is_empty() {
            return None;
        }
        let by = |said: &Said<'a>| (said.category, said.name, said.version);
        if by(&said) != by(&data.said) {
            let schema = (self.schema)(&said)?;
            if schema.map(std::ptr::from_ref) != data.schema.map(std::ptr::from_ref) {
                glance.go(data.at);
                judge(glance, schema)?;
            }
        }
        Some(said)
    }
}

fn judge(glance: &mut Glance<'_>, schema: Option<&Schema>) -> Option<()> {
    let outline = match schema {
        Some(schema) => schema.outline()?,
        None => None,
    };
    glance.value(outline, 0)
}

fn time(glance: &mut Glance<'_>, zone: Tz) -> Option<Timestamp> {
    Timestamp::parse_in(glance.plain_string()?, zone).ok()
}

fn text(glance: &mut Glance<'_>, is: fn(&str) -> bool) -> Option<()> {
    glance.plain_string().filter(|text| is(text)).map(drop)
}
