//! Some events, applied in one transaction that also writes how far the shard is.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use event_core::StoredEvent;

use super::Projection;
use super::failure::Failure;
use super::history::ParkedAction;
use super::key::{Digest, Keyed};
use super::parked::{self, ParkedState};
use super::rows::{Names, Rows};
use super::shard::{self, Held};
use super::shared::Shared;
use crate::dialect::Transaction;
use crate::error::Error;
use crate::follow::is_of_the_store;

/// What is to be done.
pub(super) enum Task<'a> {
    /// Events, and where the shard is once all of them are applied.
    Apply(&'a [Keyed], i64),
    /// An event that was parked is tried again.
    Replay(&'a StoredEvent),
    /// An event is parked.
    Park(&'a Keyed, i64, Failure, u32),
    /// A parked event failed again.
    Keep(i64, Failure),
    /// A parked event goes, and why.
    Discard(i64, ParkedAction),
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Outcome {
    /// So many events are dealt with; the shard is here.
    Done(usize, i64),
    /// An event was not taken; nothing is done.
    Refused(usize, Failure),
    /// Somebody else has the shard, or it is not where it was thought to be; nothing is done.
    Moved,
    /// The database failed. What it was about to commit may be there.
    Failed(Error),
}

/// Whose transaction it is, and from where.
pub(super) struct Batch<'a> {
    pub(super) shared: &'a Shared,
    pub(super) held: &'a Held,
    pub(super) names: &'a Names,
    pub(super) position: i64,
    /// Keys of which an event is parked, where others of the key wait.
    pub(super) waiting: &'a HashSet<Digest>,
}

/// Why there is nothing to commit.
enum Stop {
    Refused(usize, Failure),
    Moved,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Failed(error)
    }
}

impl Batch<'_> {
    pub(super) async fn run(&self, projection: &impl Projection, task: Task<'_>) -> Outcome {
        let inner = &self.shared.inner;
        let transaction = match inner.dialect.begin(&inner.worker).await {
            Ok(transaction) => transaction,
            Err(error) => return Outcome::Failed(error),
        };
        match self.work(projection, &transaction, task).await {
            Ok((done, position)) => match transaction.commit().await {
                Ok(()) => Outcome::Done(done, position),
                Err(error) => Outcome::Failed(error),
            },
            Err(stop) => {
                // A statement may have been left half-way: then the connection goes, and takes everything back.
                let _ = tokio::time::timeout(Duration::from_secs(2), transaction.rollback()).await;
                match stop {
                    Stop::Refused(place, failure) => Outcome::Refused(place, failure),
                    Stop::Moved => Outcome::Moved,
                    Stop::Failed(error) => Outcome::Failed(error),
                }
            }
        }
    }

    async fn work(
        &self,
        projection: &impl Projection,
        transaction: &Transaction,
        task: Task<'_>,
    ) -> Result<(usize, i64), Stop> {
        let inner = &*self.shared.inner;
        let (mut done, mut applied, mut to) = (0, 0, self.position);
        match task {
            Task::Apply(events, behind) => {
                let started = Instant::now();
                for keyed in events {
                    if self.waiting.contains(&keyed.digest) {
                        let failure = Failure::of("behind", "an earlier event of its key is parked");
                        let state = ParkedState::Waiting;
                        parked::insert(inner, transaction, self.held, keyed, state, &failure, 0).await?;
                    } else {
                        self.apply(projection, transaction, &keyed.stored, done).await?;
                        applied += 1;
                    }
                    done += 1;
                    if started.elapsed() > self.shared.options.batch_time {
                        break;
                    }
                }
                to = match events.get(done.wrapping_sub(1)) {
                    Some(last) if done < events.len() => last.stored.position,
                    _ => behind,
                };
            }
            Task::Replay(stored) => {
                // First: the commit of an earlier attempt may have been made although nobody heard of it, or may be under way.
                if !parked::delete(inner, transaction, self.held, stored.position, ParkedAction::Replayed).await? {
                    return Err(Stop::Moved);
                }
                self.apply(projection, transaction, stored, 0).await?;
                (done, applied) = (1, 1);
            }
            Task::Park(keyed, behind, failure, attempts) => {
                let state = ParkedState::Parked;
                parked::insert(inner, transaction, self.held, keyed, state, &failure, attempts).await?;
                (done, to) = (1, behind);
            }
            Task::Keep(position, failure) => {
                parked::failed_again(inner, transaction, self.held, position, &failure).await?;
            }
            Task::Discard(position, action) => {
                parked::delete(inner, transaction, self.held, position, action).await?;
            }
        }
        if !shard::advance(inner, transaction, self.held, (self.position, to), applied).await? {
            return Err(Stop::Moved);
        }
        Ok((done, to))
    }

    /// One event, by the code of the application: it may fail, panic or hang.
    async fn apply(
        &self,
        projection: &impl Projection,
        transaction: &Transaction,
        stored: &StoredEvent,
        place: usize,
    ) -> Result<(), Stop> {
        let inner = &self.shared.inner;
        let rows = Rows::new(transaction, self.names);
        let limit = self.shared.options.timeout_on(inner.dialect);
        let applied = match tokio::time::timeout(limit, unwinding(projection.apply(stored, &rows))).await {
            Ok(applied) => applied,
            Err(_) => Err(Failure::of("timed_out", format!("it took longer than {limit:?}"))),
        };
        match (applied, rows.failed()) {
            (_, Some(error)) if is_of_the_store(&error) || matches!(error, Error::Closed) => Err(Stop::Failed(error)),
            (Ok(()), None) => Ok(()),
            // Some databases would go on, and some would not.
            (Ok(()), Some(error)) => Err(Stop::Refused(place, Failure::from(error))),
            (Err(failure), _) => Err(Stop::Refused(place, failure)),
        }
    }
}

/// The same work; a panic is a failure of it.
async fn unwinding(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)))
            .unwrap_or_else(|panic| Poll::Ready(Err(Failure::panicked(&*panic))))
    })
    .await
}
