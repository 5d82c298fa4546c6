//! Tracked events, in their order, one batch after the other: each until it has its verdicts.

use std::sync::Arc;
use std::time::Duration;

use event_core::Verdict;
use event_core::verdict::Status;

use super::{SUSPICIOUS, shielded};
use crate::answer::{Again, Outcome};
use crate::instrument;
use crate::lines::Lines;
use crate::loss::Loss;
use crate::retry::Retry;
use crate::settings::Unstored;
use crate::shared::{Shared, now};
use crate::state::Attention;
use crate::stats::Pause;

/// Between two tries, whatever the settings say.
const LONGEST_REST: Duration = Duration::from_secs(30 * 24 * 3600);
/// Batches after which it is tried whether the collector takes larger ones.
const MANY: u32 = 10;
/// Failures of the collector with the same event, after which it is given up.
const HOPELESS: u32 = 10;

/// How long to leave a disk alone that cannot be read.
#[cfg(feature = "spool")]
const UNREADABLE: Duration = Duration::from_secs(1);

/// Sends until the client is closed and nothing waits.
pub(super) async fn run(shared: &Arc<Shared>) {
    let mut pump = Pump {
        shared,
        retry: Retry::new(shared.settings.tuning.backoff),
        failed_with_this: 0,
        trusted: false,
        most_bytes: usize::MAX,
        taken: 0,
    };
    while let Some(batch) = pump.next().await {
        let outcome = shared.exchange(&batch).await;
        pump.step(batch, outcome).await;
    }
}

struct Pump<'a> {
    shared: &'a Arc<Shared>,
    retry: Retry,
    /// How often the batch in hand has failed in a way that may be its own fault.
    failed_with_this: u32,
    /// Whether the collector has taken something since an event was given up: only then is it the event
    /// that is wrong, and not whatever answers.
    trusted: bool,
    /// What the collector takes at once, as far as is known.
    most_bytes: usize,
    /// Batches that it has taken since it refused one for its size.
    taken: u32,
}

enum Nap {
    None,
    UntilAnyEvent,
    UntilFull,
}

