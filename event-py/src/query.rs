//! The question, as Python asks it.

use event_core::query::ParameterError;
use event_core::{Code, Limits};
use pyo3::exceptions::{PyAttributeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyFrozenSet, PyMemoryView, PySet, PyString, PyType};

use crate::boundary::guarded;
use crate::error;
use crate::value::{self, Instant};

/// What a question may be made of: a set of ten thousand values is no mistake.
const LIMITS: Limits = Limits::DEFAULT.with_nodes(20_000);

/// A question about events that has an exact answer: `answer` gives it over events in memory, `Client.query` over
/// those of a collector.
///
/// A field is `category`, `name`, `version`, `source`, `session_id`, `subject`, or a JSON pointer into the data,
/// say `/address/country`.
///
/// Args:
///     measure: `count`, or `sum`, `average`, `minimum` or `maximum` with the place of a number, say `sum:/value`.
///     by: A value for each combination of what these fields hold: one field, or several.
///     bucket: A value for each `minute`, `hour`, `day`, `week` or `month`.
///     zone: Whose clock and calendar: a name, say `Europe/Paris`, or a `zoneinfo.ZoneInfo`.
///     from_: Of events from this time on: an aware `datetime`, a `date`, or text; without an offset in the zone.
///     to: Of events before this time.
///     top: Only so many groups, those with the greatest values.
///     filter: Of which events: a dict from fields to what they are, a value or a list of them, or to
///         `{"from": …, "to": …}` or `{"contains": …}`; or the form that JSON has, `{"all": [{"field": …}]}`.
///
/// Raises:
///     QueryError: with the name of the parameter that is wrong.
///
/// >>> import event_py
/// >>> event_py.Query("sum:/value", by="/country", filter={"category": "order"}).to_json()
/// '{"measure":"sum:/value","by":["/country"],"filter":{"all":[{"field":"category","equals":"order"}]}}'
#[pyclass(frozen, eq, module = "event_py")]
#[derive(PartialEq)]
pub(crate) struct Query(pub(crate) event_core::Query);

/// The question that a `Query` is, or the measure and the keywords of one.
pub(crate) fn asked(
    py: Python<'_>,
    query: Option<&Bound<'_, PyAny>>,
    keywords: Option<&Bound<'_, PyDict>>,
) -> PyResult<event_core::Query> {
    let class = py.get_type::<Query>();
    let Some(query) = query else {
        return Ok(class.call((), keywords)?.cast::<Query>()?.get().0.clone());
    };
    match query.cast::<Query>() {
        Ok(_) if keywords.is_some_and(|keywords| !keywords.is_empty()) => {
            Err(PyTypeError::new_err("a Query takes no keywords: it has its own"))
        }
        Ok(query) => Ok(query.get().0.clone()),
        Err(_) => Ok(class.call((query,), keywords)?.cast::<Query>()?.get().0.clone()),
    }
}

