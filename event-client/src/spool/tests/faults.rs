//! A disk that refuses, and a process that dies between any two things it does to the disk.

use super::{append, directory, drain, event, minute, open, segments, small};
use crate::spool::disk::faults::{Op, die_after, fail, mend};
use crate::spool::{AppendError, Fsync, SpoolOptions};

/// Appends, and says whether it was taken.
fn try_append(writer: &mut crate::spool::Writer, number: u64) -> bool {
    match writer.append(&event(number), minute(0)) {
        Ok(()) => true,
        Err(AppendError::Io(_)) => false,
        Err(AppendError::Full) => panic!("there is room"),
    }
}

#[test]
fn a_refused_record_is_never_delivered() {
    let failures: [(&[Op], Fsync); 8] = [
        (&[Op::Write], Fsync::Never),
        (&[Op::Write, Op::Cut], Fsync::Never),
        (&[Op::Write, Op::Cut, Op::Create], Fsync::Never),
        (&[Op::Write, Op::Cut, Op::Remove], Fsync::Never),
        (&[Op::Create], Fsync::Never),
        (&[Op::Fsync], Fsync::Always),
        (&[Op::Fsync, Op::Cut], Fsync::Always),
        (&[Op::Fsync, Op::Cut, Op::Create, Op::Remove], Fsync::Always),
    ];
    for (failing, sync) in failures {
        for partial in [0, 1, 100, 200, 255, 256] {
            // Before the first record of a segment, in its midst, and when the next one is due.
            for before in 0..5 {
                let home = directory();
                let options = small(home.path()).fsync(sync);
                let (mut writer, mut reader) = open(&options);
                append(&mut writer, 0..before);
                fail(failing, partial);
                let refused: Vec<u64> = (before..before + 5).filter(|n| !try_append(&mut writer, *n)).collect();
                mend();
                let seen: Vec<u64> = (0..before + 5).filter(|number| !refused.contains(number)).collect();
                let case = format!("{failing:?}, {partial}/256 written, after {before}");
                assert!(!refused.is_empty(), "{case}");
                assert_eq!(drain(&mut reader, minute(0)), (seen.clone(), 0, 0), "{case}");
                append(&mut writer, 100..105);
                let seen: Vec<u64> = seen.into_iter().chain(100..105).collect();
                assert_eq!(drain(&mut reader, minute(0)), ((100..105).collect(), 0, 0), "{case}");
                drop((writer, reader));
                let (_writer, mut reader) = open(&options);
                assert_eq!(drain(&mut reader, minute(0)), (seen, 0, 0), "{case}, next start");
            }
        }
    }
}

#[test]
fn a_refused_record_is_not_there_after_a_kill_either() {
    for failing in [&[Op::Write][..], &[Op::Write, Op::Cut]] {
        for partial in [0, 100, 256] {
            for before in 1..5 {
                let home = directory();
                let (mut writer, reader) = open(&small(home.path()));
                append(&mut writer, 0..before);
                fail(failing, partial);
                assert!(!try_append(&mut writer, before));
                mend();
                drop((writer, reader));
                let (_writer, mut reader) = open(&small(home.path()));
                assert_eq!(drain(&mut reader, minute(0)), ((0..before).collect(), 0, 0));
            }
        }
    }
}

#[test]
fn a_full_disk_can_be_emptied() {
    let home = directory();
    let (mut writer, mut reader) = open(&small(home.path()));
    append(&mut writer, 0..9);
    // Nothing can be made or written, as the place that is acknowledged.
    fail(&[Op::Create, Op::Write, Op::Rename], 10);
    assert!(!try_append(&mut writer, 9));
    assert_eq!(drain(&mut reader, minute(0)).0, (0..9).collect::<Vec<_>>());
    assert!(reader.ack(8).is_err());
    assert_eq!(segments(home.path()).len(), 1);
    mend();
    append(&mut writer, [9]);
    drop((writer, reader));
    // What was deleted counts as acknowledged; the rest comes again.
    let (_writer, mut reader) = open(&small(home.path()));
    assert_eq!(drain(&mut reader, minute(0)), ((6..10).collect(), 0, 0));
}

#[test]
fn a_segment_that_cannot_be_deleted_is_deleted_later() {
    let home = directory();
    let (mut writer, mut reader) = open(&small(home.path()));
    append(&mut writer, 0..9);
    drain(&mut reader, minute(0));
    fail(&[Op::Remove], 0);
    assert!(reader.ack(7).is_err());
    mend();
    assert_eq!(segments(home.path()).len(), 3);
    reader.ack(7).unwrap();
    assert_eq!(segments(home.path()).len(), 1);
}

