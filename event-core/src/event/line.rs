//! Event under construction → JSON text, in one pass: what a sender does with every event.

use super::builder::Data;
use super::{EventBuilder, Reception};
use crate::json::{Text, digits, quote_into};
use crate::name::{EventId, Label, SessionId, Source, Subject};
use crate::refusal::Refusal;
use crate::timestamp::Timestamp;

impl EventBuilder {
    /// Appends the event as one line of JSON, without its line end, and answers its id. All that the
    /// receiver would have to add is written too: id, source and time.
    ///
    /// The text is the one that [`EventBuilder::build`] would have read, so that the receiver takes it
    /// if it has the same limits; that is found out several times faster than by `build`.
    ///
    /// # Errors
    /// The [`Refusal`] that [`EventBuilder::build`] gives; nothing is appended then.
    ///
    /// ```
    /// use event_core::Event;
    /// # let source = event_core::Source::new("shop")?;
    /// # let reception = event_core::event::Reception {
    /// #     received_at: "2021-01-01T09:15:28Z".parse()?, source: &source, zone: chrono_tz::Tz::UTC,
    /// #     limits: Default::default(), new_id: &|| event_core::EventId::new("made-here").unwrap(),
    /// # };
    /// let mut line = String::new();
    /// let id = Event::builder("order", "created").field("value", 12.5).write(&reception, &mut line)?;
    /// assert_eq!(id.as_str(), "made-here");
    /// assert_eq!(
    ///     line,
    ///     r#"{"category":"order","name":"created","id":"made-here","source":"shop","#.to_owned()
    ///         + r#""occurred_at":"2021-01-01T09:15:28Z","data":{"value":12.5}}"#,
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write(self, reception: &Reception<'_>, out: &mut String) -> Result<EventId, Refusal> {
        let start = out.len();
        match self.checked_id(reception) {
            // What has been written is no deeper than the limit: it may be dropped as it is.
            Some(id) if self.write_line(&id, reception, out) && out.len() - start <= reception.limits.event_bytes => {
                Ok(id)
            }
            _ => {
                out.truncate(start);
                // The long way knows what is wrong, and where.
                let event = self.build(reception)?;
                let line = serde_json::to_string(&event).unwrap_or_default();
                let (bytes, limit) = (line.len(), reception.limits.event_bytes);
                if bytes > limit {
                    return Err(Refusal::too_large(bytes, limit).with_claims(event.claims()));
                }
                out.push_str(&line);
                Ok(event.envelope().id.clone())
            }
        }
    }

    /// The same event with all that the receiver would have to add (id, source and time), so that it is
    /// known as the same however often it is written.
    #[must_use]
    pub fn stamped(mut self, reception: &Reception<'_>) -> Self {
        self.id.get_or_insert_with(|| (reception.new_id)().as_str().to_owned());
        self.source.get_or_insert_with(|| reception.source.as_str().to_owned());
        self.occurred_at.get_or_insert(reception.received_at);
        self
    }

    /// Its own id, or a new one; `None` if a part breaks its grammar.
    fn checked_id(&self, reception: &Reception<'_>) -> Option<EventId> {
        fn holds(check: fn(&str) -> bool, text: Option<&String>) -> bool {
            text.is_none_or(|text| check(text))
        }
        let names = holds(EventId::is, self.id.as_ref())
            && Label::is(&self.category)
            && Label::is(&self.name)
            && holds(Label::is, self.version.as_ref())
            && holds(SessionId::is, self.session_id.as_ref())
            && holds(Source::is, self.source.as_ref())
            && holds(Subject::is, self.subject.as_ref());
        if !names || self.wrong.is_some() || self.sequence.is_some_and(|number| i64::try_from(number).is_err()) {
            return None;
        }
        match &self.id {
            Some(id) => EventId::new(id).ok(),
            None => Some((reception.new_id)()),
        }
    }

    fn write_line(&self, id: &EventId, reception: &Reception<'_>, out: &mut String) -> bool {
        let stamp = Stamp {
            id: Some(id.as_str()),
            source: Some(self.source.as_deref().unwrap_or(reception.source.as_str())),
            occurred_at: Some(self.occurred_at.unwrap_or(reception.received_at)),
        };
        self.write_stamped(&stamp, out);
        out.push_str(",\"data\":");
        let good = match &self.data {
            Data::Members(members) => Text::of(members, &reception.limits)
                .map(|text| out.push_str(text.as_str()))
                .is_ok(),
            Data::Text(text) => {
                out.push_str(text.as_str());
                text.is_within(&reception.limits)
            }
        };
        out.push('}');
        good
    }

    /// Writes the members of the envelope that there are, behind an opening brace.
    pub(super) fn write_envelope(&self, out: &mut String) {
        let stamp = Stamp {
            id: self.id.as_deref(),
            source: self.source.as_deref(),
            occurred_at: self.occurred_at,
        };
        self.write_stamped(&stamp, out);
    }