impl Pump<'_> {
    /// The next batch, once it is full, has waited long enough, or is wanted; `None` at the end.
    async fn next(&mut self) -> Option<Arc<Lines>> {
        let mut lingered = false;
        loop {
            let nap = {
                let mut state = self.shared.lock();
                let hurried = !state.is_open() || state.gone < state.wanted || lingered;
                let wanted = state.hand.is_empty() && (hurried || state.backlog.has_batch());
                let on_disk = wanted && state.backlog.spooled() > 0;
                if wanted && !on_disk {
                    state.take_queued();
                }
                while state
                    .hand
                    .front()
                    .is_some_and(|batch| batch.bytes().len() > self.most_bytes)
                    && state.halve()
                {}
                if let Some(batch) = state.hand.front() {
                    let batch = Arc::clone(batch);
                    state.attention = Attention::Busy;
                    state.hurry = false;
                    return Some(batch);
                }
                if state.backlog.is_empty() && state.aside.is_some() {
                    state.take_back();
                    continue;
                }
                if on_disk {
                    state.attention = Attention::Busy;
                    Nap::None
                } else if !state.backlog.is_empty() {
                    state.attention = Attention::Filling;
                    Nap::UntilFull
                } else if state.is_open() {
                    state.attention = Attention::Asleep;
                    Nap::UntilAnyEvent
                } else {
                    return None;
                }
            };
            let woken = self.shared.wake.notified();
            match nap {
                Nap::None => self.take_spooled().await,
                Nap::UntilAnyEvent => woken.await,
                Nap::UntilFull => {
                    let full = tokio::time::timeout(self.shared.settings.tuning.linger, woken).await;
                    lingered = full.is_err();
                }
            }
        }
    }

    #[cfg(feature = "spool")]
    async fn take_spooled(&self) {
        if self.shared.take_spooled().is_err() {
            self.rest(UNREADABLE, UNREADABLE).await;
        }
        self.moved();
    }

    /// Without a spool nothing is on disk.
    #[cfg(not(feature = "spool"))]
    async fn take_spooled(&self) {}

    async fn step(&mut self, batch: Arc<Lines>, outcome: Outcome) {
        let shared = self.shared;
        match outcome {
            Outcome::Verdicts(verdicts) => {
                self.retry.succeeded();
                self.failed_with_this = 0;
                self.trusted = true;
                self.taken += 1;
                // It may have been one event that was too large, and not all of them together.
                if self.taken.is_multiple_of(MANY) {
                    self.most_bytes = self.most_bytes.saturating_mul(2);
                }
                self.tell(&batch, &verdicts);
                // What is in hand can be used again where nobody else holds it.
                drop(batch);
                {
                    let mut state = shared.lock();
                    state.settle(&verdicts);
                    // It has its second chance, now that it is known whose fault it was.
                    state.take_back();
                }
                shared.acknowledge();
                instrument::judged(&verdicts);
                self.moved();
            }
            Outcome::Again(again) => {
                if again.suspect {
                    self.suspect();
                }
                self.again(again).await;
            }
            Outcome::Failed(again) => {
                let alone = self.suspect();
                if !alone || self.failed_with_this < HOPELESS {
                    self.again(again).await;
                } else if self.trusted {
                    drop(batch);
                    self.give_up(Loss::ServerError, &again.why);
                } else {
                    self.failed_with_this = 0;
                    if !shared.lock().set_aside() {
                        shared.lock().take_back();
                    }
                    self.again(again).await;
                }
            }
            Outcome::TooLarge => {
                if batch.len() > 1 {
                    self.most_bytes = batch.bytes().len() / 2;
                    self.taken = 0;
                }
                drop(batch);
                self.refused(Loss::TooLarge, 413, "the collector takes no event of this size")
                    .await;
            }
            Outcome::Refused { why } => {
                drop(batch);
                self.refused(Loss::Refused, 400, &why).await;
            }
            Outcome::NotCompressed => self.pause(Pause::NoCollector(415)).await,
            Outcome::Paused(pause) => self.pause(pause).await,
        }
    }

    /// Notes a failure that may be the batch's fault, and halves it after some; answers whether it is a
    /// single event.
    fn suspect(&mut self) -> bool {
        self.failed_with_this += 1;
        if self.failed_with_this < SUSPICIOUS {
            return false;
        }
        let halved = self.shared.lock().halve();
        if halved {
            self.failed_with_this = 0;
        }
        !halved
    }

    /// Finds out which event of a batch is refused. One alone is given up if the collector takes others; if it
    /// takes none, it is no collector, and nothing is lost.
    async fn refused(&mut self, loss: Loss, status: u16, why: &str) {
        self.failed_with_this = 0;
        if self.shared.lock().halve() {
            if self.trusted {
                return;
            }
        } else if self.trusted {
            return self.give_up(loss, why);
        } else if !self.shared.lock().set_aside() {
            self.shared.lock().take_back();
            self.paused(Pause::NoCollector(status));
        }
        let wait = self.retry.failed(None, fastrand::f64());
        self.rest(wait, Duration::ZERO).await;
    }

    async fn again(&mut self, again: Again) {
        let Again { after, why, .. } = again;
        let wait = self.retry.failed(after, fastrand::f64());
        let failures = self.retry.failures();
        if failures.is_power_of_two() {
            let wait_ms = wait.as_millis();
            tracing::warn!(why, failures, wait_ms, "events are not delivered; trying again");
        }
        self.shared.lock().counts.retries += 1;
        instrument::retried();
        self.rest(wait, after.unwrap_or_default()).await;
    }

    /// Waits, and less so if somebody is in a hurry, but never less than what the collector has asked for.
    async fn rest(&self, wait: Duration, at_least: Duration) {
        let started = tokio::time::Instant::now();
        // A time too far away to be named is far enough.
        let mut until = started + wait.min(LONGEST_REST);
        loop {
            if std::mem::take(&mut self.shared.lock().hurry) {
                until = until.min(started + at_least.min(wait));
            }
            let woken = tokio::time::timeout_at(until, self.shared.wake.notified());
            if woken.await.is_err() {
                return;
            }
        }
    }

    /// Rests until somebody may have seen to the reason.
    async fn pause(&mut self, pause: Pause) {
        self.paused(pause);
        let longest = self.shared.settings.tuning.pause;
        self.rest(longest.mul_f64(0.5 + fastrand::f64() / 2.0), Duration::ZERO)
            .await;
    }

    /// Says that nothing is sent, where that is news.
    fn paused(&mut self, pause: Pause) {
        if self.shared.lock().pause(pause) {
            tracing::error!(why = %pause, "no events are sent until this is seen to; they wait");
            if let Some(on_pause) = &self.shared.settings.callbacks.on_pause {
                shielded(|| on_pause(pause));
            }
        }
    }

    fn give_up(&mut self, loss: Loss, why: &str) {
        self.failed_with_this = 0;
        self.trusted = false;
        self.shared.lock().give_up(loss, now());
        self.shared.acknowledge();
        tracing::warn!(reason = %loss, why, "an event is given up");
        instrument::lost(loss, 1);
        self.moved();
    }

    fn moved(&self) {
        let gone = self.shared.lock().gone;
        self.shared.progress.send_replace(gone);
    }

    /// Tells the application of events that are not in the log.
    fn tell(&self, batch: &Lines, verdicts: &[Verdict]) {
        let Some(on_unstored) = &self.shared.settings.callbacks.on_unstored else {
            return;
        };
        for (event, verdict) in batch.iter().zip(verdicts) {
            if !matches!(verdict.status, Status::Stored | Status::Duplicate) {
                let event = std::str::from_utf8(event).unwrap_or_default();
                shielded(|| on_unstored(&Unstored { event, verdict }));
            }
        }
    }
}
