//! One event, as Python sees it.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono_tz::Tz;
use event_core::event::Reception;
use event_core::{Event as Told, EventId, Limits, Refusal, Source, Timestamp};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString, PyType};
use uuid::Uuid;

use crate::boundary::guarded;
use crate::envelope::Envelope;
use crate::error;
use crate::schema::{loaded, lone_surrogate};
use crate::value::{self, Unwritten};

/// One event: what happened, when, where and to whom. It is complete from the start, and never changes.
///
/// Args:
///     category: What it belongs to, say `page interaction`.
///     name: What happened, say `pageview`.
///     data: A dict of `None`, `bool`, `int`, `float`, `str`, `list`, `tuple`, aware `datetime` and `dict`.
///     id: What makes the event itself, within its source; else a new UUIDv7.
///     version: The version of its type; without one the active version judges it.
///     session_id: The visit or run it belongs to.
///     sequence: Its number inside the session, from 0.
///     source: The application; else `python`, in whose place a client puts its own source when it sends the event.
///     subject: Whom it is about.
///     occurred_at: When it happened: an aware `datetime`, or text by RFC 3339; else now.
///
/// Raises:
///     ValidationError: if it breaks a rule for events.
///     EventTypeError: if its data holds a value that is not JSON.
///
/// >>> import event_py
/// >>> event = event_py.Event("order", "created", {"value": 12.5}, id="o-1", occurred_at="2026-01-01T00:00:00Z")
/// >>> event
/// Event('order', 'created', id='o-1', source='python', occurred_at='2026-01-01T00:00:00Z')
/// >>> event_py.Event.from_json(event.to_json()) == event
/// True
#[pyclass(frozen, module = "event_py")]
pub(crate) struct Event(pub(crate) Told);

/// The time of this machine's clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    Timestamp::MIN.saturating_add_micros(micros)
}

/// The source of events that name none.
pub(crate) fn default_source() -> Source {
    Source::new("python").unwrap_or_else(|_| unreachable!("this is a source"))
}

fn new_id() -> EventId {
    EventId::new(Uuid::now_v7().to_string()).unwrap_or_else(|_| unreachable!("a UUID is an id"))
}

