//! What went wrong → the exceptions of `event_py.errors`, which are plain Python classes.

use std::any::Any;

use event_client::{BuildError, FlushError, InvalidKey, QueryError, Refused, TrackError};
use event_core::patch::PatchError;
use event_core::query::ParameterError;
use event_core::schema::SchemaError;
use event_core::upcaster::UpcastError;
use event_core::{Refusal, Violation};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

macro_rules! exceptions {
    ($($name:ident => $class:literal,)+) => {
        $(fn $name(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
            static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
            CLASS.import(py, "event_py.errors", $class)
        })+
    };
}

exceptions! {
    validation_class => "ValidationError",
    value_class => "EventTypeError",
    queue_full_class => "QueueFullError",
    closed_class => "ClientClosedError",
    config_class => "ConfigError",
    flush_class => "FlushTimeoutError",
    question_class => "QueryError",
    unconfirmed_class => "UnconfirmedError",
    violation_class => "Violation",
    collector_class => "CollectorError",
    internal_class => "EventInternalError",
    schema_class => "SchemaError",
    line_class => "LineError",
    patch_class => "PatchError",
    upcast_class => "UpcastError",
}

/// An exception of a class, made of these arguments; or why it could not be made.
fn raised<'py, A>(class: PyResult<&Bound<'py, PyType>>, arguments: A) -> PyErr
where
    A: pyo3::call::PyCallArgs<'py>,
{
    match class.and_then(|class| class.call1(arguments)) {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// A panic of ours, as an error that programs catch.
pub(crate) fn internal(panic: &(dyn Any + Send)) -> PyErr {
    let message = format!("a defect of event_py, please report it: {}", told(panic));
    Python::attach(|py| raised(internal_class(py), (message,)))
}

/// An event, or the data of one, that breaks a rule.
pub(crate) fn refused(py: Python<'_>, refusal: &Refusal) -> PyErr {
    let violations: Vec<_> = refusal.violations.iter().map(parts).collect();
    raised(
        validation_class(py),
        (refusal_text(refusal), refusal.code.as_str(), violations),
    )
}

/// The same for one of many events, and which.
pub(crate) fn refused_at(py: Python<'_>, place: &str, refusal: &Refusal) -> PyErr {
    let violations: Vec<_> = refusal.violations.iter().map(parts).collect();
    let message = format!("{place}: {}", refusal_text(refusal));
    raised(validation_class(py), (message, refusal.code.as_str(), violations))
}

fn refusal_text(refusal: &Refusal) -> String {
    match refusal.violations.first() {
        Some(first) if first.pointer.is_empty() => format!("{}: {}", refusal.code, first.message),
        Some(first) => format!("{} at {}: {}", refusal.code, first.pointer, first.message),
        None => refusal.code.to_string(),
    }
}

/// The same, not raised.
pub(crate) fn refused_value(py: Python<'_>, refusal: &Refusal) -> Py<PyAny> {
    refused(py, refusal).into_value(py).into_any()
}

/// Violations as `event_py.Violation`s.
pub(crate) fn violations<'py>(py: Python<'py>, violations: &[Violation]) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let class = violation_class(py)?;
    violations
        .iter()
        .map(|violation| class.call1(parts(violation)))
        .collect()
}

/// A refused line of NDJSON as an `event_py.LineError`.
pub(crate) fn line<'py>(py: Python<'py>, number: u64, refusal: &Refusal) -> PyResult<Bound<'py, PyAny>> {
    let found = violations(py, &refusal.violations)?;
    line_class(py)?.call1((number, refusal.code.as_str(), found))
}

/// A schema that cannot be used.
pub(crate) fn bad_schema(py: Python<'_>, error: &SchemaError) -> PyErr {
    raised(
        schema_class(py),
        (error.to_string(), error.code.as_str(), error.pointer.as_str()),
    )
}

/// A violation as the fields of `event_py.Violation`.
pub(crate) fn parts(violation: &Violation) -> (&str, &str, Option<&str>, &str) {
    let Violation {
        pointer,
        keyword,
        limit,
        message,
    } = violation;
    (pointer, keyword, limit.as_deref(), message)
}

/// A value of a type that JSON does not have.
pub(crate) fn not_json(py: Python<'_>, pointer: &str, message: &str) -> PyErr {
    let told = format!("{}: {message}", if pointer.is_empty() { "the value" } else { pointer });
    raised(value_class(py), (told, pointer))
}

/// An event that was not taken in.
pub(crate) fn not_taken(py: Python<'_>, error: &TrackError) -> PyErr {
    match error {
        TrackError::Invalid(refusal) => refused(py, refusal),
        TrackError::Closed => raised(closed_class(py), (error.to_string(),)),
        _ => raised(queue_full_class(py), (error.to_string(), error.loss().as_str())),
    }
}

pub(crate) fn not_flushed(py: Python<'_>, error: &FlushError) -> PyErr {
    raised(flush_class(py), (error.to_string(), error.waiting, error.spooled))
}

/// Whether it says that the time was over before all events were delivered.
pub(crate) fn is_not_flushed(py: Python<'_>, error: &PyErr) -> bool {
    flush_class(py).is_ok_and(|class| error.matches(py, class).unwrap_or(false))
}

/// Events that were sent, of which some have no verdict.
pub(crate) fn unconfirmed<'py, V, U>(py: Python<'py>, message: String, verdicts: V, events: U, reason: String) -> PyErr
where
    V: IntoPyObject<'py>,
    U: IntoPyObject<'py>,
{
    raised(unconfirmed_class(py), (message, verdicts, events, reason))
}

pub(crate) fn not_built(py: Python<'_>, error: &BuildError) -> PyErr {
    raised(config_class(py), (error.to_string(),))
}

pub(crate) fn bad_setting(py: Python<'_>, message: String) -> PyErr {
    raised(config_class(py), (message,))
}

pub(crate) fn bad_key(py: Python<'_>, error: InvalidKey) -> PyErr {
    raised(config_class(py), (error.to_string(),))
}

/// A question that has no answer.
pub(crate) fn bad_question(py: Python<'_>, error: &ParameterError) -> PyErr {
    let message = if error.parameter.is_empty() {
        error.message.clone()
    } else {
        error.to_string()
    };
    raised(
        question_class(py),
        (message, error.code.as_str(), error.parameter.as_str()),
    )
}

pub(crate) fn not_answered(py: Python<'_>, error: &QueryError) -> PyErr {
    let message = error.to_string();
    let reason = match error {
        QueryError::Closed => return raised(closed_class(py), (message,)),
        QueryError::Refused(refused) => {
            let Refused {
                code, status, report, ..
            } = &**refused;
            let report = report.as_ref().map(ToString::to_string);
            let told = (message, "refused", code.as_deref(), *status, report);
            return raised(collector_class(py), told);
        }
        QueryError::Unreadable(_) => "unreadable",
        _ => "unavailable",
    };
    raised(collector_class(py), (message, reason))
}

/// A document that cannot be changed as a patch says.
pub(crate) fn not_patched(py: Python<'_>, error: &PatchError) -> PyErr {
    raised(patch_class(py), (error.to_string(), error.operation))
}

/// Data that cannot be brought to a newer version.
pub(crate) fn not_upcast(py: Python<'_>, error: &UpcastError) -> PyErr {
    let pointer = match error {
        UpcastError::Taken(pointer) | UpcastError::NotConvertible(pointer) => pointer.to_string(),
        UpcastError::TooLarge(error) => error.pointer.clone(),
        _ => String::new(),
    };
    raised(upcast_class(py), (error.to_string(), pointer))
}

/// What a panic says of itself.
fn told(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}
