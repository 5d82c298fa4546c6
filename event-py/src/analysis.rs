//! The questions about whole stories, as Python asks them.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};

use crate::ask::{self, Given, Said};
use crate::boundary::guarded;
use crate::story::{Question, Story};

type Made<T> = PyResult<PyClassInitializer<T>>;

/// A question about whole stories: `Sessions`, `Funnel`, `Retention` or `Active`. `analyse` answers it over events in
/// memory, `Client.query` over those of a collector.
///
/// >>> import event_py
/// >>> isinstance(event_py.Retention(bucket="week"), event_py.Analysis)
/// True
#[pyclass(frozen, eq, subclass, module = "event_py")]
#[derive(PartialEq)]
pub(crate) struct Analysis(pub(crate) Question);

/// The question about whole stories that this is, if it is one.
pub(crate) fn asked(
    query: Option<&Bound<'_, PyAny>>,
    keywords: Option<&Bound<'_, PyDict>>,
) -> PyResult<Option<Question>> {
    match query.and_then(|query| query.cast::<Analysis>().ok()) {
        Some(_) if keywords.is_some_and(|keywords| !keywords.is_empty()) => {
            Err(PyTypeError::new_err("this question takes no keywords: it has its own"))
        }
        question => Ok(question.map(|question| question.get().0.clone())),
    }
}

/// Each class reads its own kind of question.
macro_rules! kinds {
    ($($class:ident)+) => {$(
        impl $class {
            fn read(py: Python<'_>, json: &[u8]) -> Made<Self> {
                let question = ask::read(py, event_core::analysis::$class::from_json(json))?;
                Ok(PyClassInitializer::from(Analysis(Story::$class(question))).add_subclass($class))
            }
        }
    )+};
}

kinds! { Sessions Funnel Retention Active }

#[pymethods]
impl Analysis {
    /// The question as JSON, in the form that collectors read.
    fn to_json(&self) -> PyResult<String> {
        guarded(|| Ok(self.0.json()))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        guarded(|| {
            let class = slf.get_type().name()?;
            ask::expression(slf.py(), class.to_str()?, "", &slf.get().0.json())
        })
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        guarded(|| PyString::new(py, &self.0.json()).hash())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        guarded(|| Ok((slf.get_type().getattr("from_json")?, (slf.get().0.json(),))))
    }
}

/// Which visits there were: a row for each session, with its start, end and length in seconds, its number of events,
/// and how many are missing or out of order by the numbers of their sender.
///
/// The answer has the sessions of one page, by their starts, and `total`, `events` and `length` of all of them; `next`
/// is the cursor of the next page.
///
/// Args:
///     order: `ascending` or `descending`, by (start, id).
///     limit: How many, at the most.
///     cursor: What the page before has said is `next`.
///     zone: Whose clock and calendar: a name, say `Europe/Paris`, or a `zoneinfo.ZoneInfo`.
///     from_: Of events from this time on: an aware `datetime`, a `date`, or text; without an offset in the zone.
///     to: Of events before this time.
///     filter: Of which events, as in a `Query`.
///
/// Raises:
///     QueryError: with the name of the parameter that is wrong.
///
/// >>> import event_py
/// >>> visit = {"category": "page interaction", "name": "pageview", "session_id": "visit-1"}
/// >>> events = [visit | {"occurred_at": f"2026-01-01T10:0{minute}:00Z"} for minute in (0, 4)]
/// >>> event_py.analyse(event_py.Sessions(), events)
/// session_id  start                 end                   length  events  missing  reordered
/// visit-1     2026-01-01T10:00:00Z  2026-01-01T10:04:00Z     240       2        0          0
#[pyclass(frozen, extends = Analysis, module = "event_py")]
pub(crate) struct Sessions;

#[pymethods]
impl Sessions {
    #[new]
    #[pyo3(signature = (*, order=None, limit=None, cursor=None, zone=None, from_=None, to=None, filter=None))]
    #[pyo3(
        text_signature = "(*, order='ascending', limit=None, cursor=None, zone='UTC', from_=None, to=None, filter=None)"
    )]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python<'_>,
        order: Given<'_, '_>,
        limit: Given<'_, '_>,
        cursor: Given<'_, '_>,
        zone: Given<'_, '_>,
        from_: Given<'_, '_>,
        to: Given<'_, '_>,
        filter: Given<'_, '_>,
    ) -> Made<Self> {
        guarded(|| {
            let said = Said::new(py, [("zone", zone), ("from_", from_), ("to", to), ("filter", filter)])?.plain([
                ("order", order),
                ("limit", limit),
                ("cursor", cursor),
            ]);
            Sessions::read(py, said.json()?.as_bytes())
        })
    }

    /// The question that JSON says, in the form that collectors read.
    ///
    /// Raises:
    ///     QueryError: with the name of the member that is wrong.
    ///
    /// >>> import event_py
    /// >>> event_py.Sessions.from_json('{"limit": 3}') == event_py.Sessions(limit=3)
    /// True
    #[classmethod]
    fn from_json<'py>(class: &Bound<'py, PyType>, json: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        guarded(|| Bound::new(class.py(), Sessions::read(class.py(), ask::json(json)?)?))
    }
}

