//! The questions that are answered here, over events in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_core::query::{ParameterError, QueryError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::answer::Answer;
use crate::boundary::guarded;
use crate::error;
use crate::fold::fold;
use crate::query;
use crate::wrong::Wrong;

/// Answers a question over events in memory; a collector that has stored them gives the very same answer.
///
/// Events that name no source are of the source `python`. Where events have no time only questions that are not
/// about time, those without `bucket`, `from_` and `to`, can be answered.
///
/// A table has the columns `category`, `name`, `version`, `source`, `session_id` and `subject` of text,
/// `occurred_at` or `timestamp`, and `data` as a struct or as JSON text, all of them optional; `id`, `sequence` and
/// `sent_at` are of no question. A column of any other name is a member of the data, below what `data` itself has.
/// Only what the question asks for is read.
///
/// Args:
///     query: A `Query`, or the measure of one.
///     events: Dicts as `Client.track` takes their parts, or texts of JSON, in anything that can be iterated over;
///         or lines of JSON: `bytes`, `str`, a `pathlib.Path`, or a file opened in binary mode; or a table: anything
///         with the Arrow PyCapsule interface, such as frames of polars, pandas, pyarrow and duckdb.
///
/// Raises:
///     QueryError: if it cannot be asked like this, or the answer would be too large.
///     ValidationError: if an event breaks a rule for events, and which.
///     EventTypeError: if the data holds a value, or a column, that is not JSON.
///
/// >>> import event_py
/// >>> orders = [{"category": "order", "name": name, "data": {"value": 2}} for name in ("created", "paid", "paid")]
/// >>> event_py.answer(event_py.Query("sum:/value", by="name", top=1), orders)
/// name  sum:/value
/// paid           4
#[pyfunction]
pub(crate) fn answer(py: Python<'_>, query: &Bound<'_, PyAny>, events: &Bound<'_, PyAny>) -> PyResult<Answer> {
    guarded(|| {
        let query = query::asked(py, Some(query), None)?;
        let tally = fold(&query, events)?;
        conclude(py, tally)
    })
}

/// A question and what is known so far of its answer: events come in part by part, and in any order.
///
/// >>> import event_py
/// >>> tally = event_py.Tally("count")
/// >>> tally.add([{"category": "order", "name": "created"}])
/// >>> tally.add(b'{"category": "order", "name": "paid"}')
/// >>> tally.answer().rows[0].value
/// 2
#[pyclass(frozen, module = "event_py")]
pub(crate) struct Tally {
    query: event_core::Query,
    /// Only held by threads that are attached, and never while anything of Python is called: a process forks while
    /// it is attached, so that no child is born with this locked.
    parts: Mutex<Vec<Part>>,
}

/// Some of what was counted. Parts are replaced by others, never changed, and so are added up without the lock.
#[derive(Clone)]
struct Part {
    tally: Arc<event_core::aggregate::Tally>,
    /// Two parts of a rank become one of the next: there are few parts, and none is copied often.
    rank: u32,
}

impl Part {
    fn new(tally: event_core::aggregate::Tally, rank: u32) -> Self {
        let tally = Arc::new(tally);
        Part { tally, rank }
    }

    fn is(&self, other: &Part) -> bool {
        Arc::ptr_eq(&self.tally, &other.tally)
    }
}

impl Tally {
    fn parts(&self, _attached: Python<'_>) -> MutexGuard<'_, Vec<Part>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, py: Python<'_>) -> PyResult<event_core::aggregate::Tally> {
        let parts = self.parts(py).clone();
        let known = py.detach(|| sum(&self.query, &parts));
        known.map_err(|error| Wrong::from(error).into_error(py))
    }

    fn take_in(&self, py: Python<'_>, tally: event_core::aggregate::Tally) -> PyResult<()> {
        self.parts(py).push(Part::new(tally, 0));
        loop {
            let Some(pair) = alike(&self.parts(py)) else {
                return Ok(());
            };
            let both = py.detach(|| sum(&self.query, &pair));
            let both = both.map_err(|error| Wrong::from(error).into_error(py))?;
            let mut parts = self.parts(py);
            // Another thread may have added up one of them meanwhile.
            if pair.iter().all(|one| parts.iter().any(|part| part.is(one))) {
                parts.retain(|part| !pair.iter().any(|one| part.is(one)));
                parts.push(Part::new(both, pair[0].rank + 1));
            }
        }
    }
}

/// The latest two parts of one rank.
fn alike(parts: &[Part]) -> Option<[Part; 2]> {
    parts.iter().enumerate().rev().find_map(|(place, one)| {
        let other = parts[..place].iter().find(|other| other.rank == one.rank)?;
        Some([other.clone(), one.clone()])
    })
}

fn sum(query: &event_core::Query, parts: &[Part]) -> Result<event_core::aggregate::Tally, QueryError> {
    let Some((first, others)) = parts.split_first() else {
        return event_core::aggregate::Tally::new(query);
    };
    let mut sum = event_core::aggregate::Tally::clone(&first.tally);
    for other in others {
        sum.merge(event_core::aggregate::Tally::clone(&other.tally));
    }
    Ok(sum)
}

#[pymethods]
impl Tally {
    #[new]
    #[pyo3(signature = (query=None, **keywords))]
    fn new(py: Python<'_>, query: Option<&Bound<'_, PyAny>>, keywords: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        guarded(|| {
            let query = query::asked(py, query, keywords)?;
            // Whether it can be asked is told now.
            event_core::aggregate::Tally::new(&query).map_err(|error| Wrong::from(error).into_error(py))?;
            let parts = Mutex::default();
            Ok(Tally { query, parts })
        })
    }

    /// Counts events in any of the forms that `answer` takes: all of them, or none if it raises.
    ///
    /// Args:
    ///     events: See `answer`.
    ///
    /// Raises:
    ///     ValidationError: if an event breaks a rule for events, and which.
    ///     EventTypeError: if the data holds a value, or a column, that is not JSON.
    fn add(&self, py: Python<'_>, events: &Bound<'_, PyAny>) -> PyResult<()> {
        guarded(|| {
            let tally = fold(&self.query, events)?;
            self.take_in(py, tally)
        })
    }

    /// Adds all that a tally of the same question has counted, say in another thread.
    ///
    /// Args:
    ///     other: The other tally, which stays as it is.
    ///
    /// Raises:
    ///     QueryError: if it is one of another question.
    fn merge(&self, py: Python<'_>, other: &Bound<'_, Tally>) -> PyResult<()> {
        guarded(|| {
            let other = other.get();
            if other.query != self.query {
                let code = event_core::Code::InvalidParameter;
                let message = "tallies of two questions cannot be added";
                return Err(error::bad_question(py, &ParameterError::new("", code, message)));
            }
            let known = other.known(py)?;
            self.take_in(py, known)
        })
    }

    /// The answer as far as it is known.
    ///
    /// Raises:
    ///     QueryError: if it would be too large.
    fn answer(&self, py: Python<'_>) -> PyResult<Answer> {
        guarded(|| conclude(py, self.known(py)?))
    }
}

fn conclude(py: Python<'_>, tally: event_core::aggregate::Tally) -> PyResult<Answer> {
    let query = tally.query().clone();
    let answer = py.detach(|| tally.answer());
    let answer = answer.map_err(|error| Wrong::from(error).into_error(py))?;
    Ok(Answer::new(query, answer))
}
