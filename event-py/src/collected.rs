//! What a client has sent that sends nothing over a network.

use event_client::{Client as Sender, test};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::boundary::guarded;
use crate::client::Client;
use crate::error;
use crate::settings;

/// What a client of `event_py.testing.collecting` has sent.
///
/// >>> from event_py.testing import collecting
/// >>> client, collected = collecting()
/// >>> client.track("order", "created", {"value": 12.5})
/// True
/// >>> len(collected.json())
/// 1
#[pyclass(frozen, module = "event_py")]
pub(crate) struct Collected(test::Collected);

/// A client that sends nothing over a network, and what it has sent.
#[pyfunction]
#[pyo3(signature = (*, source="test", **settings))]
pub(crate) fn collecting(
    py: Python<'_>,
    source: &str,
    settings: Option<&Bound<'_, PyDict>>,
) -> PyResult<(Client, Collected)> {
    guarded(|| {
        let (builder, manner) = settings::apply(test::builder().source(source), settings)?;
        let (sender, collected): (Sender, _) = builder.collecting().map_err(|error| error::not_built(py, &error))?;
        Ok((Client::of(sender, manner), Collected(collected)))
    })
}

#[pymethods]
impl Collected {
    /// The events in the order of their coming, each as JSON.
    fn json(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        guarded(|| {
            let events = py.detach(|| self.0.events());
            Ok(events
                .iter()
                .map(|event| serde_json::to_string(event).unwrap_or_default())
                .collect())
        })
    }
}
