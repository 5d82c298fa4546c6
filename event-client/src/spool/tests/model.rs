//! Random use, clean ends, kills and losses of power, against a map in memory.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use event_core::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::{minute, segments};
use crate::spool::record::{self, Header};
use crate::spool::{AppendError, Batch, Fsync, Reader, SpoolOptions, Writer};

#[derive(Clone, Debug)]
enum Step {
    Append {
        length: usize,
    },
    Read {
        events: usize,
        bytes: usize,
    },
    Ack,
    Wait {
        minutes: i64,
    },
    Close,
    /// The newest segment loses its last bytes, or has the first bytes of an append that never returned behind it;
    /// and the place that was acknowledged may be an old one, or missing.
    Crash {
        cut: usize,
        begun: usize,
        stale: Stale,
    },
}

#[derive(Clone, Copy, Debug)]
enum Stale {
    No,
    Old,
    Missing,
}

fn step() -> impl Strategy<Value = Step> {
    let stale = prop_oneof![Just(Stale::No), Just(Stale::Old), Just(Stale::Missing)];
    let crash = (prop_oneof![Just(0), 0..400_usize], 0..60_usize, stale);
    prop_oneof![
        12 => (0..90_usize).prop_map(|length| Step::Append { length }),
        5 => (1..6_usize, 1..400_usize).prop_map(|(events, bytes)| Step::Read { events, bytes }),
        3 => Just(Step::Ack),
        1 => (0..40_i64).prop_map(|minutes| Step::Wait { minutes }),
        1 => Just(Step::Close),
        2 => crash.prop_map(|(cut, begun, stale)| Step::Crash { cut, begun, stale }),
    ]
}

struct World {
    home: TempDir,
    options: SpoolOptions,
    sides: Option<(Writer, Reader)>,
    now: Timestamp,
    /// What is in the spool, by index.
    records: BTreeMap<u64, (Vec<u8>, Timestamp)>,
    /// The index of the next record, the next to read, and the last acknowledged.
    next: u64,
    position: u64,
    acked: u64,
    /// What an old acknowledgement says.
    old: Option<(u64, Vec<u8>)>,
    appended: u64,
}

impl World {
    fn new(sync: Fsync) -> World {
        let home = super::directory();
        let options = SpoolOptions::new(home.path())
            .bytes(4_000)
            .segment_bytes(300)
            .age(Duration::from_secs(3600))
            .fsync(sync);
        World {
            sides: Some(super::open(&options)),
            home,
            options,
            now: minute(0),
            records: BTreeMap::new(),
            next: 1,
            position: 1,
            acked: 0,
            old: None,
            appended: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Append { length } => self.append(length),
            Step::Read { events, bytes } => self.read(events, bytes),
            Step::Ack => self.ack(),
            Step::Wait { minutes } => self.now = self.now.saturating_add_micros(minutes * 60_000_000),
            Step::Close => {
                let (writer, reader) = self.sides.take().unwrap();
                writer.close().unwrap();
                reader.close().unwrap();
                self.open();
            }
            Step::Crash { cut, begun, stale } => self.crash(cut, begun, stale),
        }
    }

    fn append(&mut self, length: usize) {
        self.appended += 1;
        let event = format!("{:>length$}", self.appended).into_bytes();
        match self.sides.as_mut().unwrap().0.append(&event, self.now) {
            Ok(()) => {
                self.records.insert(self.next, (event, self.now));
                self.next += 1;
                assert!(self.on_disk() <= 4_000);
            }
            Err(AppendError::Full) => assert!(self.on_disk() + record::size(event.len()) > 4_000),
            Err(error) => panic!("{error}"),
        }
    }

    fn on_disk(&self) -> u64 {
        segments(self.home.path())
            .iter()
            .map(|path| path.metadata().unwrap().len())
            .sum()
    }

