//! The answer, as Python sees it.

use arrow_array::RecordBatch;
use event_client::QueryError;
use event_core::aggregate::{Group, Row, Span};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyCapsule, PyDict, PyIterator, PyList, PyType};

use crate::arrow::{self, Numbers};
use crate::boundary::guarded;
use crate::capsule;
use crate::error;
use crate::package;
use crate::show::{self, Cells};
use crate::values::Values;

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

    fn batch(&self, py: Python<'_>, numbers: Numbers) -> PyResult<RecordBatch> {
        let batch = py.detach(|| arrow::batch(&self.query, &self.answer, numbers));
        batch.map_err(|untold| PyValueError::new_err(untold.to_string()))
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

    /// The standard error of the values as a share of them, say 0.01625, where they are estimates; `None` where they
    /// are exact.
    #[getter]
    fn standard_error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        guarded(|| {
            let values = Values::new(py)?;
            let error = self.answer.standard_error.as_ref();
            error.map(|error| values.decimal(error)).transpose()
        })
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
        guarded(|| package::to_arrow(py, self.batch(py, Numbers::of(exact))?))
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
        guarded(|| package::to_pandas(py, self.batch(py, Numbers::of(exact))?))
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
        guarded(|| package::to_polars(py, self.batch(py, Numbers::of(exact))?))
    }

    /// The rows as a stream of Arrow, see the Arrow PyCapsule interface.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _best_effort = requested_schema;
        guarded(|| capsule::stream(py, self.batch(py, Numbers::Nearest)?))
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
        guarded(|| Ok(show::text(&Cells::of(&self.query, &self.answer))))
    }

    fn _repr_html_(&self) -> PyResult<String> {
        guarded(|| Ok(show::html(&Cells::of(&self.query, &self.answer))))
    }
}

/// Makes rows of Python.
struct Rows<'py> {
    row: &'py Bound<'py, PyType>,
    values: Values<'py>,
    counts: bool,
}

impl<'py> Rows<'py> {
    fn new(py: Python<'py>, query: &event_core::Query) -> PyResult<Self> {
        static ROW: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        Ok(Rows {
            row: ROW.import(py, "event_py.rows", "Row")?,
            values: Values::new(py)?,
            counts: arrow::is_counted(query),
        })
    }

    fn row(&self, row: &Row) -> PyResult<Bound<'py, PyAny>> {
        let (start, end, partial) = match &row.bucket {
            Some(Span { start, end, partial }) => {
                let (start, end) = (self.values.time(*start)?, self.values.time(*end)?);
                (Some(start), Some(end), *partial)
            }
            None => (None, None, false),
        };
        let value = match &row.value {
            None => None,
            Some(count) if self.counts => {
                let count: u64 = count.to_string().parse()?;
                Some(count.into_pyobject(self.row.py())?.into_any())
            }
            Some(value) => Some(self.values.decimal(value)?),
        };
        self.row
            .call1((start, end, partial, self.group(row.group.as_ref())?, value))
    }

    fn group(&self, group: Option<&Group>) -> PyResult<Bound<'py, PyDict>> {
        let values = PyDict::new(self.row.py());
        for (field, text) in group.into_iter().flat_map(Group::iter) {
            values.set_item(field.to_string(), self.values.json(text)?)?;
        }
        Ok(values)
    }
}