#[test]
fn the_disk_is_waited_for_when_the_policy_says_so() {
    let home = directory();
    for (sync, waits) in [(Fsync::Always, false), (Fsync::default(), true), (Fsync::Never, false)] {
        let (mut writer, mut reader) = open(&small(home.path()).fsync(sync));
        append(&mut writer, 0..9);
        let unsynced = writer.unsynced();
        assert_eq!(unsynced.is_some(), waits, "{sync:?}");
        fail(&[Op::Fsync], 0);
        assert!(unsynced.is_none_or(|unsynced| unsynced.sync().is_err()));
        assert_eq!(try_append(&mut writer, 9), sync != Fsync::Always);
        mend();
        append(&mut writer, [10]);
        drain(&mut reader, minute(0));
        reader.ack(u64::MAX).unwrap();
        fail(&[Op::Fsync], 0);
        assert_eq!(writer.close().is_ok(), sync != Fsync::default(), "{sync:?}");
        assert_eq!(reader.close().is_ok(), sync == Fsync::Never, "{sync:?}");
        mend();
    }
}

/// What a process does until it dies: which events were taken, and which may be acknowledged.
fn live(options: &SpoolOptions, start: u64) -> (Vec<u64>, Vec<u64>) {
    let (mut taken, mut acked) = (Vec::new(), Vec::new());
    let Ok((mut writer, mut reader, _)) = crate::spool::open(options) else {
        return (taken, acked);
    };
    for number in start..start + 12 {
        taken.extend(try_append(&mut writer, number).then_some(number));
        if number % 5 == 4 {
            let Ok(batch) = reader.read(4, 1000, minute(0)) else {
                continue;
            };
            // It may be acknowledged also where that is said to have failed.
            acked.extend(batch.events().map(|(event, _)| super::number(event)));
            let _ = reader.ack(batch.through.unwrap_or(0));
        }
    }
    (taken, acked)
}

#[test]
fn whenever_the_process_dies_all_that_was_taken_is_there() {
    for sync in [Fsync::Always, Fsync::Never] {
        for partial in [0, 40, 180, 255] {
            let mut deaths = 0;
            for operations in 0.. {
                let home = directory();
                let options = small(home.path()).fsync(sync);
                let (mut taken, mut acked) = live(&options, 0);
                die_after(operations, partial);
                let (later, also) = live(&options, 12);
                let died = mend();
                deaths += u32::from(died);
                taken.extend(later);
                acked.extend(also);
                let (_writer, mut reader) = open(&options);
                let (numbers, corrupt, _) = drain(&mut reader, minute(0));
                let case = format!("{sync:?}, {operations} operations, {partial}/256");
                assert_eq!(corrupt, 0, "{case}");
                for number in &taken {
                    assert!(
                        numbers.contains(number) || acked.contains(number),
                        "{case}: {number} is lost"
                    );
                }
                assert!(numbers.is_sorted_by(|a, b| a < b), "{case}: {numbers:?}");
                if !died {
                    break;
                }
            }
            assert!(deaths > 15, "{deaths} deaths");
        }
    }
}

/// `mount -t tmpfs -o size=256k none DIR`, then run this with `TMPDIR=DIR`.
#[test]
#[ignore = "needs a small file system"]
fn a_disk_that_is_really_full() {
    let home = directory();
    let (mut writer, mut reader) = open(&small(home.path()).bytes(1 << 30).segment_bytes(30_000));
    let mut number = 0;
    while try_append(&mut writer, number) {
        number += 1;
    }
    println!("the disk was full after {number} events");
    for more in 0..100 {
        assert!(!try_append(&mut writer, 1_000_000 + more));
    }
    let mut seen = 0;
    loop {
        let batch = reader.read(1000, 1 << 20, minute(0)).unwrap();
        let Some(through) = batch.through else { break };
        assert_eq!(batch.lost.corrupt, 0);
        for (event, _) in batch.events() {
            assert_eq!(super::number(event), seen);
            seen += 1;
        }
        let _ = reader.ack(through);
    }
    assert_eq!(seen, number);
    append(&mut writer, 0..100);
    assert_eq!(drain(&mut reader, minute(0)), ((0..100).collect(), 0, 0));
}
