//! What a collector has said of an event, as Python sees it.

use event_client::QueryError;
use event_core::Verdict as Judgement;
use pyo3::prelude::*;

use crate::boundary::guarded;
use crate::error;

/// The answer to one event that was sent.
///
/// >>> from event_py.testing import collecting
/// >>> client, collected = collecting()
/// >>> verdict, again = client.send([{"id": "o-1", "category": "order", "name": "created"}] * 2)
/// >>> verdict.status, verdict.id, again.status
/// ('stored', 'o-1', 'duplicate')
#[pyclass(frozen, eq, module = "event_py")]
#[derive(PartialEq)]
pub(crate) struct Verdict(pub(crate) Judgement);

#[pymethods]
impl Verdict {
    /// The verdict that a part of an answer says.
    #[staticmethod]
    fn _read(py: Python<'_>, text: &str) -> PyResult<Self> {
        guarded(|| {
            let verdict = serde_json::from_str(text).map_err(|error| QueryError::Unreadable(error.to_string()));
            verdict.map(Verdict).map_err(|error| error::not_answered(py, &error))
        })
    }

    /// How it ended: `stored`, `duplicate`, `conflict`, `quarantined` or `rejected`.
    #[getter]
    fn status(&self) -> &'static str {
        self.0.status.as_str()
    }

    /// Its id; the one that was made for it, where it came without.
    #[getter]
    fn id(&self) -> Option<&str> {
        self.0.id.as_ref().map(|id| id.as_str())
    }

    /// Its place in the log, where it is stored.
    #[getter]
    fn position(&self) -> Option<i64> {
        self.0.position
    }

    /// The first reason, where it is not stored.
    #[getter]
    fn code(&self) -> Option<&'static str> {
        self.0.code.map(|code| code.as_str())
    }

    /// Every broken rule that was found.
    #[getter]
    fn violations<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        guarded(|| error::violations(py, &self.0.violations))
    }

    /// What is worth knowing about a stored event, say `no_timestamp`.
    #[getter]
    fn flags(&self) -> Vec<&'static str> {
        self.0.flags.iter().map(|flag| flag.as_str()).collect()
    }

    fn __repr__(&self) -> String {
        let Judgement {
            status,
            id,
            position,
            code,
            ..
        } = &self.0;
        let id = id.as_ref().map(|id| format!("id={:?}", id.as_str()));
        let position = position.map(|position| format!("position={position}"));
        let code = code.map(|code| format!("code={:?}", code.as_str()));
        let told = [Some(format!("status={:?}", status.as_str())), id, position, code];
        format!("Verdict({})", told.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}
