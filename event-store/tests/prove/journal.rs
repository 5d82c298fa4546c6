//! What was offered and what was answered, line by line, in a file that no fault touches: each line is written before the
//! next thing happens.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use event_core::Verdict;
use serde::{Deserialize, Serialize};

/// Which batch: of whom, and the how manieth.
pub(crate) type Batch = (usize, usize);

/// One line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Line {
    /// A batch is about to be offered.
    Offered(Batch),
    /// These are its verdicts.
    Answered(Batch, Vec<Verdict>),
    /// It was answered as stored, without verdicts: nobody does so who is sound.
    Claimed(Batch),
    /// An error that says that nothing was stored.
    Nothing(Batch, String),
    /// An error that says that nobody knows.
    Unknown(Batch, String),
    /// Something else failed.
    Failed(String),
}

/// Where lines are written.
#[derive(Clone)]
pub(crate) struct Journal(Arc<Mutex<File>>);

impl Journal {
    pub(crate) fn open(path: &Path) -> Self {
        let file = File::options().create(true).append(true).open(path).unwrap();
        Journal(Arc::new(Mutex::new(file)))
    }

    pub(crate) fn write(&self, line: &Line) {
        let mut text = serde_json::to_vec(line).unwrap();
        text.push(b'\n');
        // One call: it is there, or it is not. What a killed process has written stays.
        self.0.lock().unwrap().write_all(&text).unwrap();
    }
}

/// What is known of a batch.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) offered: usize,
    /// The verdicts of each time that there were some.
    pub(crate) answers: Vec<Vec<Verdict>>,
    pub(crate) claimed: bool,
    /// How often nothing was stored, as it was said.
    pub(crate) nothing: usize,
}

impl Heard {
    /// How often nobody knows whether it was stored.
    pub(crate) fn unknown(&self) -> usize {
        self.offered
            .saturating_sub(self.answers.len() + self.nothing + usize::from(self.claimed))
    }

    /// Whether it was answered as kept.
    pub(crate) fn is_answered(&self) -> bool {
        self.claimed || !self.answers.is_empty()
    }
}

/// All that is known.
pub(crate) fn read(path: &Path) -> BTreeMap<Batch, Heard> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut all: BTreeMap<Batch, Heard> = BTreeMap::new();
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        match serde_json::from_str(line).unwrap() {
            Line::Offered(batch) => all.entry(batch).or_default().offered += 1,
            Line::Answered(batch, verdicts) => all.entry(batch).or_default().answers.push(verdicts),
            Line::Claimed(batch) => all.entry(batch).or_default().claimed = true,
            Line::Nothing(batch, _) => all.entry(batch).or_default().nothing += 1,
            Line::Unknown(..) | Line::Failed(_) => {}
        }
    }
    all
}
