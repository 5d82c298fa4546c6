//! One job, from its beginning to its reply.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use event_core::Verdict;

use super::SUSPICIOUS;
use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::error::{FlushError, QueryError, Unconfirmed};
use crate::export::{self, Export};
use crate::instrument;
use crate::job::{Job, Reply, Sent};
use crate::lines::Lines;
use crate::loss::Loss;
use crate::retry::Retry;
use crate::shared::{Shared, now};
use crate::stats::Pause;
use crate::transport::{Response, Stream};

pub(super) async fn run(shared: Arc<Shared>, job: Job) {
    match job {
        Job::Send {
            batches,
            deadline,
            reply,
        } => reply.send(send(&shared, batches, deadline).await),
        Job::Flush { until, deadline, reply } => reply.send(flush(&shared, until, deadline).await),
        Job::Ask { call, reply } => {
            let answer = tokio::select! {
                answer = ask(&shared, call) => answer,
                () = stopped(&shared) => Err(QueryError::Closed),
            };
            reply.send(answer);
        }
        Job::Open { call, reply } => export(&shared, call, reply).await,
    }
}

async fn stopped(shared: &Shared) {
    // The sender lives as long as what is shared.
    let _ = shared.stop.subscribe().wait_for(|stop| *stop).await;
}

async fn flush(shared: &Shared, until: u64, deadline: Instant) -> Result<(), FlushError> {
    let mut progress = shared.progress.subscribe();
    let delivered = tokio::select! {
        moved = tokio::time::timeout_at(deadline.into(), progress.wait_for(|gone| *gone >= until)) => {
            moved.is_ok()
        }
        () = stopped(shared) => false,
    };
    let state = shared.lock();
    if delivered || state.gone >= until {
        return Ok(());
    }
    Err(FlushError::of(&state.stats()))
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
        {
            let mut state = self.shared.lock();
            state.sending -= verdicts.len() as u64;
            state.judged(verdicts.iter().map(|verdict| verdict.status));
        }
        instrument::judged(verdicts);
    }

    fn lost(&mut self, loss: Loss, events: u64) {
        self.events -= events;
        {
            let mut state = self.shared.lock();
            state.sending -= events;
            state.counts.in_flight -= events;
            state.lose(loss, events, now());
        }
        // A recorder that panics has done so once already.
        if !std::thread::panicking() {
            instrument::lost(loss, events);
        }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.lost(Loss::Unconfirmed, self.events);
    }
}

async fn send(shared: &Shared, mut batches: VecDeque<Lines>, deadline: Instant) -> Sent {
    let events = batches.iter().map(Lines::len).sum();
    let mut flight = Flight::begin(shared, events as u64);
    let (mut verdicts, mut reason) = (Vec::with_capacity(events), None);
    let ended = tokio::select! {
        ended = deliver(&mut flight, &mut batches, deadline, &mut verdicts, &mut reason) => ended,
        () = stopped(shared) => Err(Unconfirmed::Closed),
    };
    verdicts.resize(events, None);
    let reason = ended.err().or(reason);
    Sent { verdicts, reason }
}

