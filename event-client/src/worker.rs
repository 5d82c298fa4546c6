//! The client's one thread: it sends, waits, and sends again.

mod pump;
mod chore;
mod task;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::error::Unsent;
use crate::fork;
use crate::instrument;
use crate::loss::Loss;
use crate::shared::{Shared, now};
use crate::state::Phase;

/// How long to rest after a defect of our own.
const AFTER_PANIC: Duration = Duration::from_secs(1);
/// How long the last words to the collector may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Starts the thread, if none works yet.
pub(crate) fn start(shared: &Arc<Shared>) {
    if std::mem::replace(&mut shared.lock().working, true) {
        return;
    }
    let theirs = Arc::clone(shared);
    let thread = std::thread::Builder::new().name("event-client".to_owned());
    if let Err(error) = thread.spawn(move || supervise(&theirs)) {
        shared.lock().working = false;
        tracing::warn!(%error, "no thread to send events with; the next event will try again");
    }
}

/// Works until the client is closed, whatever happens: events in hand stay in hand.
fn supervise(shared: &Arc<Shared>) {
    fork::enter();
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
            Ok(Ok(())) => return fork::pause(),
            Ok(Err(error)) => tracing::error!(%error, "the event client cannot work; it tries again"),
            Err(_) => tracing::error!("a defect stopped the event client; it goes on"),
        }
        std::thread::sleep(AFTER_PANIC);
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
    shared.save();
    let result = {
        let mut state = shared.lock();
        #[cfg(feature = "spool")]
        state.leave_on_disk();
        let (spooled, waiting) = (state.backlog.spooled(), state.stats().waiting());
        let unsent = Unsent { waiting, spooled };
        while state.give_up(Loss::Shutdown, now()) {}
        while state.take_queued() {
            state.give_up(Loss::Shutdown, now());
        }
        if waiting == 0 { Ok(()) } else { Err(unsent) }
    };
    if let Err(Unsent { waiting, spooled }) = result {
        instrument::lost(Loss::Shutdown, waiting - spooled);
        tracing::warn!(
            dropped = waiting - spooled,
            spooled,
            "the event client ends before all events are delivered"
        );
    }
    // First the report that had no answer yet, if there is one, then what has been lost since.
    let last_words = async {
        chore::report(shared).await;
        chore::report(shared).await;
    };
    let _ = tokio::time::timeout(LAST_WORDS, last_words).await;
    shared.close_disk();
    let (closing, jobs) = {
        let mut state = shared.lock();
        let closing = std::mem::replace(&mut state.phase, Phase::Closed(result));
        (closing, std::mem::take(&mut state.jobs))
    };
    for job in jobs {
        task::run(Arc::clone(shared), job).await;
    }
    if let Phase::Closing { replies, .. } = closing {
        for reply in replies {
            reply.send(result);
        }
    }
}
