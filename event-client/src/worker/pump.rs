//! Tracked events, in their order, one batch after the other: each until it has its verdicts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use event_core::Verdict;
use event_core::verdict::Status;

use crate::answer::Outcome;
use crate::instrument;
use crate::lines::Lines;
use crate::loss::Loss;
use crate::retry::Retry;
use crate::settings::Unstored;
use crate::shared::{Shared, now};
use crate::state::Attention;
use crate::stats::Pause;

/// Failures of the collector with the same batch, after which it is halved.
const SUSPICIOUS: u32 = 3;
/// The same with a single event, after which it is given up.
const HOPELESS: u32 = 10;
/// Between two tries, whatever the settings say.
const LONGEST_REST: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long to leave a disk alone that cannot be read.
#[cfg(feature = "spool")]
const UNREADABLE: Duration = Duration::from_secs(1);

/// Sends until the client is closed and nothing waits.
pub(super) async fn run(shared: &Arc<Shared>) {
    let mut pump = Pump {
        shared,
        retry: Retry::new(shared.settings.tuning.backoff),
        failed_with_this: 0,
    };
    while let Some(batch) = pump.next().await {
        let outcome = shared.exchange(&batch).await;
        pump.step(batch, outcome).await;
    }
}

struct Pump<'a> {
    shared: &'a Arc<Shared>,
    retry: Retry,
    /// How often the collector failed with the batch in hand.
    failed_with_this: u32,
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
                if let Some(batch) = state.hand.front() {
                    let batch = Arc::clone(batch);
                    state.attention = Attention::Busy;
                    return Some(batch);
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
            self.rest(UNREADABLE).await;
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
                self.tell(&batch, &verdicts);
                // What is in hand can be used again where nobody else holds it.
                drop(batch);
                shared.lock().settle(&verdicts);
                shared.acknowledge();
                instrument::judged(&verdicts);
                self.moved();
            }
            Outcome::Again { after, why } => self.again(after, &why).await,
            Outcome::Failed { after, why } => {
                self.failed_with_this += 1;
                if self.failed_with_this >= SUSPICIOUS && shared.lock().halve() {
                    self.failed_with_this = 0;
                } else if self.failed_with_this >= HOPELESS {
                    drop(batch);
                    return self.give_up(Loss::ServerError, &why);
                }
                self.again(after, &why).await;
            }
            Outcome::TooLarge => {
                drop(batch);
                self.halve_or_give_up(Loss::TooLarge, "the collector takes no event of this size");
            }
            Outcome::Refused { why } => {
                drop(batch);
                self.halve_or_give_up(Loss::Refused, &why);
            }
            Outcome::NotCompressed => self.pause(Pause::NoCollector(415)).await,
            Outcome::Paused(pause) => self.pause(pause).await,
        }
    }

    async fn again(&mut self, after: Option<Duration>, why: &str) {
        let wait = self.retry.failed(after, fastrand::f64());
        let failures = self.retry.failures();
        if failures.is_power_of_two() {
            tracing::warn!(
                why,
                failures,
                wait_ms = wait.as_millis(),
                "events are not delivered; trying again"
            );
        }
        self.shared.lock().counts.retries += 1;
        instrument::retried();
        self.rest(wait).await;
    }

    /// Waits, unless somebody is in a hurry.
    async fn rest(&self, wait: Duration) {
        // A time too far away to be named is far enough.
        let until = tokio::time::Instant::now() + wait.min(LONGEST_REST);
        loop {
            if std::mem::take(&mut self.shared.lock().hurry) {
                return;
            }
            if tokio::time::timeout_at(until, self.shared.wake.notified())
                .await
                .is_err()
            {
                return;
            }
        }
    }

    async fn pause(&mut self, pause: Pause) {
        if self.shared.lock().pause(pause) {
            tracing::error!(why = %pause, "no events are sent until this is seen to; they wait");
            if let Some(on_pause) = &self.shared.settings.callbacks.on_pause {
                shielded(|| on_pause(pause));
            }
        }
        let longest = self.shared.settings.tuning.pause;
        self.rest(longest.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
    }

    fn halve_or_give_up(&mut self, loss: Loss, why: &str) {
        self.failed_with_this = 0;
        if !self.shared.lock().halve() {
            self.give_up(loss, why);
        }
    }

    fn give_up(&mut self, loss: Loss, why: &str) {
        self.failed_with_this = 0;
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

/// Runs what the application wants to know; its panics are its own.
fn shielded(callback: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(callback)).is_err() {
        tracing::error!("a callback of the event client panicked");
    }
}
