//! Flipped bits, torn ends, foreign files: a start never fails, and what is lost is counted exactly.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{append, directory, drain, minute, open, segments, small};
use crate::spool::{Reader, SpoolOptions};

const RECORDS: u64 = 8;

/// Three segments of up to three records.
fn filled() -> TempDir {
    let home = directory();
    let (mut writer, _) = open(&small(home.path()));
    append(&mut writer, 0..RECORDS);
    assert_eq!(segments(home.path()).len(), 3);
    home
}

fn copy(from: &Path) -> TempDir {
    let to = directory();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    to
}

/// Opens it, appends one more, and reads all of it twice, the second time after another start.
fn outcome(options: &SpoolOptions) -> (Vec<u64>, u64) {
    let (mut writer, mut reader, recovered) = crate::spool::open(options).unwrap();
    append(&mut writer, [RECORDS]);
    let (numbers, corrupt, expired) = drain(&mut reader, minute(0));
    assert_eq!(recovered.records + 1, numbers.len() as u64 + corrupt);
    assert!(recovered.damaged <= corrupt);
    assert_eq!(expired, 0);
    drop((writer, reader));
    let (_writer, mut reader): (_, Reader) = open(options);
    assert_eq!(drain(&mut reader, minute(0)), (numbers.clone(), corrupt, 0));
    (numbers, corrupt)
}

#[test]
fn any_damaged_byte_loses_one_record_and_counts_it() {
    let home = filled();
    for (segment, first) in segments(home.path()).iter().zip([0, 3, 6]) {
        let content = fs::read(segment).unwrap();
        for place in 0..content.len() {
            let bits = (0..8).map(|bit| content[place] ^ (1 << bit));
            for byte in bits.chain([b'\n']).filter(|byte| *byte != content[place]) {
                let home = copy(home.path());
                let mut damaged = content.clone();
                damaged[place] = byte;
                fs::write(home.path().join(segment.file_name().unwrap()), damaged).unwrap();
                let (numbers, corrupt) = outcome(&small(home.path()));
                let hit = first + place as u64 / 33;
                let others: Vec<u64> = (0..=RECORDS).filter(|number| *number != hit).collect();
                assert_eq!((numbers, corrupt), (others, 1), "byte {place} of {segment:?} is {byte}");
            }
        }
    }
}

#[test]
fn damage_while_it_is_open_loses_one_record_too() {
    let home = filled();
    let length = fs::metadata(&segments(home.path())[2]).unwrap().len();
    for place in 0..length {
        let home = copy(home.path());
        let (mut writer, mut reader) = open(&small(home.path()));
        let newest = &segments(home.path())[2];
        let mut content = fs::read(newest).unwrap();
        content[place as usize] ^= 0x10;
        fs::write(newest, content).unwrap();
        append(&mut writer, [RECORDS]);
        let (numbers, corrupt, _) = drain(&mut reader, minute(0));
        assert_eq!((numbers.len() as u64, corrupt), (RECORDS, 1), "byte {place}");
    }
}

#[test]
fn an_end_that_was_torn_is_cut_off_and_is_no_loss() {
    let home = filled();
    let newest = segments(home.path())[2].clone();
    let content = fs::read(&newest).unwrap();
    for length in 0..content.len() {
        for rest in [&b""[..], &[0; 40]] {
            let home = copy(home.path());
            let torn = [&content[..length], rest].concat();
            fs::write(home.path().join(newest.file_name().unwrap()), torn).unwrap();
            let whole = 6 + length as u64 / 33;
            let expected: Vec<u64> = (0..whole).chain([RECORDS]).collect();
            // With zeros behind it, one whose writing had begun may look as if it had been written.
            let (numbers, corrupt) = outcome(&small(home.path()));
            assert_eq!(numbers, expected, "{length} bytes and {} zeros", rest.len());
            assert!(
                corrupt == 0 || (corrupt == 1 && !rest.is_empty()),
                "{length}: {corrupt}"
            );
        }
    }
}