#[pymethods]
impl Query {
    #[new]
    #[pyo3(signature = (
        measure=None, *, by=None, bucket=None, zone=None, from_=None, to=None, top=None, filter=None,
    ))]
    #[pyo3(
        text_signature = "(measure='count', *, by=(), bucket=None, zone='UTC', from_=None, to=None, top=None, \
                             filter=None)"
    )]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python<'_>,
        measure: Option<&Bound<'_, PyAny>>,
        by: Option<&Bound<'_, PyAny>>,
        bucket: Option<&Bound<'_, PyAny>>,
        zone: Option<&Bound<'_, PyAny>>,
        from_: Option<&Bound<'_, PyAny>>,
        to: Option<&Bound<'_, PyAny>>,
        top: Option<&Bound<'_, PyAny>>,
        filter: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        guarded(|| {
            let zone = zone.map(zone_name).transpose()?;
            let [from, to] = [("from_", from_), ("to", to)].map(|(name, at)| at.map(|at| time(name, at)).transpose());
            let (from, to) = (from?, to?);
            let by = by.map(listed).transpose()?;
            let filter = filter.map(conditions).transpose()?;
            let parts = [
                ("measure", measure),
                ("by", by.as_ref()),
                ("bucket", bucket),
                ("zone", zone.as_ref()),
                ("from", from.as_ref()),
                ("to", to.as_ref()),
                ("top", top),
                ("filter", filter.as_ref()),
            ];
            let mut members = Vec::new();
            for (name, part) in parts {
                if let Some(part) = part {
                    let text = value::text_at(part, &LIMITS, &format!("/{name}"));
                    let text = text.map_err(|error| unwritable(py, name, &error))?;
                    members.push(format!("\"{name}\":{}", text.as_str()));
                }
            }
            read(py, format!("{{{}}}", members.join(",")).as_bytes())
        })
    }

    /// The question that JSON says, in the form that collectors read.
    ///
    /// Raises:
    ///     QueryError: with the name of the member that is wrong.
    ///
    /// >>> import event_py
    /// >>> event_py.Query.from_json('{"bucket": "day"}') == event_py.Query(bucket="day")
    /// True
    #[classmethod]
    fn from_json(_class: &Bound<'_, PyType>, py: Python<'_>, json: &Bound<'_, PyAny>) -> PyResult<Self> {
        guarded(|| match json.cast::<PyString>() {
            Ok(text) => read(py, text.to_str()?.as_bytes()),
            Err(_) => read(py, json.extract::<&[u8]>()?),
        })
    }

    /// The question as JSON, in the form that collectors read.
    fn to_json(&self) -> PyResult<String> {
        guarded(|| Ok(self.text()))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guarded(|| {
            let members = py
                .import("json")?
                .call_method1("loads", (self.text(),))?
                .cast_into::<PyDict>()?;
            let mut parts = Vec::new();
            for (name, member) in members {
                let member = member.repr()?;
                parts.push(match name.extract::<String>()?.as_str() {
                    "measure" => member.to_string(),
                    "from" => format!("from_={member}"),
                    name => format!("{name}={member}"),
                });
            }
            Ok(format!("Query({})", parts.join(", ")))
        })
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        guarded(|| PyString::new(py, &self.text()).hash())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        guarded(|| Ok((slf.get_type().getattr("from_json")?, (slf.get().text(),))))
    }
}

impl Query {
    fn text(&self) -> String {
        // A question that was read can be written.
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

fn read(py: Python<'_>, json: &[u8]) -> PyResult<Query> {
    let query = event_core::Query::from_json(json);
    query.map(Query).map_err(|mut error| {
        // The parameter by its name in Python.
        if error.parameter == "from" {
            error.parameter.push('_');
        }
        error::bad_question(py, &error)
    })
}

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
fn listed<'py>(by: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if by.is_instance_of::<PyString>() {
        return Ok(by.clone());
    }
    if is_bytes(by) || is_set(by) {
        return Err(wrong(by.py(), "by", "this is a field, or a list of fields"));
    }
    let fields = by
        .try_iter()
        .map_err(|_| wrong(by.py(), "by", "this is a field, or a list of fields"))?;
    let fields = fields.collect::<PyResult<Vec<_>>>()?;
    fields.into_pyobject(by.py())
}

/// A dict from fields to what they are, as the conditions of JSON.
fn conditions<'py>(filter: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = filter.py();
    let Ok(fields) = filter.cast::<PyDict>() else {
        return Err(wrong(py, "filter", "this is a dict from fields to what they are"));
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
                return Err(wrong(
                    py,
                    "filter",
                    "a test has no field of its own: the key is its field",
                ));
            }
        } else if is_bytes(&test) {
            let message = format!(
                "a value of type {} is not JSON: decode it first",
                value::type_name(&test)
            );
            return Err(wrong(py, "filter", message));
        } else if test.is_instance_of::<PyString>() || test.try_iter().is_err() {
            condition.set_item("equals", test)?;
        } else {
            condition.set_item("in", members(&test)?)?;
        }
        condition.set_item("field", field)?;
        all.push(condition);
    }
    let filter = PyDict::new(py);
    filter.set_item("all", all)?;
    Ok(filter.into_any())
}

/// What a value is one of. Those of a set come in the order of their JSON, so that equal questions are equal.
fn members<'py>(values: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let py = values.py();
    let members = values.try_iter()?.collect::<PyResult<Vec<_>>>()?;
    if !is_set(values) {
        return Ok(members);
    }
    let written = members.into_iter().map(|member| {
        let text = value::text_at(&member, &LIMITS, "/filter").map_err(|error| unwritable(py, "filter", &error))?;
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
