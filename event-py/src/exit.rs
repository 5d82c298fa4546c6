//! The end of the program: what waits is sent, for a moment, before the interpreter goes.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use pyo3::prelude::*;

use crate::boundary::guarded;
use crate::client::Handle;
use crate::wait::wait;

/// The clients of this process. Only touched for moments, by threads that hold the interpreter.
static CLIENTS: Mutex<Vec<Weak<Handle>>> = Mutex::new(Vec::new());

/// Has a client closed when the program ends.
pub(crate) fn watch(client: &Arc<Handle>) {
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    clients.retain(|client| client.strong_count() > 0);
    clients.push(Arc::downgrade(client));
}

/// Closes all clients, all at once; each has its own `exit_timeout`. For `atexit`.
#[pyfunction]
pub(crate) fn close_all(py: Python<'_>) -> PyResult<()> {
    guarded(|| {
        let clients = std::mem::take(&mut *CLIENTS.lock().unwrap_or_else(PoisonError::into_inner));
        let clients: Vec<_> = clients.iter().filter_map(Weak::upgrade).collect();
        // They begin to close right here, and not only when they are waited for.
        let closing: Vec<_> = clients
            .iter()
            .map(|client| client.sender.shutdown(client.manner.exit_timeout))
            .collect();
        for closed in closing {
            // What is lost is counted, and told by the client itself.
            let _lost = wait(py, closed)?;
        }
        Ok(())
    })
}
