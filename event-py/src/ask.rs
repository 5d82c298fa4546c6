//! What Python says of a question → the JSON of it.

use event_core::query::ParameterError;
use event_core::{Code, Limits};
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDelta, PyDict, PyFrozenSet, PyMemoryView, PySet, PyString};

use crate::error;
use crate::value::{self, Instant};

/// What a question may be made of: a set of ten thousand values is no mistake.
const LIMITS: Limits = Limits::DEFAULT.with_nodes(20_000);

/// What may be given as a keyword.
pub(crate) type Given<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

/// What is said of a question, part by part.
pub(crate) struct Said<'py> {
    py: Python<'py>,
    parts: Vec<(&'static str, Bound<'py, PyAny>)>,
}

impl<'py> Said<'py> {
    /// What all questions have.
    pub(crate) fn new(py: Python<'py>, common: [(&'static str, Given<'_, 'py>); 4]) -> PyResult<Self> {
        let mut said = Said { py, parts: Vec::new() };
        for (name, given) in common {
            let Some(given) = given else { continue };
            let part = match name {
                "zone" => zone_name(given)?,
                "filter" => conditions(name, given)?,
                name => time(name, given)?,
            };
            said.parts.push((if name == "from_" { "from" } else { name }, part));
        }
        Ok(said)
    }

    fn with<const N: usize>(
        mut self,
        parts: [(&'static str, Given<'_, 'py>); N],
        read: impl Fn(&str, &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        for (name, given) in parts {
            if let Some(given) = given {
                self.parts.push((name, read(name, given)?));
            }
        }
        Ok(self)
    }

    /// What is said as it is.
    pub(crate) fn plain<const N: usize>(mut self, parts: [(&'static str, Given<'_, 'py>); N]) -> Self {
        let given = parts
            .into_iter()
            .filter_map(|(name, given)| Some((name, given?.clone())));
        self.parts.extend(given);
        self
    }

    /// Fields, one or several.
    pub(crate) fn fields<const N: usize>(self, parts: [(&'static str, Given<'_, 'py>); N]) -> PyResult<Self> {
        self.with(parts, listed)
    }

    /// Instants.
    pub(crate) fn times<const N: usize>(self, parts: [(&'static str, Given<'_, 'py>); N]) -> PyResult<Self> {
        self.with(parts, time)
    }

    /// Which events: the name of one, or conditions.
    pub(crate) fn events<const N: usize>(self, parts: [(&'static str, Given<'_, 'py>); N]) -> PyResult<Self> {
        self.with(parts, events)
    }

    /// The steps of a funnel.
    pub(crate) fn steps(self, steps: &Bound<'py, PyAny>) -> PyResult<Self> {
        self.with([("steps", Some(steps))], |name, steps| {
            if steps.is_instance_of::<PyString>() || steps.is_instance_of::<PyDict>() {
                return step(name, steps);
            }
            let each = steps.try_iter().ok().filter(|_| !is_bytes(steps) && !is_set(steps));
            let each = each.ok_or_else(|| wrong(steps.py(), name, "this is a list of steps"))?;
            let each = each.map(|each| step(name, &each?)).collect::<PyResult<Vec<_>>>()?;
            each.into_pyobject(steps.py())
        })
    }

    /// A length of time.
    pub(crate) fn window(self, window: Given<'_, 'py>) -> PyResult<Self> {
        self.with([("window", window)], |_, window| {
            let Ok(length) = window.cast::<PyDelta>() else {
                return Ok(window.clone());
            };
            let unit = PyDelta::new(window.py(), 0, 0, 1, false)?;
            let text = format!("{}us", length.floor_div(unit)?.str()?);
            Ok(PyString::new(window.py(), &text).into_any())
        })
    }

    /// The JSON object of what was said.
    pub(crate) fn json(&self) -> PyResult<String> {
        let mut members = Vec::new();
        for (name, part) in &self.parts {
            let text = value::text_at(part, &LIMITS, &format!("/{name}"));
            let text = text.map_err(|error| unwritable(self.py, name, &error))?;
            members.push(format!("\"{name}\":{}", text.as_str()));
        }
        Ok(format!("{{{}}}", members.join(",")))
    }
}

/// A question that was read, or which parameter is wrong, by its name in Python.
pub(crate) fn read<Q>(py: Python<'_>, question: Result<Q, ParameterError>) -> PyResult<Q> {
    question.map_err(|mut error| {
        if error.parameter == "from" {
            error.parameter.push('_');
        }
        error::bad_question(py, &error)
    })
}

/// The text of JSON that is given as `str` or `bytes`.
pub(crate) fn json<'a>(json: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    match json.cast::<PyString>() {
        Ok(text) => Ok(text.to_str()?.as_bytes()),
        Err(_) => Ok(json.extract::<&[u8]>()?),
    }
}

/// The expression of Python that makes a question; a `first` part goes without its name.
pub(crate) fn expression(py: Python<'_>, class: &str, first: &str, json: &str) -> PyResult<String> {
    let members = py
        .import("json")?
        .call_method1("loads", (json,))?
        .cast_into::<PyDict>()?;
    let mut parts = Vec::new();
    for (name, member) in members {
        let member = member.repr()?;
        parts.push(match name.extract::<String>()?.as_str() {
            name if name == first => member.to_string(),
            "from" => format!("from_={member}"),
            name => format!("{name}={member}"),
        });
    }
    Ok(format!("{class}({})", parts.join(", ")))
}

/// A parameter that is wrong.
fn wrong(py: Python<'_>, parameter: &str, message: impl Into<String>) -> PyErr {
    error::bad_question(py, &ParameterError::new(parameter, Code::InvalidParameter, message))
}

/// A parameter that holds what JSON does not have; what Python code has raised itself is raised as it is.
fn unwritable(py: Python<'_>, parameter: &str, error: &PyErr) -> PyErr {
    let ours = error
        .get_type(py)
        .module()
        .is_ok_and(|module| module == "event_py.errors");
    if ours {
        wrong(py, parameter, error.value(py).to_string())
    } else {
        error.clone_ref(py)
    }
}

/// The name of a zone, also of one of `zoneinfo`.
fn zone_name<'py>(zone: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    match zone.getattr("key") {
        Ok(name) if !name.is_none() => Ok(name),
        Err(error) if !error.is_instance_of::<PyAttributeError>(zone.py()) => Err(error),
        _ => Ok(zone.clone()),
    }
}

/// A time as text. A `datetime` knows its zone; a `date` is its first instant in the zone of the question.
fn time<'py>(name: &str, at: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = at.py();
    if at.is_instance_of::<PyString>() {
        return Ok(at.clone());
    }
    match value::instant(at) {
        Ok(Instant::Text(text)) => Ok(PyString::new(py, &text).into_any()),
        Ok(Instant::Other) if at.is_instance(&py.import("datetime")?.getattr("date")?)? => at.call_method0("isoformat"),
        Ok(Instant::Other) => {
            let message = format!("a time is a datetime, a date or text, not {}", value::type_name(at));
            Err(wrong(py, name, message))
        }
        Ok(Instant::Naive) => Err(wrong(
            py,
            name,
            "a datetime has no time zone: give it one, say timezone.utc",
        )),
        Err(error) => Err(error),
    }
}

/// One field, or what can be iterated over.
fn listed<'py>(name: &str, by: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if by.is_instance_of::<PyString>() {
        return Ok(by.clone());
    }
    if is_bytes(by) || is_set(by) {
        return Err(wrong(by.py(), name, "this is a field, or a list of fields"));
    }
    let fields = by
        .try_iter()
        .map_err(|_| wrong(by.py(), name, "this is a field, or a list of fields"))?;
    let fields = fields.collect::<PyResult<Vec<_>>>()?;
    fields.into_pyobject(by.py())
}

/// A dict from fields to what they are, as the conditions of JSON.
fn conditions<'py>(name: &str, filter: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = filter.py();
    let Ok(fields) = filter.cast::<PyDict>() else {
        return Err(wrong(py, name, "this is a dict from fields to what they are"));
    };
    // No field has this name.
    if fields.contains("all")? {
        return Ok(filter.clone());
    }
    let mut all = Vec::new();
    // What is asked of a test may change the dict.
    for item in fields.items() {
        let (field, test): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
        let condition = PyDict::new(py);
        if let Ok(tests) = test.cast::<PyDict>() {
            condition.update(tests.as_mapping())?;
            if condition.contains("field")? {
                return Err(wrong(py, name, "a test has no field of its own: the key is its field"));
            }
        } else if is_bytes(&test) {
            let message = format!(
                "a value of type {} is not JSON: decode it first",
                value::type_name(&test)
            );
            return Err(wrong(py, name, message));
        } else if test.is_instance_of::<PyString>() || test.try_iter().is_err() {
            condition.set_item("equals", test)?;
        } else {
            condition.set_item("in", members(name, &test)?)?;
        }
        condition.set_item("field", field)?;
        all.push(condition);
    }
    let filter = PyDict::new(py);
    filter.set_item("all", all)?;
    Ok(filter.into_any())
}

/// The name of an event, or conditions.
fn events<'py>(name: &str, which: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if which.is_instance_of::<PyString>() {
        return Ok(which.clone());
    }
    if !which.is_instance_of::<PyDict>() {
        let message = "this is the name of an event, or a dict from fields to what they are";
        return Err(wrong(which.py(), name, message));
    }
    conditions(name, which)
}