/// How many of those who begin take each of some steps, one after another: a row for each step, with how many reached
/// it, their shares, and the median of the seconds since the step before.
///
/// Args:
///     steps: The steps. Each is the name of an event, or a dict as in the `filter` of a `Query`, which may have a
///         `label` besides.
///     by: Who takes them, a field: `session_id`, say, or `subject`.
///     window: Between the first step and the last at the most: a `timedelta`, or text, say `30m` or `7d`.
///     order: `ordered`: other events may come between the steps; `strict`: none of those asked for may; `any`: the
///         steps may be taken in any order.
///     zone: Whose clock and calendar: a name, say `Europe/Paris`, or a `zoneinfo.ZoneInfo`.
///     from_: Of events from this time on: an aware `datetime`, a `date`, or text; without an offset in the zone.
///     to: Of events before this time.
///     filter: Of which events, as in a `Query`.
///
/// Raises:
///     QueryError: with the name of the parameter that is wrong.
///
/// >>> import event_py
/// >>> def event(session: str, name: str, minute: int) -> dict[str, str]:
/// ...     at = f"2026-01-01T10:{minute:02}:00Z"
/// ...     return {"category": "page", "name": name, "session_id": session, "occurred_at": at}
/// >>> events = [event("a", "pageview", 0), event("a", "submit", 5), event("b", "pageview", 7)]
/// >>> event_py.analyse(event_py.Funnel(["pageview", "submit"], window="30m"), events)
/// label     reached  of_first  of_previous  median
/// pageview        2         1            1       -
/// submit          1       0.5          0.5     300
#[pyclass(frozen, extends = Analysis, module = "event_py")]
pub(crate) struct Funnel;

#[pymethods]
impl Funnel {
    #[new]
    #[pyo3(signature = (steps, *, by=None, window=None, order=None, zone=None, from_=None, to=None, filter=None))]
    #[pyo3(
        text_signature = "(steps, *, by='session_id', window=None, order='ordered', zone='UTC', from_=None, to=None, filter=None)"
    )]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python<'_>,
        steps: &Bound<'_, PyAny>,
        by: Given<'_, '_>,
        window: Given<'_, '_>,
        order: Given<'_, '_>,
        zone: Given<'_, '_>,
        from_: Given<'_, '_>,
        to: Given<'_, '_>,
        filter: Given<'_, '_>,
    ) -> Made<Self> {
        guarded(|| {
            let said = Said::new(py, [("zone", zone), ("from_", from_), ("to", to), ("filter", filter)])?
                .steps(steps)?
                .window(window)?
                .plain([("by", by), ("order", order)]);
            Funnel::read(py, said.json()?.as_bytes())
        })
    }

    /// The question that JSON says, in the form that collectors read.
    ///
    /// Raises:
    ///     QueryError: with the name of the member that is wrong.
    ///
    /// >>> import event_py
    /// >>> event_py.Funnel.from_json('{"steps": ["a", "b"]}') == event_py.Funnel(["a", "b"])
    /// True
    #[classmethod]
    fn from_json<'py>(class: &Bound<'py, PyType>, json: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        guarded(|| Bound::new(class.py(), Funnel::read(class.py(), ask::json(json)?)?))
    }
}

/// How many of those who had their first event in a bucket of time had one again in each bucket after: a row for each
/// cohort and period. Period 0 is the bucket of the first event itself.
///
/// Args:
///     by: Who comes back, a field.
///     first: Which events begin it: the name of an event, or a dict as in the `filter` of a `Query`; by default any.
///     again: Which events are a return; by default any.
///     bucket: `minute`, `hour`, `day`, `week` or `month`.
///     periods: How many buckets, from that of the first event on.
///     zone: Whose clock and calendar: a name, say `Europe/Paris`, or a `zoneinfo.ZoneInfo`.
///     from_: Of events from this time on: an aware `datetime`, a `date`, or text; without an offset in the zone.
///     to: Of events before this time.
///     filter: Of which events, as in a `Query`.
///
/// Raises:
///     QueryError: with the name of the parameter that is wrong.
///
/// >>> import event_py
/// >>> def visit(subject: str, day: int) -> dict[str, str]:
/// ...     at = f"2026-01-0{day}T10:00:00Z"
/// ...     return {"category": "page", "name": "pageview", "subject": subject, "occurred_at": at}
/// >>> events = [visit("ann", 1), visit("bob", 1), visit("ann", 2)]
/// >>> event_py.analyse(event_py.Retention(periods=2), events)
/// start       size  period  returned
/// 2026-01-01     2       0         0
/// 2026-01-01     2       1         1
#[pyclass(frozen, extends = Analysis, module = "event_py")]
pub(crate) struct Retention;

