//! A future that the client's thread completes → a future of asyncio.
//!
//! Nobody polls, and no thread waits: the client's thread has the loop call [`Step`] when there is something to
//! fetch, and all else happens on the thread of the loop.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::boundary::guarded;
use crate::exit;
use crate::wait::wait;

/// Makes a Python value of what a future has answered.
type Finish = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;
type Work = Pin<Box<dyn Future<Output = Finish> + Send>>;

/// A future of the running loop, which will have what `finish` makes of the answer. If it is cancelled, the answer
/// is dropped; what was asked for happens all the same.
///
/// # Errors
/// If no loop runs.
pub(crate) fn pending<'py, F, T, P>(py: Python<'py>, future: F, finish: P) -> PyResult<Bound<'py, PyAny>>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
    P: FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
{
    static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let event_loop = RUNNING.import(py, "asyncio", "get_running_loop")?.call0()?;
    let promise = event_loop.call_method0("create_future")?;
    let work = async move {
        let answer = future.await;
        Box::new(move |py: Python<'_>| finish(py, answer)) as Finish
    };
    let step = Step {
        work: Mutex::new(None),
        promise: promise.clone().unbind(),
        event_loop: event_loop.unbind(),
    };
    if exit::has_begun() {
        // The client's thread may not speak to the loop any more; the loop will not mind to wait.
        step.answer(py, wait(py, work)?)?;
    } else {
        Step::advance(&Bound::new(py, step)?, Box::pin(work))?;
    }
    Ok(promise)
}

/// What the loop is to call when there may be an answer.
#[pyclass(frozen, module = "event_py")]
struct Step {
    /// Only touched by the thread of the loop, for moments; nothing is called meanwhile.
    work: Mutex<Option<Work>>,
    promise: Py<PyAny>,
    event_loop: Py<PyAny>,
}

impl Step {
    /// Fetches the answer, if it is there; else it is called again.
    fn advance(slf: &Bound<'_, Self>, mut work: Work) -> PyResult<()> {
        let (py, step) = (slf.py(), slf.get());
        let target = Target {
            event_loop: step.event_loop.clone_ref(py),
            step: slf.clone().unbind(),
        };
        let waker = Waker::from(Arc::new(Call(Mutex::new(Some(target)))));
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(finish) => step.answer(py, finish),
            Poll::Pending => {
                *step.work.lock().unwrap_or_else(PoisonError::into_inner) = Some(work);
                Ok(())
            }
        }
    }

    fn answer(&self, py: Python<'_>, finish: Finish) -> PyResult<()> {
        let promise = self.promise.bind(py);
        // It was cancelled meanwhile.
        if promise.call_method0("done")?.is_truthy()? {
            return Ok(());
        }
        match finish(py) {
            Ok(answer) => promise.call_method1("set_result", (answer,))?,
            Err(error) => promise.call_method1("set_exception", (error.into_value(py),))?,
        };
        Ok(())
    }
}

#[pymethods]
impl Step {
    fn __call__(slf: &Bound<'_, Self>) -> PyResult<()> {
        guarded(|| {
            let work = slf.get().work.lock().unwrap_or_else(PoisonError::into_inner).take();
            // A defect of ours is for whoever waits, and not for the loop, which would leave him waiting.
            let advanced = guarded(|| work.map_or(Ok(()), |work| Step::advance(slf, work)));
            advanced.or_else(|error| slf.get().answer(slf.py(), Box::new(|_| Err(error))))
        })
    }
}

struct Target {
    event_loop: Py<PyAny>,
    step: Py<Step>,
}

/// Wakes a loop, once: what it holds of Python is given back then, and makes no circle.
struct Call(Mutex<Option<Target>>);

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        let mut target = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _told = Python::try_attach(|py| {
            if let Some(Target { event_loop, step }) = target.take() {
                // A loop that was closed meanwhile has nobody who waits.
                let _closed = event_loop.call_method1(py, "call_soon_threadsafe", (step,));
            }
        });
        // Where there is no interpreter any more, nothing is given back to it.
        std::mem::forget(target);
    }
}
