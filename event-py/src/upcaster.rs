//! Data of an older version → data of a newer one, as Python declares it.

use event_core::Limits;
use event_core::upcaster::Upcaster as Steps;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::boundary::guarded;
use crate::data;
use crate::error;
use crate::schema::{dumped, loaded};

/// Steps that bring the data of one version of a type to the next. They are data themselves, and done in their order.
///
/// Args:
///     steps: A list of dicts, or its JSON text: `{"step": "move", "from": …, "to": …}`,
///         `{"step": "default", "at": …, "value": …}`, `{"step": "remove", "at": …}` and
///         `{"step": "convert", "at": …, "to": …}`, to a `string`, `number`, `integer`, `boolean` or `array`. Places
///         are JSON pointers; what is not there is left alone.
///
/// Raises:
///     ConfigError: if a step is none.
///
/// >>> import event_py
/// >>> renamed = event_py.Upcaster([{"step": "move", "from": "/total", "to": "/amount"}])
/// >>> exact = event_py.Upcaster([{"step": "convert", "at": "/amount", "to": "number"}])
/// >>> renamed.then(exact).apply({"total": "12.50"})
/// {'amount': 12.5}
#[pyclass(frozen, eq, module = "event_py")]
#[derive(PartialEq)]
pub(crate) struct Upcaster(Steps);

impl Upcaster {
    fn text(&self) -> String {
        // Steps that were read can be written.
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

#[pymethods]
impl Upcaster {
    #[new]
    fn new(py: Python<'_>, steps: &Bound<'_, PyAny>) -> PyResult<Self> {
        guarded(|| {
            let read = |text: &[u8]| {
                let steps = serde_json::from_slice(text).map(Upcaster);
                steps.map_err(|error| error::bad_setting(py, format!("the steps: {error}")))
            };
            if let Ok(bytes) = steps.cast::<PyBytes>() {
                return read(bytes.as_bytes());
            }
            if let Ok(text) = steps.cast::<PyString>() {
                return read(text.to_str()?.as_bytes());
            }
            let steps = py.import("builtins")?.getattr("list")?.call1((steps,))?;
            read(dumped(&steps)?.to_str()?.as_bytes())
        })
    }

    /// The data of the newer version, a new dict.
    ///
    /// Args:
    ///     data: The data of the older version: a dict, JSON text, or an `Event`, of which it is the data.
    ///
    /// Raises:
    ///     UpcastError: with the place of the first step that cannot be done.
    ///     ValidationError: if this is no data of an event.
    ///     EventTypeError: if it holds a value that is not JSON.
    fn apply<'py>(&self, py: Python<'py>, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let data = data::read(data)?;
            let raised = py.detach(|| self.0.apply(&data, &Limits::DEFAULT));
            let raised = raised.map_err(|error| error::not_upcast(py, &error))?;
            loaded(py, raised.as_str())
        })
    }

    /// These steps, and then those of the next version.
    fn then(&self, next: &Bound<'_, Upcaster>) -> Self {
        Upcaster(self.0.clone().then(next.get().0.clone()))
    }

    /// The steps, a new list of dicts.
    #[getter]
    fn steps<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| loaded(py, &self.text()))
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        guarded(|| PyString::new(py, &self.text()).hash())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        guarded(|| Ok((slf.get_type().into_any(), (slf.get().text(),))))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guarded(|| Ok(format!("Upcaster({})", self.steps(py)?.repr()?)))
    }
}
