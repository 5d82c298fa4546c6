//! The answer, as Python sees it.

use arrow_array::RecordBatch;
use event_client::QueryError;
use event_core::aggregate::{Group, Row, Span};
use event_core::query::Measure;
use pyo3::exceptions::{PyImportError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyCapsule, PyDict, PyIterator, PyList, PyType};

use crate::boundary::guarded;
use crate::capsule;
use crate::error;
use crate::frame::{self, Values};
use crate::show;

/// The answer to a `Query`: a row for each bucket and group, with exact values.
///
/// Without `top` its rows are ordered by bucket, then by group; with it by rank, then by bucket. It is a table of
/// Arrow for whatever reads one: `polars.DataFrame(answer)`, `pyarrow.table(answer)`,
/// `duckdb.sql("from answer")`; with the columns `start`, `end` and `partial` where there are buckets, a column
/// for each field of `by`, and `value`. Two answers are equal if their rows are, wherever they come from.
///
/// >>> import event_py
/// >>> orders = [{"category": "order", "name": "created", "data": {"value": value}} for value in (0.1, 0.2)]
/// >>> answer = event_py.answer("sum:/value", orders)
/// >>> answer.rows[0].value
/// Decimal('0.3')
#[pyclass(frozen, module = "event_py")]
pub(crate) struct Answer {
    query: event_core::Query,
    answer: event_core::Answer,
}

impl Answer {
    pub(crate) fn new(query: event_core::Query, answer: event_core::Answer) -> Self {
        Answer { query, answer }
    }

    /// What a collector has answered, or why it has not.
    pub(crate) fn of_collector(
        py: Python<'_>,
        query: event_core::Query,
        answered: Result<event_core::Answer, QueryError>,
    ) -> PyResult<Self> {
        let answer = answered.map_err(|error| error::not_answered(py, &error))?;
        Ok(Answer { query, answer })
    }

    fn batch(&self, py: Python<'_>, values: Values) -> PyResult<RecordBatch> {
        let batch = py.detach(|| frame::batch(&self.query, &self.answer, values));
        let batch = batch.map_err(|_too_long| {
            PyValueError::new_err("the exact values have more than the 38 digits of a decimal: take the rows")
        })?;
        batch.map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// The rows for another package, in which all values are floats, or exact ones.
    fn table(&self, py: Python<'_>, exact: bool) -> PyResult<Table> {
        let values = if exact { Values::Exact } else { Values::Nearest };
        Ok(Table(self.batch(py, values)?))
    }
}

/// A table of Arrow on its way to another package.
#[pyclass(frozen, module = "event_py._native")]
struct Table(RecordBatch);

#[pymethods]
impl Table {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _best_effort = requested_schema;
        guarded(|| capsule::stream(py, self.0.clone()))
    }
}

#[pymethods]
impl Answer {
    /// The rows, one for each bucket and group.
    #[getter]
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        guarded(|| {
            let rows = Rows::new(py, &self.query)?;
            let made = self.answer.rows.iter().map(|row| rows.row(row));
            PyList::new(py, made.collect::<PyResult<Vec<_>>>()?)
        })
    }

    /// What it was computed from: `memory`, or in a collector `rows` of events or `cells` that were counted before.
    #[getter]
    fn source(&self) -> &'static str {
        self.answer.source.as_str()
    }

    /// The position of the last event that a collector has taken into account.
    #[getter]
    fn position(&self) -> Option<i64> {
        self.answer.position
    }

    /// The answer as JSON, as a collector gives it.
    fn to_json(&self) -> PyResult<String> {
        guarded(|| serde_json::to_string(&self.answer).map_err(|error| PyValueError::new_err(error.to_string())))
    }

    /// The rows as a table of pyarrow, which has to be installed.
    ///
    /// Args:
    ///     exact: Values that are no counts as decimals instead of the nearest floats.
    ///
    /// Raises:
    ///     ValueError: if exact values have more than 38 digits.
    #[pyo3(signature = (*, exact=false))]
    fn to_arrow<'py>(&self, py: Python<'py>, exact: bool) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let table = self.table(py, exact)?;
            needed(py, "pyarrow", "to_arrow")?.call_method1("table", (table,))
        })
    }

    /// The rows as a frame of pandas, which has to be installed, and pyarrow with it.
    ///
    /// Args:
    ///     exact: Values that are no counts as decimals instead of the nearest floats.
    ///
    /// Raises:
    ///     ValueError: if exact values have more than 38 digits.
    #[pyo3(signature = (*, exact=false))]
    fn to_pandas<'py>(&self, py: Python<'py>, exact: bool) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            needed(py, "pandas", "to_pandas")?;
            let table = self.table(py, exact)?;
            needed(py, "pyarrow", "to_pandas")?
                .call_method1("table", (table,))?
                .call_method0("to_pandas")
        })
    }

    /// The rows as a frame of polars, which has to be installed.
    ///
    /// Args:
    ///     exact: Values that are no counts as decimals instead of the nearest floats.
    ///
    /// Raises:
    ///     ValueError: if exact values have more than 38 digits.
    #[pyo3(signature = (*, exact=false))]
    fn to_polars<'py>(&self, py: Python<'py>, exact: bool) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let table = self.table(py, exact)?;
            needed(py, "polars", "to_polars")?.call_method1("DataFrame", (table,))
        })
    }

    /// The rows as a stream of Arrow, see the Arrow PyCapsule interface.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _best_effort = requested_schema;
        guarded(|| capsule::stream(py, self.batch(py, Values::Nearest)?))
    }

    fn __len__(&self) -> usize {
        self.answer.rows.len()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.rows(py)?.try_iter()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other
            .cast::<Answer>()
            .is_ok_and(|other| other.get().answer.rows == self.answer.rows)
    }

    fn __repr__(&self) -> PyResult<String> {
        guarded(|| Ok(show::text(&self.query, &self.answer)))
    }

    fn _repr_html_(&self) -> PyResult<String> {
        guarded(|| Ok(show::html(&self.query, &self.answer)))
    }
}

