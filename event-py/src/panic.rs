//! A defect made on purpose, for the tests.

use pyo3::prelude::*;

use crate::boundary::guarded;

/// Panics, so that it can be seen what becomes of that.
#[pyfunction]
#[allow(clippy::panic, reason = "that is what it is for")]
pub(crate) fn _panic() -> PyResult<()> {
    guarded(|| panic!("made on purpose"))
}
