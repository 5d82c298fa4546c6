//! Where handles hand in what they want of the worker; whoever comes too late is answered here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::FlushError;
use crate::job::{Job, Reply};
use crate::shared::Shared;
use crate::state::Phase;
use crate::worker;

/// Has the worker do something.
pub(crate) fn submit(shared: &Arc<Shared>, job: Job) {
    let mut state = shared.lock();
    state.jobs.push_back(job);
    let closed = matches!(state.phase, Phase::Closed(_));
    drop(state);
    if !closed {
        worker::start(shared);
    }
    let mut state = shared.lock();
    // Without anybody to do it, it is answered here.
    if closed || !state.working {
        let jobs = std::mem::take(&mut state.jobs);
        drop(state);
        for job in jobs {
            worker::refuse(shared, job);
        }
    } else {
        drop(state);
        shared.call.notify_one();
    }
}

pub(crate) fn close(shared: &Arc<Shared>, at_most: Duration, reply: Option<Reply<Result<(), FlushError>>>) {
    let mut state = shared.lock();
    let result = match &mut state.phase {
        Phase::Open => {
            let untouched = !state.working && state.stats().waiting() == 0 && state.unreported.is_empty();
            if untouched {
                state.phase = Phase::Closed(Ok(()));
                drop(state);
                shared.close_disk();
                return reply.into_iter().for_each(|reply| reply.send(Ok(())));
            } else {
                state.phase = Phase::Closing {
                    deadline: after(at_most),
                    replies: reply.into_iter().collect(),
                };
                state.hurry = true;
                drop(state);
                worker::start(shared);
                if !shared.lock().working {
                    return worker::conclude(shared);
                }
                shared.wake.notify_one();
                shared.call.notify_one();
                return;
            }
        }
        Phase::Closing { deadline, replies } => {
            // The earliest deadline is the one that holds.
            *deadline = (*deadline).min(after(at_most));
            replies.extend(reply);
            drop(state);
            return shared.call.notify_one();
        }
        Phase::Closed(result) => *result,
    };
    drop(state);
    if let Some(reply) = reply {
        reply.send(result);
    }
}

/// A moment in the future; those too far away to be named are far enough.
pub(crate) fn after(at_most: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    Instant::now() + at_most.min(YEAR)
}
