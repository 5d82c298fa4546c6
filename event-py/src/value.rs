//! A Python value → JSON, by the rules of the house: nothing is guessed, and nothing is turned into text unasked.

use std::cell::Cell;

use event_core::json::{Text, TextError};
use event_core::{Code, Limits, Refusal};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};
use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::error;

/// Writes a Python value as JSON text.
///
/// Taken are `None`, `bool`, `int`, `float`, `str`, `dict` with keys that are `str`, `list`, `tuple` and aware
/// `datetime`s, which become RFC 3339.
pub(crate) fn text(value: &Bound<'_, PyAny>, limits: &Limits) -> PyResult<Text> {
    text_at(value, limits, "/data")
}

/// The same for a value that stands somewhere else than in the data: what is wrong with it is told as seen from
/// outside of that place.
pub(crate) fn text_at(value: &Bound<'_, PyAny>, limits: &Limits, place: &str) -> PyResult<Text> {
    written(value, limits, place).map_err(|unwritten| match unwritten {
        Unwritten::Raised(error) => error,
        Unwritten::Refused(refusal) => error::refused(value.py(), &refusal),
    })
}

/// Why there is no JSON text of a value.
pub(crate) enum Unwritten {
    /// This is raised: it is not JSON, or Python code that was asked for a part of it has raised this.
    Raised(PyErr),
    /// It is JSON, but breaks a rule.
    Refused(Refusal),
}

/// The same; what is wrong is raised by the caller, if at all.
pub(crate) fn written(value: &Bound<'_, PyAny>, limits: &Limits, place: &str) -> Result<Text, Unwritten> {
    let trouble = Cell::new(None);
    let whole = Value {
        value,
        trouble: &trouble,
    };
    Text::of(&whole, limits).map_err(|mut error| {
        error.pointer.insert_str(0, place);
        explained(value.py(), error, trouble.take())
    })
}

/// Why a value cannot be written, where serde has no words for it.
enum Trouble {
    /// Python code that was asked for a part of it has raised this.
    Raised(PyErr),
    /// It is of a type that JSON does not have.
    NotJson(String),
    /// It is of a type that JSON has, but cannot be written.
    Refused(Code, &'static str),
}

fn explained(py: Python<'_>, wrong: TextError, trouble: Option<Trouble>) -> Unwritten {
    match trouble {
        Some(Trouble::Raised(error)) => Unwritten::Raised(error),
        Some(Trouble::NotJson(message)) => Unwritten::Raised(error::not_json(py, &wrong.pointer, &message)),
        Some(Trouble::Refused(code, message)) => Unwritten::Refused(Refusal::new(code, wrong.pointer, message)),
        None => Unwritten::Refused(Refusal::from(wrong)),
    }
}

struct Value<'a, 'py> {
    value: &'a Bound<'py, PyAny>,
    trouble: &'a Cell<Option<Trouble>>,
}

impl<'a, 'py> Value<'a, 'py> {
    fn of(&self, value: &'a Bound<'py, PyAny>) -> Self {
        Value { value, ..*self }
    }

    fn fail<E: Error>(&self, trouble: Trouble) -> E {
        self.trouble.set(Some(trouble));
        E::custom("")
    }

    fn string<S: Serializer>(&self, text: &Bound<'py, PyString>, serializer: S) -> Result<S::Ok, S::Error> {
        match text.to_str() {
            Ok(text) => serializer.serialize_str(text),
            // The only texts without UTF-8.
            Err(_) => Err(self.fail(Trouble::Refused(
                Code::InvalidUnicode,
                "a string holds a lone surrogate",
            ))),
        }
    }

    fn integer<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value.extract::<i64>() {
            Ok(integer) => serializer.serialize_i64(integer),
            Err(_) => {
                let message = "a number is beyond 64-bit integers";
                Err(self.fail(Trouble::Refused(Code::NumberOutOfRange, message)))
            }
        }
    }

    fn members<S: Serializer>(
        &self,
        members: impl Iterator<Item = PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for member in members {
            let (key, value) = member.map_err(|error| self.fail::<S::Error>(Trouble::Raised(error)))?;
            match key.cast::<PyString>() {
                Ok(_) => map.serialize_entry(&self.of(&key), &self.of(&value))?,
                Err(_) => {
                    let message = format!("a key is of type {}: keys are str", type_name(&key));
                    return Err(self.fail(Trouble::NotJson(message)));
                }
            }
        }
        map.end()
    }

