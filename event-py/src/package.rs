//! Other packages, pyarrow, pandas and polars, each only needed by whoever asks for it; and the half of our own that is
//! written in Python.

use arrow_array::RecordBatch;
use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::boundary::guarded;
use crate::capsule;

/// A table of pyarrow.
pub(crate) fn to_arrow(py: Python<'_>, batch: RecordBatch) -> PyResult<Bound<'_, PyAny>> {
    needed(py, "pyarrow", "to_arrow")?.call_method1("table", (Table(batch),))
}

/// A frame of pandas.
pub(crate) fn to_pandas(py: Python<'_>, batch: RecordBatch) -> PyResult<Bound<'_, PyAny>> {
    needed(py, "pandas", "to_pandas")?;
    needed(py, "pyarrow", "to_pandas")?
        .call_method1("table", (Table(batch),))?
        .call_method0("to_pandas")
}

/// A frame of polars.
pub(crate) fn to_polars(py: Python<'_>, batch: RecordBatch) -> PyResult<Bound<'_, PyAny>> {
    needed(py, "polars", "to_polars")?.call_method1("DataFrame", (Table(batch),))
}

/// A table of Arrow on its way to another package.
#[pyclass(frozen, module = "event_py._native")]
struct Table(RecordBatch);

#[pymethods]
impl Table {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _best_effort = requested_schema;
        guarded(|| capsule::stream(py, self.0.clone()))
    }
}

/// What a module of ours has under a name.
pub(crate) fn own<'py>(py: Python<'py>, module: &str, name: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import(format!("event_py.{module}"))?.getattr(name)
}

/// A package that only this needs.
fn needed<'py>(py: Python<'py>, package: &str, who: &str) -> PyResult<Bound<'py, PyModule>> {
    py.import(package).map_err(|error| {
        if error.is_instance_of::<PyImportError>(py) {
            let told = PyImportError::new_err(format!("{who} needs {package}: pip install {package}"));
            told.set_cause(py, Some(error));
            return told;
        }
        error
    })
}
