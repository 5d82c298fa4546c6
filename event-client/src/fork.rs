//! Which process this is: a child made by `fork` has the memory of its parent, but none of its threads.

use std::sync::atomic::{AtomicU32, Ordering};

/// Grows in every child.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// A number that differs between a process and those it was forked from.
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Has children counted from now on. To ask for the process's id at each event would cost a system
/// call.
pub(crate) fn watch() {
    #[cfg(unix)]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(register);
    }
}

#[cfg(unix)]
#[allow(unsafe_code)]
fn register() {
    /// Runs in the child, before `fork` returns: nothing may be done here but to set a number, as any
    /// lock may be held by a thread that is no more.
    extern "C" fn in_child() {
        GENERATION.fetch_add(1, Ordering::Relaxed);
    }
    // SAFETY: the handler is a function for as long as the process lives, and does only what is
    // allowed after `fork` (POSIX.1-2024, fork, "async-signal-safe").
    let failed = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    if failed != 0 {
        tracing::warn!(errno = failed, "children of this process cannot use its event client");
    }
}
