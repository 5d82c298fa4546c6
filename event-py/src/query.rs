//! The question, as Python asks it.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};

use crate::ask::{self, Said};
use crate::boundary::guarded;

/// A question about events that has an exact answer: `answer` gives it over events in memory, `Client.query` over
/// those of a collector.
///
/// A field is `category`, `name`, `version`, `source`, `session_id`, `subject`, or a JSON pointer into the data,
/// say `/address/country`.
///
/// Args:
///     measure: `count`; `sum`, `average`, `minimum`, `maximum`, `median` or a percentile with the place of a number,
///         say `sum:/value` or `p95:/value`; or how many different values a field has, say `unique:subject`, or about how many, `about_unique:subject`.
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
            let common = [("zone", zone), ("from_", from_), ("to", to), ("filter", filter)];
            let said = Said::new(py, common)?.fields([("by", by)])?;
            let json = said
                .plain([("measure", measure), ("bucket", bucket), ("top", top)])
                .json()?;
            ask::read(py, event_core::Query::from_json(json.as_bytes())).map(Query)
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
        guarded(|| ask::read(py, event_core::Query::from_json(ask::json(json)?)).map(Query))
    }

    /// The question as JSON, in the form that collectors read.
    fn to_json(&self) -> PyResult<String> {
        guarded(|| Ok(self.text()))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guarded(|| ask::expression(py, "Query", "measure", &self.text()))
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
