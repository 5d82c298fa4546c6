//! Keyword arguments → the envelope of an event.

use event_core::event::EventBuilder;
use event_core::timestamp::TimestampError;
use event_core::{Code, Event, Limits, Refusal, Timestamp};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString};

use crate::error;
use crate::value::{self, Instant};

/// What the caller has said of an event, beside its data.
pub(crate) struct Envelope<'a, 'py> {
    pub(crate) category: &'a Bound<'py, PyAny>,
    pub(crate) name: &'a Bound<'py, PyAny>,
    pub(crate) id: Option<&'a Bound<'py, PyAny>>,
    pub(crate) version: Option<&'a Bound<'py, PyAny>>,
    pub(crate) session_id: Option<&'a Bound<'py, PyAny>>,
    pub(crate) sequence: Option<&'a Bound<'py, PyAny>>,
    pub(crate) source: Option<&'a Bound<'py, PyAny>>,
    pub(crate) subject: Option<&'a Bound<'py, PyAny>>,
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
            event = event.sequence(number(sequence)?);
        }
        if let Some(at) = self.occurred_at {
            event = event.occurred_at(instant(at, "occurred_at")?);
        }
        match data {
            Some(data) => Ok(event.text(value::text(data, &Limits::DEFAULT)?)),
            None => Ok(event),
        }
    }
}

/// A text of the envelope.
fn text<'a>(text: &'a Bound<'_, PyAny>, field: &str) -> PyResult<&'a str> {
    let py = text.py();
    let place = format_args!("/{field}");
    let Ok(string) = text.cast::<PyString>() else {
        let message = format!("this is text, not of type {}", value::type_name(text));
        return Err(error::not_json(py, &place.to_string(), &message));
    };
    string.to_str().map_err(|_| {
        let refusal = Refusal::new(
            Code::InvalidUnicode,
            place.to_string(),
            "a string holds a lone surrogate",
        );
        error::refused(py, &refusal)
    })
}

/// The number of an event in its session; one that is written as a whole float is one too, as it is in JSON.
fn number(sequence: &Bound<'_, PyAny>) -> PyResult<u64> {
    let py = sequence.py();
    let whole = match sequence.cast_exact::<PyFloat>() {
        Ok(float) if float.value().fract() == 0.0 => Some(sequence.call_method0("__int__")?),
        _ => None,
    };
    let sequence = whole.as_ref().unwrap_or(sequence);
    if sequence.is_instance_of::<PyBool>() || !sequence.is_instance_of::<PyInt>() {
        let message = format!("this is a number from 0, not of type {}", value::type_name(sequence));
        return Err(error::not_json(py, "/sequence", &message));
    }
    sequence.extract().map_err(|_| {
        let refusal = Refusal::new(Code::InvalidEnvelope, "/sequence", "a sequence is an integer from 0");
        error::refused(py, &refusal)
    })
}

/// A time of the envelope.
pub(crate) fn instant(at: &Bound<'_, PyAny>, field: &str) -> PyResult<Timestamp> {
    let py = at.py();
    let refused = |error: TimestampError, message: String| {
        error::refused(py, &Refusal::new(error.code(), format!("/{field}"), message))
    };
    let text = if at.is_instance_of::<PyString>() {
        text(at, field)?.to_owned()
    } else {
        match value::instant(at)? {
            Instant::Text(text) => text,
            Instant::Naive => {
                let message = "a datetime has no time zone: give it one, say timezone.utc";
                return Err(refused(TimestampError::Invalid, message.to_owned()));
            }
            Instant::Other => {
                let message = format!("a time is a datetime or text, not {}", value::type_name(at));
                return Err(error::not_json(py, &format!("/{field}"), &message));
            }
        }
    };
    text.parse()
        .map_err(|error: TimestampError| refused(error, error.to_string()))
}
