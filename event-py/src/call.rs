//! What Python has a collector do besides taking events and answering questions → the calls of the client.

use event_client::{Call, QueryError};
use event_core::query::ParameterError;
use event_core::{Code, EventType, Label, Subject};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::value::RawValue;

use crate::error;
use crate::schema::loaded;

/// Parameters of a URL, and their values.
pub(crate) type Parameters = Vec<(String, String)>;

/// What is to be done: the name of a call, the names in its path, its parameters, and the JSON that it sends.
pub(crate) type Asked = (String, Vec<String>, Parameters, Option<String>);

/// What a collector has answered, as JSON.
pub(crate) type Told = Result<Box<RawValue>, QueryError>;

/// The call that Python asks for.
///
/// # Errors
/// If a name breaks its grammar.
pub(crate) fn of(py: Python<'_>, (verb, names, parameters, body): Asked) -> PyResult<Call> {
    let names = Names { py, names: &names };
    let body = match body {
        Some(text) => RawValue::from_string(text),
        None => RawValue::from_string("null".to_owned()),
    };
    let body = body.map_err(|error| PyValueError::new_err(error.to_string()))?;
    let call = match verb.as_str() {
        "types" => Call::types(),
        "register" => Call::register(&names.event_type()?, &names.version()?, &body),
        "compatibility" => Call::compatibility(&names.event_type()?, &names.version()?),
        "trial" => Call::trial(&names.event_type()?, &body),
        "inferred" => Call::inferred(&names.event_type()?),
        "quarantine" => Call::quarantine(),
        "entry" => Call::entry(names.number()?),
        "edit" => Call::edit(names.number()?, &body),
        "replay" => Call::replay(&body),
        "discard" => Call::discard(&body),
        "erase" => Call::erase(&names.subject()?),
        "erasures" => Call::erasures(),
        "import_csv" => Call::import_csv(names.name(0)),
        "import_ndjson" => Call::import_ndjson(names.name(0)),
        _ => return Err(PyValueError::new_err(format!("there is no call {verb}"))),
    };
    Ok(with(call, &parameters))
}

/// The export that Python asks for.
pub(crate) fn export(parameters: &Parameters) -> Call {
    with(Call::export(), parameters)
}

fn with(call: Call, parameters: &Parameters) -> Call {
    let pairs = parameters.iter();
    pairs.fold(call, |call, (name, value)| call.with(name, value))
}

/// What a collector has answered, or why it has not.
pub(crate) fn told(py: Python<'_>, told: Told) -> PyResult<Bound<'_, PyAny>> {
    let told = told.map_err(|error| error::not_answered(py, &error))?;
    loaded(py, told.get())
}

/// The names in a path.
struct Names<'a, 'py> {
    py: Python<'py>,
    names: &'a [String],
}

impl Names<'_, '_> {
    fn name(&self, place: usize) -> &str {
        self.names.get(place).map_or("", String::as_str)
    }

    fn read<T, E: ToString>(&self, parameter: &str, read: Result<T, E>) -> PyResult<T> {
        read.map_err(|error| {
            let error = ParameterError::new(parameter, Code::InvalidParameter, error.to_string());
            error::bad_question(self.py, &error)
        })
    }

    fn event_type(&self) -> PyResult<EventType> {
        let category = self.read("category", Label::new(self.name(0)))?;
        let name = self.read("name", Label::new(self.name(1)))?;
        Ok(EventType { category, name })
    }

    fn version(&self) -> PyResult<Label> {
        self.read("version", Label::new(self.name(2)))
    }

    fn subject(&self) -> PyResult<Subject> {
        self.read("subject", Subject::new(self.name(0)))
    }

    fn number(&self) -> PyResult<i64> {
        self.read("number", self.name(0).parse::<i64>())
    }
}
