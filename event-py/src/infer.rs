//! A first schema from data, as Python folds it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use event_core::infer::Inference as Fold;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::boundary::guarded;
use crate::data;
use crate::schema::loaded;

/// A first schema that all of some data keeps to: types, formats, the properties that all of it has, and lists where a
/// text has ten values at the most. It is to be read by somebody before it becomes a rule.
///
/// Args:
///     documents: The data of events, as dicts or JSON text, or `Event`s.
///
/// Returns:
///     The JSON Schema, a dict that `Schema` takes.
///
/// Raises:
///     ValidationError: if one of them is no data of an event.
///     EventTypeError: if one of them holds a value that is not JSON.
///
/// >>> import event_py
/// >>> schema = event_py.infer([{"path": "/", "ms": 12}, {"path": "/a", "ms": 1.5, "user": None}])
/// >>> schema["properties"]["ms"], schema["required"]
/// ({'type': 'number'}, ['ms', 'path'])
#[pyfunction]
pub(crate) fn infer<'py>(documents: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    guarded(|| {
        let inference = Inference::default();
        inference.add_all(documents)?;
        inference.schema(documents.py())
    })
}

/// Folds data into a first schema as it comes, in bounded memory; several can know a part of it each.
///
/// >>> import event_py
/// >>> monday, tuesday = event_py.Inference(), event_py.Inference()
/// >>> monday.add({"total": 1})
/// >>> tuesday.add(b'{"total": 0.5, "note": "late"}')
/// >>> monday.merge(tuesday)
/// >>> monday.observed, monday.schema()["required"]
/// (2, ['total'])
/// >>> monday.fields()[0]
/// Field(pointer='/note', types=['string'], present=1, of=2)
#[pyclass(frozen, module = "event_py")]
#[derive(Default)]
pub(crate) struct Inference(Mutex<Fold>);

impl Inference {
    /// Held for moments, and never while Python code runs.
    fn lock(&self) -> MutexGuard<'_, Fold> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_all(&self, documents: &Bound<'_, PyAny>) -> PyResult<()> {
        for document in documents.try_iter()? {
            let data = data::read(&document?)?;
            self.lock().add(&data);
        }
        Ok(())
    }
}

#[pymethods]
impl Inference {
    #[new]
    fn new() -> Self {
        Inference::default()
    }

    /// Takes the data of one more event into account: a dict, JSON text, or an `Event`.
    ///
    /// Raises:
    ///     ValidationError: if it is no data of an event.
    ///     EventTypeError: if it holds a value that is not JSON.
    fn add(&self, document: &Bound<'_, PyAny>) -> PyResult<()> {
        guarded(|| {
            let data = data::read(document)?;
            self.lock().add(&data);
            Ok(())
        })
    }

    /// Takes into account what another one has, which stays as it is.
    fn merge(&self, other: &Bound<'_, Inference>) -> PyResult<()> {
        guarded(|| {
            let other = other.get().lock().clone();
            self.lock().merge(other);
            Ok(())
        })
    }

    /// Of how many events it is.
    #[getter]
    fn observed(&self) -> u64 {
        self.lock().observed()
    }

    /// A schema that all of them keep to, a new dict; of none, one that allows any object.
    fn schema<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let schema = self.lock().schema();
            loaded(py, &schema.to_string())
        })
    }

    /// What was seen at each place: a list of `event_py.versions.Field`s.
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static READ: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        guarded(|| {
            let fields = self.lock().fields();
            let text = serde_json::to_string(&fields).map_err(|error| PyValueError::new_err(error.to_string()))?;
            READ.import(py, "event_py.versions", "_fields")?
                .call1((loaded(py, &text)?,))
        })
    }

    fn __repr__(&self) -> String {
        format!("Inference(observed={})", self.observed())
    }
}
