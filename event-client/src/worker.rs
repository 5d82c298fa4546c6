//! The client's one thread: it sends, waits, and sends again.

mod pump;
mod chore;
mod task;
mod refusal;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) use refusal::refuse;
use tokio::task::JoinSet;

use crate::error::FlushError;
use crate::fork;
use crate::instrument;
use crate::loss::Loss;
use crate::shared::{Shared, now};
use crate::state::Phase;

/// How long to rest after a defect of our own, or where there is no thread to be had.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// Failures with the same batch after which it is halved, in case it is itself the reason.
const SUSPICIOUS: u32 = 3;
/// How long the last words to the collector may take.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Starts the thread, if none works yet.
pub(crate) fn start(shared: &Arc<Shared>) {
    if std::mem::replace(&mut shared.lock().working, true) {
        return;
    }
    let theirs = Arc::clone(shared);
    let thread = std::thread::Builder::new().name("event-client".to_owned());
    if let Err(error) = thread.spawn(move || supervise(&theirs)) {
        let mut state = shared.lock();
        state.working = false;
        state.start_after = Some(Instant::now() + AFTER_FAILURE);
        drop(state);
        tracing::warn!(%error, "no thread to send events with; a later event will try again");
    }
}

/// The thread's own time; however it ends, another may be started.
struct Shift<'a>(&'a Arc<Shared>);

impl Drop for Shift<'_> {
    fn drop(&mut self) {
        self.0.lock().working = false;
        fork::pause();
    }
}

/// Works until the client is closed, whatever happens: events in hand stay in hand.
fn supervise(shared: &Arc<Shared>) {
    fork::enter();
    let _shift = Shift(shared);
    loop {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .on_thread_park(fork::pause)
                .on_thread_unpark(fork::resume)
                .build()?;
            runtime.block_on(work(shared));
            Ok::<(), std::io::Error>(())
        }));
        match outcome {
            Ok(Ok(())) => return,
            Ok(Err(error)) => {
                shielded(|| tracing::error!(%error, "the event client cannot work; it tries again"));
                if !shared.lock().is_open() {
                    return conclude(shared);
                }
                let jobs = std::mem::take(&mut shared.lock().jobs);
                jobs.into_iter().for_each(|job| refuse(shared, job));
            }
            Err(_) => shielded(|| tracing::error!("a defect stopped the event client; it goes on")),
        }
        fork::aside(|| std::thread::sleep(AFTER_FAILURE));
    }
}

/// Ends a client that no thread works for.
pub(crate) fn conclude(shared: &Arc<Shared>) {
    let result = give_up(shared);
    end(shared, result);
}

/// Runs what is not ours to judge; its panics are its own.
fn shielded(work: impl FnOnce()) {
    let panicked = fork::aside(|| catch_unwind(AssertUnwindSafe(work)).is_err());
    if panicked {
        // Whoever writes this down may be what panicked.
        let _ = catch_unwind(|| tracing::error!("a callback of the event client panicked"));
    }
}

async fn work(shared: &Arc<Shared>) {
    let mut tasks = JoinSet::new();
    let (mut pump, mut chores) = (Box::pin(pump::run(shared)), Box::pin(chore::run(shared)));
    let mut drained = false;
    loop {
        let deadline = match &shared.lock().phase {
            Phase::Open => None,
            Phase::Closing { deadline, .. } => Some(*deadline),
            Phase::Closed(_) => return,
        };
        let jobs = std::mem::take(&mut shared.lock().jobs);
        for job in jobs {
            tasks.spawn(task::run(Arc::clone(shared), job));
        }
        if drained && tasks.is_empty() {
            break;
        }
        tokio::select! {
            () = &mut pump, if !drained => drained = true,
            () = &mut chores => {}
            () = shared.call.notified() => {}
            Some(_) = tasks.join_next() => {}
            () = overdue(deadline) => break,
        }
    }
    drop((pump, chores));
    shared.stop.send_replace(true);
    while tasks.join_next().await.is_some() {}
    finish(shared).await;
}

async fn overdue(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// Counts what was not delivered, says so, and tells whoever waits.
async fn finish(shared: &Arc<Shared>) {
    let result = give_up(shared);
    // For what has been lost at last, too: beside a report that has no answer yet, there is one more.
    let last_words = async {
        chore::report(shared).await;
        chore::report(shared).await;
    };
    let _ = tokio::time::timeout(LAST_WORDS, last_words).await;
    end(shared, result);
}

/// Counts what was not delivered.
fn give_up(shared: &Arc<Shared>) -> Result<(), FlushError> {
    shared.save();
    let (unsent, dropped) = {
        let mut state = shared.lock();
        state.take_back();
        #[cfg(feature = "spool")]
        state.leave_on_disk();
        let unsent = FlushError::of(&state.stats());
        while state.give_up(Loss::Shutdown, now()) {}
        while state.take_queued() {
            state.give_up(Loss::Shutdown, now());
        }
        (unsent, unsent.waiting - unsent.spooled)
    };
    if unsent.waiting == 0 {
        return Ok(());
    }
    instrument::lost(Loss::Shutdown, dropped);
    let spooled = unsent.spooled;
    shielded(|| {
        tracing::warn!(
            dropped,
            spooled,
            "the event client ends before all events are delivered"
        );
    });
    Err(unsent)
}

/// Lets go of everything, and tells whoever waits.
fn end(shared: &Arc<Shared>, result: Result<(), FlushError>) {
    shared.close_disk();
    let (closing, jobs) = {
        let mut state = shared.lock();
        let closing = std::mem::replace(&mut state.phase, Phase::Closed(result));
        (closing, std::mem::take(&mut state.jobs))
    };
    for job in jobs {
        refuse(shared, job);
    }
    if let Phase::Closing { replies, .. } = closing {
        for reply in replies {
            reply.send(result);
        }
    }
}
