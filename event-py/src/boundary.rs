//! The edge between Python and Rust, which no panic crosses.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::prelude::*;

use crate::error;

/// Does what Python has asked for. A panic becomes an `EventInternalError`, which `except Exception` catches;
/// PyO3's own would slip past it and end the application.
pub(crate) fn guarded<T>(work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    // Whatever a panic leaves behind is behind locks that stay whole, or belongs to this call alone.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(error::internal(&*panic)))
}
