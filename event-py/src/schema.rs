//! One JSON Schema, as Python sees it.

use std::sync::Arc;

use event_core::json::{Document, Kind};
use event_core::schema::{SchemaError, SchemaErrorCode};
use event_core::{Code, Limits, Refusal, Schema as Rule};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyString};
use serde_json::Value;

use crate::boundary::guarded;
use crate::error;
use crate::interpreter::glancing;
use crate::rules::Rules;
use crate::value::{self, Unwritten};
use crate::walk::Walk;

/// A JSON Schema, compiled (drafts 4, 6, 7, 2019-09 and 2020-12): the rules for the data of events, and the
/// same that a collector judges by.
///
/// Formats are asserted. Nothing is ever fetched: references stay inside the schema. Patterns run in linear time,
/// so that those with look-around or back-references are refused here.
///
/// Args:
///     schema: A dict or a bool, JSON text (`str` or `bytes`), a pydantic model, a dataclass or a msgspec
///         Struct. Dataclasses become schemas through pydantic or msgspec, one of which has to be installed.
///
/// Raises:
///     SchemaError: if it is no schema, or one that would cost too much.
///
/// >>> import event_py
/// >>> schema = event_py.Schema({"required": ["path"], "properties": {"path": {"type": "string"}}})
/// >>> schema.is_valid({"path": "/"})
/// True
/// >>> schema.violations({"path": 1})[0].message
/// 'the value is not of type "string"'
#[pyclass(frozen, module = "event_py")]
pub(crate) struct Schema(pub(crate) Arc<Rules>);

impl Schema {
    /// The schema that any of the things that `Schema()` takes stand for.
    pub(crate) fn of(source: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(schema) = source.cast::<Schema>() {
            return Ok(Schema(Arc::clone(&schema.get().0)));
        }
        let py = source.py();
        let source = read(source)?;
        let compiled = py.detach(|| Rule::compile(&source)).and_then(Rules::of);
        compiled
            .map(|rules| Schema(Arc::new(rules)))
            .map_err(|error| error::bad_schema(py, &error))
    }

    /// Judges data; an error is what Python code has raised, or a value that is not JSON.
    fn judge(&self, data: &Bound<'_, PyAny>) -> PyResult<Result<(), Refusal>> {
        let py = data.py();
        if let Ok(bytes) = data.cast::<PyBytes>() {
            return Ok(self.judge_text(py, bytes.as_bytes()));
        }
        if let Ok(text) = data.cast::<PyString>() {
            return match text.to_str() {
                Ok(text) => Ok(self.judge_text(py, text.as_bytes())),
                Err(_) => Ok(Err(lone_surrogate())),
            };
        }
        let mut walk = Walk::new(&Limits::DEFAULT);
        if data.is_exact_instance_of::<PyDict>() && self.0.allow(data.as_borrowed(), &mut walk) {
            return Ok(Ok(()));
        }
        match value::written(data, &Limits::DEFAULT, "") {
            Ok(text) => Ok(py.detach(|| self.0.schema.check_closely(text.as_str().as_bytes(), &Limits::DEFAULT))),
            Err(Unwritten::Refused(refusal)) => Ok(Err(refusal)),
            Err(Unwritten::Raised(error)) => Err(error),
        }
    }

    fn judge_text(&self, py: Python<'_>, text: &[u8]) -> Result<(), Refusal> {
        if glancing(py, text, || self.0.schema.surely_allows(text, &Limits::DEFAULT)) {
            return Ok(());
        }
        py.detach(|| self.0.schema.check_closely(text, &Limits::DEFAULT))
    }

    fn allows(&self, document: &Document<'_>) -> bool {
        document.root().kind() == Kind::Object && self.0.schema.allows(document.root())
    }

    /// The verdict on text without a word.
    fn allows_text(&self, py: Python<'_>, text: &[u8]) -> bool {
        let limits = &Limits::DEFAULT;
        glancing(py, text, || self.0.schema.surely_allows(text, limits)) || py.detach(|| self.allows_closely(text))
    }

    /// The same of a text that is looked at as a whole.
    fn allows_closely(&self, text: &[u8]) -> bool {
        Document::parse(text, &Limits::DEFAULT).is_ok_and(|document| self.allows(&document))
    }
}

/// The refusal of text that no UTF-8 can be made of.
pub(crate) fn lone_surrogate() -> Refusal {
    Refusal::new(Code::InvalidUnicode, "", "a string holds a lone surrogate")
}

