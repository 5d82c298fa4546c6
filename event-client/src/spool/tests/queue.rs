//! In fair weather: order, bounds, age, and two threads.

use std::sync::Mutex;
use std::time::Duration;

use super::{append, directory, drain, event, minute, number, open, segments, small};
use crate::spool::{AppendError, Fsync, SpoolError};

#[test]
fn what_is_appended_is_read_in_order_and_forgotten_when_acknowledged() {
    let home = directory();
    let (mut writer, mut reader) = open(&small(home.path()));
    append(&mut writer, 0..20);
    assert!(segments(home.path()).len() > 3);
    let first = reader.read(2, usize::MAX, minute(0)).unwrap();
    assert_eq!(first.lines, b"{\"n\": 0}\n{\"n\": 1}\n");
    assert_eq!((first.ends, first.through), (vec![9, 18], Some(2)));
    let second = reader.read(9, 9, minute(0)).unwrap();
    assert_eq!(
        (second.lines.as_slice(), second.indexes),
        (&b"{\"n\": 2}\n"[..], vec![3])
    );
    // One that alone is too large goes alone.
    assert_eq!(reader.read(9, 1, minute(0)).unwrap().through, Some(4));
    assert_eq!(drain(&mut reader, minute(0)), ((4..20).collect(), 0, 0));
    assert_eq!(reader.waiting(), 20);
    reader.ack(u64::MAX).unwrap();
    assert_eq!((reader.waiting(), segments(home.path()).len()), (0, 1));
    append(&mut writer, 20..22);
    assert_eq!(drain(&mut reader, minute(0)), (vec![20, 21], 0, 0));
}

#[test]
fn what_is_not_acknowledged_is_read_again_by_the_next_process() {
    for ended in ["closed", "killed"] {
        let home = directory();
        let (mut writer, mut reader) = open(&small(home.path()));
        append(&mut writer, 0..10);
        let through = reader.read(3, usize::MAX, minute(0)).unwrap().through.unwrap();
        reader.ack(through).unwrap();
        if ended == "closed" {
            writer.close().unwrap();
            reader.close().unwrap();
        } else {
            drop((writer, reader));
        }
        let (_writer, mut reader, recovered) = crate::spool::open(&small(home.path())).unwrap();
        assert_eq!((recovered.records, recovered.damaged), (7, 0), "{ended}");
        assert!(recovered.bytes >= 7 * 33);
        assert_eq!(drain(&mut reader, minute(0)), ((3..10).collect(), 0, 0), "{ended}");
    }
}

#[test]
fn a_full_spool_refuses_and_takes_again_when_segments_are_gone() {
    let home = directory();
    let options = small(home.path()).bytes(1000);
    let (mut writer, mut reader) = open(&options);
    let mut taken = 0;
    let full = loop {
        match writer.append(&event(taken), minute(0)) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, AppendError::Full));
    assert_eq!(taken, 30);
    let disk: u64 = segments(home.path())
        .iter()
        .map(|path| path.metadata().unwrap().len())
        .sum();
    assert!((990..=1000).contains(&disk), "{disk} bytes");
    assert!(matches!(writer.append(&[b'1'; 200], minute(0)), Err(AppendError::Full)));
    // Also after another start, until something is acknowledged.
    drop((writer, reader));
    (writer, reader) = open(&options);
    assert!(matches!(writer.append(&event(30), minute(0)), Err(AppendError::Full)));
    let through = reader.read(3, usize::MAX, minute(0)).unwrap().through.unwrap();
    reader.ack(through).unwrap();
    append(&mut writer, 30..33);
    assert_eq!(drain(&mut reader, minute(0)), ((3..33).collect(), 0, 0));
}

#[test]
fn an_event_that_is_larger_than_a_segment_has_one_of_its_own() {
    let home = directory();
    let (mut writer, mut reader) = open(&small(home.path()).bytes(1000));
    append(&mut writer, 0..1);
    let large = [&event(1)[..7], &[b' '; 200], b"}"].concat();
    writer.append(&large, minute(0)).unwrap();
    append(&mut writer, 2..3);
    assert_eq!(segments(home.path()).len(), 3);
    assert_eq!(drain(&mut reader, minute(0)), (vec![0, 1, 2], 0, 0));
    // What could never wait together with others is refused.
    assert!(matches!(writer.append(&[b'1'; 250], minute(0)), Err(AppendError::Full)));
}