/// The same, with a `label` that is no condition.
fn step<'py>(name: &str, step: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let label = match step.cast::<PyDict>() {
        Ok(members) => members.get_item("label")?,
        Err(_) => None,
    };
    let Some(label) = label else { return events(name, step) };
    let members = step.cast::<PyDict>()?.copy()?;
    members.del_item("label")?;
    let conditions = conditions(name, members.as_any())?;
    let step = conditions.cast::<PyDict>()?;
    step.set_item("label", label)?;
    Ok(conditions)
}

/// What a value is one of. Those of a set come in the order of their JSON, so that equal questions are equal.
fn members<'py>(name: &str, values: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let py = values.py();
    let members = values.try_iter()?.collect::<PyResult<Vec<_>>>()?;
    if !is_set(values) {
        return Ok(members);
    }
    let written = members.into_iter().map(|member| {
        let text =
            value::text_at(&member, &LIMITS, &format!("/{name}")).map_err(|error| unwritable(py, name, &error))?;
        Ok((text.into_string(), member))
    });
    let mut written = written.collect::<PyResult<Vec<_>>>()?;
    written.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(written.into_iter().map(|(_, member)| member).collect())
}

fn is_set(object: &Bound<'_, PyAny>) -> bool {
    object.is_instance_of::<PySet>() || object.is_instance_of::<PyFrozenSet>()
}

/// Bytes are no list of numbers.
fn is_bytes(object: &Bound<'_, PyAny>) -> bool {
    object.is_instance_of::<PyBytes>()
        || object.is_instance_of::<PyByteArray>()
        || object.is_instance_of::<PyMemoryView>()
}
