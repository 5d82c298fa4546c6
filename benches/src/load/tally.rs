//! What became of requests.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use super::connection::Answer;
use super::request::Prepared;

/// What became of the requests of one load.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many became due, if they did so by themselves.
    pub offered: u64,
    /// Events that were answered well and in time.
    pub events: u64,
    /// How long those answers took, in microseconds.
    times: Vec<u32>,
    /// Well, but too late.
    pub late: u64,
    /// Refused, by status.
    pub refused: BTreeMap<u16, u64>,
    /// Answered, but not with what was to be expected.
    pub wrong: u64,
    /// Not answered: connections that broke or were not to be had, and answers that nobody waited for any more.
    pub broken: u64,
    /// Due while no connection was free, and so not sent.
    pub unsent: u64,
    /// How long it all took.
    pub elapsed: Duration,
    /// When the last answer came that was well and in time.
    pub(super) last: Option<Instant>,
}

impl Tally {
    pub(super) fn count(&mut self, asked: &Prepared, answer: Option<Answer>, took: Duration, in_time: Duration) {
        let Some(Answer { status, body }) = answer else {
            self.broken += 1;
            return;
        };
        if status != asked.status {
            *self.refused.entry(status).or_default() += 1;
            return;
        }
        let well = asked
            .marker
            .is_none_or(|marker| memchr::memmem::find_iter(&body, marker).count() == asked.good());
        if !well {
            self.wrong += 1;
        } else if took > in_time {
            self.late += 1;
        } else {
            self.events += asked.events as u64;
            self.last = Some(Instant::now());
            self.times.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        }
    }

    /// Events that were answered well and in time, in a second.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn rate(&self) -> f64 {
        self.events as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// How long answers took in milliseconds, of which this part was faster.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    pub fn millis(&self, part: f64) -> f64 {
        let mut times = self.times.clone();
        if times.is_empty() {
            return f64::NAN;
        }
        let place = ((times.len() - 1) as f64 * part) as usize;
        let (_, time, _) = times.select_nth_unstable(place);
        f64::from(*time) / 1_000.0
    }

    /// All that were not answered well and in time, in few words.
    #[must_use]
    pub fn others(&self) -> String {
        let refused = self.refused.iter().map(|(status, count)| (format!("{status}"), *count));
        let rest = [
            ("late", self.late),
            ("broken", self.broken),
            ("unsent", self.unsent),
            ("wrong", self.wrong),
        ];
        let rest = rest.into_iter().map(|(name, count)| (name.to_owned(), count));
        let all = refused.chain(rest).filter(|(_, count)| *count > 0);
        let all: Vec<String> = all.map(|(name, count)| format!("{count} {name}")).collect();
        if all.is_empty() {
            "none".to_owned()
        } else {
            all.join(", ")
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rate, p50, p99) = (self.rate(), self.millis(0.5), self.millis(0.99));
        write!(
            f,
            "{rate:.0} events/s, p50 {p50:.1} ms, p99 {p99:.1} ms; others: {}",
            self.others()
        )
    }
}
