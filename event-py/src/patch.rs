//! JSON Patch, as Python uses it.

use event_core::patch::Patch;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::boundary::guarded;
use crate::error;
use crate::schema::{dumped, lone_surrogate};

/// A JSON document after a JSON Patch (RFC 6902), the way a collector mends what is in its quarantine: all operations
/// are done, or none. Numbers and texts that it does not touch stay as they were written, to the last digit.
///
/// Args:
///     document: JSON text (`str` or `bytes`), or a dict, of which the text is made first.
///     operations: A list of dicts, or its JSON text.
///
/// Returns:
///     JSON text.
///
/// Raises:
///     PatchError: with the number of the first operation that cannot be done.
///
/// >>> import event_py
/// >>> mended = [{"op": "replace", "path": "/data/total", "value": 12.5}]
/// >>> event_py.patch('{"id": 12345678901234567890123, "data": {"total": "12,50"}}', mended)
/// '{"id":12345678901234567890123,"data":{"total":12.5}}'
#[pyfunction]
pub(crate) fn patch(py: Python<'_>, document: &Bound<'_, PyAny>, operations: &Bound<'_, PyAny>) -> PyResult<String> {
    guarded(|| {
        let (document, operations) = (text(document)?, text(operations)?);
        let patched = py.detach(|| Patch::from_slice(&operations)?.apply(&document));
        patched.map_err(|error| error::not_patched(py, &error))
    })
}

/// JSON text, or what it can be made of.
fn text(given: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = given.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    let text = match given.cast::<PyString>() {
        Ok(text) => text.clone(),
        Err(_) => dumped(given)?,
    };
    let text = text
        .to_str()
        .map_err(|_| error::refused(given.py(), &lone_surrogate()))?;
    Ok(text.as_bytes().to_vec())
}
