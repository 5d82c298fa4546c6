//! The rules for all types of events, as Python sees them.

use std::sync::{Arc, PoisonError, RwLock};

use event_core::policy::{Action, Policy, UnknownTypes};
use event_core::registry::{Registry as Core, ValidEvent};
use event_core::{EventType, Label, Limits, Refusal};
use jsonschema::json::inspect;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use crate::book::Book;
use crate::boundary::guarded;
use crate::error;
use crate::event::{Event, now};
use crate::interpreter::glancing;
use crate::ndjson::{self, Report};
use crate::schema::{Schema, lone_surrogate};
use crate::value::{self, Unwritten};

/// The rules for the types of events that are known; it judges whole events as a collector with the same rules
/// would.
///
/// Args:
///     unknown_types: What becomes of events whose type or version is not registered: `"store"`, which lets them
///         pass, `"quarantine"` or `"reject"`.
///     future_tolerance: How far ahead of this machine's clock events may lie, in seconds.
///
/// Raises:
///     ConfigError: if a setting is none of these.
///
/// >>> import event_py
/// >>> registry = event_py.Registry(unknown_types="reject")
/// >>> registry.register("order", "created", {"required": ["value"]})
/// >>> registry.is_valid({"category": "order", "name": "created", "data": {"value": 12.5}})
/// True
#[pyclass(frozen, module = "event_py")]
pub(crate) struct Registry(RwLock<Arc<Book>>);

impl Registry {
    pub(crate) fn book(&self) -> Arc<Book> {
        // Held for the moment of a copy, in which no Python runs.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The rules as they are now, for a client.
    pub(crate) fn rules(&self) -> Core {
        self.book().core().clone()
    }

    /// Judges an event; an error is what Python code has raised, or a value that is not JSON. Of an event without a
    /// fault there may be nothing but the verdict.
    fn judge(&self, event: &Bound<'_, PyAny>) -> PyResult<Result<Option<ValidEvent>, Refusal>> {
        let py = event.py();
        let book = self.book();
        let judged = if let Ok(bytes) = event.cast::<PyBytes>() {
            return Ok(judge_text(py, &book, bytes.as_bytes()));
        } else if let Ok(text) = event.cast::<PyString>() {
            match text.to_str() {
                Ok(text) => return Ok(judge_text(py, &book, text.as_bytes())),
                Err(_) => Err(lone_surrogate()),
            }
        } else if let Ok(event) = event.cast::<Event>() {
            book.judge_event(event.get().0.clone(), now())
        } else {
            let node = event.as_borrowed();
            if let Ok(true) = inspect(node, false, || book.allows(node)) {
                return Ok(Ok(None));
            }
            match value::written(event, &Limits::DEFAULT.of_document(), "") {
                Ok(text) => py.detach(|| book.judge(text.as_str().as_bytes())),
                Err(Unwritten::Refused(refusal)) => Err(refusal),
                Err(Unwritten::Raised(error)) => return Err(error),
            }
        };
        Ok(judged.map(Some))
    }
}

fn judge_text(py: Python<'_>, book: &Book, text: &[u8]) -> Result<Option<ValidEvent>, Refusal> {
    if glancing(py, text, || book.surely_allows(text)) {
        return Ok(None);
    }
    py.detach(|| book.judge(text).map(Some))
}

#[pymethods]
impl Registry {
    #[new]
    #[pyo3(signature = (*, unknown_types="store", future_tolerance=300))]
    fn new(py: Python<'_>, unknown_types: &str, future_tolerance: u32) -> PyResult<Self> {
        guarded(|| {
            let unknown_types = match unknown_types {
                "store" => UnknownTypes::Store,
                "quarantine" => UnknownTypes::Quarantine,
                "reject" => UnknownTypes::Reject,
                _ => {
                    let message = "unknown_types: this is \"store\", \"quarantine\" or \"reject\"";
                    return Err(error::bad_setting(py, message.to_owned()));
                }
            };
            Ok(Registry(RwLock::new(Arc::new(Book::new(
                unknown_types,
                future_tolerance,
            )))))
        })
    }

