//! What a client has sent that sends nothing over a network, and what a test says of it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use event_client::{ClientBuilder, test};
use event_core::verdict::Status;
use event_core::{Code, Event};
use pyo3::exceptions::{PyAssertionError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::boundary::guarded;
use crate::client::Client;
use crate::error;
use crate::handle::Handle;
use crate::settings;

/// How long events may be on their way: far longer than they are.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long signals may go unheard.
const LOOK: Duration = Duration::from_millis(50);
/// Events that a message shows; the others it counts.
const SHOWN: usize = 20;

/// What a client of `event_py.testing.collecting` has sent, and what its collector is to do.
///
/// All that was tracked before is there when it is looked at, unless the collector is down or refuses it.
///
/// >>> from event_py.testing import collecting
/// >>> client, collected = collecting()
/// >>> client.track("order", "created", {"value": 12.5, "currency": "EUR"}, subject="customer-7")
/// True
/// >>> collected.assert_one("order", "created", value=12.5)["subject"]
/// 'customer-7'
/// >>> collected.assert_none("order", "cancelled")
#[pyclass(frozen, module = "event_py.testing")]
pub(crate) struct Collected(test::Collected);

/// A client that sends nothing over a network, and what it has sent. Everything but the network is the client as it
/// is: its thread, its batches, its retries and its counts.
///
/// Args:
///     source: The application that sends.
///     **settings: See `event_py.Settings`. Nothing lingers, and retries are soon, unless they say so.
///
/// Raises:
///     ConfigError: if a setting cannot be used.
///
/// >>> from event_py.testing import collecting
/// >>> client, collected = collecting(source="shop")
/// >>> client.track("order", "created")
/// True
/// >>> collected.events()[0]["source"]
/// 'shop'
#[pyfunction]
#[pyo3(signature = (*, source="test", **settings))]
pub(crate) fn collecting(
    py: Python<'_>,
    source: &str,
    settings: Option<&Bound<'_, PyDict>>,
) -> PyResult<(Client, Collected)> {
    guarded(|| {
        let (builder, manner) = settings::apply(test::builder().source(source), settings)?;
        let built = Handle::build(builder, manner, ClientBuilder::collecting);
        let (handle, collected) = built.map_err(|error| error::not_built(py, &error))?;
        Ok((Client::of(handle), Collected(collected)))
    })
}

#[pymethods]
impl Collected {
    /// The events that are stored, in the order of their coming, as the collector would show them.
    ///
    /// Args:
    ///     category: Only events of this category.
    ///     name: Only events of this name.
    ///
    /// Raises:
    ///     AssertionError: if they do not arrive, as when the collector is made to fail for ever.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> client.track("order", "created", {"value": 12.5}), client.track("order", "paid")
    /// (True, True)
    /// >>> [event["data"] for event in collected.events("order", "created")]
    /// [{'value': 12.5}]
    #[pyo3(signature = (category=None, name=None))]
    fn events<'py>(
        &self,
        py: Python<'py>,
        category: Option<String>,
        name: Option<String>,
    ) -> PyResult<Bound<'py, PyList>> {
        guarded(|| {
            let mut events = self.arrived(py)?;
            let kind = Kind { category, name };
            events.retain(|event| kind.includes(event));
            dicts(py, &events)
        })
    }

    /// The events in the order of their coming, each as JSON.
    ///
    /// Raises:
    ///     AssertionError: as for `events`.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> client.track("order", "created", {"value": 12.5})
    /// True
    /// >>> collected.json()[0].endswith(',"data":{"value":12.5}}')
    /// True
    fn json(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        guarded(|| {
            let events = self.arrived(py)?;
            Ok(events.iter().map(written).collect())
        })
    }

    /// The one event of this type whose data has these members.
    ///
    /// Raises:
    ///     AssertionError: if there is none, or there are more; it shows what there is.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> collected.assert_one("order", "created", value=12.5)
    /// Traceback (most recent call last):
    /// AssertionError: expected 1 of order/created with {'value': 12.5}, found 0; collected: nothing
    #[pyo3(signature = (category, name, /, **data))]
    fn assert_one<'py>(
        &self,
        py: Python<'py>,
        category: &str,
        name: &str,
        data: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| self.counted(py, category, name, 1, data)?.get_item(0))
    }

    /// That there is no event of this type whose data has these members.
    ///
    /// Raises:
    ///     AssertionError: if there is one; it shows what there is.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> collected.assert_none("order", "created")
    #[pyo3(signature = (category, name, /, **data))]
    fn assert_none<'py>(
        &self,
        py: Python<'py>,
        category: &str,
        name: &str,
        data: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<()> {
        guarded(|| self.counted(py, category, name, 0, data).map(drop))
    }

    /// All events of this type whose data has these members, of which there are so many.
    ///
    /// Raises:
    ///     AssertionError: if there are fewer or more; it shows what there is.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> client.track("order", "created"), client.track("order", "created")
    /// (True, True)
    /// >>> len(collected.assert_count("order", "created", 2))
    /// 2
    #[pyo3(signature = (category, name, count, /, **data))]
    fn assert_count<'py>(
        &self,
        py: Python<'py>,
        category: &str,
        name: &str,
        count: usize,
        data: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyList>> {
        guarded(|| self.counted(py, category, name, count, data))
    }

    /// How many events came in each request, whatever it was answered.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> collected.requests()
    /// []
    fn requests(&self) -> PyResult<Vec<usize>> {
        guarded(|| Ok(self.0.requests()))
    }

    /// Forgets the events and the requests so far. Their ids stay known.
    ///
    /// Raises:
    ///     AssertionError: as for `events`.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> client.track("order", "created")
    /// True
    /// >>> collected.clear()
    /// >>> collected.events()
    /// []
    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        guarded(|| {
            self.arrived(py)?;
            py.detach(|| self.0.clear());
            Ok(())
        })
    }

    /// The collector is not heard of from now on.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> collected.go_down()
    /// >>> client.track("order", "created")
    /// True
    /// >>> collected.events()
    /// []
    fn go_down(&self) -> PyResult<()> {
        guarded(|| {
            self.0.go_down();
            Ok(())
        })
    }

    /// The collector is there again; the client is told of it, which in life it is not.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> collected.go_down()
    /// >>> client.track("order", "created")
    /// True
    /// >>> collected.come_up()
    /// >>> len(collected.events())
    /// 1
    fn come_up(&self) -> PyResult<()> {
        guarded(|| {
            self.0.come_up();
            Ok(())
        })
    }

    /// The collector gives this verdict on events of a kind, instead of storing them.
    ///
    /// Args:
    ///     status: `conflict`, `quarantined` or `rejected`.
    ///     code: The reason, say `schema_violation`.
    ///     category: Only on events of this category.
    ///     name: Only on events of this name.
    ///
    /// Raises:
    ///     ValueError: if there is no such status or code.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> collected.refuse("rejected", "schema_violation", "order")
    /// >>> client.track("order", "created")
    /// True
    /// >>> client.flush()
    /// >>> client.stats().rejected
    /// 1
    #[pyo3(signature = (status="quarantined", code="schema_violation", category=None, name=None))]
    fn refuse(&self, status: &str, code: &str, category: Option<String>, name: Option<String>) -> PyResult<()> {
        guarded(|| {
            let statuses = [Status::Conflict, Status::Quarantined, Status::Rejected];
            let status = statuses.into_iter().find(|known| known.as_str() == status);
            let status = status.ok_or_else(|| PyValueError::new_err("a verdict that refuses has another status"))?;
            let code: Code = code
                .parse()
                .map_err(|_| PyValueError::new_err("there is no such code"))?;
            let kind = Kind { category, name };
            self.0.refuse(status, code, move |event| kind.includes(event));
            Ok(())
        })
    }

    /// The collector answers this status to every request that holds an event of a kind, and takes nothing of it.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> collected.answer_when(503, "order")
    /// >>> client.track("order", "created")
    /// True
    /// >>> client.flush(timeout=0.05)
    /// Traceback (most recent call last):
    /// event_py.errors.FlushTimeoutError: 1 events are not delivered yet, 0 of them are on disk
    #[pyo3(signature = (status, category=None, name=None))]
    fn answer_when(&self, status: u16, category: Option<String>, name: Option<String>) -> PyResult<()> {
        guarded(|| {
            let kind = Kind { category, name };
            self.0.answer_when(status, move |event| kind.includes(event));
            Ok(())
        })
    }

    /// The collector answers this status to the next request with events, and does not take them. Called twice, it
    /// is the next two.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> collected.answer_next(503)
    /// >>> client.track("order", "created")
    /// True
    /// >>> len(collected.events()), len(collected.requests())
    /// (1, 2)
    fn answer_next(&self, status: u16) -> PyResult<()> {
        guarded(|| {
            self.0.answer_next(status);
            Ok(())
        })
    }

    /// The collector takes the events of the next request, and its answer is lost on its way.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> collected.lose_next_answer()
    /// >>> client.track("order", "created")
    /// True
    /// >>> len(collected.events()), client.stats().duplicate
    /// (1, 1)
    fn lose_next_answer(&self) -> PyResult<()> {
        guarded(|| {
            self.0.lose_next_answer();
            Ok(())
        })
    }

    /// The collector takes no other key than this one from now on.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> collected.require_key("ev_another")
    /// >>> client.set_key("ev_another")
    fn require_key(&self, key: String) -> PyResult<()> {
        guarded(|| {
            self.0.require_key(key);
            Ok(())
        })
    }

    /// The collector forgets all that was to go wrong.
    ///
    /// >>> from event_py.testing import collecting
    /// >>> client, collected = collecting()
    /// >>> collected.answer_when(503)
    /// >>> client.track("order", "created")
    /// True
    /// >>> collected.behave()
    /// >>> len(collected.events())
    /// 1
    fn behave(&self) -> PyResult<()> {
        guarded(|| {
            self.0.behave();
            Ok(())
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guarded(|| {
            // Debuggers and failed assertions ask for it: what is on its way is not waited for.
            let events = py.detach(|| self.0.so_far());
            Ok(format!("<Collected:{}>", shown(&events)))
        })
    }
}

impl Collected {
    fn arrived(&self, py: Python<'_>) -> PyResult<Vec<Event>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let arrived = py.detach(|| self.0.arrived(LOOK));
            match arrived {
                Ok(events) => return Ok(events),
                Err(stats) if Instant::now() >= deadline => {
                    let message = format!("{} events that were tracked do not arrive", stats.waiting());
                    return Err(PyAssertionError::new_err(message));
                }
                Err(_) => py.check_signals()?,
            }
        }
    }

    fn counted<'py>(
        &self,
        py: Python<'py>,
        category: &str,
        name: &str,
        count: usize,
        data: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let events = self.arrived(py)?;
        let kind = Kind {
            category: Some(category.to_owned()),
            name: Some(name.to_owned()),
        };
        let of_type: Vec<Event> = events.iter().filter(|event| kind.includes(event)).cloned().collect();
        let found = PyList::empty(py);
        for event in dicts(py, &of_type)?.iter() {
            if has(&event, data)? {
                found.append(event)?;
            }
        }
        if found.len() == count {
            return Ok(found);
        }
        let with = match data {
            Some(data) => format!(" with {}", data.repr()?),
            None => String::new(),
        };
        Err(PyAssertionError::new_err(format!(
            "expected {count} of {category}/{name}{with}, found {}; collected:{}",
            found.len(),
            shown(&events)
        )))
    }
}

