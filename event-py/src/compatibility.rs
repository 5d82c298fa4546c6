//! What two schemas have to do with each other, as Python is told.

use event_core::compatibility::Compatibility;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::boundary::guarded;
use crate::schema::{Schema, loaded};

/// Whether the data of one schema is always data of another, and why not; a proof, keyword by keyword.
///
/// Args:
///     new: The new schema, in any of the forms that `Schema` takes.
///     old: The old one.
///
/// Returns:
///     A `Compatibility`; `client.types.compare` tells the same of two versions that a collector has.
///
/// Raises:
///     SchemaError: if one of them is no schema.
///
/// >>> import event_py
/// >>> path = {"properties": {"path": {"type": "string"}}}
/// >>> found = event_py.compatibility(new=path | {"required": ["path"]}, old=path)
/// >>> print(found)
/// forward
/// - backward is broken at /required: the new schema asks that "path" is present, which the old one does not ensure
#[pyfunction]
pub(crate) fn compatibility<'py>(new: &Bound<'py, PyAny>, old: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static READ: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    guarded(|| {
        let py = new.py();
        let (new, old) = (Schema::of(new)?, Schema::of(old)?);
        let found = py.detach(|| Compatibility::between(&old.0.schema, &new.0.schema));
        let text = serde_json::to_string(&found).map_err(|error| PyValueError::new_err(error.to_string()))?;
        READ.import(py, "event_py.versions", "_compatibility")?
            .call1((loaded(py, &text)?,))
    })
}