#[test]
fn a_segment_that_is_missing_or_rubbish_counts_whole() {
    let home = filled();
    for content in [
        None,
        Some(vec![]),
        Some(vec![0; 5000]),
        Some(vec![b'\n'; 5000]),
        Some(vec![0xff; 50]),
    ] {
        let home = copy(home.path());
        let middle = &segments(home.path())[1];
        match &content {
            None => fs::remove_file(middle).unwrap(),
            Some(content) => fs::write(middle, content).unwrap(),
        }
        let (numbers, corrupt) = outcome(&small(home.path()));
        assert_eq!(
            (numbers, corrupt),
            (vec![0, 1, 2, 6, 7, 8], 3),
            "{:?}",
            content.map(|it| it.len())
        );
    }
}

#[test]
fn a_segment_that_disappears_while_it_is_open_counts_whole() {
    let home = filled();
    let (_writer, mut reader) = open(&small(home.path()));
    fs::remove_file(&segments(home.path())[1]).unwrap();
    assert_eq!(drain(&mut reader, minute(0)), (vec![0, 1, 2, 6, 7], 3, 0));
}

#[test]
fn a_segment_can_be_given_up() {
    let home = filled();
    let (_writer, mut reader) = open(&small(home.path()));
    let through = reader.read(1, 1000, minute(0)).unwrap().through.unwrap();
    reader.ack(through).unwrap();
    let given_up = reader.skip_segment();
    assert_eq!((given_up.lost.corrupt, given_up.through), (2, Some(3)));
    assert_eq!(drain(&mut reader, minute(0)), ((3..8).collect(), 0, 0));
}

#[test]
fn an_acknowledgement_that_is_damaged_or_missing_means_from_the_oldest_segment() {
    let home = filled();
    let (_writer, mut reader) = open(&small(home.path()));
    let through = reader.read(2, 1000, minute(0)).unwrap().through.unwrap();
    reader.ack(through).unwrap();
    drop((_writer, reader));
    assert_eq!(outcome(&small(copy(home.path()).path())).0, (2..=8).collect::<Vec<_>>());
    let good = fs::read(home.path().join("acked")).unwrap();
    let flipped = (0..96).map(|bit| {
        let mut content = good.clone();
        content[bit / 8] ^= 1 << (bit % 8);
        content
    });
    let others = [
        vec![],
        vec![0; 11],
        vec![0xff; 12],
        [good.clone(), vec![0]].concat(),
        vec![0; 100_000],
    ];
    for content in flipped.chain(others) {
        let home = copy(home.path());
        fs::write(home.path().join("acked"), &content).unwrap();
        assert_eq!(
            outcome(&small(home.path())),
            ((0..=8).collect(), 0),
            "{:?}",
            content.get(..12)
        );
    }
}

#[test]
fn foreign_files_are_left_alone() {
    let home = filled();
    let names = [
        "README",
        "acked.new",
        "1.spool",
        "00000000000000000001.spool~",
        "0000000000000000000x.spool",
        "00000000000000000000.spool",
        "99999999999999999999.spool",
        "18446744073709551615.spool",
        "+0000000000000000007.spool",
        "child-",
        "child-1-0",
    ];
    for name in names {
        fs::write(home.path().join(name), b"\n\0rubbish").unwrap();
    }
    for name in ["00000000000000000002.spool", "00000000000000000010.spool", "lock.d"] {
        fs::create_dir(home.path().join(name)).unwrap();
    }
    assert_eq!(outcome(&small(home.path())), ((0..=8).collect(), 0));
    for name in names.iter().filter(|name| **name != "acked.new") {
        assert_eq!(fs::read(home.path().join(name)).unwrap(), b"\n\0rubbish", "{name}");
    }
    // A directory has the name of the next segment: its index is left out.
    let (mut writer, mut reader) = open(&small(home.path()));
    append(&mut writer, 9..13);
    assert_eq!(drain(&mut reader, minute(0)), ((0..13).collect(), 1, 0));
}
