//! Waiting for the client's thread: the interpreter is free meanwhile, and Ctrl-C is heard.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// How long signals may go unheard.
const LOOK: Duration = Duration::from_millis(50);
/// The same where greenlets run on this thread, seconds.
const GREEN_LOOK: f64 = 0.005;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future, which the client's own thread completes.
///
/// # Errors
/// What a signal handler of the application raises, say `KeyboardInterrupt`.
pub(crate) fn wait<F: Future + Send>(py: Python<'_>, future: F) -> PyResult<F::Output>
where
    F::Output: Send,
{
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let sleep = green_sleep(py)?;
    let parks = sleep.is_none();
    let mut future = pin!(future);
    loop {
        let poll = py.detach(|| {
            let poll = future.as_mut().poll(&mut Context::from_waker(&waker));
            if poll.is_pending() && parks {
                thread::park_timeout(LOOK);
            }
            poll
        });
        if let Poll::Ready(output) = poll {
            return Ok(output);
        }
        if let Some(sleep) = &sleep {
            sleep.call1((GREEN_LOOK,))?;
        }
        py.check_signals()?;
    }
}

/// The `sleep` of gevent or eventlet, where one of them has taken the place of the threads of Python: to wait
/// without it would keep every greenlet of this thread waiting too.
fn green_sleep(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    for (module, question, sleep) in [
        ("gevent.monkey", "is_module_patched", "gevent"),
        ("eventlet.patcher", "is_monkey_patched", "eventlet"),
    ] {
        if let Some(patcher) = modules.get_item(module)?
            && patcher.call_method1(question, ("time",))?.is_truthy()?
            && let Some(green) = modules.get_item(sleep)?
        {
            return green.getattr("sleep").map(Some);
        }
    }
    Ok(None)
}
