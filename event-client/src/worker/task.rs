//! One job, from its beginning to its reply.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use event_core::Verdict;

use crate::answer::{self, Outcome};
use crate::error::{AskError, SendError, Unconfirmed, Unsent};
use crate::instrument;
use crate::job::Job;
use crate::lines::Lines;
use crate::loss::Loss;
use crate::retry::Retry;
use crate::shared::{Shared, now};
use crate::stats::Pause;
use crate::transport::{Method, Request};

pub(super) async fn run(shared: Arc<Shared>, job: Job) {
    match job {
        Job::Send {
            batches,
            deadline,
            reply,
        } => reply.send(send(&shared, batches, deadline).await),
        Job::Flush { until, deadline, reply } => reply.send(flush(&shared, until, deadline).await),
        Job::Ask { path, body, reply } => {
            let answer = tokio::select! {
                answer = ask(&shared, path, body) => answer,
                () = stopped(&shared) => Err(AskError::Closed),
            };
            reply.send(answer);
        }
    }
}

async fn stopped(shared: &Shared) {
    // The sender lives as long as what is shared.
    let _ = shared.stop.subscribe().wait_for(|stop| *stop).await;
}

async fn flush(shared: &Shared, until: u64, deadline: Instant) -> Result<(), Unsent> {
    let mut progress = shared.progress.subscribe();
    let delivered = tokio::select! {
        moved = tokio::time::timeout_at(deadline.into(), progress.wait_for(|gone| *gone >= until)) => {
            moved.is_ok()
        }
        () = stopped(shared) => false,
    };
    let stats = shared.lock().stats();
    if delivered || shared.lock().gone >= until {
        return Ok(());
    }
    Err(Unsent {
        waiting: stats.waiting(),
        spooled: stats.spooled,
    })
}

/// Events on their way, which are given up if this ends before they have verdicts, however it ends.
struct Flight<'a> {
    shared: &'a Shared,
    events: u64,
}

impl<'a> Flight<'a> {
    fn begin(shared: &'a Shared, events: u64) -> Self {
        let mut state = shared.lock();
        state.counts.queued -= events;
        state.counts.in_flight += events;
        Flight { shared, events }
    }

    fn landed(&mut self, verdicts: &[Verdict]) {
        self.events -= verdicts.len() as u64;
        self.shared.lock().judged(verdicts.iter().map(|verdict| verdict.status));
        instrument::judged(verdicts);
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.counts.in_flight -= self.events;
        state.lose(Loss::Unconfirmed, self.events, now());
        drop(state);
        instrument::lost(Loss::Unconfirmed, self.events);
    }
}

async fn send(shared: &Shared, mut batches: VecDeque<Lines>, deadline: Instant) -> Result<Vec<Verdict>, SendError> {
    let events = batches.iter().map(Lines::len).sum();
    let mut flight = Flight::begin(shared, events as u64);
    let mut verdicts = Vec::with_capacity(events);
    let ended = tokio::select! {
        ended = deliver(&mut flight, &mut batches, deadline, &mut verdicts) => ended,
        () = stopped(shared) => Err(Unconfirmed::Closed),
    };
    match ended {
        Ok(()) => Ok(verdicts),
        Err(reason) => Err(SendError {
            verdicts,
            events,
            reason,
        }),
    }
}

/// Sends batches until each has its verdicts; what is done is done, wherever this is dropped.
async fn deliver(
    flight: &mut Flight<'_>,
    batches: &mut VecDeque<Lines>,
    deadline: Instant,
    verdicts: &mut Vec<Verdict>,
) -> Result<(), Unconfirmed> {
    let shared = flight.shared;
    let mut retry = Retry::new(shared.settings.tuning.backoff);
    while let Some(batch) = batches.front() {
        let attempt = tokio::time::timeout_at(deadline.into(), shared.exchange(batch));
        let Ok(outcome) = attempt.await else {
            return Err(Unconfirmed::Deadline("no answer".to_owned()));
        };
        let (after, why) = match outcome {
            Outcome::Verdicts(given) => {
                retry.succeeded();
                batches.pop_front();
                flight.landed(&given);
                verdicts.extend(given);
                continue;
            }
            Outcome::TooLarge if batch.len() > 1 => {
                let (first, second) = batch.halves();
                batches.pop_front();
                batches.push_front(second);
                batches.push_front(first);
                continue;
            }
            Outcome::TooLarge => return Err(Unconfirmed::Refused("the event is too large".to_owned())),
            Outcome::Refused { why } => return Err(Unconfirmed::Refused(why)),
            Outcome::NotCompressed => return Err(Unconfirmed::Paused(Pause::NoCollector(415))),
            Outcome::Paused(pause) => return Err(Unconfirmed::Paused(pause)),
            Outcome::Again { after, why } | Outcome::Failed { after, why } => (after, why),
        };
        let wait = retry.failed(after, fastrand::f64());
        shared.lock().counts.retries += 1;
        instrument::retried();
        if wait >= deadline.saturating_duration_since(Instant::now()) {
            return Err(Unconfirmed::Deadline(why));
        }
        tokio::time::sleep(wait).await;
    }
    Ok(())
}

async fn ask(shared: &Shared, path: &'static str, body: Bytes) -> Result<Bytes, AskError> {
    let request = Request::new(Method::Post, path, shared.key()).with("application/json", body);
    let response = shared.transport.exchange(request).await;
    let response = response.map_err(|error| AskError::Unavailable(error.to_string()))?;
    match response.status {
        200..300 => Ok(response.body),
        500..600 => Err(AskError::Unavailable(answer::problem(&response))),
        _ => Err(AskError::Refused(answer::problem(&response))),
    }
}
