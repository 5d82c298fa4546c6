//! Counting on all cores. Threads live as long as the call, so that a process that forks has none to miss.

use std::panic;
use std::sync::{Mutex, PoisonError};
use std::thread;

use event_core::query::QueryError;

use crate::making::Making;

/// One for each core, where that many can do the work.
pub(crate) fn tallies<M: Making>(question: &M::Question) -> Result<Vec<M>, QueryError> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (0..if M::MERGED { cores } else { 1 })
        .map(|_| M::new(question))
        .collect()
}

/// Does the work for each part, of which there are no more than tallies; the first part that goes wrong is told.
pub(crate) fn each<M: Making, P: Send, E: Send>(
    tallies: &mut [M],
    parts: impl Iterator<Item = P>,
    work: impl Fn(&mut M, P) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let shares: Vec<_> = tallies.iter_mut().zip(parts).enumerate().collect();
    let others = 1..shares.len();
    // Known to these threads alone, so that no process that forks meanwhile can miss them.
    let shares = Mutex::new(shares.into_iter());
    let next = || shares.lock().unwrap_or_else(PoisonError::into_inner).next();
    // Parts are begun in their order: the first that goes wrong is always among those that are done.
    let run = || {
        while let Some((place, (tally, part))) = next() {
            work(tally, part).map_err(|error| (place, error))?;
        }
        Ok(())
    };
    let wrong = thread::scope(|scope| {
        // Where the system has no more threads, those that there are do the work: at least this one.
        let begun: Vec<_> = others
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, run).ok())
            .collect();
        let mut wrong: Vec<_> = run().err().into_iter().collect();
        for thread in begun {
            // A panic goes on where the caller catches it.
            let ended = thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
            wrong.extend(ended.err());
        }
        wrong
    });
    match wrong.into_iter().min_by_key(|(place, _)| *place) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

/// All of them as one.
pub(crate) fn merged<M: Making>(question: &M::Question, tallies: Vec<M>) -> Result<M, QueryError> {
    let whole = tallies.into_iter().reduce(|mut one, other| {
        one.merge(other);
        one
    });
    whole.map_or_else(|| M::new(question), Ok)
}
