//! What stands in an answer, as values of Python.

use event_core::Timestamp;
use event_core::decimal::Decimal;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// Makes values of Python.
pub(crate) struct Values<'py> {
    decimal: &'py Bound<'py, PyType>,
    timedelta: &'py Bound<'py, PyType>,
    epoch: Bound<'py, PyAny>,
    loads: Bound<'py, PyAny>,
}

impl<'py> Values<'py> {
    pub(crate) fn new(py: Python<'py>) -> PyResult<Self> {
        static DECIMAL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        static TIMEDELTA: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let datetime = py.import("datetime")?;
        let utc = datetime.getattr("timezone")?.getattr("utc")?;
        Ok(Values {
            decimal: DECIMAL.import(py, "decimal", "Decimal")?,
            timedelta: TIMEDELTA.import(py, "datetime", "timedelta")?,
            epoch: datetime.getattr("datetime")?.call1((1970, 1, 1, 0, 0, 0, 0, utc))?,
            loads: py.import("json")?.getattr("loads")?,
        })
    }

    /// An aware `datetime`, in UTC.
    pub(crate) fn time(&self, at: Timestamp) -> PyResult<Bound<'py, PyAny>> {
        self.epoch.add(self.timedelta.call1((0, 0, at.as_micros()))?)
    }

    /// A `Decimal`.
    pub(crate) fn decimal(&self, number: &Decimal) -> PyResult<Bound<'py, PyAny>> {
        self.decimal.call1((number.to_string(),))
    }

    /// What JSON says.
    pub(crate) fn json(&self, text: &str) -> PyResult<Bound<'py, PyAny>> {
        self.loads.call1((text,))
    }
}
