//! The client, as Python sees it.

use std::sync::Arc;
use std::time::Duration;

use event_client::{Client as Sender, TrackError};
use event_core::event::EventBuilder;
use event_core::{Code, Event, Refusal};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::boundary::guarded;
use crate::call::{self, Asked, Parameters};
use crate::envelope::Envelope;
use crate::error;
use crate::exit;
use crate::export::{self, Export};
use crate::handle::Handle;
use crate::inquiry;
use crate::offer;
use crate::package;
use crate::pending::pending;
use crate::settings::{self, OnFull};
use crate::stats::Stats;
use crate::unstored::Unstored;
use crate::verdict::Verdict;
use crate::wait::wait;

/// Sends events to a collector; it never blocks the program that it works for, and never loses an event
/// without counting it.
///
/// One native thread, started by the first event of each process, does all the sending: so it works from any
/// thread, under gevent, and in processes that fork. What still waits when the program ends is sent then, for two
/// seconds at the most (`exit_timeout`); what is left is kept in the `spool`, where there is one.
///
/// Args:
///     url: The collector, say `https://events.example.org`; plain `http` only to this machine, unless
///         `plain_http=True`.
///     key: The API key, as `event-server key create` has printed it.
///     source: The application that sends.
///     **settings: See `event_py.Settings`; all are optional.
///
/// Raises:
///     ConfigError: if a setting cannot be used.
///
/// >>> import event_py
/// >>> with event_py.Client("http://127.0.0.1:8000", source="shop", exit_timeout=0) as client:
/// ...     client.stats()
/// Stats()
#[pyclass(frozen, subclass, weakref, module = "event_py")]
pub(crate) struct Client {
    pub(crate) handle: Arc<Handle>,
}

impl Client {
    pub(crate) fn of(handle: Arc<Handle>) -> Self {
        exit::watch(&handle);
        Client { handle }
    }

    fn offer(&self, py: Python<'_>, event: EventBuilder) -> PyResult<bool> {
        let Handle { sender, manner, .. } = &*self.handle;
        let taken = if manner.spools {
            // A disk may take its time.
            py.detach(|| sender.track(event))
        } else {
            sender.track(event)
        };
        match taken {
            Ok(_) => Ok(true),
            Err(TrackError::QueueFull | TrackError::SpoolFull) if manner.on_full == OnFull::Drop => Ok(false),
            Err(error) => Err(error::not_taken(py, &error)),
        }
    }

    /// Counts an event that cannot even be written down.
    fn count_invalid(&self) {
        let wrong = Refusal::new(Code::InvalidEnvelope, "", "the event could not be written down");
        let _told = self.handle.sender.track(Event::builder("", "").refused(wrong));
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        exit::leave(&self.handle);
    }
}

