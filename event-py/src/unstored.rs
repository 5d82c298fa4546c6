//! Events that the collector has judged, but did not store: the last of them are kept, to be looked at.

use std::collections::VecDeque;
use std::sync::Arc;

use arc_swap::ArcSwap;
use event_client::ClientBuilder;
use event_core::Verdict as Judgement;
use pyo3::prelude::*;

use crate::boundary::guarded;
use crate::verdict::Verdict;

/// How many are kept.
const KEPT: usize = 100;

/// The last of them. Without a lock: a fork may come while the client's thread adds one, and the child would find
/// it locked for ever.
#[derive(Default)]
pub(crate) struct Kept(ArcSwap<VecDeque<Arc<One>>>);

struct One {
    /// The process it was sent by: what a parent's collector has refused is no news of its children.
    process: u32,
    event: String,
    verdict: Judgement,
}

/// Has what is not stored kept, by the client's own thread and without Python.
pub(crate) fn keep(builder: ClientBuilder) -> (ClientBuilder, Arc<Kept>) {
    let kept = Arc::new(Kept::default());
    let theirs = Arc::clone(&kept);
    let builder = builder.on_unstored(move |unstored| theirs.add(unstored.event, unstored.verdict));
    (builder, kept)
}

impl Kept {
    fn add(&self, event: &str, verdict: &Judgement) {
        let one = Arc::new(One {
            process: std::process::id(),
            event: event.trim_end().to_owned(),
            verdict: verdict.clone(),
        });
        self.0.rcu(|kept| {
            let spare = (kept.len() + 1).saturating_sub(KEPT);
            let kept = kept.iter().skip(spare).chain([&one]);
            kept.map(Arc::clone).collect::<VecDeque<_>>()
        });
    }

    /// Those of this process, the oldest first.
    pub(crate) fn list(&self) -> Vec<Unstored> {
        let process = std::process::id();
        let kept = self.0.load();
        let ours = kept.iter().filter(|one| one.process == process);
        ours.map(|one| Unstored(Arc::clone(one))).collect()
    }
}

/// A tracked event that the collector has judged, and neither stored nor had before.
///
/// >>> from event_py.testing import collecting
/// >>> client, collected = collecting()
/// >>> for total in 1, 2:
/// ...     client.track("order", "created", {"total": total}, id="o-1")
/// True
/// True
/// >>> client.flush()
/// >>> [unstored] = client.unstored()
/// >>> unstored.verdict.status, '"total":2' in unstored.event
/// ('conflict', True)
#[pyclass(frozen, module = "event_py")]
pub(crate) struct Unstored(Arc<One>);

#[pymethods]
impl Unstored {
    /// The event as it was sent: JSON.
    #[getter]
    fn event(&self) -> &str {
        &self.0.event
    }

    /// What the collector has said of it.
    #[getter]
    fn verdict(&self) -> PyResult<Verdict> {
        guarded(|| Ok(Verdict(self.0.verdict.clone())))
    }

    fn __repr__(&self) -> PyResult<String> {
        // Not the event itself, which may be long, or personal.
        guarded(|| {
            let status = self.0.verdict.status.as_str();
            Ok(match self.0.verdict.code {
                Some(code) => format!("Unstored({status}, {code})"),
                None => format!("Unstored({status})"),
            })
        })
    }
}
