//! What a spool promises, against a disk that is as bad as it gets.

mod model;
mod damage;
mod faults;
mod owner;
mod unreadable;
mod adoption;
mod queue;

use std::path::{Path, PathBuf};

use event_core::Timestamp;
use tempfile::TempDir;

use super::{Fsync, Reader, SpoolOptions, Writer};

/// The minute of a test, on 2026-01-01.
fn minute(minutes: i64) -> Timestamp {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    start.saturating_add_micros(minutes * 60_000_000)
}

/// Small segments, so that a few records make several.
fn small(directory: &Path) -> SpoolOptions {
    SpoolOptions::new(directory)
        .bytes(1 << 20)
        .segment_bytes(120)
        .fsync(Fsync::Never)
}

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(options: &SpoolOptions) -> (Writer, Reader) {
    let (writer, reader, _) = super::open(options).unwrap();
    (writer, reader)
}

/// Appends events `{"n":…}`: up to 99 each takes 33 bytes, so a small segment has three.
fn append(writer: &mut Writer, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        writer.append(&event(number), minute(0)).unwrap();
    }
}

fn event(number: u64) -> Vec<u8> {
    format!("{{\"n\":{number:2}}}").into_bytes()
}

fn number(event: &[u8]) -> u64 {
    let text = std::str::from_utf8(event).unwrap();
    text.strip_prefix("{\"n\":")
        .unwrap()
        .strip_suffix('}')
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

/// Reads to the end, without acknowledging: the numbers of the events, damaged ones and expired ones.
fn drain(reader: &mut Reader, now: Timestamp) -> (Vec<u64>, u64, u64) {
    let (mut numbers, mut corrupt, mut expired) = (Vec::new(), 0, 0);
    loop {
        let batch = reader.read(7, 1 << 20, now).unwrap();
        assert_eq!(batch.lines.len(), batch.ends.last().copied().unwrap_or(0));
        numbers.extend(batch.events().map(|(event, _)| number(event)));
        corrupt += batch.lost.corrupt;
        expired += batch.lost.expired;
        if batch.through.is_none() {
            return (numbers, corrupt, expired);
        }
    }
}

/// The segments, oldest first.
fn segments(directory: &Path) -> Vec<PathBuf> {
    let mut segments: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "spool"))
        .collect();
    segments.sort();
    segments
}
