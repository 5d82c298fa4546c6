//! One shard at work, for as long as it is held.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::Projection;
use super::batch::{Batch, Outcome, Task};
use super::failure::Failure;
use super::generation::Generation;
use super::history::ParkedAction;
use super::inspect;
use super::key::{self, Digest, Keyed};
use super::options::Siblings;
use super::parked::{self, ParkedState};
use super::rows::Names;
use super::shard::{self, Held};
use super::shared::Shared;
use crate::error::Error;
use crate::follow::{self, Scope, is_of_the_store, pause};

/// Events that are read at once.
const ROWS: usize = 500;
/// Bytes that they may have, about.
const BYTES: usize = 4 << 20;
/// Places without an event that is wanted go by for so long before they are written down.
const QUIET: Duration = Duration::from_millis(250);
/// How often to look whether parked events are to be tried again.
const LOOK: Duration = Duration::from_millis(250);
/// Whoever writes for no longer is in nobody's way.
const SHORT: Duration = Duration::from_millis(4);
const SOONEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(5);

/// The shard as its holder sees it.
pub(super) struct Work<P> {
    shared: Arc<Shared>,
    projection: Arc<P>,
    held: Held,
    names: Names,
    shards: i64,
    pruned_to: i64,
    stop: watch::Receiver<bool>,
    /// What is written in its row.
    position: i64,
    /// Events that were read, and where the shard is behind them.
    events: VecDeque<Keyed>,
    behind: i64,
    head: i64,
    arrivals: watch::Receiver<i64>,
    weight: usize,
    waiting: HashSet<Digest>,
    /// So many events at once.
    limit: usize,
    /// How often the next event was tried, and how often the database failed since anything went well.
    attempts: u32,
    failures: u32,
    silence: u32,
    looked: Option<Instant>,
    saved: Instant,
}

/// Whether there is more to do.
enum Next {
    Again,
    Rest(Duration),
    /// It is held by somebody else.
    Lost,
}

impl<P: Projection> Work<P> {
    pub(super) fn new(
        shared: &Arc<Shared>,
        projection: &Arc<P>,
        row: &Generation,
        held: Held,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Work {
            names: shared.names(row.generation),
            limit: shared.options.batch,
            shared: Arc::clone(shared),
            projection: Arc::clone(projection),
            held,
            shards: row.shards,
            pruned_to: row.pruned_to,
            stop,
            position: -1,
            events: VecDeque::new(),
            behind: 0,
            head: 0,
            arrivals: shared.inner.arrivals.subscribe(),
            weight: 8 << 10,
            waiting: HashSet::new(),
            attempts: 0,
            failures: 0,
            silence: 0,
            looked: None,
            saved: Instant::now(),
        }
    }

    /// Works until told to stop, or until the shard is held by somebody else.
    pub(super) async fn run(mut self) {
        while !*self.stop.borrow() && !self.shared.is_over() {
            let next = match self.step().await {
                Ok(next) => next,
                Err(Error::Closed) => return,
                Err(error) => self.failed(&error).await,
            };
            match next {
                Next::Again => {}
                Next::Lost => return,
                Next::Rest(time) => {
                    tokio::select! {
                        _ = tokio::time::timeout(time, self.arrivals.changed()) => {}
                        _ = self.stop.changed() => {}
                    }
                }
            }
        }
    }

    /// The database failed, or cannot be understood: begins again from what is written there, after a pause.
    async fn failed(&mut self, error: &Error) -> Next {
        if self.failures == 0 {
            tracing::warn!(%error, name = self.held.name, shard = self.held.shard, "a projection waits for the database");
        }
        if !is_of_the_store(error) {
            let _ = shard::say(&self.shared.inner, &self.held, &Failure::from(error.clone()).reason).await;
        }
        self.position = -1;
        self.limit = 1;
        let time = pause(self.failures, SOONEST, LONGEST);
        self.failures += 1;
        // What arrives does not mend it.
        let _ = tokio::time::timeout(time, self.stop.changed()).await;
        Next::Again
    }