    fn read(&mut self, events: usize, bytes: usize) {
        let batch = self.sides.as_mut().unwrap().1.read(events, bytes, self.now).unwrap();
        self.check(&batch);
        assert!(batch.ends.len() <= events && (batch.ends.len() == 1 || batch.lines.len() <= bytes));
    }

    /// A batch holds every record from the last one on, or counts it.
    fn check(&mut self, batch: &Batch) {
        let Some(through) = batch.through else {
            assert_eq!(self.position, self.next, "records wait");
            return;
        };
        assert!(through >= self.position && through < self.next);
        let mut given = batch.events().zip(&batch.indexes);
        let (mut expired, mut missing) = (0, 0);
        for index in self.position..=through {
            let Some((event, time)) = self.records.get(&index) else {
                missing += 1;
                continue;
            };
            if self.now.as_micros() - time.as_micros() > 3_600_000_000 {
                expired += 1;
            } else {
                assert_eq!(given.next(), Some(((event.as_slice(), *time), &index)));
            }
        }
        assert_eq!(given.next(), None);
        assert_eq!((batch.lost.expired, batch.lost.corrupt), (expired, missing));
        assert_eq!(missing, 0, "nothing was damaged");
        self.position = through + 1;
    }

    fn ack(&mut self) {
        let file = self.home.path().join("acked");
        if let Ok(content) = fs::read(&file) {
            self.old = Some((self.acked, content));
        }
        self.acked = self.position - 1;
        self.sides.as_mut().unwrap().1.ack(self.acked).unwrap();
    }

    fn crash(&mut self, cut: usize, begun: usize, stale: Stale) {
        self.sides = None;
        let file = self.home.path().join("acked");
        match (stale, &self.old) {
            (Stale::Old, Some((acked, content))) => {
                fs::write(&file, content).unwrap();
                self.acked = *acked;
            }
            (Stale::Missing, _) => {
                let _ = fs::remove_file(&file);
                self.acked = 0;
            }
            _ => {}
        }
        if let Some(newest) = segments(self.home.path()).pop() {
            let mut content = fs::read(&newest).unwrap();
            content.truncate(content.len() - cut.min(content.len()));
            if cut == 0 {
                let mut record = Vec::new();
                record::encode(&mut record, self.next, self.now, &[b'x'; 40]).unwrap();
                content.extend_from_slice(&record[..begun]);
            }
            // What a loss of power took is not there any more, and was promised to nobody.
            let mut rest = content.as_slice();
            let name = newest.file_stem().unwrap().to_str().unwrap();
            let mut end: u64 = name.parse().unwrap();
            while let Some(size) = Header::read(rest).and_then(|header| header.size()) {
                let Some(behind) = rest.get(size..) else { break };
                rest = behind;
                end += 1;
            }
            self.records.retain(|index, _| *index < end);
            self.next = end;
            fs::write(&newest, content).unwrap();
        } else {
            self.next = 1;
        }
        self.open();
    }

    /// The next start.
    fn open(&mut self) {
        self.sides = None;
        let (writer, reader, recovered) = crate::spool::open(&self.options).unwrap();
        self.sides = Some((writer, reader));
        let oldest = segments(self.home.path()).first().map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap();
            name.parse::<u64>().unwrap()
        });
        self.next = self.next.max(self.acked + 1);
        self.acked = self.acked.max(oldest.map_or(0, |oldest| oldest - 1));
        self.position = self.acked + 1;
        assert_eq!(recovered.records, self.next - self.position);
        assert_eq!(recovered.damaged, 0);
        assert!(recovered.bytes <= 4_000);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_record_is_given_or_counted_once(steps in vec(step(), 1..120), synced in prop::bool::weighted(0.05)) {
        let mut world = World::new(if synced { Fsync::Always } else { Fsync::Never });
        for step in &steps {
            world.step(step);
        }
        while world.position < world.next {
            world.read(100, 10_000);
        }
        world.ack();
        prop_assert!(segments(world.home.path()).len() <= 1);
    }
}
