//! Events in whatever form Python has them → an answer in the making.

use event_core::{Limits, Refusal};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyMemoryView, PyString};

use crate::capsule;
use crate::error;
use crate::lines::{Lines, Reader};
use crate::making::Making;
use crate::table;
use crate::value;
use crate::wrong::Wrong;

/// An event is larger than its data; what it is allowed to be is checked when it is read.
const LIMITS: Limits = Limits::DEFAULT
    .with_depth(Limits::DEFAULT.depth + 2)
    .with_nodes(2 * Limits::DEFAULT.nodes);
/// So many events are written before the interpreter is let go to count them.
const EVENTS: usize = 1_000;

/// Counts events: dicts, tables or lines of JSON.
pub(crate) fn fold<M: Making>(question: &M::Question, events: &Bound<'_, PyAny>) -> PyResult<M> {
    let py = events.py();
    if capsule::is_table(events)? {
        let table = capsule::opened(events)?;
        return py
            .detach(|| table::fold(question, table))
            .map_err(|wrong| wrong.into_error(py));
    }
    if let Ok(text) = events.cast::<PyString>() {
        return text_lines(question, py, text.to_str()?.as_bytes());
    }
    if let Ok(bytes) = events.cast::<PyBytes>() {
        return text_lines(question, py, bytes.as_bytes());
    }
    if events.is_instance_of::<PyByteArray>() || events.is_instance_of::<PyMemoryView>() {
        // They may change while they are read.
        let bytes = py.get_type::<PyBytes>().call1((events,))?.cast_into::<PyBytes>()?;
        return text_lines(question, py, bytes.as_bytes());
    }
    if events.hasattr("__fspath__")? {
        let file = py.import("builtins")?.call_method1("open", (events, "rb"))?;
        let tally = file_lines(question, &file);
        file.call_method0("close")?;
        return tally;
    }
    if events.hasattr("read")? {
        return file_lines(question, events);
    }
    if events.is_instance_of::<PyDict>() {
        return Err(PyTypeError::new_err("one event is a list of one event: [event]"));
    }
    objects(question, events)
}

fn text_lines<M: Making>(question: &M::Question, py: Python<'_>, text: &[u8]) -> PyResult<M> {
    let tally = py.detach(|| {
        let mut lines = Lines::<M>::new(question)?;
        lines.add(text)?;
        lines.finish()
    });
    tally.map_err(|wrong: Wrong| wrong.into_error(py))
}

fn file_lines<M: Making>(question: &M::Question, file: &Bound<'_, PyAny>) -> PyResult<M> {
    let py = file.py();
    let mut lines = Lines::<M>::new(question).map_err(|wrong: Wrong| wrong.into_error(py))?;
    loop {
        let read = file.call_method1("read", (lines.block(),))?;
        let Ok(bytes) = read.cast::<PyBytes>() else {
            return Err(PyTypeError::new_err(
                "a file of events is opened in binary mode: open(…, \"rb\")",
            ));
        };
        let bytes = bytes.as_bytes();
        if bytes.is_empty() {
            break;
        }
        py.detach(|| lines.add(bytes)).map_err(|wrong| wrong.into_error(py))?;
        py.check_signals()?;
    }
    py.detach(|| lines.finish()).map_err(|wrong| wrong.into_error(py))
}

/// Dicts, texts of JSON, and objects that know how to write themselves.
fn objects<M: Making>(question: &M::Question, events: &Bound<'_, PyAny>) -> PyResult<M> {
    let py = events.py();
    let reader = Reader::new(M::is_about_time(question)).map_err(|refusal| error::refused(py, &refusal))?;
    let mut tally = M::new(question).map_err(|error| Wrong::from(error).into_error(py))?;
    let (mut texts, mut done) = (Vec::new(), 0);
    let mut events = events.try_iter()?;
    loop {
        let event = events.next().transpose()?;
        let ended = event.is_none();
        if let Some(event) = event {
            texts.push(json(&event, done + texts.len())?);
        }
        if ended || texts.len() == EVENTS {
            let counted = py.detach(|| {
                let mut numbered = texts.iter().enumerate();
                numbered.try_for_each(|(number, text)| {
                    let counted = reader.add(&mut tally, text);
                    counted.map_err(|refusal| within(refusal, done + number))
                })
            });
            counted.map_err(|refusal| error::refused(py, &refusal))?;
            done += texts.len();
            texts.clear();
            py.check_signals()?;
        }
        if ended {
            return Ok(tally);
        }
    }
}

/// The refusal of an event, seen from the list that it stands in.
fn within(mut refusal: Refusal, number: usize) -> Refusal {
    for violation in &mut refusal.violations {
        violation.pointer.insert_str(0, &format!("/{number}"));
    }
    refusal
}

/// An event as JSON text; `number` is its place among the events.
fn json(event: &Bound<'_, PyAny>, number: usize) -> PyResult<Vec<u8>> {
    let event = if !event.is_instance_of::<PyDict>() && event.hasattr("to_json")? {
        event.call_method0("to_json")?
    } else {
        event.clone()
    };
    if let Ok(text) = event.cast::<PyString>() {
        return Ok(text.to_str()?.as_bytes().to_vec());
    }
    if let Ok(bytes) = event.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    value::text_at(&event, &LIMITS, &format!("/{number}")).map(|text| text.into_string().into_bytes())
}
