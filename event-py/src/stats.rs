//! What became of every event, as Python sees it.

use std::collections::BTreeMap;

use event_client::Stats as Counts;
use pyo3::prelude::*;

/// Counts since the client was made, taken at one moment, so that they add up: `offered` is the sum of `stored`,
/// `duplicate`, `conflict`, `quarantined`, `rejected`, `spooled`, `queued`, `in_flight` and all that was `dropped`.
///
/// A process made by `fork` counts from zero: what waited then is still its parent's.
///
/// >>> from event_py.testing import collecting
/// >>> client, collected = collecting()
/// >>> client.track("order", "created")
/// True
/// >>> client.flush()
/// >>> client.stats().stored, client.stats().dropped
/// (1, {})
#[pyclass(frozen, module = "event_py")]
pub(crate) struct Stats(pub(crate) Counts);

macro_rules! counts {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        #[pymethods]
        impl Stats {
            $($(#[doc = $doc])+
            #[getter]
            fn $name(&self) -> u64 {
                self.0.$name
            })+

            /// Events that were given up, by reason; reasons without any are left out.
            #[getter]
            fn dropped(&self) -> BTreeMap<&'static str, u64> {
                self.0.dropped.iter().map(|(loss, events)| (loss.as_str(), events)).collect()
            }

            /// Why nothing is sent at present, until the collector or its key are seen to.
            #[getter]
            fn paused(&self) -> Option<String> {
                self.0.paused.map(|pause| pause.to_string())
            }

            /// Events that are in the collector's log.
            #[getter]
            fn delivered(&self) -> u64 {
                self.0.delivered()
            }

            /// Events that are still to be delivered.
            #[getter]
            fn waiting(&self) -> u64 {
                self.0.waiting()
            }

            fn __repr__(&self) -> String {
                let counts = [$((stringify!($name), self.0.$name)),+];
                let told = counts.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name}={count}"));
                let dropped = self.0.dropped.iter().map(|(loss, count)| format!("dropped[{loss}]={count}"));
                format!("Stats({})", told.chain(dropped).collect::<Vec<_>>().join(", "))
            }
        }
    };
}

counts! {
    /// Events given to `track` and `send`, and those found in the spool.
    offered,
    /// Those of them that an earlier process had left in the spool.
    recovered,
    /// New events that the collector has stored.
    stored,
    /// Events that the collector had already: an earlier answer was lost on its way.
    duplicate,
    /// Events whose id is taken by another event; the collector keeps them aside.
    conflict,
    /// Events that break a rule; the collector keeps them aside.
    quarantined,
    /// Events that break a rule and are not kept.
    rejected,
    /// Events that wait on disk.
    spooled,
    /// Events that wait in memory.
    queued,
    /// Events that are being sent, or wait to be sent again.
    in_flight,
    /// Requests that had to be made again.
    retries,
}
