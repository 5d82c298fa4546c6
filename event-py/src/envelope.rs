//! Keyword arguments → the envelope of an event.

use event_core::event::EventBuilder;
use event_core::timestamp::TimestampError;
use event_core::{Code, Event, Limits, Refusal, Timestamp};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::error;
use crate::value;

/// What the caller has said of an event, beside its data.
pub(crate) struct Envelope<'a, 'py> {
    pub(crate) category: &'a Bound<'py, PyString>,
    pub(crate) name: &'a Bound<'py, PyString>,
    pub(crate) id: Option<&'a Bound<'py, PyString>>,
    pub(crate) version: Option<&'a Bound<'py, PyString>>,
    pub(crate) session_id: Option<&'a Bound<'py, PyString>>,
    pub(crate) sequence: Option<u64>,
    pub(crate) source: Option<&'a Bound<'py, PyString>>,
    pub(crate) subject: Option<&'a Bound<'py, PyString>>,
    pub(crate) occurred_at: Option<&'a Bound<'py, PyAny>>,
}

impl Envelope<'_, '_> {
    /// The event with this data; its grammar is not looked at yet.
    pub(crate) fn event(&self, data: Option<&Bound<'_, PyAny>>) -> PyResult<EventBuilder> {
        let mut event = Event::builder(text(self.category, "category")?, text(self.name, "name")?);
        if let Some(id) = self.id {
            event = event.id(text(id, "id")?);
        }
        if let Some(version) = self.version {
            event = event.version(text(version, "version")?);
        }
        if let Some(session_id) = self.session_id {
            event = event.session_id(text(session_id, "session_id")?);
        }
        if let Some(source) = self.source {
            event = event.source(text(source, "source")?);
        }
        if let Some(subject) = self.subject {
            event = event.subject(text(subject, "subject")?);
        }
        if let Some(sequence) = self.sequence {
            event = event.sequence(sequence);
        }
        if let Some(at) = self.occurred_at {
            event = event.occurred_at(instant(at)?);
        }
        match data {
            Some(data) => Ok(event.text(value::text(data, &Limits::DEFAULT)?)),
            None => Ok(event),
        }
    }
}

/// A text of the envelope.
fn text<'a>(text: &'a Bound<'_, PyString>, field: &str) -> PyResult<&'a str> {
    text.to_str().map_err(|_| {
        let refusal = Refusal::new(
            Code::InvalidUnicode,
            format!("/{field}"),
            "a string holds a lone surrogate",
        );
        error::refused(text.py(), &refusal)
    })
}

/// A time of the envelope.
fn instant(at: &Bound<'_, PyAny>) -> PyResult<Timestamp> {
    let py = at.py();
    let refused = |message: String| error::refused(py, &Refusal::new(Code::InvalidTimestamp, "/occurred_at", message));
    let text = match at.cast::<PyString>() {
        Ok(text) => self::text(text, "occurred_at")?.to_owned(),
        Err(_) => match value::instant(at) {
            Ok(Some(text)) => text,
            Ok(None) => {
                let message = format!("a time is a datetime or text, not {}", value::type_name(at));
                return Err(error::not_json(py, "/occurred_at", &message));
            }
            Err(error) if error.is_instance_of::<PyValueError>(py) => {
                return Err(refused(
                    "a datetime has no time zone: give it one, say timezone.utc".to_owned(),
                ));
            }
            Err(error) => return Err(error),
        },
    };
    text.parse().map_err(|error: TimestampError| refused(error.to_string()))
}
