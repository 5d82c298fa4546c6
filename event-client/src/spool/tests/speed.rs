//! How long an append takes.

use std::hint::black_box;
use std::time::Instant;

use super::{directory, minute, open};
use crate::spool::{Fsync, SpoolOptions};

/// `cargo test --release -p event-client --features spool -- --ignored --nocapture time_of_an_append`
#[test]
#[ignore = "a measurement"]
fn time_of_an_append() {
    const APPENDS: u32 = 200_000;
    let event = vec![b'e'; 300];
    for sync in [Fsync::Never, Fsync::default(), Fsync::Always] {
        let home = directory();
        let (mut writer, mut reader) = open(&SpoolOptions::new(home.path()).fsync(sync));
        let appends = if sync == Fsync::Always { 200 } else { APPENDS };
        let start = Instant::now();
        for number in 0..appends {
            writer.append(black_box(&event), minute(0)).unwrap();
            if number % 50_000 == 49_999 {
                let _ = writer
                    .unsynced()
                    .map(|unsynced| std::thread::spawn(move || unsynced.sync()));
            }
        }
        println!(
            "{sync:?}: {} ns per append",
            start.elapsed().as_nanos() / u128::from(appends)
        );
        let (start, mut read) = (Instant::now(), 0);
        while let Some(through) = {
            let batch = reader.read(1000, 1 << 20, minute(0)).unwrap();
            read += batch.ends.len();
            batch.through
        } {
            reader.ack(through).unwrap();
        }
        println!(
            "{sync:?}: {} ns per read and acknowledged record",
            start.elapsed().as_nanos() / read as u128
        );
    }
}