/// Sends batches until each has its verdicts, or is refused alone; what is done is done, wherever this is dropped.
async fn deliver(
    flight: &mut Flight<'_>,
    batches: &mut VecDeque<Lines>,
    deadline: Instant,
    verdicts: &mut Vec<Option<Verdict>>,
    refused: &mut Option<Unconfirmed>,
) -> Result<(), Unconfirmed> {
    let shared = flight.shared;
    let late = |why: &str| Unconfirmed::Deadline(why.to_owned());
    let turn = tokio::time::timeout_at(deadline.into(), shared.turns.acquire()).await;
    let _turn = turn.map_err(|_| late("others were sent before"))?;
    let mut retry = Retry::new(shared.settings.tuning.backoff);
    let mut failed_with_this = 0;
    while let Some(batch) = batches.front() {
        let attempt = tokio::time::timeout_at(deadline.into(), shared.exchange(batch));
        let outcome = attempt.await.map_err(|_| late("no answer"))?;
        let alone = batch.len() == 1;
        let (after, why) = match outcome {
            Outcome::Verdicts(given) => {
                retry.succeeded();
                failed_with_this = 0;
                batches.pop_front();
                flight.landed(&given);
                verdicts.extend(given.into_iter().map(Some));
                continue;
            }
            Outcome::TooLarge if alone => {
                refuse(
                    Loss::TooLarge,
                    "the event is too large",
                    flight,
                    batches,
                    verdicts,
                    refused,
                );
                continue;
            }
            Outcome::Refused { why } if alone => {
                refuse(Loss::Refused, &why, flight, batches, verdicts, refused);
                continue;
            }
            Outcome::TooLarge => {
                halve(batches);
                continue;
            }
            Outcome::Refused { why } => {
                halve(batches);
                // Where nothing is ever taken it is not the events that are wrong.
                if !verdicts.is_empty() {
                    continue;
                }
                (None, why)
            }
            Outcome::NotCompressed => return Err(Unconfirmed::Paused(Pause::NoCollector(415))),
            Outcome::Paused(pause) => return Err(Unconfirmed::Paused(pause)),
            Outcome::Again(again) | Outcome::Failed(again) => {
                failed_with_this += u32::from(again.suspect);
                if failed_with_this >= SUSPICIOUS && !alone {
                    failed_with_this = 0;
                    halve(batches);
                }
                (again.after, again.why)
            }
        };
        let wait = retry.failed(after, fastrand::f64());
        shared.lock().counts.retries += 1;
        instrument::retried();
        if Instant::now() + wait >= deadline {
            return Err(Unconfirmed::Deadline(why));
        }
        tokio::time::sleep(wait).await;
    }
    Ok(())
}

fn halve(batches: &mut VecDeque<Lines>) {
    if let Some(batch) = batches.pop_front() {
        let (first, second) = batch.halves();
        batches.push_front(second);
        batches.push_front(first);
    }
}

fn refuse(
    loss: Loss,
    why: &str,
    flight: &mut Flight<'_>,
    batches: &mut VecDeque<Lines>,
    verdicts: &mut Vec<Option<Verdict>>,
    refused: &mut Option<Unconfirmed>,
) {
    batches.pop_front();
    flight.lost(loss, 1);
    verdicts.push(None);
    refused.get_or_insert_with(|| Unconfirmed::Refused(why.to_owned()));
}

async fn ask(shared: &Shared, call: Call) -> Result<Bytes, QueryError> {
    let response = shared.transport.exchange(call.request(shared.key())?).await;
    let response = response.map_err(|error| QueryError::Unavailable(error.to_string()))?;
    match response.status {
        200..300 => Ok(response.body),
        _ => Err(not_done(&response)),
    }
}

fn not_done(response: &Response) -> QueryError {
    match response.status {
        500..600 => QueryError::Unavailable(answer::problem(response)),
        _ => answer::refused(response),
    }
}

/// Hands over what comes, as fast as it is taken, to its end or to that of whoever takes it.
async fn export(shared: &Shared, call: Call, reply: Reply<Result<Export, QueryError>>) {
    let stream = match begin(shared, call).await {
        Ok(stream) => stream,
        Err(error) => return reply.send(Err(error)),
    };
    let (sink, export) = export::pair(stream.position.unwrap_or_default());
    reply.send(Ok(export));
    let Some(mut chunks) = stream.chunks else {
        return sink.put(Ok(None)).await;
    };
    loop {
        let next = tokio::select! {
            next = chunks.next() => next.map_err(|error| QueryError::Unavailable(error.to_string())),
            () = stopped(shared) => Err(QueryError::Closed),
            () = sink.left() => return,
        };
        let is_last = !matches!(next, Ok(Some(_)));
        tokio::select! {
            () = sink.put(next) => {}
            () = stopped(shared) => return,
        }
        if is_last {
            return;
        }
    }
}

async fn begin(shared: &Shared, call: Call) -> Result<Stream, QueryError> {
    let opened = tokio::select! {
        opened = shared.transport.open(call.request(shared.key())?) => opened,
        () = stopped(shared) => return Err(QueryError::Closed),
    };
    let stream = opened.map_err(|error| QueryError::Unavailable(error.to_string()))?;
    match stream.response.status {
        200..300 => Ok(stream),
        _ => Err(not_done(&stream.response)),
    }
}