    /// Adds one version of a type, which from now on also judges events that name no version.
    ///
    /// Args:
    ///     category: What its events belong to, say `page interaction`.
    ///     name: What happens, say `pageview`.
    ///     schema: The rules for their data, a `Schema` or whatever that is made of; `None` where any object will
    ///         do.
    ///     version: The version of the type.
    ///     on_violation: What becomes of events that break the rules: `"quarantine"`, `"reject"` or `"warn"`, with
    ///         which they are valid all the same.
    ///
    /// Raises:
    ///     SchemaError: if the schema cannot be used.
    ///     ConfigError: if one of the texts breaks its grammar.
    ///
    /// >>> import event_py
    /// >>> event_py.Registry().register("order", "created", {"required": ["value"]}, version="2")
    #[pyo3(signature = (category, name, schema, version="1", on_violation="quarantine"))]
    fn register(
        &self,
        py: Python<'_>,
        category: &str,
        name: &str,
        schema: Option<&Bound<'_, PyAny>>,
        version: &str,
        on_violation: &str,
    ) -> PyResult<()> {
        guarded(|| {
            let wrong = |error: &dyn ToString| error::bad_setting(py, error.to_string());
            let event_type = EventType::new(category, name).map_err(|error| wrong(&error))?;
            let version = Label::new(version).map_err(|error| wrong(&error))?;
            let on_violation = match on_violation {
                "quarantine" => Action::Quarantine,
                "reject" => Action::Reject,
                "warn" => Action::Warn,
                _ => return Err(wrong(&"on_violation: this is \"quarantine\", \"reject\" or \"warn\"")),
            };
            let schema = schema.map(Schema::of).transpose()?;
            let policy = Policy {
                on_violation,
                ..Policy::default()
            };
            let mut book = self.0.write().unwrap_or_else(PoisonError::into_inner);
            Arc::make_mut(&mut book).insert(event_type, version, schema.map(|schema| schema.0), policy);
            Ok(())
        })
    }

    /// Judges an event.
    ///
    /// Args:
    ///     event: A dict, which is judged where it is, an `Event`, or JSON text (`str` or `bytes`).
    ///
    /// Returns:
    ///     The rules that it breaks all the same, where its type has `on_violation="warn"`; else `()`.
    ///
    /// Raises:
    ///     ValidationError: with every rule that it breaks, ten of its schema's at the most.
    ///     EventTypeError: if it holds a value that is not JSON.
    ///
    /// >>> import event_py
    /// >>> registry = event_py.Registry()
    /// >>> registry.register("order", "created", {"required": ["value"]})
    /// >>> registry.validate({"category": "order", "name": "created", "data": {}})
    /// Traceback (most recent call last):
    /// event_py.errors.ValidationError: schema_violation: "value" is a required property
    fn validate<'py>(&self, event: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
        let py = event.py();
        guarded(|| match self.judge(event)? {
            Ok(None) => Ok(PyTuple::empty(py)),
            Ok(Some(valid)) => PyTuple::new(py, error::violations(py, valid.violations())?),
            Err(refusal) => Err(error::refused(py, &refusal)),
        })
    }

    /// Whether an event keeps to all rules that are not only worth a warning.
    ///
    /// Raises:
    ///     EventTypeError: if it holds a value that is not JSON.
    ///
    /// >>> import event_py
    /// >>> event_py.Registry().is_valid(b'{"category": "order"}')
    /// False
    fn is_valid(&self, event: &Bound<'_, PyAny>) -> PyResult<bool> {
        guarded(|| {
            let (py, book) = (event.py(), self.book());
            if let Ok(text) = event.cast::<PyBytes>() {
                let text = text.as_bytes();
                let sure = glancing(py, text, || book.surely_allows(text));
                return Ok(sure || py.detach(|| !book.surely_refuses(text) && book.judge(text).is_ok()));
            }
            Ok(self.judge(event)?.is_ok())
        })
    }

    /// Judges events one by one.
    ///
    /// Returns:
    ///     For each event what `validate` would raise, or `None`.
    ///
    /// Raises:
    ///     EventTypeError: if one holds a value that is not JSON.
    ///
    /// >>> import event_py
    /// >>> event_py.Registry().validate_many([{"category": "order", "name": "created"}, {"name": "created"}])
    /// [None, ValidationError('invalid_type at /category: this field is required')]
    fn validate_many(&self, events: &Bound<'_, PyAny>) -> PyResult<Vec<Option<Py<PyAny>>>> {
        guarded(|| {
            let py = events.py();
            let judged = events.try_iter()?.map(|event| {
                let refusal = self.judge(&event?)?.err();
                Ok(refusal.map(|refusal| error::refused_value(py, &refusal)))
            });
            judged.collect()
        })
    }

    /// Judges NDJSON, one event a line, on all cores; empty lines do not count. Memory is bounded, however long
    /// the file or its lines.
    ///
    /// Args:
    ///     source: `bytes` or `str`, a path as a `pathlib.Path`, or a file that is open in binary mode.
    ///     max_errors: How many errors are told; the rest is counted.
    ///     progress: Called every few megabytes, and sooner where they are slow in coming, with the number of lines
    ///         that were judged. What it raises ends it.
    ///
    /// Raises:
    ///     OSError: if the file cannot be read.
    ///
    /// >>> import event_py
    /// >>> event_py.Registry().validate_ndjson(b'{"category": "order", "name": "created"}\n').valid
    /// 1
    #[pyo3(signature = (source, *, max_errors=1000, progress=None))]
    fn validate_ndjson(
        &self,
        source: &Bound<'_, PyAny>,
        max_errors: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Report> {
        guarded(|| ndjson::judge(&self.book(), source, max_errors, progress))
    }

    fn __repr__(&self) -> PyResult<String> {
        guarded(|| Ok(format!("Registry({} types)", self.book().types())))
    }
}
