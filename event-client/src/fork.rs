//! Which process this is: a child made by `fork` has the memory of its parent, but none of its threads.
//!
//! Whatever another thread had locked at that moment stays locked for ever in the child: not only what is ours, but
//! also what belongs to everybody, such as the registry of `tracing`. So a fork waits until our own
//! threads wait, and they do not go on before it has happened.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Grows in every child.
static GENERATION: AtomicU32 = AtomicU32::new(0);
/// Threads of ours that do something just now.
static BUSY: AtomicU32 = AtomicU32::new(0);
/// Forks that are about to happen.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// How long a fork waits for us, and we for a fork; then it has to do without.
const PATIENCE: Duration = Duration::from_millis(20);
/// How long to sleep between two looks.
const LOOK: Duration = Duration::from_micros(20);

thread_local! {
    static OURS: Cell<bool> = const { Cell::new(false) };
}

/// A number that differs between a process and those it was forked from.
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Whether the calling thread is a client's own.
pub(crate) fn is_our_thread() -> bool {
    OURS.get()
}

/// Does something in the client's own name on a thread that is not its own: what it says is not to make events.
pub(crate) fn in_our_name<T>(work: impl FnOnce() -> T) -> T {
    let before = OURS.replace(true);
    let done = work();
    OURS.set(before);
    done
}

/// Makes the calling thread a client's own, which is busy from now on.
pub(crate) fn enter() {
    OURS.set(true);
    resume();
}

/// The thread has something to do again.
pub(crate) fn resume() {
    let started = Instant::now();
    loop {
        while FORKS.load(Ordering::SeqCst) > 0 && started.elapsed() < PATIENCE {
            std::thread::sleep(LOOK);
        }
        BUSY.fetch_add(1, Ordering::SeqCst);
        if FORKS.load(Ordering::SeqCst) == 0 || started.elapsed() >= PATIENCE {
            return;
        }
        pause();
    }
}

/// The thread only waits from now on, or ends.
pub(crate) fn pause() {
    // In a child that was forked by one of our threads nobody is counted any more.
    let _ = BUSY.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |busy| busy.checked_sub(1));
}

/// Runs what may take a while and is no business of ours, so that no fork waits for it.
pub(crate) fn aside<T>(work: impl FnOnce() -> T) -> T {
    if !is_our_thread() {
        return work();
    }
    pause();
    let done = work();
    resume();
    done
}

/// Has forks seen from now on. To ask for the process's id at each event would cost a system call.
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
    extern "C" fn before() {
        FORKS.fetch_add(1, Ordering::SeqCst);
        // One of our own threads would wait for itself.
        if is_our_thread() {
            return;
        }
        let started = Instant::now();
        while BUSY.load(Ordering::SeqCst) > 0 && started.elapsed() < PATIENCE {
            std::thread::sleep(LOOK);
        }
    }
    extern "C" fn in_parent() {
        FORKS.fetch_sub(1, Ordering::SeqCst);
    }
    /// Runs in the child, before `fork` returns: nothing may be done here but to set numbers, as any
    /// lock may be held by a thread that is no more.
    extern "C" fn in_child() {
        FORKS.store(0, Ordering::SeqCst);
        BUSY.store(0, Ordering::SeqCst);
        GENERATION.fetch_add(1, Ordering::SeqCst);
    }
    // SAFETY: the handlers are functions for as long as the process lives, none of them unwinds, and the
    // one in the child does only what is allowed there (POSIX.1-2024, fork, "async-signal-safe").
    let failed = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    if failed != 0 {
        tracing::warn!(errno = failed, "children of this process cannot use its event client");
    }
}
