//! What a store has done since it was opened, in numbers: counted where it happens, with atomics, for whoever wants
//! to show it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use event_core::verdict::Status;
use event_core::{Code, Verdict};

use crate::error::Error;

/// What a store has done since it was opened.
///
/// ```
/// use event_core::Source;
/// use event_store::{EventStore, Offer, Origin};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let store = EventStore::connect("sqlite::memory:").await?;
/// let offer = Offer::Json(br#"{"id": "1", "category": "order", "name": "created"}"#.to_vec());
/// store.ingest(vec![offer], &Origin::new(Source::new("shop")?)).await?;
/// let stats = store.stats();
/// assert_eq!(stats.verdicts[0].count, 1);
/// assert_eq!((stats.commit_seconds.count(), stats.commit_events.sum), (1, 1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// The verdicts that were given, but for those that never were.
    pub verdicts: Vec<VerdictCount>,
    /// How long commits took, from their first statement to the answer, and with all that was tried again.
    pub commit_seconds: Distribution,
    /// How many events, good and refused ones, shared a commit.
    pub commit_events: Distribution,
    /// How often a transaction of the writer failed, by the kind of failure; also one that then succeeded.
    pub failures: Vec<(&'static str, u64)>,
    /// Events that clients reported as lost, each report counted once.
    pub lost_events: u64,
}

/// How often a verdict was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerdictCount {
    /// What became of the events.
    pub status: Status,
    /// Why, where they were refused.
    pub code: Option<Code>,
    /// How many.
    pub count: u64,
}

/// How values are distributed.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// The greatest value of each bucket and how many lie in it; the last one has no end.
    pub buckets: Vec<(f64, u64)>,
    /// All values added up.
    pub sum: f64,
}

impl Distribution {
    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }
}

const STATUSES: [Status; 5] = [
    Status::Stored,
    Status::Duplicate,
    Status::Conflict,
    Status::Quarantined,
    Status::Rejected,
];

const FAILURES: [&str; 6] = ["unavailable", "contention", "unknown", "full", "statement", "other"];

/// Seconds.
const DURATIONS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
const BATCHES: [f64; 8] = [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0];

/// Where it is counted.
pub(crate) struct Counts {
    /// By status, and by code behind the one for none.
    verdicts: [Vec<AtomicU64>; STATUSES.len()],
    durations: Buckets<{ DURATIONS.len() }>,
    batches: Buckets<{ BATCHES.len() }>,
    failures: [AtomicU64; FAILURES.len()],
    lost: AtomicU64,
}

impl Counts {
    pub(crate) fn new() -> Self {
        let none = || (0..=Code::ALL.len()).map(|_| AtomicU64::new(0)).collect();
        Counts {
            verdicts: std::array::from_fn(|_| none()),
            durations: Buckets::new(DURATIONS, 1e6),
            batches: Buckets::new(BATCHES, 1.0),
            failures: Default::default(),
            lost: AtomicU64::new(0),
        }
    }

    /// A commit has succeeded.
    pub(crate) fn committed(&self, elapsed: Duration, events: usize) {
        self.durations.add(elapsed.as_secs_f64());
        self.batches.add(events as f64);
    }