    fn write_stamped(&self, stamp: &Stamp<'_>, out: &mut String) {
        let EventBuilder {
            id: _,
            category,
            name,
            version,
            session_id,
            sequence,
            source: _,
            subject,
            occurred_at: _,
            sent_at,
            data: _,
            wrong: _,
        } = self;
        out.push_str("{\"category\":");
        quote_into(out, category);
        let texts = [
            (",\"name\":", Some(name.as_str())),
            (",\"id\":", stamp.id),
            (",\"version\":", version.as_deref()),
            (",\"session_id\":", session_id.as_deref()),
            (",\"source\":", stamp.source),
            (",\"subject\":", subject.as_deref()),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                out.push_str(key);
                quote_into(out, text);
            }
        }
        if let Some(sequence) = sequence {
            out.push_str(",\"sequence\":");
            digits(*sequence, out);
        }
        for (key, time) in [
            (",\"occurred_at\":\"", stamp.occurred_at),
            (",\"sent_at\":\"", *sent_at),
        ] {
            if let Some(time) = time {
                out.push_str(key);
                time.write_to(out);
                out.push('"');
            }
        }
    }
}

/// What an event may leave to whoever takes it in.
struct Stamp<'a> {
    id: Option<&'a str>,
    source: Option<&'a str>,
    occurred_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;
    use crate::event::Event;
    use crate::limits::Limits;
    use proptest::prelude::*;
    use serde_json::Value;

    fn values() -> impl Strategy<Value = Value> {
        let number = prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            number,
            "[\\x00-\\x7f\u{80}-\u{10ffff}]{0,4}".prop_map(Value::from),
            "[a-z\"\\\\]{0,9}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-c\\x00\u{e9}]{0,2}|x{12,13}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn what_keeps_to_its_grammar_goes_the_short_way() {
        let source = Source::new("shop").unwrap();
        let reception = Reception {
            received_at: "2021-01-01".parse().unwrap(),
            source: &source,
            zone: chrono_tz::Tz::UTC,
            limits: Limits::default(),
            new_id: &|| EventId::new("made-here").unwrap(),
        };
        let event = || {
            Event::builder("order", "created")
                .version("1")
                .source("a")
                .session_id("s")
                .subject("u")
        };
        let id = |event: EventBuilder| event.checked_id(&reception).map(|id| id.to_string());
        assert_eq!(id(event()).as_deref(), Some("made-here"));
        assert_eq!(id(event().id("own").sequence(i64::MAX as u64)).as_deref(), Some("own"));
        for wrong in [
            Event::builder("", "created"),
            Event::builder("order", ""),
            event().id(""),
            event().version(""),
            event().source(""),
            event().session_id(""),
            event().subject(""),
            event().sequence(1 << 63),
        ] {
            assert_eq!(id(wrong), None);
        }
        // Of its session it has a number, or is to be given one.
        assert_eq!(
            (event().unnumbered(), event().sequence(1).unnumbered()),
            (Some("s"), None)
        );
        assert_eq!(Event::builder("order", "created").unnumbered(), None);
    }

    fn text() -> impl Strategy<Value = Option<String>> {
        prop::option::weighted(0.3, "[a-z ]{1,9}|[\\x00-\\x20\u{7f}\u{e9}]{0,2}|x{99,101}")
    }

    proptest! {
        #[test]
        fn one_pass_says_what_the_long_way_says(
            data in values(),
            texts in (text(), text(), text(), text(), text(), text(), text()),
            sequence in prop::option::of(any::<u64>()),
            at in prop::option::of(any::<i64>().prop_map(|at| at >> 8)),
        ) {
            let (category, version, session_id, source, subject, id, name) = texts;
            let mut builder = Event::builder(category.unwrap_or("order".into()), name.unwrap_or("created".into()));
            builder = builder.data(data);
            builder.version = version;
            builder.session_id = session_id;
            builder.source = source;
            builder.subject = subject;
            builder.id = id;
            builder.sequence = sequence;
            if let Some(at) = at.and_then(chrono::DateTime::from_timestamp_micros) {
                builder = builder.occurred_at(at);
            }
            let shop = Source::new("shop").unwrap();
            let reception = Reception {
                received_at: "2021-01-01T09:15:28.5Z".parse().unwrap(),
                source: &shop,
                zone: chrono_tz::Tz::UTC,
                limits: Limits { key_bytes: 12, ..Limits::default().with_depth(3).with_nodes(12).with_event_bytes(400) },
                new_id: &|| EventId::new("made-here").unwrap(),
            };
            let long = builder.clone().build(&reception);
            let mut line = String::from("before");
            let short = builder.write(&reception, &mut line);
            match (long, short) {
                (Ok(event), Ok(id)) => {
                    prop_assert_eq!(&event.envelope().id, &id);
                    let read = Event::from_slice(&line.as_bytes()[6..], &reception).unwrap();
                    prop_assert_eq!(read.envelope(), event.envelope());
                    prop_assert_eq!(read.payload(), event.payload());
                }
                (Err(long), Err(short)) => {
                    prop_assert_eq!(long.code, short.code);
                    if long.code != Code::EventTooLarge {
                        prop_assert_eq!(long.violations, short.violations);
                    }
                    prop_assert_eq!(line, "before");
                }
                // Only one line has an id, a source and a time: it may be the one that is too long.
                (Ok(_), Err(short)) => prop_assert_eq!(short.code, Code::EventTooLarge),
                (Err(long), Ok(id)) => prop_assert!(false, "{long:?} {id:?}"),
            }
        }
    }
}
