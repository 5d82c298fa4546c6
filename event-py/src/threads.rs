//! Counting on all cores. Threads live as long as the call, so that a process that forks has none to miss.

use std::panic;
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
    let mut shares: Vec<(&mut Tally, P)> = tallies.iter_mut().zip(parts).collect();
    let last = shares.pop();
    thread::scope(|scope| {
        let work = &work;
        let begun: Vec<_> = shares
            .into_iter()
            .map(|(tally, part)| scope.spawn(move || work(tally, part)))
            .collect();
        let last = last.map_or(Ok(()), |(tally, part)| work(tally, part));
        for thread in begun {
            // A panic goes on where the caller catches it.
            thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic))?;
        }
        last
    })
}

/// All of them as one.
pub(crate) fn merged(query: &Query, tallies: Vec<Tally>) -> Result<Tally, QueryError> {
    let whole = tallies.into_iter().reduce(|mut one, other| {
        one.merge(other);
        one
    });
    whole.map_or_else(|| Tally::new(query), Ok)
}