/// What a schema was given as → JSON.
fn read(source: &Bound<'_, PyAny>) -> PyResult<Value> {
    let py = source.py();
    let invalid = |pointer: &str, message: String| {
        let error = SchemaError {
            code: SchemaErrorCode::Invalid,
            pointer: pointer.to_owned(),
            message,
        };
        error::bad_schema(py, &error)
    };
    let parsed = |text: &[u8]| serde_json::from_slice(text).map_err(|error| invalid("", format!("no JSON: {error}")));
    if let Ok(bytes) = source.cast::<PyBytes>() {
        return parsed(bytes.as_bytes());
    }
    if let Ok(text) = source.cast::<PyString>() {
        return parsed(text.to_str()?.as_bytes());
    }
    if !source.is_instance_of::<PyDict>() && !source.is_instance_of::<PyBool>() {
        let made = py.import("event_py.models")?.getattr("json_schema")?.call1((source,))?;
        return read(&made);
    }
    // The rules for data are not those for schemas, in which an empty key or a larger number may well stand.
    match dumped(source) {
        Ok(text) => parsed(text.to_str()?.as_bytes()),
        Err(error) if error.is_instance_of::<PyException>(py) => Err(invalid("", error.value(py).to_string())),
        Err(error) => Err(error),
    }
}

/// Python values → JSON, by the rules of Python but for numbers that JSON does not have.
pub(crate) fn dumped<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    let py = value.py();
    let options = PyDict::new(py);
    options.set_item("allow_nan", false)?;
    let text = py.import("json")?.getattr("dumps")?.call((value,), Some(&options))?;
    Ok(text.cast_into::<PyString>()?)
}

/// JSON → new Python values.
pub(crate) fn loaded<'py>(py: Python<'py>, json: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.getattr("loads")?.call1((json,))
}

#[pymethods]
impl Schema {
    #[new]
    fn new(schema: &Bound<'_, PyAny>) -> PyResult<Self> {
        guarded(|| Schema::of(schema))
    }

    /// Judges the data of an event.
    ///
    /// Args:
    ///     data: A dict, which is judged where it is, or JSON text (`str` or `bytes`).
    ///
    /// Raises:
    ///     ValidationError: with every rule that it breaks, ten at the most.
    ///     EventTypeError: if it holds a value that is not JSON.
    ///
    /// >>> import event_py
    /// >>> event_py.Schema({"maxProperties": 1}).validate({"a": 1, "b": 2})
    /// Traceback (most recent call last):
    /// event_py.errors.ValidationError: schema_violation: the value has more than 1 property
    fn validate(&self, data: &Bound<'_, PyAny>) -> PyResult<()> {
        guarded(|| self.judge(data)?.map_err(|refusal| error::refused(data.py(), &refusal)))
    }

    /// Whether the data of an event keeps to the schema.
    ///
    /// Raises:
    ///     EventTypeError: if it holds a value that is not JSON.
    ///
    /// >>> import event_py
    /// >>> event_py.Schema({"maxProperties": 1}).is_valid(b'{"a": 1}')
    /// True
    fn is_valid(&self, data: &Bound<'_, PyAny>) -> PyResult<bool> {
        guarded(|| {
            let py = data.py();
            if let Ok(text) = data.cast::<PyBytes>() {
                return Ok(self.allows_text(py, text.as_bytes()));
            }
            if let Ok(text) = data.cast::<PyString>() {
                return Ok(text.to_str().is_ok_and(|text| self.allows_text(py, text.as_bytes())));
            }
            if data.is_exact_instance_of::<PyDict>()
                && let Some(verdict) = self.0.verdict(data.as_borrowed())
            {
                return Ok(verdict);
            }
            match value::written(data, &Limits::DEFAULT, "") {
                Ok(text) => Ok(py.detach(|| self.allows_closely(text.as_str().as_bytes()))),
                Err(Unwritten::Refused(_)) => Ok(false),
                Err(Unwritten::Raised(error)) => Err(error),
            }
        })
    }

    /// The rules that the data of an event breaks, ten at the most.
    ///
    /// Raises:
    ///     EventTypeError: if it holds a value that is not JSON.
    ///
    /// >>> import event_py
    /// >>> event_py.Schema({"properties": {"path": {"minLength": 1}}}).violations({"path": ""})[0].keyword
    /// 'minLength'
    fn violations<'py>(&self, data: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        guarded(|| {
            let refusal = self.judge(data)?.err();
            error::violations(data.py(), refusal.as_ref().map_or(&[], |refusal| &refusal.violations))
        })
    }

    /// The JSON Schema itself, a new dict each time.
    #[getter]
    fn source<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| loaded(py, &self.0.schema.source().to_string()))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guarded(|| Ok(format!("Schema({})", self.source(py)?.repr()?)))
    }
}
