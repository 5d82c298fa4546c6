//! A question of any kind → the collector's answer.

use std::pin::Pin;

use event_client::Client as Sender;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::analysed::{self, Analysed};
use crate::analysis;
use crate::answer::Answer;
use crate::query;

/// Makes a Python value of what was answered.
pub(crate) type Answered = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// Asks what Python has said: a question, or the measure and the keywords of a `Query`.
///
/// # Errors
/// If it cannot be asked like this.
pub(crate) fn ask(
    py: Python<'_>,
    sender: &Sender,
    query: Option<&Bound<'_, PyAny>>,
    keywords: Option<&Bound<'_, PyDict>>,
) -> PyResult<Pin<Box<dyn Future<Output = Answered> + Send>>> {
    if let Some(question) = analysis::asked(query, keywords)? {
        let told = analysed::told(sender, &question);
        return Ok(Box::pin(async move {
            let told = told.await;
            Box::new(move |py: Python<'_>| {
                let analysed = Analysed::of_collector(py, question, told)?;
                Ok(analysed.into_pyobject(py)?.into_any().unbind())
            }) as Answered
        }));
    }
    let query = query::asked(py, query, keywords)?;
    let answered = sender.query(&query);
    Ok(Box::pin(async move {
        let answered = answered.await;
        Box::new(move |py: Python<'_>| {
            let answer = Answer::of_collector(py, query, answered)?;
            Ok(answer.into_pyobject(py)?.into_any().unbind())
        }) as Answered
    }))
}
