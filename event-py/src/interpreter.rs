//! Which interpreter this is, as there may be several in one process, and when its lock is given away.

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;

/// Texts up to so many bytes are read in a few microseconds, sooner than another thread could make use of the lock.
const SHORT: usize = 4 * 1024;

/// Reads a text once, without the interpreter's lock where that is worth it.
pub(crate) fn glancing(py: Python<'_>, text: &[u8], read: impl FnOnce() -> bool + Send) -> bool {
    if text.len() <= SHORT { read() } else { py.detach(read) }
}

/// Refuses every interpreter but the main one: what a native thread has to say reaches only that one, and classes
/// would be shared by interpreters that do not know of each other. Python itself refuses only from 3.12 on, and only
/// where the sub-interpreter has a lock of its own.
///
/// # Errors
/// `ImportError`.
pub(crate) fn only_main(_: Python<'_>) -> PyResult<()> {
    // SAFETY: the thread is attached, as the token says, so there is an interpreter, which lives for as long.
    #[allow(unsafe_code)]
    let id = unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) };
    if id == 0 {
        return Ok(());
    }
    Err(PyImportError::new_err(
        "event_py does not support loading in subinterpreters (under mod_wsgi: `WSGIApplicationGroup %{GLOBAL}`)",
    ))
}
