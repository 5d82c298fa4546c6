//! An event in whatever form Python gives it → an event to be sent.

use event_client::SendError;
use event_core::event::EventBuilder;
use event_core::{Code, Refusal};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::envelope::{Envelope, instant};
use crate::error;
use crate::event::Event;
use crate::value;
use crate::verdict::Verdict;

/// What an event may say; `timestamp` is another name of `occurred_at`.
const FIELDS: [&str; 12] = [
    "id",
    "category",
    "name",
    "version",
    "session_id",
    "sequence",
    "source",
    "subject",
    "occurred_at",
    "timestamp",
    "sent_at",
    "data",
];

/// An event that was sent and has no verdict, with the id, the time and the number that it was given: to send it
/// again is safe, as it will be a duplicate if it is stored after all.
#[pyclass(frozen, module = "event_py")]
pub(crate) struct Unconfirmed(pub(crate) EventBuilder);

/// Reads an event: a dict with the keys that events have on the wire, anything whose `to_json()` is the text of one,
/// or one that had no verdict before.
///
/// # Errors
/// `EventTypeError` and `ValidationError` for what cannot be written down, and what Python code raises.
pub(crate) fn offered(given: &Bound<'_, PyAny>) -> PyResult<EventBuilder> {
    if let Ok(fields) = given.cast::<PyDict>() {
        return read(fields);
    }
    if let Ok(unconfirmed) = given.cast::<Unconfirmed>() {
        return Ok(unconfirmed.get().0.clone());
    }
    let py = given.py();
    if given.hasattr("to_json")? {
        let event = py
            .import("json")?
            .call_method1("loads", (given.call_method0("to_json")?,))?;
        if let Ok(fields) = event.cast::<PyDict>() {
            if given.cast::<Event>().is_ok_and(|event| !event.get().names_source()) {
                // It was made without one: it is the client's.
                fields.del_item("source")?;
            }
            return read(fields);
        }
    }
    let message = format!("an event is a dict, not of type {}", value::type_name(given));
    Err(error::not_json(py, "", &message))
}

/// Events that are to be sent, as Python has given them.
pub(crate) fn all(events: &Bound<'_, PyAny>) -> PyResult<Vec<EventBuilder>> {
    if events.is_instance_of::<PyDict>() {
        let message = "this is a list of events, not one";
        return Err(error::not_json(events.py(), "", message));
    }
    events.try_iter()?.map(|event| offered(&event?)).collect()
}

/// The verdicts on events that were sent.
pub(crate) fn judged(py: Python<'_>, sent: Result<Vec<event_core::Verdict>, SendError>) -> PyResult<Vec<Verdict>> {
    match sent {
        Ok(verdicts) => Ok(verdicts.into_iter().map(Verdict).collect()),
        Err(error) => {
            let reason = error.reason.to_string();
            let message = error.to_string();
            let verdicts: Vec<_> = error.verdicts.into_iter().map(|verdict| verdict.map(Verdict)).collect();
            let unconfirmed: Vec<_> = error.unconfirmed.into_iter().map(Unconfirmed).collect();
            Err(error::unconfirmed(py, message, verdicts, unconfirmed, reason))
        }
    }
}

fn read(fields: &Bound<'_, PyDict>) -> PyResult<EventBuilder> {
    for key in fields.keys() {
        let known = key.cast::<PyString>().ok().and_then(|key| key.to_str().ok());
        if !known.is_some_and(|key| FIELDS.contains(&key)) {
            // A collector would take the event without it; who writes a dict has more likely misspelt it.
            let message = format!("an event has no field {}", key.repr()?);
            return Err(error::refused(
                fields.py(),
                &Refusal::new(Code::InvalidEnvelope, "", message),
            ));
        }
    }
    let [id, version, session_id, sequence, source, subject, sent_at] = [
        "id",
        "version",
        "session_id",
        "sequence",
        "source",
        "subject",
        "sent_at",
    ]
    .map(|field| given(fields, field));
    let (category, name) = (needed(fields, "category")?, needed(fields, "name")?);
    let (id, version, session_id, sequence) = (id?, version?, session_id?, sequence?);
    let (source, subject) = (source?, subject?);
    let (occurred_at, timestamp) = (given(fields, "occurred_at")?, given(fields, "timestamp")?);
    if occurred_at.is_some() && timestamp.is_some() {
        let message = "\"timestamp\" is another name of \"occurred_at\": send one of them";
        let refusal = Refusal::new(Code::InvalidEnvelope, "/timestamp", message);
        return Err(error::refused(fields.py(), &refusal));
    }
    let envelope = Envelope {
        category: &category,
        name: &name,
        id: id.as_ref(),
        version: version.as_ref(),
        session_id: session_id.as_ref(),
        sequence: sequence.as_ref(),
        source: source.as_ref(),
        subject: subject.as_ref(),
        occurred_at: occurred_at.as_ref().or(timestamp.as_ref()),
    };
    // Null counts as absent everywhere but here, where it is no object.
    let event = envelope.event(fields.get_item("data")?.as_ref())?;
    Ok(match sent_at? {
        Some(at) => event.sent_at(instant(&at, "sent_at")?),
        None => event,
    })
}

fn given<'py>(fields: &Bound<'py, PyDict>, field: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(fields.get_item(field)?.filter(|value| !value.is_none()))
}

fn needed<'py>(fields: &Bound<'py, PyDict>, field: &str) -> PyResult<Bound<'py, PyAny>> {
    given(fields, field)?.ok_or_else(|| {
        let refusal = Refusal::new(Code::InvalidType, format!("/{field}"), "this field is required");
        error::refused(fields.py(), &refusal)
    })
}