    async fn step(&mut self) -> Result<Next, Error> {
        let inner = Arc::clone(&self.shared.inner);
        if self.position < 0 {
            let Some(position) = shard::position(&inner, &self.held).await? else {
                return Ok(Next::Lost);
            };
            self.events.clear();
            (self.position, self.behind, self.looked) = (position, position, None);
        }
        if self.looked.is_none_or(|looked| looked.elapsed() > LOOK) {
            if self.looked.is_none() || parked::is_asked(&inner, &self.held).await? {
                // Without knowing all that wait, others of their keys must not be applied.
                if !self.parked().await? {
                    self.looked = None;
                    return Ok(Next::Again);
                }
            }
            self.looked = Some(Instant::now());
        }
        if self.events.is_empty() {
            self.read().await?;
        }
        if self.events.is_empty() {
            return self.quiet().await;
        }
        self.silence = 0;
        self.apply().await
    }

    async fn read(&mut self) -> Result<(), Error> {
        let rows = (BYTES / self.weight).clamp(1, ROWS);
        let scope = Scope {
            rows,
            pruned_to: self.pruned_to,
        };
        // What comes while it is read is not waited for.
        self.arrivals.mark_unchanged();
        let page = follow::read(&self.shared.inner, &self.shared.filter, self.behind, scope).await?;
        (self.behind, self.head) = (page.position, page.head);
        let bytes: usize = page
            .events
            .iter()
            .map(|it| it.event.payload().as_str().len() + 256)
            .sum();
        if !page.events.is_empty() {
            self.weight = (bytes / page.events.len()).max(self.weight / 2).max(1);
        }
        for stored in page.events {
            let digest = key::digest(&self.projection.key(&stored));
            if key::shard(&digest, self.shards) == self.held.shard {
                self.events.push_back(Keyed { stored, digest });
            }
        }
        Ok(())
    }

    /// Nothing that is wanted is there, up to the place that was read to.
    async fn quiet(&mut self) -> Result<Next, Error> {
        if self.behind > self.position && (self.saved.elapsed() > QUIET || self.behind < self.head) {
            return self.done(Task::Apply(&[], self.behind)).await;
        }
        if self.behind < self.head {
            return Ok(Next::Again);
        }
        let longest = if self.behind > self.position {
            QUIET
        } else {
            self.shared.options.poll
        };
        let time = pause(self.silence, SOONEST, longest);
        self.silence += 1;
        Ok(Next::Rest(time))
    }

    async fn apply(&mut self) -> Result<Next, Error> {
        let events: Vec<Keyed> = self.events.drain(..self.limit.min(self.events.len())).collect();
        let behind = match (self.events.is_empty(), events.last()) {
            (false, Some(last)) => last.stored.position,
            _ => self.behind,
        };
        let outcome = self.batch(Task::Apply(&events, behind)).await;
        match outcome {
            Outcome::Done(done, position) => {
                self.position = position;
                self.well();
                let rest = events.into_iter().skip(done).collect::<Vec<_>>();
                rest.into_iter().rev().for_each(|keyed| self.events.push_front(keyed));
                Ok(Next::Again)
            }
            Outcome::Refused(0, failure) => {
                self.attempts += 1;
                let last = failure.lasting || self.attempts >= self.shared.options.attempts;
                tracing::warn!(
                    name = self.held.name, position = events[0].stored.position, attempt = self.attempts, parked = last,
                    %failure, "an event cannot be applied"
                );
                let first = &events[0];
                let after = match events.get(1).or(self.events.front()) {
                    Some(_) => first.stored.position,
                    None => behind,
                };
                if last {
                    let attempts = self.attempts;
                    let digest = first.digest;
                    let outcome = self.batch(Task::Park(first, after, failure, attempts)).await;
                    let parked = matches!(outcome, Outcome::Done(..));
                    let next = self.settle(outcome)?;
                    if parked {
                        if self.shared.options.siblings == Siblings::Wait {
                            self.waiting.insert(digest);
                        }
                        let rest = events.into_iter().skip(1).collect::<Vec<_>>();
                        rest.into_iter().rev().for_each(|keyed| self.events.push_front(keyed));
                    }
                    return Ok(next);
                }
                events.into_iter().rev().for_each(|keyed| self.events.push_front(keyed));
                self.limit = 1;
                let _ = shard::say(&self.shared.inner, &self.held, &failure.reason).await;
                let (least, most) = self.shared.options.pause;
                let time = pause(self.attempts - 1, least, most);
                let _ = tokio::time::timeout(time, self.stop.changed()).await;
                Ok(Next::Again)
            }
            Outcome::Refused(place, _) => {
                // Those before it went well, and are applied without it.
                self.limit = place;
                events.into_iter().rev().for_each(|keyed| self.events.push_front(keyed));
                Ok(Next::Again)
            }
            other => self.settle(other),
        }
    }

