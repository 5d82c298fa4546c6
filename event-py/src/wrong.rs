//! Why events cannot be counted: what may be found out by threads that know nothing of Python.

use event_core::query::{ParameterError, QueryError};
use event_core::{Code, Refusal};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::error;

/// Why events cannot be counted.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// The question has no answer.
    Question(QueryError),
    /// An event breaks a rule: where it stands, and why.
    Event(String, Refusal),
    /// A column is of a type that has no JSON.
    Column(String, String),
    /// The table ends with an error of its own.
    Table(arrow_schema::ArrowError),
}

impl Wrong {
    /// A value in a column, of a row from 0 on.
    pub(crate) fn value(column: &str, row: u64, code: Code) -> Self {
        let message = match code {
            Code::NonFiniteNumber => "a number is NaN or infinite, which JSON does not have",
            Code::NumberOutOfRange => "a number is beyond 64-bit integers and finite floats",
            Code::InvalidTimestamp => "the question is about time, and here is none",
            Code::AmbiguousTimestamp => "a local time that its zone has twice",
            Code::TimestampOutOfRange => "a time outside the years 1970 to 9999",
            Code::DuplicateKey => "\"timestamp\" is another name of \"occurred_at\": give one of them",
            _ => "this value cannot be read",
        };
        Wrong::Event(format!("row {row}"), Refusal::new(code, format!("/{column}"), message))
    }

    pub(crate) fn into_error(self, py: Python<'_>) -> PyErr {
        match self {
            Wrong::Question(error) => error::bad_question(py, &ParameterError::from(error)),
            Wrong::Event(place, refusal) => error::refused_at(py, &place, &refusal),
            Wrong::Column(column, message) => error::not_json(py, &column, &message),
            Wrong::Table(error) => PyValueError::new_err(format!("the table cannot be read: {error}")),
        }
    }
}

impl From<QueryError> for Wrong {
    fn from(error: QueryError) -> Self {
        Wrong::Question(error)
    }
}
