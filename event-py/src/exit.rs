//! The end of the program: what waits is sent, for a moment, before the interpreter goes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use pyo3::prelude::*;

use crate::boundary::guarded;
use crate::handle::Handle;
use crate::wait::wait;

/// The clients of this process. Only touched for moments, by threads that hold the interpreter.
static CLIENTS: Mutex<Vec<Weak<Handle>>> = Mutex::new(Vec::new());
/// Clients that the program has let go of while events waited: they go on until these have left, or the program ends.
static LEFT: Mutex<Vec<Arc<Handle>>> = Mutex::new(Vec::new());
/// Whether the end has begun: from now on no thread of ours may speak to Python.
static BEGUN: AtomicBool = AtomicBool::new(false);

/// Whether the program ends.
pub(crate) fn has_begun() -> bool {
    BEGUN.load(Ordering::Relaxed)
}

/// Has a client closed when the program ends.
pub(crate) fn watch(client: &Arc<Handle>) {
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    clients.retain(|client| client.strong_count() > 0);
    clients.push(Arc::downgrade(client));
}

/// Looks after a client that the program has let go of.
pub(crate) fn leave(client: &Arc<Handle>) {
    let waits = |client: &Arc<Handle>| !client.sender.is_inherited() && client.sender.stats().waiting() > 0;
    let (waiting, done): (Vec<_>, Vec<_>) = {
        let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
        if waits(client) && !has_begun() {
            left.push(Arc::clone(client));
        }
        std::mem::take(&mut *left).into_iter().partition(waits)
    };
    LEFT.lock().unwrap_or_else(PoisonError::into_inner).extend(waiting);
    // Ends their threads, without the lock.
    drop(done);
}

/// Closes all clients that this very process has used, all at once; each has its own `exit_timeout`. For `atexit`,
/// and for whatever stands in for it in children that end without.
#[pyfunction]
pub(crate) fn close_all(py: Python<'_>) -> PyResult<()> {
    guarded(|| {
        let clients = std::mem::take(&mut *CLIENTS.lock().unwrap_or_else(PoisonError::into_inner));
        let _left = std::mem::take(&mut *LEFT.lock().unwrap_or_else(PoisonError::into_inner));
        // What was only inherited from a parent has nothing that waits, and is the parent's to close.
        let clients: Vec<_> = clients
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|client| !client.sender.is_inherited())
            .collect();
        // They begin to close right here, and not only when they are waited for.
        let closing: Vec<_> = clients
            .iter()
            .map(|client| client.sender.shutdown(client.manner.exit_timeout))
            .collect();
        let mut raised = Ok(());
        for closed in closing {
            // What is lost is counted, and told below. Who presses Ctrl-C waits for none of the others either.
            if raised.is_ok() {
                raised = wait(py, closed).map(drop);
            }
        }
        BEGUN.store(true, Ordering::Relaxed);
        for client in clients {
            let told = client.tell(py);
            raised = raised.and(told);
        }
        raised
    })
}