/// Has an event received, which is so complete.
fn received(read: impl FnOnce(&Reception<'_>) -> Result<Told, Refusal>) -> Result<Told, Refusal> {
    received_within(Limits::DEFAULT, read)
}

fn received_within(
    limits: Limits,
    read: impl FnOnce(&Reception<'_>) -> Result<Told, Refusal>,
) -> Result<Told, Refusal> {
    let source = default_source();
    read(&Reception {
        received_at: now(),
        source: &source,
        zone: Tz::UTC,
        limits,
        new_id: &new_id,
    })
}

#[pymethods]
impl Event {
    #[new]
    #[pyo3(signature = (
        category, name, data=None, *, id=None, version=None, session_id=None, sequence=None, source=None,
        subject=None, occurred_at=None,
    ))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        category: &Bound<'_, PyAny>,
        name: &Bound<'_, PyAny>,
        data: Option<&Bound<'_, PyAny>>,
        id: Option<&Bound<'_, PyAny>>,
        version: Option<&Bound<'_, PyAny>>,
        session_id: Option<&Bound<'_, PyAny>>,
        sequence: Option<&Bound<'_, PyAny>>,
        source: Option<&Bound<'_, PyAny>>,
        subject: Option<&Bound<'_, PyAny>>,
        occurred_at: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        guarded(|| {
            let envelope = Envelope {
                category,
                name,
                id,
                version,
                session_id,
                sequence,
                source,
                subject,
                occurred_at,
            };
            let event = envelope.event(data)?;
            received(|reception| event.stamped(reception).build(reception))
                .map(Event)
                .map_err(|refusal| error::refused(category.py(), &refusal))
        })
    }

    /// Reads an event from the JSON text that a collector takes; it is completed like one that is made here.
    ///
    /// Raises:
    ///     ValidationError: if it breaks a rule for events.
    ///
    /// >>> import event_py
    /// >>> event_py.Event.from_json(b'{"category": "order", "name": "created", "id": "o-1"}').id
    /// 'o-1'
    #[staticmethod]
    fn from_json(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        guarded(|| {
            let py = text.py();
            let bytes = match (text.cast::<PyBytes>(), text.cast::<PyString>()) {
                (Ok(bytes), _) => bytes.as_bytes(),
                (_, Ok(text)) => text
                    .to_str()
                    .map_err(|_| error::refused(py, &lone_surrogate()))?
                    .as_bytes(),
                _ => return Err(PyTypeError::new_err("the JSON text of an event is bytes or str")),
            };
            py.detach(|| received(|reception| Told::from_slice(bytes, reception)))
                .map(Event)
                .map_err(|refusal| error::refused(py, &refusal))
        })
    }

    /// Reads an event from a dict with the members that its JSON text would have.
    ///
    /// Raises:
    ///     ValidationError: if it breaks a rule for events.
    ///     EventTypeError: if it holds a value that is not JSON.
    ///
    /// >>> import event_py
    /// >>> event_py.Event.from_dict({"category": "order", "name": "created", "data": {"value": 12.5}}).data
    /// {'value': 12.5}
    #[staticmethod]
    fn from_dict(event: &Bound<'_, PyDict>) -> PyResult<Self> {
        guarded(|| {
            let told = match value::written(event, &Limits::DEFAULT.of_document(), "") {
                Ok(text) => received(|reception| Told::from_slice(text.as_str().as_bytes(), reception)),
                Err(Unwritten::Refused(refusal)) => Err(refusal),
                Err(Unwritten::Raised(error)) => return Err(error),
            };
            told.map(Event).map_err(|refusal| error::refused(event.py(), &refusal))
        })
    }

    /// What it belongs to.
    #[getter]
    fn category(&self) -> &str {
        self.0.envelope().event_type.category.as_str()
    }

    /// What happened.
    #[getter]
    fn name(&self) -> &str {
        self.0.envelope().event_type.name.as_str()
    }

    /// What makes the event itself, within its source.
    #[getter]
    fn id(&self) -> &str {
        self.0.envelope().id.as_str()
    }

    /// The version of its type.
    #[getter]
    fn version(&self) -> Option<&str> {
        self.0.envelope().version.as_ref().map(|version| version.as_str())
    }

    /// The visit or run it belongs to.
    #[getter]
    fn session_id(&self) -> Option<&str> {
        self.0.envelope().session_id.as_ref().map(|session| session.as_str())
    }

    /// Its number inside the session.
    #[getter]
    fn sequence(&self) -> Option<i64> {
        self.0.envelope().sequence
    }

    /// The application it is from.
    #[getter]
    fn source(&self) -> &str {
        self.0.envelope().source.as_str()
    }

    /// Whom it is about.
    #[getter]
    fn subject(&self) -> Option<&str> {
        self.0.envelope().subject.as_ref().map(|subject| subject.as_str())
    }

    /// When it happened: a `datetime` in UTC.
    #[getter]
    fn occurred_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static EPOCH: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        static STEP: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        guarded(|| {
            let epoch = EPOCH.get_or_try_init(py, || {
                let module = py.import("datetime")?;
                let utc = module.getattr("timezone")?.getattr("utc")?;
                let epoch = module.getattr("datetime")?.call1((1970, 1, 1, 0, 0, 0, 0, utc))?;
                PyResult::Ok(epoch.unbind())
            })?;
            let since = (0, 0, self.0.envelope().occurred_at.as_micros());
            let since = STEP.import(py, "datetime", "timedelta")?.call1(since)?;
            epoch.bind(py).add(since)
        })
    }

    /// Its data, a new dict each time. Numbers are as they are stored: `1.0` is `1`.
    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| loaded(py, self.0.payload().as_str()))
    }

    /// The event as a new dict, as `from_dict` reads it; its time is text.
    ///
    /// >>> import event_py
    /// >>> event = event_py.Event("order", "created", id="o-1", occurred_at="2026-01-01T00:00:00Z")
    /// >>> event.to_dict()["occurred_at"]
    /// '2026-01-01T00:00:00Z'
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| loaded(py, &self.json()))
    }

    /// The event as the JSON text that a collector takes, its data in canonical form.
    ///
    /// >>> import event_py
    /// >>> event = event_py.Event("order", "created", id="o-1", occurred_at="2026-01-01T00:00:00Z")
    /// >>> event.to_json()[:40]
    /// '{"id":"o-1","category":"order","name":"c'
    fn to_json(&self) -> PyResult<String> {
        guarded(|| Ok(self.json()))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Event>().is_ok_and(|other| {
            let (this, other) = (&self.0, &other.get().0);
            this.envelope() == other.envelope() && this.payload() == other.payload()
        })
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let envelope = self.0.envelope();
        (&envelope.source, &envelope.id, self.0.payload().as_str()).hash(&mut hasher);
        hasher.finish()
    }

    /// For `pickle` and `copy`.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        guarded(|| Ok((slf.get_type().getattr("from_json")?, (slf.get().json(),))))
    }

    /// Neither its data nor whom it is about: it may end up in a log.
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guarded(|| {
            let quoted = |text: &str| PyString::new(py, text).repr().map(|text| text.to_string());
            Ok(format!(
                "Event({}, {}, id={}, source={}, occurred_at='{}')",
                quoted(self.category())?,
                quoted(self.name())?,
                quoted(self.id())?,
                quoted(self.source())?,
                self.0.envelope().occurred_at,
            ))
        })
    }
}

impl Event {
    /// An event as a collector tells it, which has held it to limits of its own.
    pub(crate) fn stored(py: Python<'_>, line: &[u8]) -> PyResult<Self> {
        const ANY: usize = usize::MAX / 4;
        let mut limits = Limits::DEFAULT.with_event_bytes(ANY).with_depth(100).with_nodes(ANY);
        limits.key_bytes = ANY;
        received_within(limits, |reception| Told::from_slice(line, reception))
            .map(Event)
            .map_err(|refusal| error::refused(py, &refusal))
    }

    /// Whether its source is more than what stands there where nobody has said one.
    pub(crate) fn names_source(&self) -> bool {
        self.0.envelope().source != default_source()
    }

    fn json(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}