/// A number of seconds that Python has given.
pub(crate) fn seconds(py: Python<'_>, seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| error::bad_setting(py, "timeout: this is a number of seconds, from 0".to_owned()))
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (url, key=None, *, source, **settings))]
    fn new(
        py: Python<'_>,
        url: &str,
        key: Option<&str>,
        source: &str,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        guarded(|| {
            let builder = Sender::builder(url).source(source);
            let builder = match key {
                Some(key) => builder.key(key),
                None => builder,
            };
            let (builder, manner) = settings::apply(builder, settings)?;
            let built = py.detach(|| Handle::build(builder, manner, |builder| Ok((builder.build()?, ()))));
            let (handle, ()) = built.map_err(|error| error::not_built(py, &error))?;
            Ok(Client::of(handle))
        })
    }

    /// Takes in an event and returns at once: it is sent soon, and sent again until the collector has said what
    /// became of it.
    ///
    /// Its id (a UUIDv7), its source, its time and, in a session, its number are set here where they are not
    /// given, so that sending it twice stores it once.
    ///
    /// Args:
    ///     category: What it belongs to, say `page interaction`.
    ///     name: What happened, say `pageview`.
    ///     data: A dict of `None`, `bool`, `int`, `float`, `str`, `list`, `tuple`, aware `datetime` and `dict`.
    ///     id: What makes the event itself, within its source.
    ///     version: The version of its type; without one the active version judges it.
    ///     session_id: The visit or run it belongs to.
    ///     sequence: Its number inside the session, from 0.
    ///     source: The application, if it is not the client's own.
    ///     subject: Whom it is about.
    ///     occurred_at: When it happened: an aware `datetime`, or text by RFC 3339.
    ///
    /// Returns:
    ///     False if it was dropped because as many events wait as may, True otherwise.
    ///
    /// Raises:
    ///     ValidationError: if it breaks a rule for events.
    ///     EventTypeError: if its data holds a value that is not JSON.
    ///     ClientClosedError: if the client is closed.
    ///     QueueFullError: if there is no room and `on_full` is `"raise"`.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> client.track("page interaction", "pageview", {"path": "/"}, session_id="visit-1")
    /// True
    #[pyo3(signature = (
        category, name, data=None, *, id=None, version=None, session_id=None, sequence=None, source=None,
        subject=None, occurred_at=None,
    ))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn track(
        &self,
        py: Python<'_>,
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
    ) -> PyResult<bool> {
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
            match envelope.event(data) {
                Ok(event) => self.offer(py, event),
                Err(error) => {
                    self.count_invalid();
                    Err(error)
                }
            }
        })
    }

    /// Waits until all events that were tracked before have left. They go without waiting for batches to fill.
    ///
    /// Args:
    ///     timeout: The longest wait, in seconds.
    ///
    /// Raises:
    ///     FlushTimeoutError: with the number of events that wait still.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> client.flush(timeout=1)
    #[pyo3(signature = (timeout=5.0))]
    fn flush(&self, py: Python<'_>, timeout: f64) -> PyResult<()> {
        guarded(|| {
            let at_most = seconds(py, timeout)?;
            let flushed = wait(py, self.handle.sender.flush(at_most))?;
            flushed.map_err(|error| error::not_flushed(py, &error))
        })
    }

    /// Takes in no more events, sends those that wait, for so long at the most, and ends the client's thread.
    /// What then still waits is kept in the spool, where there is one, or else dropped and counted.
    ///
    /// Args:
    ///     timeout: The longest wait, in seconds.
    ///
    /// Raises:
    ///     FlushTimeoutError: with the number of events that were not delivered.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> client.close()
    /// >>> client.track("order", "created")
    /// Traceback (most recent call last):
    /// event_py.errors.ClientClosedError: the client is shut down: the event is dropped
    #[pyo3(signature = (timeout=5.0))]
    fn close(&self, py: Python<'_>, timeout: f64) -> PyResult<()> {
        guarded(|| {
            let at_most = seconds(py, timeout)?;
            let closed = wait(py, self.handle.sender.shutdown(at_most))?;
            self.handle.tell(py)?;
            closed.map_err(|error| error::not_flushed(py, &error))
        })
    }

    /// Asks the collector a question about the events that it has stored.
    ///
    /// Args:
    ///     query: A `Query`, or the measure of one; or `Sessions`, a `Funnel`, a `Retention` or `Active`.
    ///     **keywords: The other keywords of `Query`.
    ///
    /// Returns:
    ///     The answer, exact; an `Analysed` to a question about whole stories.
    ///
    /// Raises:
    ///     QueryError: if it cannot be asked like this.
    ///     CollectorError: if there is no answer within `send_timeout`, or a problem instead.
    ///     ClientClosedError: if the client is closed.
    ///
    /// >>> import event_py
    /// >>> client = event_py.Client("http://127.0.0.1:9", source="shop", exit_timeout=0, send_timeout=0.1)
    /// >>> client.query("sum:/value", by="/country", bucket="day")
    /// Traceback (most recent call last):
    /// event_py.errors.CollectorError: the collector did not answer: ...
    #[pyo3(signature = (query=None, **keywords))]
    fn query(
        &self,
        py: Python<'_>,
        query: Option<&Bound<'_, PyAny>>,
        keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        guarded(|| {
            let asked = wait(py, inquiry::ask(py, &self.handle.sender, query, keywords)?)?;
            asked(py)
        })
    }

    /// Sends events and waits for what the collector says of each; they go beside the events that are tracked. What
    /// gets no answer is sent again until `send_timeout` is over.
    ///
    /// Args:
    ///     events: Dicts with the keys that events have on the wire: `category`, `name`, `data` and those that `track`
    ///         has as keywords. Or whatever has a `to_json()` that is the text of an event.
    ///
    /// Returns:
    ///     One `Verdict` an event, in their order; an event that breaks a rule has one, too.
    ///
    /// Raises:
    ///     UnconfirmedError: if some events have no verdict; it has them, to be sent again.
    ///     ValidationError: if an event cannot be written down. Then none is sent.
    ///     EventTypeError: if an event holds a value that is not JSON. Then none is sent.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> client.send([{"category": "order", "name": "created", "data": {"value": 12.5}, "id": "o-1"}])
    /// [Verdict(status="stored", id="o-1", position=1)]
    fn send(&self, py: Python<'_>, events: &Bound<'_, PyAny>) -> PyResult<Vec<Verdict>> {
        guarded(|| {
            let events = offer::all(events)?;
            let sent = wait(py, py.detach(|| self.handle.sender.send(events)))?;
            offer::judged(py, sent)
        })
    }

    /// The last 100 tracked events that the collector has judged, and neither stored nor had before; the oldest
    /// first. Those of `send` are not among them, as their verdicts are known.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> client.unstored()
    /// []
    fn unstored(&self) -> PyResult<Vec<Unstored>> {
        guarded(|| Ok(self.handle.unstored.list()))
    }

    /// What became of all events so far.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> client.stats().offered
    /// 0
    fn stats(&self) -> PyResult<Stats> {
        guarded(|| Ok(Stats(self.handle.sender.stats())))
    }

    /// Takes another API key from now on, and tries again at once where the old one was refused.
    ///
    /// Raises:
    ///     ConfigError: if it has characters other than printable ASCII; the old one then stays.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> client.set_key("ev_another")
    fn set_key(&self, py: Python<'_>, key: &str) -> PyResult<()> {
        guarded(|| {
            self.handle
                .sender
                .set_key(key)
                .map_err(|error| error::bad_key(py, error))
        })
    }

    /// The collector's types: what they are like, and what becomes of their versions; see `event_py.versions.Types`.
    #[getter]
    fn types<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| package::own(slf.py(), "versions", "Types")?.call1((slf,)))
    }

    /// The events that the collector has refused and kept; see `event_py.quarantine.Quarantine`.
    #[getter]
    fn quarantine<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| package::own(slf.py(), "quarantine", "Quarantine")?.call1((slf,)))
    }

    /// What the collector does to subjects; see `event_py.subjects.Subjects`.
    #[getter]
    fn subjects<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| package::own(slf.py(), "subjects", "Subjects")?.call1((slf,)))
    }

    /// Begins an export: the events of the collector, in the order of its log, up to the newest of this moment.
    ///
    /// Args:
    ///     **keywords: See `event_py.export.Which`; all are optional.
    ///
    /// Returns:
    ///     An `event_py.export.Export`: an iterator over events, or over bytes, or what writes a file.
    ///
    /// Raises:
    ///     QueryError: if it cannot be asked like this.
    ///     CollectorError: if there is no answer within `request_timeout`, or a problem instead.
    ///     ClientClosedError: if the client is closed.
    #[pyo3(signature = (**keywords))]
    fn export<'py>(slf: &Bound<'py, Self>, keywords: Option<&Bound<'py, PyDict>>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| package::own(slf.py(), "export", "begin")?.call((slf,), keywords))
    }

    /// Imports a file of CSV or NDJSON, plain or compressed with gzip or zstd: it is sent while it is read.
    ///
    /// Args:
    ///     path: The file.
    ///     **keywords: See `event_py.imports.How`; all are optional.
    ///
    /// Returns:
    ///     An `event_py.imports.Imported`: what became of its rows.
    ///
    /// Raises:
    ///     CollectorError: if the file or what is said of it cannot be used, or too many rows were refused; its `report`
    ///         says what was done by then.
    ///     ClientClosedError: if the client is closed.
    #[pyo3(signature = (path, **keywords))]
    fn import_file<'py>(
        slf: &Bound<'py, Self>,
        path: &Bound<'py, PyAny>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| package::own(slf.py(), "imports", "run")?.call((slf, path), keywords))
    }

    /// Has the collector do something, and answers what it answers.
    fn _call<'py>(&self, py: Python<'py>, asked: Asked) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let told = wait(py, self.handle.sender.call(&call::of(py, asked)?))?;
            call::told(py, told)
        })
    }

    /// `_call` as a future of the running loop.
    fn _call_pending<'py>(&self, py: Python<'py>, asked: Asked) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let told = self.handle.sender.call(&call::of(py, asked)?);
            pending(py, told, |py, told| Ok(call::told(py, told)?.unbind()))
        })
    }

    /// Begins an export.
    fn _export(&self, py: Python<'_>, parameters: Parameters) -> PyResult<Export> {
        guarded(|| {
            let begun = wait(py, self.handle.sender.export(&call::export(&parameters)))?;
            export::begun(py, begun)
        })
    }

    /// `_export` as a future of the running loop.
    fn _export_pending<'py>(&self, py: Python<'py>, parameters: Parameters) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let begun = self.handle.sender.export(&call::export(&parameters));
            pending(py, begun, |py, begun| {
                Ok(export::begun(py, begun)?.into_pyobject(py)?.into_any().unbind())
            })
        })
    }

    /// `flush` as a future of the running loop, for `AsyncClient`.
    #[pyo3(name = "_flush")]
    fn flush_pending<'py>(&self, py: Python<'py>, timeout: f64) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let at_most = seconds(py, timeout)?;
            pending(py, self.handle.sender.flush(at_most), |py, flushed| {
                flushed.map_err(|error| error::not_flushed(py, &error))?;
                Ok(py.None())
            })
        })
    }

    /// `close` as a future of the running loop.
    #[pyo3(name = "_close")]
    fn close_pending<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let at_most = timeout.map_or(Ok(self.handle.manner.exit_timeout), |timeout| seconds(py, timeout))?;
            let handle = Arc::clone(&self.handle);
            pending(py, self.handle.sender.shutdown(at_most), move |py, closed| {
                handle.tell(py)?;
                closed.map_err(|error| error::not_flushed(py, &error))?;
                Ok(py.None())
            })
        })
    }

    /// `send` as a future of the running loop.
    #[pyo3(name = "_send")]
    fn send_pending<'py>(&self, py: Python<'py>, events: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let events = offer::all(events)?;
            let sent = py.detach(|| self.handle.sender.send(events));
            pending(py, sent, |py, sent| {
                Ok(offer::judged(py, sent)?.into_pyobject(py)?.unbind())
            })
        })
    }

    /// `query` as a future of the running loop.
    #[pyo3(name = "_query", signature = (query=None, **keywords))]
    fn query_pending<'py>(
        &self,
        py: Python<'py>,
        query: Option<&Bound<'py, PyAny>>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let asked = inquiry::ask(py, &self.handle.sender, query, keywords)?;
            pending(py, asked, |py, answered| answered(py))
        })
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    /// Closes the client. Where an exception ends the block, that is what is raised: what was not delivered is only
    /// told in the log.
    #[pyo3(signature = (exception=None, *_more))]
    fn __exit__(
        &self,
        py: Python<'_>,
        exception: Option<&Bound<'_, PyAny>>,
        _more: &Bound<'_, PyTuple>,
    ) -> PyResult<()> {
        let closed = self.close(py, self.handle.manner.exit_timeout.as_secs_f64());
        match closed {
            Err(error) if exception.is_some() && error::is_not_flushed(py, &error) => Ok(()),
            closed => closed,
        }
    }

    fn __repr__(&self) -> PyResult<String> {
        guarded(|| Ok(format!("{:?}", self.handle.sender)))
    }
}
