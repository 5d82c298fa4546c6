//! Events that are read once and asked many questions.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_core::aggregate::Tally;
use event_core::filter::{Field, FieldError};
use event_core::frame::{Frame as Columns, FrameError};
use event_core::query::ParameterError;
use event_core::{Answer as Answered, Code, Query};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::answer::Answer;
use crate::boundary::guarded;
use crate::error;
use crate::fold::fold;
use crate::query;
use crate::threads;

/// So few events are counted before another thread has begun.
const FEW: usize = 1 << 14;

/// Events as columns, for many questions about the same events: read once, and asked in a fraction of the time that
/// reading takes. The answers are those of `answer` over the same events.
///
/// Every event has a time here, so that questions may be about it.
///
/// Args:
///     fields: What will be asked for, in conditions, by `by` and as what is measured: `category`, `name`, `version`,
///         `source`, `session_id`, `subject`, or JSON pointers into the data.
///
/// Raises:
///     QueryError: if one of them is no field.
///
/// >>> import event_py
/// >>> frame = event_py.Frame(["name", "/value"])
/// >>> at = "2026-03-28T10:00:00Z"
/// >>> frame.add({"category": "order", "name": name, "occurred_at": at, "data": {"value": 2}} for name in ("a", "b", "b"))
/// >>> len(frame)
/// 3
/// >>> frame.answer("sum:/value", by="name", top=1).rows[0].value
/// Decimal('4')
#[pyclass(frozen, module = "event_py")]
pub(crate) struct Frame {
    fields: Vec<Field>,
    /// Only held by threads that are attached, and never while anything of Python is called: a process forks while
    /// it is attached, so that no child is born with this locked. Who asks has a frame that does not change.
    known: Mutex<Arc<Columns>>,
}

impl Frame {
    fn known(&self, _attached: Python<'_>) -> MutexGuard<'_, Arc<Columns>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Frame {
    #[new]
    fn new(py: Python<'_>, fields: Vec<String>) -> PyResult<Self> {
        guarded(|| {
            let read = |field: &String| {
                field.parse().map_err(|told: FieldError| {
                    let message = format!("{field:?}: {told}");
                    error::bad_question(py, &ParameterError::new("fields", Code::InvalidParameter, message))
                })
            };
            let fields: Vec<Field> = fields.iter().map(read).collect::<PyResult<_>>()?;
            let frame = Columns::new(fields);
            let fields = frame.fields().to_vec();
            let known = Mutex::new(Arc::new(frame));
            Ok(Frame { fields, known })
        })
    }

    /// Adds events in any of the forms that `answer` takes: all of them, or none if it raises.
    ///
    /// Args:
    ///     events: See `answer`.
    ///
    /// Raises:
    ///     ValidationError: if an event breaks a rule for events, or has no time, and which.
    ///     EventTypeError: if the data holds a value, or a column, that is not JSON.
    fn add(&self, py: Python<'_>, events: &Bound<'_, PyAny>) -> PyResult<()> {
        guarded(|| {
            let more: Columns = fold(self.fields.as_slice(), events)?;
            let known = &mut *self.known(py);
            Arc::make_mut(known).append(more).map_err(|told| wrong(py, told))
        })
    }

    /// Answers a question.
    ///
    /// Args:
    ///     query: A `Query`, or the measure of one; with the keywords of a `Query`.
    ///
    /// Raises:
    ///     QueryError: if it cannot be asked like this, or is about a field that the frame has not, or if the answer
    ///         would be too large.
    #[pyo3(signature = (query=None, **keywords))]
    #[pyo3(text_signature = "($self, query='count', **keywords)")]
    fn answer(
        &self,
        py: Python<'_>,
        query: Option<&Bound<'_, PyAny>>,
        keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Answer> {
        guarded(|| {
            let query = query::asked(py, query, keywords)?;
            let known = Arc::clone(&self.known(py));
            let answer = py.detach(|| counted(&known, &query)).map_err(|told| wrong(py, told))?;
            Ok(Answer::new(query, answer))
        })
    }

    /// What it can be asked for.
    #[getter]
    fn fields(&self) -> Vec<String> {
        self.fields.iter().map(ToString::to_string).collect()
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.known(py).len()
    }
}

/// An answer by all cores.
fn counted(frame: &Columns, query: &Query) -> Result<Answered, FrameError> {
    if frame.len() <= FEW {
        return frame.answer(query);
    }
    let mut tallies: Vec<Tally> = threads::tallies(query)?;
    let share = frame.len().div_ceil(tallies.len()).max(FEW);
    let starts = (0..frame.len()).step_by(share);
    let parts = starts.map(|start| start..frame.len().min(start + share));
    threads::each(&mut tallies, parts, |tally, part| {
        *tally = frame.tally_part(query, part)?;
        Ok::<(), FrameError>(())
    })?;
    Ok(threads::merged(query, tallies)?.answer()?)
}

fn wrong(py: Python<'_>, told: FrameError) -> PyErr {
    let told = match told {
        FrameError::Query(told) => ParameterError::from(told),
        told => ParameterError::new("", Code::InvalidParameter, told.to_string()),
    };
    error::bad_question(py, &told)
}