    /// Something went well.
    fn well(&mut self) {
        (self.attempts, self.failures) = (0, 0);
        self.limit = self.shared.options.batch;
        self.saved = Instant::now();
    }

    async fn batch(&self, task: Task<'_>) -> Outcome {
        let batch = Batch {
            shared: &self.shared,
            held: &self.held,
            names: &self.names,
            position: self.position,
            waiting: &self.waiting,
        };
        let started = Instant::now();
        let outcome = batch.run(&*self.projection, task).await;
        let took = started.elapsed();
        if took > SHORT && self.shared.inner.dialect.has_one_writer() {
            // Other processes look for the lock now and then: a fifth of the time it is theirs.
            tokio::time::sleep(took / 4).await;
        }
        outcome
    }

    async fn done(&mut self, task: Task<'_>) -> Result<Next, Error> {
        let outcome = self.batch(task).await;
        self.settle(outcome)
    }

    fn settle(&mut self, outcome: Outcome) -> Result<Next, Error> {
        match outcome {
            Outcome::Done(_, position) => {
                self.position = position;
                self.well();
                Ok(Next::Again)
            }
            Outcome::Refused(_, failure) => Err(Error::corrupt(failure.reason)),
            Outcome::Moved => {
                self.position = -1;
                Ok(Next::Again)
            }
            Outcome::Failed(error) => Err(error),
        }
    }

    /// Does with parked events what is asked, those that came first first. False if it is to stop before the end.
    async fn parked(&mut self) -> Result<bool, Error> {
        let inner = Arc::clone(&self.shared.inner);
        let mut blocked = HashSet::new();
        let wait = self.shared.options.siblings == Siblings::Wait;
        let mut after = -1;
        loop {
            let page = parked::of_shard(&inner, &self.held, after, wait).await?;
            let Some((last, ..)) = page.last() else { break };
            after = *last;
            for (position, digest, state) in page {
                if *self.stop.borrow() || self.shared.is_over() {
                    return Ok(false);
                }
                let is_behind = wait && blocked.contains(&digest);
                match state {
                    ParkedState::Discard => {
                        self.done(Task::Discard(position, ParkedAction::Discarded)).await?;
                    }
                    ParkedState::Replay | ParkedState::Waiting if !is_behind => {
                        if !self.replay(position).await? {
                            blocked.insert(digest);
                        }
                    }
                    _ => {
                        blocked.insert(digest);
                    }
                }
                if self.position < 0 {
                    return Ok(false);
                }
            }
        }
        self.waiting = if wait { blocked } else { HashSet::new() };
        Ok(true)
    }

    /// Tries a parked event again; false if it stays.
    async fn replay(&mut self, position: i64) -> Result<bool, Error> {
        let outcome = match inspect::event(&self.shared.inner, position).await? {
            Some(stored) => self.batch(Task::Replay(&stored)).await,
            // Erased or pruned meanwhile.
            None => self.batch(Task::Discard(position, ParkedAction::Gone)).await,
        };
        let Outcome::Refused(_, failure) = outcome else {
            self.settle(outcome)?;
            return Ok(true);
        };
        tracing::warn!(name = self.held.name, position, %failure, "a parked event cannot be applied");
        self.done(Task::Keep(position, failure)).await?;
        Ok(false)
    }
}