    /// Verdicts were given. Most are that an event was stored.
    pub(crate) fn told<'a>(&self, verdicts: impl IntoIterator<Item = &'a Verdict>) {
        let mut stored = 0;
        for verdict in verdicts {
            if verdict.status == Status::Stored {
                stored += 1;
            } else if let Some(counter) = self.of(verdict.status, verdict.code) {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
        if let Some(counter) = self.of(Status::Stored, None) {
            counter.fetch_add(stored, Ordering::Relaxed);
        }
    }

    fn of(&self, status: Status, code: Option<Code>) -> Option<&AtomicU64> {
        let status = STATUSES.iter().position(|known| *known == status)?;
        let code = match code {
            Some(code) => 1 + Code::ALL.iter().position(|known| *known == code)?,
            None => 0,
        };
        self.verdicts.get(status)?.get(code)
    }

    /// A transaction of the writer has failed.
    /// Tells of what kind it was.
    pub(crate) fn failed(&self, error: &Error) -> Option<&'static str> {
        let kind = match error {
            Error::Unavailable(_) => 0,
            Error::Contention(_) => 1,
            Error::Unknown(_) => 2,
            Error::Full(_) => 3,
            Error::Statement(_) => 4,
            // The same batch offered twice: nothing has failed.
            Error::ImportTaken => return None,
            _ => 5,
        };
        self.failures[kind].fetch_add(1, Ordering::Relaxed);
        Some(FAILURES[kind])
    }

    /// A client has lost events.
    pub(crate) fn lost(&self, events: u64) {
        self.lost.fetch_add(events, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Stats {
        let verdicts = STATUSES.iter().zip(&self.verdicts).flat_map(|(status, counters)| {
            let codes = std::iter::once(None).chain(Code::ALL.iter().copied().map(Some));
            codes.zip(counters).map(|(code, counter)| VerdictCount {
                status: *status,
                code,
                count: counter.load(Ordering::Relaxed),
            })
        });
        let failures = FAILURES.into_iter().zip(&self.failures);
        Stats {
            verdicts: verdicts.filter(|verdict| verdict.count > 0).collect(),
            commit_seconds: self.durations.read(),
            commit_events: self.batches.read(),
            failures: failures
                .map(|(kind, counter)| (kind, counter.load(Ordering::Relaxed)))
                .collect(),
            lost_events: self.lost.load(Ordering::Relaxed),
        }
    }
}

/// Counters of values, by their size.
struct Buckets<const N: usize> {
    ends: [f64; N],
    counts: [AtomicU64; N],
    beyond: AtomicU64,
    /// The sum, in parts of one.
    sum: AtomicU64,
    parts: f64,
}

impl<const N: usize> Buckets<N> {
    fn new(ends: [f64; N], parts: f64) -> Self {
        Buckets {
            ends,
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            beyond: AtomicU64::new(0),
            sum: AtomicU64::new(0),
            parts,
        }
    }

    fn add(&self, value: f64) {
        let place = self.ends.iter().position(|end| value <= *end);
        let counter = place.map_or(&self.beyond, |place| &self.counts[place]);
        counter.fetch_add(1, Ordering::Relaxed);
        // Rounded down to parts, and never negative.
        self.sum.fetch_add((value * self.parts) as u64, Ordering::Relaxed);
    }

    fn read(&self) -> Distribution {
        let ends = self.ends.into_iter().chain([f64::INFINITY]);
        let counts = self.counts.iter().chain([&self.beyond]);
        Distribution {
            buckets: ends.zip(counts.map(|count| count.load(Ordering::Relaxed))).collect(),
            sum: self.sum.load(Ordering::Relaxed) as f64 / self.parts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_in_the_bucket_that_ends_behind_them() {
        let buckets = Buckets::new([1.0, 4.0], 1e6);
        for value in [0.5, 1.0, 1.5, 4.0, 5.0] {
            buckets.add(value);
        }
        let read = buckets.read();
        assert_eq!(read.buckets, [(1.0, 2), (4.0, 2), (f64::INFINITY, 1)]);
        assert_eq!((read.count(), read.sum), (5, 12.0));
    }

    #[test]
    fn verdicts_are_told_apart_by_their_codes() {
        let counts = Counts::new();
        let verdict = |status, code| Verdict {
            status,
            id: None,
            position: None,
            code,
            violations: Vec::new(),
            flags: event_core::flag::Flags::NONE,
        };
        counts.told(&[
            verdict(Status::Stored, None),
            verdict(Status::Stored, None),
            verdict(Status::Quarantined, Some(Code::SchemaViolation)),
            verdict(Status::Rejected, Some(Code::SchemaViolation)),
        ]);
        let told: Vec<_> = counts
            .read()
            .verdicts
            .iter()
            .map(|told| (told.status, told.code, told.count))
            .collect();
        let code = Some(Code::SchemaViolation);
        assert_eq!(
            told,
            [
                (Status::Stored, None, 2),
                (Status::Quarantined, code, 1),
                (Status::Rejected, code, 1)
            ]
        );
        counts.failed(&Error::Overloaded);
        assert_eq!(counts.read().failures.last(), Some(&("other", 1)));
    }
}
