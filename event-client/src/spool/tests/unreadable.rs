//! A disk that does not give back what is on it, or only seems not to.

use std::fs;
use std::path::Path;

use event_core::Timestamp;

use super::{append, directory, drain, minute, open, segments, small};
use crate::spool::disk::faults::{Op, fail, mend};
use crate::spool::{Reader, SpoolError};

fn read(reader: &mut Reader, now: Timestamp) -> Result<u64, SpoolError> {
    let batch = reader.read(100, 1 << 20, now)?;
    assert!(batch.ends.is_empty());
    if let Some(through) = batch.through {
        reader.ack(through).unwrap();
    }
    Ok(batch.lost.corrupt)
}

fn put_aside(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".unreadable")).collect();
    names.sort();
    names
}

#[test]
fn too_many_open_files_are_no_damage_however_long_it_takes() {
    let home = directory();
    let (mut writer, mut reader) = open(&small(home.path()));
    append(&mut writer, 0..8);
    fail(&[Op::Open], 0);
    for now in 0..1000 {
        assert!(read(&mut reader, minute(now)).is_err());
    }
    mend();
    assert_eq!(drain(&mut reader, minute(0)), ((0..8).collect(), 0, 0));
    assert!(put_aside(home.path()).is_empty());
}

#[test]
fn what_the_disk_does_not_give_back_is_put_aside_and_counted() {
    let home = directory();
    let (mut writer, mut reader) = open(&small(home.path()));
    append(&mut writer, 0..8);
    let content = fs::read(&segments(home.path())[0]).unwrap();
    fail(&[Op::Read], 0);
    for now in 0..9 {
        assert!(read(&mut reader, minute(now)).is_err());
        // Somebody who is in a hurry.
        for _ in 0..100 {
            assert!(read(&mut reader, minute(now)).is_err());
        }
    }
    assert_eq!(read(&mut reader, minute(9)).unwrap(), 3);
    // The next one has its own ten.
    assert!(read(&mut reader, minute(10)).is_err());
    mend();
    assert_eq!(put_aside(home.path()), ["00000000000000000001.spool.unreadable"]);
    let aside = home.path().join("00000000000000000001.spool.unreadable");
    assert_eq!(fs::read(&aside).unwrap(), content);
    assert_eq!(reader.bytes(), 5 * 33);
    assert_eq!(drain(&mut reader, minute(0)), ((3..8).collect(), 0, 0));
    drop((writer, reader));
    let (_writer, mut reader, recovered) = crate::spool::open(&small(home.path())).unwrap();
    assert_eq!((recovered.records, recovered.bytes), (5, 5 * 33));
    assert_eq!(drain(&mut reader, minute(0)), ((3..8).collect(), 0, 0));
    assert!(aside.exists());
}

#[test]
fn failures_with_something_read_in_between_prove_nothing() {
    let home = directory();
    let (mut writer, mut reader) = open(&small(home.path()).segment_bytes(100_000));
    append(&mut writer, 0..60);
    for now in 0..60 {
        // A file that is opened anew for each record, as if the window were small.
        reader.forget_window();
        fail(&[Op::Read], 0);
        assert!(read(&mut reader, minute(now)).is_err());
        mend();
        assert_eq!(reader.read(1, 1000, minute(0)).unwrap().ends.len(), 1);
    }
}

#[test]
fn the_segment_that_is_written_on_is_put_aside_once_there_is_another() {
    let home = directory();
    let (mut writer, mut reader) = open(&small(home.path()));
    append(&mut writer, 0..2);
    fail(&[Op::Read], 0);
    let lost = (0..10).map(|now| read(&mut reader, minute(now)).unwrap_or(0));
    assert_eq!(lost.sum::<u64>(), 2);
    mend();
    assert!(put_aside(home.path()).is_empty());
    // There is room in it, and yet it is left alone.
    append(&mut writer, 2..4);
    let batch = reader.read(100, 1 << 20, minute(0)).unwrap();
    assert_eq!((batch.ends.len(), batch.lost.corrupt), (2, 0));
    reader.ack(batch.through.unwrap()).unwrap();
    assert_eq!(put_aside(home.path()), ["00000000000000000001.spool.unreadable"]);
    assert_eq!(segments(home.path()).len(), 1);
}
