#![doc = include_str!("../README.md")]

// Bottom first: a file may use only what stands above it in this list.
mod error;
mod interpreter;
mod boundary;
mod value;
mod wait;
mod ask;
mod query;
mod story;
mod analysis;
mod wrong;
mod making;
mod threads;
mod capsule;
mod column;
mod lines;
mod table;
mod fold;
mod arrow;
mod values;
mod package;
mod sheet;
mod show;
mod answer;
mod analysed;
mod tally;
mod frame;
mod stats;
mod envelope;
mod names;
mod walk;
mod rules;
mod schema;
mod event;
mod data;
mod compatibility;
mod infer;
mod upcaster;
mod patch;
mod book;
mod blocks;
mod ndjson;
mod registry;
mod verdict;
mod unstored;
mod settings;
mod handle;
mod exit;
mod pending;
mod offer;
mod inquiry;
mod call;
mod export;
mod client;
mod collected;
mod panic;

/// The native half of `event_py`; the package exports what is meant for others.
#[pyo3::pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::analysed::{Analysed, analyse};
    #[pymodule_export]
    use crate::analysis::{Active, Analysis, Funnel, Retention, Sessions};
    #[pymodule_export]
    use crate::answer::Answer;
    #[pymodule_export]
    use crate::client::Client;
    #[pymodule_export]
    use crate::collected::{Collected, collecting};
    #[pymodule_export]
    use crate::compatibility::compatibility;
    #[pymodule_export]
    use crate::event::Event;
    #[pymodule_export]
    use crate::exit::close_all;
    #[pymodule_export]
    use crate::export::Export;
    #[pymodule_export]
    use crate::frame::Frame;
    #[pymodule_export]
    use crate::infer::{Inference, infer};
    #[pymodule_export]
    use crate::ndjson::Report;
    #[pymodule_export]
    use crate::offer::Unconfirmed;
    #[pymodule_export]
    use crate::panic::_panic;
    #[pymodule_export]
    use crate::patch::patch;
    #[pymodule_export]
    use crate::query::Query;
    #[pymodule_export]
    use crate::registry::Registry;
    #[pymodule_export]
    use crate::schema::Schema;
    #[pymodule_export]
    use crate::stats::Stats;
    #[pymodule_export]
    use crate::tally::{Tally, answer};
    #[pymodule_export]
    use crate::unstored::Unstored;
    #[pymodule_export]
    use crate::upcaster::Upcaster;
    #[pymodule_export]
    use crate::verdict::Verdict;

    #[pymodule_init]
    fn begin(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::interpreter::only_main(module.py())
    }
}
