//! The one task that writes: it commits what many callers offer in one transaction, and answers
//! them only after the commit.
//!
//! Callers may be cancelled at any await; this task is only with its runtime, so that no transaction is
//! abandoned half-way on a pooled connection that goes on to be used.

use std::sync::Arc;
use std::time::Instant;

use event_core::Verdict;
use sea_orm::ConnectionTrait as _;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Duration, MissedTickBehavior, interval};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::append::{self, Ids};
use crate::catalog;
use crate::dialect::{Ended, Transaction};
use crate::error::{Cause, Error};
use crate::gather::gather;
use crate::inner::{Inner, now};
use crate::outbox;
use crate::position;
use crate::queue::Job;
use crate::tell::tell;

/// How often an idle writer shows that it lives.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// So long the writer tries again where other writers are in the way.
const PATIENCE: Duration = Duration::from_secs(1);

/// While callers wait the writer keeps its connection from one transaction to the next, but no longer than this: others wait
/// for it, too.
const HOLD: Duration = Duration::from_millis(10);

/// Where so many callers shared the last transaction, others are likely to be on their way.
const CROWD: usize = 8;

/// What the writer has at hand from one transaction to the next.
#[derive(Default)]
struct Hand {
    /// What it has learned, as long as its transactions succeed.
    ids: Ids,
    /// Its connection, and since when it has it.
    kept: Option<(Ended, Instant)>,
    /// How many callers shared the last transaction.
    callers: usize,
}

impl Hand {
    /// Whether the connection may be kept for one more transaction.
    fn holds(&self) -> bool {
        matches!(&self.kept, Some((_, since)) if since.elapsed() < HOLD)
    }
}

/// Some milliseconds, never the same.
fn pause() -> Duration {
    use std::hash::{BuildHasher as _, RandomState};
    Duration::from_millis(5 + RandomState::new().hash_one(0) % 45)
}

/// Starts it: on a thread of its own where the database is in this process, for it waits for the disk there. What is
/// answered tells when it has come to its end.
///
/// # Errors
/// If the system gives no thread.
pub(crate) async fn start(
    inner: Arc<Inner>,
    jobs: mpsc::UnboundedReceiver<Job>,
) -> Result<watch::Receiver<bool>, Error> {
    // What is only read is read where the others read. On the writer's own thread it could stand still in the middle, with
    // the lock that a commit waits for, while that very commit keeps the thread.
    let beside = Handle::current();
    let own_thread = inner.dialect.has_one_writer();
    let (end, ended) = watch::channel(false);
    let work = async move {
        run(inner, jobs, beside).await;
        if own_thread {
            finish().await;
        }
        end.send_replace(true);
    };
    if !own_thread {
        tokio::spawn(work);
        return Ok(ended);
    }
    let refused = |error: std::io::Error| Error::Unavailable(Cause::new(format!("no thread to write: {error}")));
    let (begin, begun) = oneshot::channel();
    // Made there, too: a runtime must not be dropped where others await.
    let thread = move || {
        let (runtime, built) = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => (Some(runtime), Ok(())),
            Err(error) => (None, Err(error)),
        };
        // Whoever was to wait for it may be gone.
        if begin.send(built).is_ok()
            && let Some(runtime) = runtime
        {
            runtime.block_on(work);
        }
    };
    let name = "event-writer".to_owned();
    std::thread::Builder::new().name(name).spawn(thread).map_err(refused)?;
    match begun.await {
        Ok(begun) => begun.map_err(refused).map(|()| ended),
        Err(_) => Err(Error::Unavailable(Cause::new(
            "the thread to write has failed".to_owned(),
        ))),
    }
}