/// A package that only this needs.
fn needed<'py>(py: Python<'py>, package: &str, who: &str) -> PyResult<Bound<'py, PyModule>> {
    py.import(package).map_err(|error| {
        if error.is_instance_of::<PyImportError>(py) {
            let told = PyImportError::new_err(format!("{who} needs {package}: pip install {package}"));
            told.set_cause(py, Some(error));
            return told;
        }
        error
    })
}

/// Makes rows of Python.
struct Rows<'py> {
    row: &'py Bound<'py, PyType>,
    decimal: &'py Bound<'py, PyType>,
    timedelta: &'py Bound<'py, PyType>,
    epoch: Bound<'py, PyAny>,
    loads: Bound<'py, PyAny>,
    counts: bool,
}

impl<'py> Rows<'py> {
    fn new(py: Python<'py>, query: &event_core::Query) -> PyResult<Self> {
        static ROW: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        static DECIMAL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        static TIMEDELTA: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let datetime = py.import("datetime")?;
        let utc = datetime.getattr("timezone")?.getattr("utc")?;
        Ok(Rows {
            row: ROW.import(py, "event_py.rows", "Row")?,
            decimal: DECIMAL.import(py, "decimal", "Decimal")?,
            timedelta: TIMEDELTA.import(py, "datetime", "timedelta")?,
            epoch: datetime.getattr("datetime")?.call1((1970, 1, 1, 0, 0, 0, 0, utc))?,
            loads: py.import("json")?.getattr("loads")?,
            counts: query.measure == Measure::Count,
        })
    }

    fn row(&self, row: &Row) -> PyResult<Bound<'py, PyAny>> {
        let (start, end, partial) = match &row.bucket {
            Some(Span { start, end, partial }) => {
                let (start, end) = (self.time(start.as_micros())?, self.time(end.as_micros())?);
                (Some(start), Some(end), *partial)
            }
            None => (None, None, false),
        };
        let value = row.value.as_ref().map(ToString::to_string);
        let value = match value {
            None => None,
            Some(text) if self.counts => Some(text.parse::<u64>()?.into_pyobject(self.row.py())?.into_any()),
            Some(text) => Some(self.decimal.call1((text,))?),
        };
        self.row
            .call1((start, end, partial, self.group(row.group.as_ref())?, value))
    }

    fn time(&self, micros: i64) -> PyResult<Bound<'py, PyAny>> {
        self.epoch.add(self.timedelta.call1((0, 0, micros))?)
    }

    fn group(&self, group: Option<&Group>) -> PyResult<Bound<'py, PyDict>> {
        let values = PyDict::new(self.row.py());
        for (field, text) in group.into_iter().flat_map(Group::iter) {
            values.set_item(field.to_string(), self.loads.call1((text,))?)?;
        }
        Ok(values)
    }
}
