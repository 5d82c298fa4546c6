//! One owner for a directory, in this process and in others; and a process that is killed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use super::{append, directory, drain, event, minute, open, small};
use crate::spool::{Fsync, SpoolError};

const HOME: &str = "EVENT_TEST_SPOOL";

/// Runs the test of the same name below in a process of its own.
fn other_process(test: &str, home: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "--nocapture",
            &format!("spool::tests::owner::{test}"),
        ])
        .env(HOME, home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The lines that the other process prints for us.
fn said(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines
        .map_while(Result::ok)
        .filter_map(|line| Some(line.split_once("said ")?.1.to_owned()))
}

fn say(what: impl std::fmt::Display) {
    // Not `println`, which the test harness may hold back.
    let _ = writeln!(std::io::stdout(), "said {what}");
}

#[test]
#[ignore = "the other process of another test"]
fn owns_it_until_told() {
    let home = std::env::var_os(HOME).unwrap();
    let (mut writer, _reader) = open(&small(home.as_ref()));
    append(&mut writer, 0..3);
    say("open");
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[test]
#[ignore = "the other process of another test"]
fn appends_until_killed() {
    let home = std::env::var_os(HOME).unwrap();
    let (mut writer, _reader) = open(&small(home.as_ref()).segment_bytes(4000).bytes(1 << 30));
    for number in 0.. {
        writer.append(&event(number), minute(0)).unwrap();
        say(number);
    }
}

#[test]
fn another_process_keeps_it_as_long_as_it_lives() {
    let home = directory();
    let mut other = other_process("owns_it_until_told", home.path());
    assert_eq!(said(&mut other).next().as_deref(), Some("open"));
    let refused = crate::spool::open(&small(home.path())).map(drop);
    assert!(matches!(&refused, Err(SpoolError::Locked { directory }) if directory == home.path()));
    let owner = std::fs::read_to_string(home.path().join("lock")).unwrap();
    assert_eq!(owner.trim(), other.id().to_string());
    other.kill().unwrap();
    other.wait().unwrap();
    let (_writer, mut reader) = open(&small(home.path()));
    assert_eq!(drain(&mut reader, minute(0)), (vec![0, 1, 2], 0, 0));
}

#[test]
fn what_was_taken_survives_a_kill() {
    for after in [1, 100, 1000] {
        let home = directory();
        let mut other = other_process("appends_until_killed", home.path());
        let mut lines = said(&mut other);
        lines.nth(after - 1).unwrap();
        other.kill().unwrap();
        other.wait().unwrap();
        let taken: u64 = lines
            .last()
            .map_or(after as u64, |last| last.parse::<u64>().unwrap() + 1);
        let (_writer, mut reader) = open(&small(home.path()).bytes(1 << 30));
        let (numbers, corrupt, _) = drain(&mut reader, minute(0));
        assert!(numbers.len() as u64 >= taken && numbers.len() as u64 <= taken + 1);
        assert!(numbers.iter().copied().eq(0..numbers.len() as u64));
        assert_eq!(corrupt, 0);
    }
}

#[test]
fn a_second_client_of_this_process_is_refused_too() {
    let home = directory();
    let (writer, reader) = open(&small(home.path()));
    let refused = || matches!(crate::spool::open(&small(home.path())), Err(SpoolError::Locked { .. }));
    assert!(refused());
    drop(writer);
    assert!(refused());
    drop(reader);
    assert!(!refused());
}

/// What happens in a child, as far as that can be had without a fork: the child's copy of the descriptor is closed,
/// and from then on it writes nothing into the parent's directory.
#[test]
fn a_child_lets_go_of_the_lock_and_of_the_files() {
    let home = directory();
    let (mut writer, reader) = open(&small(home.path()).fsync(Fsync::default()));
    append(&mut writer, 0..3);
    let lock = Arc::clone(writer.lock());
    assert!(lock.is_held());
    lock.close_inherited();
    lock.close_inherited();
    assert!(!lock.is_held());
    writer.close().unwrap();
    reader.close().unwrap();
    assert!(!home.path().join("acked").exists());
    let (_writer, mut reader) = open(&small(home.path()));
    assert_eq!(drain(&mut reader, minute(0)), (vec![0, 1, 2], 0, 0));
}

#[test]
fn a_released_directory_is_for_others_although_the_lock_is_still_there() {
    let home = directory();
    let (mut writer, reader) = open(&small(home.path()));
    append(&mut writer, 0..3);
    let lock = Arc::clone(writer.lock());
    writer.close().unwrap();
    reader.close().unwrap();
    lock.release();
    assert!(!lock.is_held());
    let (_writer, mut reader) = open(&small(home.path()));
    assert_eq!(drain(&mut reader, minute(0)), (vec![0, 1, 2], 0, 0));
    // The second time it is somebody else's.
    lock.release();
    assert!(matches!(
        crate::spool::open(&small(home.path())),
        Err(SpoolError::Locked { .. })
    ));
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_what_is_in_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = directory();
    let options = small(&home.path().join("above/spool"));
    let (mut writer, mut reader) = open(&options);
    append(&mut writer, 0..7);
    let through = reader.read(1, 1000, minute(0)).unwrap().through.unwrap();
    reader.ack(through).unwrap();
    let (mut child, _reader, _) = crate::spool::open_child(&options).unwrap();
    append(&mut child, 7..8);
    let mut paths = vec![home.path().join("above")];
    let mut seen = 0;
    while let Some(path) = paths.pop() {
        let (metadata, mut mode) = (path.metadata().unwrap(), 0o600);
        if metadata.is_dir() {
            mode = 0o700;
            paths.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{}", path.display());
        seen += 1;
    }
    // Three directories, two locks, four segments, and what is acknowledged.
    assert_eq!(seen, 10);
}

#[test]
fn only_a_directory_that_cannot_be_had_is_an_error() {
    let home = directory();
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    for directory in [file.clone(), file.join("below")] {
        let error = crate::spool::open(&small(&directory)).map(drop).unwrap_err();
        assert!(matches!(error, SpoolError::Io { .. }), "{error}");
        assert!(error.to_string().contains("file"));
    }
    let deep = home.path().join("a/b/c");
    append(&mut open(&small(&deep)).0, 0..1);
    assert!(deep.join("00000000000000000001.spool").exists());
}
