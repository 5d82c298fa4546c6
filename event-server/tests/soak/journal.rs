//! What each client was told, line by line, in a file that no fault touches: a line is there before the next thing happens.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event_client::Stats;
use event_core::verdict::Status;
use serde::{Deserialize, Serialize};

/// One line, of the event of a number or of a content.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Line {
    /// It is about to be offered.
    Offered(u64),
    /// It was taken in.
    Taken(u64),
    /// It was not, and is counted as lost, so often and for this reason.
    Lost(u64, String),
    /// This is its verdict.
    Judged(u64, Status, Option<i64>),
    /// The content of this key was judged, and is not stored.
    Unstored(String, Status),
    /// The client offers no more, and nothing waits.
    Flushed,
    /// The client has ended, with these counts.
    Ended(Counts),
}

/// What a client counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) offered: u64,
    pub(crate) accounted: u64,
    pub(crate) waiting: u64,
    pub(crate) delivered: u64,
    pub(crate) duplicate: u64,
    pub(crate) conflict: u64,
    pub(crate) quarantined: u64,
    pub(crate) rejected: u64,
    pub(crate) dropped: u64,
    pub(crate) retries: u64,
}

impl From<Stats> for Counts {
    fn from(stats: Stats) -> Self {
        Counts {
            offered: stats.offered,
            accounted: stats.accounted(),
            waiting: stats.waiting(),
            delivered: stats.delivered(),
            duplicate: stats.duplicate,
            conflict: stats.conflict,
            quarantined: stats.quarantined,
            rejected: stats.rejected,
            dropped: stats.dropped.total(),
            retries: stats.retries,
        }
    }
}

/// Where a client writes.
#[derive(Clone)]
pub(crate) struct Journal(Arc<File>);

impl Journal {
    pub(crate) fn file(folder: &Path, client: usize) -> PathBuf {
        folder.join(format!("journal-{client}"))
    }

    pub(crate) fn open(folder: &Path, client: usize) -> Self {
        let path = Journal::file(folder, client);
        Journal(Arc::new(File::options().create(true).append(true).open(path).unwrap()))
    }

    pub(crate) fn write(&self, line: &Line) {
        let mut text = serde_json::to_vec(line).unwrap();
        text.push(b'\n');
        // One call: it is there, or it is not. What a killed process has written stays.
        (&*self.0).write_all(&text).unwrap();
    }
}

/// All that a client was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) offered: BTreeSet<u64>,
    pub(crate) taken: BTreeSet<u64>,
    /// Lost before they were taken in, and how many there were by the client's own count.
    pub(crate) lost: BTreeSet<u64>,
    pub(crate) losses: u64,
    pub(crate) judged: BTreeMap<u64, Vec<(Status, Option<i64>)>>,
    pub(crate) unstored: BTreeMap<String, BTreeSet<&'static str>>,
    pub(crate) is_flushed: bool,
    pub(crate) ended: Option<Counts>,
}

impl Told {
    pub(crate) fn read(folder: &Path, client: usize) -> Self {
        let text = std::fs::read_to_string(Journal::file(folder, client)).unwrap_or_default();
        let mut told = Told::default();
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            match serde_json::from_str(line).unwrap() {
                Line::Offered(number) => drop(told.offered.insert(number)),
                Line::Taken(number) => drop(told.taken.insert(number)),
                Line::Lost(number, _) => {
                    told.lost.insert(number);
                    told.losses += 1;
                }
                Line::Judged(number, status, position) => {
                    told.taken.insert(number);
                    told.judged.entry(number).or_default().push((status, position));
                }
                Line::Unstored(key, status) => drop(told.unstored.entry(key).or_default().insert(status.as_str())),
                Line::Flushed => told.is_flushed = true,
                Line::Ended(counts) => told.ended = Some(counts),
            }
        }
        told
    }

    /// Whether it may have been sent.
    pub(crate) fn is_possible(&self, number: u64) -> bool {
        self.offered.contains(&number) && (self.taken.contains(&number) || !self.lost.contains(&number))
    }

    /// How many events were offered of which nobody has written down what became of them: the process was killed.
    pub(crate) fn untold(&self) -> u64 {
        let is_untold = |number: &&u64| !self.taken.contains(number) && !self.lost.contains(number);
        self.offered.iter().filter(is_untold).count() as u64
    }
}
