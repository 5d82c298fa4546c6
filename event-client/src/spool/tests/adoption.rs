//! What a dead child left comes into the spool of the owner, never less than all of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{append, directory, drain, minute, open, small};
use crate::spool::batch::Lost;
use crate::spool::disk::faults::{die_after, mend};
use crate::spool::orphan::Adopted;
use crate::spool::{Fsync, SpoolOptions, Writer, adopt, open_child};

/// A child that ends with these events in its spool.
fn dead_child(options: &SpoolOptions, numbers: std::ops::Range<u64>) {
    let (mut writer, _reader, recovered) = open_child(options).unwrap();
    assert_eq!(recovered.records, 0);
    append(&mut writer, numbers);
}

fn adopt_into(writer: &mut Writer, options: &SpoolOptions) -> Adopted {
    adopt(options, minute(0), |batch| writer.take_over(batch))
}

fn children(home: &Path) -> usize {
    let entries = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).count()
}

#[test]
fn the_living_are_left_alone_and_the_dead_adopted() {
    for sync in [Fsync::Always, Fsync::default(), Fsync::Never] {
        let home = directory();
        let options = small(home.path()).fsync(sync);
        let (mut writer, mut reader) = open(&options);
        append(&mut writer, 0..2);
        let (mut child, child_reader, _) = open_child(&options).unwrap();
        append(&mut child, 2..9);
        dead_child(&options, 9..12);
        fs::create_dir(home.path().join("child-1-7")).unwrap();
        assert_eq!(children(home.path()), 3);
        let adopted = adopt_into(&mut writer, &options);
        assert_eq!((adopted.records, adopted.left, children(home.path())), (3, 0, 1));
        drop((child, child_reader));
        assert_eq!(adopt_into(&mut writer, &options).records, 7);
        assert_eq!(children(home.path()), 0);
        assert_eq!(adopt_into(&mut writer, &options), Adopted::default());
        let seen = [0, 1, 9, 10, 11, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(drain(&mut reader, minute(0)), (seen.to_vec(), 0, 0));
    }
}

#[test]
fn the_mutex_is_held_for_a_hundred_at_a_time() {
    let home = directory();
    let options = small(home.path()).segment_bytes(100_000);
    let (mut writer, mut reader) = open(&options);
    dead_child(&options, 0..350);
    let mut portions = Vec::new();
    let adopted = adopt(&options, minute(0), |batch| {
        portions.push(batch.ends.len());
        writer.take_over(batch)
    });
    assert_eq!((adopted.records, portions), (350, vec![100, 100, 100, 50]));
    assert_eq!(drain(&mut reader, minute(0)), ((0..350).collect(), 0, 0));
}

#[test]
fn what_a_child_had_put_aside_is_kept() {
    let home = directory();
    let options = small(home.path());
    let (mut writer, _reader) = open(&options);
    dead_child(&options, 0..2);
    let child = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path());
    let child = child.filter(|path| path.is_dir()).last().unwrap();
    fs::write(child.join("7.spool.unreadable"), "good").unwrap();
    assert_eq!(adopt_into(&mut writer, &options).records, 2);
    let name = format!("{}-7.spool.unreadable", child.file_name().unwrap().to_str().unwrap());
    assert_eq!(
        (fs::read(home.path().join(name)).unwrap(), child.exists()),
        (b"good".to_vec(), false)
    );
}

#[test]
fn times_are_kept_and_what_is_lost_is_counted() {
    let home = directory();
    let options = small(home.path()).age(Duration::from_secs(3600));
    let (mut writer, mut reader) = open(&options);
    let (mut child, child_reader, _) = open_child(&options).unwrap();
    for number in 0..9 {
        child.append(&super::event(number), minute(number as i64 * 10)).unwrap();
    }
    drop((child, child_reader));
    let orphan = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path());
    let orphan = orphan.filter(|path| path.is_dir()).last().unwrap();
    let newest = super::segments(&orphan).pop().unwrap();
    let mut content = fs::read(&newest).unwrap();
    content[30] ^= 1;
    fs::write(&newest, content).unwrap();
    let adopted = adopt(&options, minute(80), |batch| writer.take_over(batch));
    let lost = Lost { corrupt: 1, expired: 2 };
    assert_eq!(
        adopted,
        Adopted {
            records: 6,
            lost,
            left: 0
        }
    );
    let batch = reader.read(1, 1000, minute(80)).unwrap();
    assert_eq!(batch.times, [minute(20)]);
    assert_eq!(drain(&mut reader, minute(100)), (vec![4, 5, 7, 8], 0, 1));
}

#[test]
fn what_does_not_fit_stays_for_later() {
    let home = directory();
    let options = small(home.path()).bytes(480);
    let (mut writer, mut reader) = open(&options);
    append(&mut writer, 0..10);
    dead_child(&options, 10..20);
    let adopted = adopt_into(&mut writer, &options);
    assert_eq!((adopted.records, adopted.left), (4, 1));
    assert_eq!(
        adopt_into(&mut writer, &options),
        Adopted {
            left: 1,
            ..Adopted::default()
        }
    );
    assert_eq!(drain(&mut reader, minute(0)).0, (0..14).collect::<Vec<_>>());
    reader.ack(u64::MAX).unwrap();
    let adopted = adopt_into(&mut writer, &options);
    assert_eq!((adopted.records, adopted.left, children(home.path())), (6, 0, 0));
    assert_eq!(drain(&mut reader, minute(0)), ((14..20).collect(), 0, 0));
}

#[test]
fn whenever_the_owner_dies_while_adopting_nothing_is_lost() {
    for sync in [Fsync::Always, Fsync::Never] {
        let mut deaths = 0;
        for operations in 0.. {
            let home = directory();
            let options = small(home.path()).fsync(sync);
            dead_child(&options, 10..16);
            dead_child(&options, 20..22);
            let (mut writer, reader) = open(&options);
            append(&mut writer, 0..2);
            die_after(operations, 100);
            let adopted = adopt_into(&mut writer, &options);
            let died = mend();
            deaths += u32::from(died);
            drop((writer, reader));
            let (mut writer, mut reader) = open(&options);
            let again = adopt_into(&mut writer, &options);
            assert_eq!((again.left, children(home.path())), (0, 0), "{operations} operations");
            let (numbers, corrupt, _) = drain(&mut reader, minute(0));
            let seen: BTreeSet<u64> = numbers.iter().copied().collect();
            assert!(
                seen.into_iter().eq((0..2).chain(10..16).chain(20..22)),
                "{operations}: {numbers:?}"
            );
            assert_eq!(corrupt, 0);
            if !died {
                assert_eq!((adopted.records, numbers.len()), (8, 10));
                break;
            }
        }
        assert!(deaths > 10, "{deaths} deaths");
    }
}
