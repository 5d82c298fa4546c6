//! Processes that a test starts: each is the test's own program, told by a variable what it is to do.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use event_core::{Source, Verdict};
use event_store::{Error, EventStore, Offer, Options, Origin};

use crate::disk::Disk;

/// The variable by which a test knows that it is one of the processes that it starts.
const CHILD: &str = "EVENT_STORE_TEST_CHILD";

/// Whether the long form of a test is asked for.
pub(crate) fn is_long() -> bool {
    std::env::var("EVENT_TEST_LONG").is_ok_and(|value| value == "1")
}

/// What a process has to do: words of its test, then the prefix of the tables and the URL.
pub(crate) struct Task {
    words: Vec<String>,
}

impl Task {
    /// The task of this process, if it is one that a test has started.
    pub(crate) fn here() -> Option<Self> {
        let words = std::env::var(CHILD).ok()?;
        Some(Task {
            words: words.split(' ').map(str::to_owned).collect(),
        })
    }

    pub(crate) fn word(&self, number: usize) -> &str {
        &self.words[number + 2]
    }

    pub(crate) async fn open(&self) -> EventStore {
        let options = Options::new().prefix(&self.words[0]);
        EventStore::connect_with(&self.words[1], options).await.unwrap()
    }
}

/// Starts this program anew, for one test.
pub(crate) fn start(disk: &Disk, test: &str, words: &[String]) -> Child {
    let task = format!("{} {} {}", disk.prefix(), disk.url(), words.join(" "));
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{}::{test}", disk.name())])
        .env(CHILD, task)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until all of them have ended, and ended well.
pub(crate) async fn end(children: Vec<Child>) {
    for mut child in children {
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap()).await;
        assert!(ended.unwrap().success());
    }
}

pub(crate) fn origin() -> Origin {
    Origin::new(Source::new("shop").unwrap())
}

/// Offers until the database has said what became of the batch.
#[allow(dead_code, reason = "where errors are counted, nobody insists")]
pub(crate) async fn insist(store: &EventStore, batch: &[Offer]) -> Vec<Verdict> {
    let started = Instant::now();
    loop {
        match store.ingest(batch.to_vec(), &origin()).await {
            Ok(verdicts) => return verdicts,
            Err(Error::Unavailable(_) | Error::Contention(_) | Error::Unknown(_) | Error::Overloaded)
                if started.elapsed() < Duration::from_secs(60) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Numbers that look random, and are the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Dice(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
