//! The answers about whole stories, as Python sees them, and the function that gives them.

use arrow_array::RecordBatch;
use event_client::{Client as Sender, QueryError};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyIterator, PyList};

use crate::analysis::Analysis;
use crate::arrow::Numbers;
use crate::boundary::guarded;
use crate::capsule;
use crate::error;
use crate::fold::fold;
use crate::making::Stories;
use crate::package;
use crate::sheet::Sheet;
use crate::show::{self, Cells};
use crate::story::{Question, Story, Told, each};
use crate::values::Values;
use crate::wrong::Wrong;

/// Answers a question about whole stories over events in memory; a collector that has stored them gives the very same
/// answer.
///
/// Every event has a time. Those of one time, and without numbers of their sender, count in the order in which they
/// come.
///
/// Args:
///     question: `Sessions`, `Funnel`, `Retention` or `Active`.
///     events: In any of the forms that `answer` takes. The column `sequence` of a table has the numbers of the sender.
///
/// Raises:
///     QueryError: if it cannot be asked like this, or the answer would be too large.
///     ValidationError: if an event breaks a rule for events, or has no time, and which.
///     EventTypeError: if the data holds a value, or a column, that is not JSON.
///
/// >>> import event_py
/// >>> order = {"category": "order", "name": "created", "subject": "ann", "occurred_at": "2026-01-01T10:00:00Z"}
/// >>> event_py.analyse(event_py.Retention(bucket="month", periods=1), [order, order]).rows[0]["returned"]
/// 1
#[pyfunction]
pub(crate) fn analyse(py: Python<'_>, question: &Bound<'_, PyAny>, events: &Bound<'_, PyAny>) -> PyResult<Analysed> {
    guarded(|| {
        let Ok(question) = question.cast::<Analysis>() else {
            let message = "a question about whole stories is a Sessions, Funnel, Retention or Active";
            return Err(PyTypeError::new_err(message));
        };
        let question = question.get().0.clone();
        let stories: Stories = fold(&question, events)?;
        let told = py.detach(|| stories.answer());
        let told = told.map_err(|error| Wrong::from(error).into_error(py))?;
        Ok(Analysed { question, told })
    })
}

/// Asks a collector.
pub(crate) fn told(
    sender: &Sender,
    question: &Question,
) -> impl Future<Output = Result<Told, QueryError>> + Send + use<> {
    type Telling = std::pin::Pin<Box<dyn Future<Output = Result<Told, QueryError>> + Send>>;
    fn telling<T: 'static>(
        answer: impl Future<Output = Result<T, QueryError>> + Send + 'static,
        story: fn(T) -> Told,
    ) -> Telling {
        Box::pin(async move { answer.await.map(story) })
    }
    match question {
        Story::Sessions(question) => telling(sender.query(question), Story::Sessions),
        Story::Funnel(question) => telling(sender.query(question), Story::Funnel),
        Story::Retention(question) => telling(sender.query(question), Story::Retention),
        Story::Active(question) => telling(sender.query(question), Story::Active),
    }
}

/// The answer to a question about whole stories, with exact values.
///
/// Its rows are dicts: of `Sessions` one for each session, of a `Funnel` for each step, of a `Retention` for each
/// cohort and period, of `Active` for each bucket and group. It is a table of Arrow, with the same columns, for
/// whatever reads one: `polars.DataFrame(analysed)`, `pyarrow.table(analysed)`, `duckdb.sql("from analysed")`. Two
/// answers are equal if they say the same, wherever they come from.
///
/// >>> import event_py
/// >>> visit = {"category": "page", "name": "view", "session_id": "a", "occurred_at": "2026-01-01T10:00:00Z"}
/// >>> analysed = event_py.analyse(event_py.Sessions(), [visit])
/// >>> analysed.rows[0]["session_id"], analysed.total
/// ('a', 1)
#[pyclass(frozen, module = "event_py")]
pub(crate) struct Analysed {
    question: Question,
    told: Told,
}

impl Analysed {
    /// What a collector has answered, or why it has not.
    pub(crate) fn of_collector(py: Python<'_>, question: Question, told: Result<Told, QueryError>) -> PyResult<Self> {
        let told = told.map_err(|error| error::not_answered(py, &error))?;
        Ok(Analysed { question, told })
    }

    fn sheet(&self) -> Sheet<'_> {
        Sheet::of(&self.question, &self.told)
    }

    fn batch(&self, py: Python<'_>, numbers: Numbers) -> PyResult<RecordBatch> {
        let batch = py.detach(|| self.sheet().batch(numbers));
        batch.map_err(|untold| PyValueError::new_err(untold.to_string()))
    }

    fn list(&self) -> Option<&event_core::analysis::SessionList> {
        match &self.told {
            Story::Sessions(list) => Some(&list.answer),
            _ => None,
        }
    }
}

#[pymethods]
impl Analysed {
    /// The rows, as dicts from columns to values: an aware `datetime` in UTC, an `int` for a count, a `Decimal` for
    /// other numbers; what a field of `by` has, below the name of the field.
    #[getter]
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        guarded(|| self.sheet().dicts(py))
    }

    /// What it was computed from: `memory`, or in a collector `rows` of events.
    #[getter]
    fn source(&self) -> &'static str {
        each!(&self.told, analysed => analysed.source.as_str())
    }

    /// The position of the last event that a collector has taken into account.
    #[getter]
    fn position(&self) -> Option<i64> {
        each!(&self.told, analysed => analysed.position)
    }

    /// How many sessions there are on all pages; `None` where the question was not `Sessions`.
    #[getter]
    fn total(&self) -> Option<u64> {
        self.list().map(|list| list.total)
    }

    /// The events of all sessions.
    #[getter]
    fn events(&self) -> Option<u64> {
        self.list().map(|list| list.events)
    }

    /// The lengths of all sessions together, in seconds.
    #[getter]
    fn length<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        guarded(|| {
            let list = self.list();
            list.map(|list| Values::new(py)?.decimal(&list.length)).transpose()
        })
    }

    /// The `cursor` of the next page of sessions, if there is one.
    #[getter]
    fn next(&self) -> Option<&str> {
        self.list()?.next.as_deref()
    }

    /// The answer as JSON, as a collector gives it.
    fn to_json(&self) -> PyResult<String> {
        guarded(|| serde_json::to_string(&self.told).map_err(|error| PyValueError::new_err(error.to_string())))
    }

    /// The rows as a table of pyarrow, which has to be installed.
    ///
    /// Args:
    ///     exact: Numbers that are no counts as decimals instead of the nearest floats.
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
    ///     exact: Numbers that are no counts as decimals instead of the nearest floats.
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
    ///     exact: Numbers that are no counts as decimals instead of the nearest floats.
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
        self.sheet().rows
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.rows(py)?.try_iter()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        let other = other.cast::<Analysed>();
        other.is_ok_and(|other| other.get().told.tells_as(&self.told))
    }

    fn __repr__(&self) -> PyResult<String> {
        guarded(|| Ok(show::text(&Cells::of_sheet(&self.sheet()))))
    }

    fn _repr_html_(&self) -> PyResult<String> {
        guarded(|| Ok(show::html(&Cells::of_sheet(&self.sheet()))))
    }
}