#[test]
fn a_spool_without_room_for_the_largest_event_is_none() {
    let check = |bytes: u64, event: usize| crate::spool::check(&small("/nowhere".as_ref()).bytes(bytes), event);
    for (bytes, event) in [(0, 0), (0, 1), (1 << 20, 256 << 10), (u64::MAX, usize::MAX)] {
        assert!(
            matches!(check(bytes, event), Err(SpoolError::TooSmall { .. })),
            "{bytes}, {event}"
        );
    }
    let Err(SpoolError::TooSmall { least, .. }) = check(1, 256 << 10) else {
        panic!("one byte is enough for anybody");
    };
    check(least, 256 << 10).unwrap();
    assert!(check(least - 1, 256 << 10).is_err());
}

#[test]
fn what_is_too_old_is_left_out_and_counted_and_its_files_go() {
    let home = directory();
    let options = small(home.path()).age(Duration::from_secs(600)).bytes(1000);
    let (mut writer, mut reader) = open(&options);
    for number in 0..30 {
        writer
            .append(&event(number), minute(i64::from(number > 20) * 5))
            .unwrap();
    }
    // The clock went back for one of them.
    assert!(writer.append(&event(31), minute(-1)).is_err());
    let (numbers, corrupt, expired) = drain(&mut reader, minute(11));
    assert_eq!((numbers, corrupt, expired), ((21..30).collect(), 0, 21));
    reader.ack(21).unwrap();
    writer.append(&event(31), minute(-1)).unwrap();
    assert_eq!(drain(&mut reader, minute(10)), (vec![], 0, 1));
    reader.ack(u64::MAX).unwrap();
    assert_eq!(reader.waiting(), 0);
    assert_eq!(reader.read(1, 1, minute(0)).unwrap().through, None);
}

#[test]
fn a_batch_of_nothing_but_lost_records_can_be_acknowledged() {
    let home = directory();
    let options = small(home.path()).age(Duration::from_secs(60));
    let (mut writer, mut reader) = open(&options);
    append(&mut writer, 0..20);
    let mut expired = 0;
    while let Some(through) = {
        let batch = reader.read(100, 1 << 20, minute(5)).unwrap();
        expired += batch.lost.expired;
        batch.through
    } {
        reader.ack(through).unwrap();
    }
    assert_eq!((expired, segments(home.path()).len()), (20, 1));
}

#[test]
fn one_thread_reads_what_others_append() {
    const EACH: u64 = 5_000;
    let home = directory();
    let options = small(home.path()).segment_bytes(20_000).fsync(Fsync::default());
    let (writer, mut reader) = open(&options);
    let writer = Mutex::new(writer);
    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let writer = &writer;
            scope.spawn(move || {
                for number in 0..EACH {
                    let event = event(thread * EACH + number);
                    // The bound is reached now and then.
                    while writer.lock().unwrap().append(&event, minute(0)).is_err() {
                        std::thread::yield_now();
                    }
                }
            });
        }
        while seen.len() < 3 * EACH as usize {
            let batch = reader.read(100, 4_000, minute(0)).unwrap();
            assert_eq!((batch.lost.corrupt, batch.lost.expired), (0, 0));
            seen.extend(batch.events().map(|(event, _)| number(event)));
            let unsynced = writer.lock().unwrap().unsynced();
            if let Some(unsynced) = unsynced.filter(|_| seen.len() % 16 == 0) {
                unsynced.sync().unwrap();
            }
            if let Some(through) = batch.through {
                reader.ack(through).unwrap();
            }
        }
    });
    for thread in 0..3 {
        let own = seen.iter().copied().filter(|number| number / EACH == thread);
        assert!(own.eq(thread * EACH..(thread + 1) * EACH));
    }
    assert_eq!((reader.waiting(), segments(home.path()).len()), (0, 1));
}
