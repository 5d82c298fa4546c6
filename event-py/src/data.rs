//! The data of an event, in whatever form Python gives it.

use event_core::{Limits, Payload, Refusal};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::error;
use crate::event::Event;
use crate::schema::lone_surrogate;
use crate::value;

/// Reads data: a dict, its JSON text (`str` or `bytes`), or an `Event`, of which it is the data.
///
/// # Errors
/// `EventTypeError` and `ValidationError` for what is no data of an event, and what Python code raises.
pub(crate) fn read(given: &Bound<'_, PyAny>) -> PyResult<Payload> {
    let py = given.py();
    if let Ok(event) = given.cast::<Event>() {
        return Ok(event.get().0.payload().clone());
    }
    let parsed = |text: &[u8]| {
        let payload = py.detach(|| Payload::parse(text, &Limits::DEFAULT));
        payload.map_err(|error| error::refused(py, &Refusal::from(error)))
    };
    if let Ok(bytes) = given.cast::<PyBytes>() {
        return parsed(bytes.as_bytes());
    }
    if let Ok(text) = given.cast::<PyString>() {
        let text = text.to_str().map_err(|_| error::refused(py, &lone_surrogate()))?;
        return parsed(text.as_bytes());
    }
    let text = value::text_at(given, &Limits::DEFAULT, "")?;
    parsed(text.as_str().as_bytes())
}