    /// What is no exact instance of a type that JSON has.
    fn other<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Value { value, .. } = self;
        if let Ok(text) = value.cast::<PyString>() {
            return self.string(text, serializer);
        }
        if value.is_instance_of::<PyInt>() {
            return self.integer(serializer);
        }
        if value.is_instance_of::<PyDict>() {
            // What a class of its own says of its items is what counts, and what it raises is raised.
            let items = value.call_method0("items").and_then(|items| items.try_iter());
            let items = items.map_err(|error| self.fail::<S::Error>(Trouble::Raised(error)))?;
            return self.members(items.map(|item| item?.extract()), serializer);
        }
        if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
            let elements = value
                .try_iter()
                .map_err(|error| self.fail::<S::Error>(Trouble::Raised(error)))?;
            return self.elements(elements, serializer);
        }
        match instant(value) {
            Ok(Instant::Text(text)) => serializer.serialize_str(&text),
            Ok(Instant::Other) => {
                let message = format!("a value of type {} is not JSON: convert it first", type_name(value));
                Err(self.fail(Trouble::NotJson(message)))
            }
            Ok(Instant::Naive) => {
                let message = "a datetime has no time zone: give it one, say timezone.utc";
                Err(self.fail(Trouble::Refused(Code::InvalidTimestamp, message)))
            }
            Err(error) => Err(self.fail(Trouble::Raised(error))),
        }
    }

    fn elements<S: Serializer>(
        &self,
        elements: impl Iterator<Item = PyResult<Bound<'py, PyAny>>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(None)?;
        for element in elements {
            let element = element.map_err(|error| self.fail::<S::Error>(Trouble::Raised(error)))?;
            sequence.serialize_element(&self.of(&element))?;
        }
        sequence.end()
    }
}

impl Serialize for Value<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.value;
        if let Ok(text) = value.cast_exact::<PyString>() {
            self.string(text, serializer)
        } else if value.is_exact_instance_of::<PyInt>() {
            self.integer(serializer)
        } else if let Ok(float) = value.cast_exact::<PyFloat>() {
            serializer.serialize_f64(float.value())
        } else if value.is_none() {
            serializer.serialize_unit()
        } else if let Ok(boolean) = value.cast_exact::<PyBool>() {
            serializer.serialize_bool(boolean.is_true())
        } else if let Ok(members) = value.cast_exact::<PyDict>() {
            self.members(steady(members), serializer)
        } else if let Ok(elements) = value.cast_exact::<PyList>() {
            self.elements(elements.iter().map(Ok), serializer)
        } else if let Ok(elements) = value.cast_exact::<PyTuple>() {
            self.elements(elements.iter().map(Ok), serializer)
        } else {
            self.other(serializer)
        }
    }
}

/// The members of a dict. Python code that runs meanwhile, for a value or on another thread, may change it: that is
/// an error, as it is in Python.
fn steady<'py>(
    members: &Bound<'py, PyDict>,
) -> impl Iterator<Item = PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)>> + use<'py> {
    // Without an interpreter that one thread has to itself, nobody changes a copy.
    let copy = cfg!(Py_GIL_DISABLED).then(|| members.copy().ok()).flatten();
    let dict = copy.unwrap_or_else(|| members.clone());
    let size = dict.len();
    let (mut left, mut members) = (size, dict.iter());
    std::iter::from_fn(move || {
        // Beyond the size it had, or after another one, the iterator would panic.
        if dict.len() != size {
            let changed = "dictionary changed size during iteration";
            return Some(Err(PyRuntimeError::new_err(changed)));
        }
        left = left.checked_sub(1)?;
        members.next().map(Ok)
    })
}

/// What a value is as a time.
pub(crate) enum Instant {
    /// An aware `datetime`, by RFC 3339.
    Text(String),
    /// A `datetime` that says no offset: any of a day's instants.
    Naive,
    /// No `datetime`.
    Other,
}

/// Reads a `datetime`.
///
/// # Errors
/// What its time zone raises.
pub(crate) fn instant(value: &Bound<'_, PyAny>) -> PyResult<Instant> {
    static DATETIME: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static UTC: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = value.py();
    if !value.is_instance(DATETIME.import(py, "datetime", "datetime")?)? {
        return Ok(Instant::Other);
    }
    // A zone may be there and know no offset.
    let offset = value.call_method0("utcoffset")?;
    if offset.is_none() {
        return Ok(Instant::Naive);
    }
    let seconds: f64 = offset.call_method0("total_seconds")?.extract()?;
    let text = if seconds % 60.0 == 0.0 {
        value.call_method0("isoformat")?
    } else {
        // Before there were time zones a town had its own; RFC 3339 has no seconds in offsets.
        let utc = UTC.get_or_try_init(py, || {
            py.import("datetime")?
                .getattr("timezone")?
                .getattr("utc")
                .map(Bound::unbind)
        })?;
        value.call_method1("astimezone", (utc,))?.call_method0("isoformat")?
    };
    text.extract().map(Instant::Text)
}

/// The name of a value's type, as a programmer would write it.
pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value
        .get_type()
        .fully_qualified_name()
        .map_or_else(|_| "unknown".to_owned(), |name| name.to_string())
}
