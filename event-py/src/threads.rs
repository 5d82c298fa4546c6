//! Counting on all cores. Threads live as long as the call, so that a process that forks has none to miss.

use std::panic;
use std::sync::{Mutex, PoisonError};
use std::thread;

use event_core::Query;
use event_core::aggregate::Tally;
use event_core::query::QueryError;

/// A tally for each core.
pub(crate) fn tallies(query: &Query) -> Result<Vec<Tally>, QueryError> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    Ok(vec![Tally::new(query)?; cores])
}

/// Does the work for each part, of which there are no more than tallies; the first part that goes wrong is told.
pub(crate) fn each<P: Send, E: Send>(
    tallies: &mut [Tally],
    parts: impl Iterator<Item = P>,
    work: impl Fn(&mut Tally, P) -> Result<(), E> + Sync,
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
pub(crate) fn merged(query: &Query, tallies: Vec<Tally>) -> Result<Tally, QueryError> {
    let whole = tallies.into_iter().reduce(|mut one, other| {
        one.merge(other);
        one
    });
    whole.map_or_else(|| Tally::new(query), Ok)
}