/// Waits until what the writer has begun beside itself is done, connections that it gives back above all: with the last one
/// a database in memory would go.
async fn finish() {
    let others = || Handle::current().metrics().num_alive_tasks();
    for _ in 0..1_000 {
        if others() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Works until the store is closed and everything that was taken is stored.
async fn run(inner: Arc<Inner>, mut jobs: mpsc::UnboundedReceiver<Job>, beside: Handle) {
    let mut hand = Hand::default();
    let mut well = true;
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let mut next = tokio::select! {
            job = jobs.recv() => job,
            () = inner.waiting.notified() => {
                place(&inner, &mut hand.ids).await;
                continue;
            }
            () = inner.queue.closed() => {
                // What is in there is still received; then comes the end.
                jobs.close();
                continue;
            }
            _ = heartbeat.tick() => {
                // A writer that cannot write shows no sign of life until it can again.
                if !well {
                    let tried = try_to_write(&inner).await;
                    well = tried.inspect_err(|error| _ = inner.counts.failed(error)).is_ok();
                }
                if well {
                    inner.beat();
                    beside.spawn(look_for_changes(Arc::clone(&inner)));
                }
                continue;
            }
        };
        if next.is_none() {
            return;
        }
        // As long as callers wait, on one connection.
        while let Some(first) = next {
            let gives_way = hand.callers >= CROWD && inner.dialect.has_one_writer();
            let others = gives_way.then_some(std::thread::yield_now);
            let group = gather(first, &mut jobs, others);
            if !hand.holds() {
                // To give way may have taken long.
                hand.kept = None;
            }
            hand.callers = group.len();
            let span = span(&group);
            well = store(&inner, &mut hand, group).instrument(span).await;
            if well {
                inner.beat();
            }
            next = if hand.holds() { jobs.try_recv().ok() } else { None };
        }
        hand.kept = None;
    }
}

/// The span of a commit, with links to those of the callers that share it. Not in the log.
fn span(group: &[Job]) -> Span {
    let span = tracing::info_span!(
        target: "event_store::trace",
        parent: None,
        "commit",
        event.callers = group.len(),
        event.events = Empty,
        error.r#type = Empty,
        otel.status_code = Empty,
    );
    if !span.is_disabled() {
        for asked_in in group.iter().filter_map(|job| job.asked_in.as_ref()) {
            span.follows_from(asked_in);
        }
    }
    span
}

/// Changes a row to what it is, to the disk and back.
async fn try_to_write(inner: &Inner) -> Result<(), Error> {
    let transaction = inner.dialect.begin(&inner.writer).await?;
    let sql = inner.tables.sql("UPDATE {log} SET head = head WHERE id = 1");
    transaction.execute_raw(inner.dialect.statement(&sql, [])).await?;
    transaction.commit().await
}

/// Gives places to what applications have stored in transactions of their own.
async fn place(inner: &Inner, ids: &mut Ids) {
    let mut placed = outbox::sequence(inner, ids, outbox::STEP).await;
    if matches!(placed, Err(Error::Statement(_) | Error::Corrupt { .. })) {
        // One of them is the reason; the others do not wait for it for ever.
        *ids = Ids::default();
        placed = outbox::sequence(inner, ids, 1).await;
        if let Err(error @ (Error::Statement(_) | Error::Corrupt { .. })) = &placed {
            tracing::error!(%error, "an event of an application's transaction goes to the quarantine");
            *ids = Ids::default();
            placed = outbox::set_aside(inner).await.map(|()| 1);
        }
    }
    match placed {
        // There may be more, but callers wait, too.
        Ok(placed) if placed > 0 => inner.waiting.notify_one(),
        Ok(_) => {}
        Err(error) => {
            *ids = Ids::default();
            tracing::warn!(%error, "events of an application's transaction have no places yet");
        }
    }
}

/// Learns what other processes have registered since.
async fn look_for_changes(inner: Arc<Inner>) {
    outbox::look(&inner).await;
    match position::log(inner.dialect, &inner.reader, &inner.tables).await {
        Ok(log) if log.changes > inner.registry_change() => reload(&inner).await,
        _ => {}
    }
}

async fn reload(inner: &Inner) {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    match catalog::current(dialect, &inner.reader, tables, &inner.options, &inner.registry()).await {
        Ok((change, registry)) => inner.replace_registry(change, registry),
        Err(error) => tracing::warn!(%error, "what is registered could not be read anew"),
    }
}

/// Stores a group of jobs; where one of them is the reason of a failure, the others do not pay for it.
/// False where the database is.
async fn store(inner: &Inner, hand: &mut Hand, mut group: Vec<Job>) -> bool {
    let started = Instant::now();
    let mut outcome = commit(inner, hand, &mut group).await;
    // Whoever had to give way to another writer comes again, but not at once, nor with all others.
    while let Err(Error::Contention(_)) = outcome
        && started.elapsed() < PATIENCE
    {
        hand.ids = Ids::default();
        tokio::time::sleep(pause()).await;
        outcome = commit(inner, hand, &mut group).await;
    }
    if outcome.is_err() {
        // Numbers may have been learned from a transaction that is gone.
        hand.ids = Ids::default();
    }
    match outcome {
        Ok(Committed {
            verdicts,
            changes,
            head,
        }) => {
            inner.arrived(head);
            let events = verdicts.iter().map(Vec::len).sum::<usize>();
            inner.counts.committed(started.elapsed(), events);
            inner.queue.committed(events, started.elapsed());
            inner.counts.told(verdicts.iter().flatten());
            Span::current().record("event.events", events);
            tracing::debug!(callers = group.len(), events, elapsed = ?started.elapsed(), "committed");
            tell(group.into_iter().zip(verdicts.into_iter().map(Ok)));
            if changes > inner.registry_change() {
                // A database in memory has no other connection to read by.
                hand.kept = None;
                reload(inner).await;
            }
            true
        }
        Err(Error::Statement(_) | Error::Corrupt { .. } | Error::ImportTaken) if group.len() > 1 => {
            tracing::warn!(callers = group.len(), "a group failed; storing its parts one by one");
            let mut well = true;
            for job in group {
                if !hand.holds() {
                    hand.kept = None;
                }
                well = Box::pin(store(inner, hand, vec![job])).await;
            }
            well
        }
        Err(error) => {
            match error {
                // The same batch offered twice: its import looks whether the first one was stored.
                Error::ImportTaken => tracing::debug!("a batch of an import was written before, or by another run"),
                _ => tracing::error!(callers = group.len(), error = %error, "nothing was answered as stored"),
            }
            tell(group.into_iter().map(|job| (job, Err(error.clone()))));
            !matches!(
                error,
                Error::Unknown(_) | Error::Unavailable(_) | Error::Contention(_) | Error::Full(_)
            )
        }
    }
}

/// What a transaction did.
struct Committed {
    verdicts: Vec<Vec<Verdict>>,
    /// The change of the catalog that it has seen.
    changes: i64,
    head: i64,
}

/// One transaction, whose failure is counted.
async fn commit(inner: &Inner, hand: &mut Hand, group: &mut Vec<Job>) -> Result<Committed, Error> {
    let outcome = attempt(inner, hand, group).await;
    outcome.inspect_err(|error| {
        if let Some(kind) = inner.counts.failed(error) {
            Span::current()
                .record("error.type", kind)
                .record("otel.status_code", "ERROR");
        }
    })
}

/// Verdicts for each job, in order, but for those that their callers withdrew.
async fn attempt(inner: &Inner, hand: &mut Hand, group: &mut Vec<Job>) -> Result<Committed, Error> {
    let (kept, since) = hand.kept.take().unzip();
    let since = since.unwrap_or_else(Instant::now);
    let transaction = inner.dialect.begin_alone(&inner.writer, kept).await?;
    // The lock may have been long in coming; from here on a job is stored, or the outcome unknown.
    group.retain(|job| job.turn.begin());
    match work(inner, &mut hand.ids, &transaction, group).await {
        Ok(committed) => {
            // Whatever a failed commit says, the rows may be there.
            let ended = transaction.commit_and_keep().await?;
            hand.kept = Some((ended, since));
            Ok(committed)
        }
        Err(error) => {
            // What is in doubt goes with its connection; the first error is the one to tell.
            if matches!(error, Error::Statement(_) | Error::ImportTaken) {
                let _ = transaction.rollback().await;
            }
            Err(error)
        }
    }
}

/// What is done inside the transaction.
async fn work(inner: &Inner, ids: &mut Ids, transaction: &Transaction, group: &[Job]) -> Result<Committed, Error> {
    let entries: Vec<_> = group.iter().flat_map(|job| job.entries.iter()).collect();
    let append::Appended {
        verdicts: all,
        changes,
        head,
    } = append::append(inner, ids, transaction, &entries).await?;
    let (mut all, mut verdicts) = (all.into_iter(), Vec::with_capacity(group.len()));
    for job in group {
        let of_job: Vec<Verdict> = all.by_ref().take(job.entries.len()).collect();
        if let Some(mark) = &job.mark {
            mark.write(inner.dialect, transaction, &inner.tables, &of_job, now())
                .await?;
        }
        verdicts.push(of_job);
    }
    Ok(Committed {
        verdicts,
        changes,
        head,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_writers_do_not_come_again_at_the_same_time() {
        let pauses: std::collections::BTreeSet<_> = (0..200).map(|_| pause()).collect();
        assert!(pauses.len() > 10, "{pauses:?}");
        let (least, most) = (pauses.first().unwrap(), pauses.last().unwrap());
        assert!(
            *least >= Duration::from_millis(5) && *most < Duration::from_millis(50),
            "{pauses:?}"
        );
        assert!(*most > Duration::from_millis(30), "{pauses:?}");
    }
}