#[pymethods]
impl Retention {
    #[new]
    #[pyo3(signature = (*, by=None, first=None, again=None, bucket=None, periods=None, zone=None, from_=None, to=None, filter=None))]
    #[pyo3(
        text_signature = "(*, by='subject', first=None, again=None, bucket='day', periods=14, zone='UTC', from_=None, to=None, filter=None)"
    )]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python<'_>,
        by: Given<'_, '_>,
        first: Given<'_, '_>,
        again: Given<'_, '_>,
        bucket: Given<'_, '_>,
        periods: Given<'_, '_>,
        zone: Given<'_, '_>,
        from_: Given<'_, '_>,
        to: Given<'_, '_>,
        filter: Given<'_, '_>,
    ) -> Made<Self> {
        guarded(|| {
            let said = Said::new(py, [("zone", zone), ("from_", from_), ("to", to), ("filter", filter)])?
                .events([("first", first), ("again", again)])?
                .plain([("by", by), ("bucket", bucket), ("periods", periods)]);
            Retention::read(py, said.json()?.as_bytes())
        })
    }

    /// The question that JSON says, in the form that collectors read.
    ///
    /// Raises:
    ///     QueryError: with the name of the member that is wrong.
    ///
    /// >>> import event_py
    /// >>> event_py.Retention.from_json('{"periods": 8}') == event_py.Retention(periods=8)
    /// True
    #[classmethod]
    fn from_json<'py>(class: &Bound<'py, PyType>, json: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        guarded(|| Bound::new(class.py(), Retention::read(class.py(), ask::json(json)?)?))
    }
}

/// How many things are open at a time: intervals that one event opens and another closes. A row for each bucket and
/// group, with how many are open at its start, opened and closed in it, and open at a time at the least, at the most
/// and on average.
///
/// Args:
///     open: Which events open an interval: the name of an event, or a dict as in the `filter` of a `Query`.
///     close: Which events close it.
///     key: What tells intervals apart: one field, or several.
///     by: A value for each combination of what these fields hold, in the event that opens.
///     at: At this instant only; then there is no range and no bucket.
///     bucket: A row for each `minute`, `hour`, `day`, `week` or `month`.
///     zone: Whose clock and calendar: a name, say `Europe/Paris`, or a `zoneinfo.ZoneInfo`.
///     from_: Of events from this time on: an aware `datetime`, a `date`, or text; without an offset in the zone.
///     to: Of events before this time.
///     filter: Of which events, as in a `Query`.
///
/// Raises:
///     QueryError: with the name of the parameter that is wrong.
///
/// >>> import event_py
/// >>> def cart(session: str, name: str, hour: int) -> dict[str, str]:
/// ...     at = f"2026-01-01T{hour}:00:00Z"
/// ...     return {"category": "cart", "name": name, "session_id": session, "occurred_at": at}
/// >>> events = [cart("a", "opened", 10), cart("b", "opened", 11), cart("a", "left", 12)]
/// >>> range = {"from_": "2026-01-01 10:00:00", "to": "2026-01-01 14:00:00"}
/// >>> event_py.analyse(event_py.Active("opened", "left", key="session_id", **range), events).rows[0]["average"]
/// Decimal('1.25')
#[pyclass(frozen, extends = Analysis, module = "event_py")]
pub(crate) struct Active;

#[pymethods]
impl Active {
    #[new]
    #[pyo3(signature = (open, close, *, key=None, by=None, at=None, bucket=None, zone=None, from_=None, to=None, filter=None))]
    #[pyo3(
        text_signature = "(open, close, *, key='subject', by=(), at=None, bucket=None, zone='UTC', from_=None, to=None, filter=None)"
    )]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python<'_>,
        open: &Bound<'_, PyAny>,
        close: &Bound<'_, PyAny>,
        key: Given<'_, '_>,
        by: Given<'_, '_>,
        at: Given<'_, '_>,
        bucket: Given<'_, '_>,
        zone: Given<'_, '_>,
        from_: Given<'_, '_>,
        to: Given<'_, '_>,
        filter: Given<'_, '_>,
    ) -> Made<Self> {
        guarded(|| {
            let said = Said::new(py, [("zone", zone), ("from_", from_), ("to", to), ("filter", filter)])?
                .events([("open", Some(open)), ("close", Some(close))])?
                .fields([("key", key), ("by", by)])?
                .times([("at", at)])?
                .plain([("bucket", bucket)]);
            Active::read(py, said.json()?.as_bytes())
        })
    }

    /// The question that JSON says, in the form that collectors read.
    ///
    /// Raises:
    ///     QueryError: with the name of the member that is wrong.
    ///
    /// >>> import event_py
    /// >>> event_py.Active.from_json('{"open": "a", "close": "b"}') == event_py.Active("a", "b")
    /// True
    #[classmethod]
    fn from_json<'py>(class: &Bound<'py, PyType>, json: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        guarded(|| Bound::new(class.py(), Active::read(class.py(), ask::json(json)?)?))
    }
}
