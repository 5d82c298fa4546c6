//! An export on its way, as Python reads it: bytes, or the events of its lines.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Context;

use bytes::Bytes;
use event_client::{Export as Incoming, QueryError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde::Deserialize;

use crate::boundary::guarded;
use crate::error;
use crate::event::Event;
use crate::pending::pending;
use crate::wait::wait;

/// What arrives of an export; `event_py.export` makes of it what programs use.
#[pyclass(frozen, module = "event_py._native")]
pub(crate) struct Export {
    position: i64,
    incoming: Arc<Mutex<Incoming>>,
}

/// An export that has begun, or why it has not.
pub(crate) fn begun(py: Python<'_>, begun: Result<Incoming, QueryError>) -> PyResult<Export> {
    let incoming = begun.map_err(|error| error::not_answered(py, &error))?;
    Ok(Export {
        position: incoming.position(),
        incoming: Arc::new(Mutex::new(incoming)),
    })
}

type Part = Result<Option<Bytes>, QueryError>;

impl Export {
    /// The next bytes. Whoever stops to wait for them may begin again.
    fn next(&self) -> impl Future<Output = Part> + Send + use<> {
        let incoming = Arc::clone(&self.incoming);
        poll_fn(move |context: &mut Context<'_>| {
            let mut incoming = incoming.lock().unwrap_or_else(PoisonError::into_inner);
            incoming.poll_next(context)
        })
    }
}

fn bytes(py: Python<'_>, part: Part) -> PyResult<Option<Bound<'_, PyBytes>>> {
    let part = part.map_err(|error| error::not_answered(py, &error))?;
    Ok(part.map(|part| PyBytes::new(py, &part)))
}

/// What the line of a stored event says besides the event.
#[derive(Deserialize)]
struct Place {
    position: i64,
}

#[pymethods]
impl Export {
    #[getter]
    fn position(&self) -> i64 {
        self.position
    }

    /// The next bytes; `None` at the end.
    fn next_bytes<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        guarded(|| bytes(py, wait(py, self.next())?))
    }

    /// The same as a future of the running loop.
    fn next_pending<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            pending(py, self.next(), |py, part| {
                Ok(bytes(py, part)?.into_pyobject(py)?.unbind())
            })
        })
    }

    /// Lets go of what is left.
    fn close(&self) {
        self.incoming.lock().unwrap_or_else(PoisonError::into_inner).close();
    }

    /// The position of a line, and its event.
    #[staticmethod]
    fn read(py: Python<'_>, line: &[u8]) -> PyResult<(i64, Event)> {
        guarded(|| {
            let place: Place = serde_json::from_slice(line).map_err(|unread| {
                let error = QueryError::Unreadable(unread.to_string());
                error::not_answered(py, &error)
            })?;
            Ok((place.position, Event::stored(py, line)?))
        })
    }
}