/// Which events are meant.
struct Kind {
    category: Option<String>,
    name: Option<String>,
}

impl Kind {
    fn includes(&self, event: &Event) -> bool {
        let is = |asked: &Option<String>, text: &str| asked.as_deref().is_none_or(|asked| asked == text);
        let event_type = &event.envelope().event_type;
        is(&self.category, event_type.category.as_str()) && is(&self.name, event_type.name.as_str())
    }
}

/// Whether the data of an event has these members.
fn has(event: &Bound<'_, PyAny>, members: Option<&Bound<'_, PyDict>>) -> PyResult<bool> {
    let data = event.get_item("data")?.cast_into::<PyDict>()?;
    for (key, value) in members.into_iter().flatten() {
        match data.get_item(key)? {
            Some(there) if there.eq(value)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn written(event: &Event) -> String {
    serde_json::to_string(event).unwrap_or_default()
}

fn dicts<'py>(py: Python<'py>, events: &[Event]) -> PyResult<Bound<'py, PyList>> {
    let texts: Vec<String> = events.iter().map(written).collect();
    let json = format!("[{}]", texts.join(","));
    Ok(py.import("json")?.call_method1("loads", (json,))?.cast_into()?)
}

fn shown(events: &[Event]) -> String {
    if events.is_empty() {
        return " nothing".to_owned();
    }
    let mut text = String::new();
    for event in events.iter().take(SHOWN) {
        let event_type = &event.envelope().event_type;
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n  {}/{} {}",
            event_type.category,
            event_type.name,
            event.payload().as_str()
        );
    }
    if events.len() > SHOWN {
        let _ = write!(text, "\n  and {} more", events.len() - SHOWN);
    }
    text
}
