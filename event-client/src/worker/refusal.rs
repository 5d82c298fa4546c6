//! A job that nobody does: whoever waits for it is told at once.

use crate::error::{FlushError, QueryError, Unconfirmed};
use crate::job::{Job, Sent};
use crate::lines::Lines;
use crate::loss::Loss;
use crate::shared::{Shared, now};

/// Answers a job that comes too late, or that no thread works for.
pub(crate) fn refuse(shared: &Shared, job: Job) {
    match job {
        Job::Send { batches, reply, .. } => {
            let events: usize = batches.iter().map(Lines::len).sum();
            {
                let mut state = shared.lock();
                state.counts.queued -= events as u64;
                state.sending -= events as u64;
                state.lose(Loss::Closed, events as u64, now());
            }
            reply.send(Sent::nothing(events, Unconfirmed::Closed));
        }
        Job::Flush { reply, .. } => {
            let unsent = FlushError::of(&shared.lock().stats());
            reply.send(if unsent.waiting == 0 { Ok(()) } else { Err(unsent) });
        }
        Job::Ask { reply, .. } => reply.send(Err(QueryError::Closed)),
        Job::Open { reply, .. } => reply.send(Err(QueryError::Closed)),
    }
}
