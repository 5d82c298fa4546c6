//! A file in pieces, read by several threads at once, each from a line end to a line end.
//!
//! That lines are records is a guess as long as there are quotes. It is right if no record goes over a line
//! end; the first that does is seen by whoever reads the piece in which it begins, since all records before it are
//! lines; and then all that was counted is thrown away.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use super::super::failure::Failure;
use super::super::options::{Format, LastRecord};
use super::super::record::{self, Place, Shape};
use super::super::report::Progress;
use super::CountOptions;
use super::counted::Counted;
use super::look::Look;
use super::spill::Spill;
use super::worker::Worker;

/// So many bytes a line may have behind the end of the piece that it begins in.
const BEHIND: usize = 64 << 10;
/// So many most lines have at the most: no more is read of what another piece will read again.
const NEAR: usize = 2 << 10;
/// The bytes that a processor moves at once between its caches.
const CACHE_LINE: usize = 64;

/// The records of a file.
pub(super) struct Pieces<'a> {
    file: &'a File,
    /// Where they begin.
    place: Place,
    /// Where the file ends.
    size: u64,
    shape: Shape,
    /// So many bytes a thread takes at once.
    length: usize,
    next: AtomicU64,
    /// Whether records were found that are not lines.
    mistaken: AtomicBool,
    bytes: AtomicU64,
    rows: AtomicU64,
    errors: AtomicU64,
}

/// How many lines begin in a piece.
struct Lines {
    piece: u64,
    lines: u64,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(file: &'a File, place: Place, size: u64, format: &Format, length: usize) -> Self {
        Pieces {
            file,
            bytes: AtomicU64::new(place.offset),
            place,
            size,
            shape: format.shape(),
            length: length.max(1),
            next: AtomicU64::new(0),
            mistaken: AtomicBool::new(false),
            rows: AtomicU64::new(0),
            errors: AtomicU64::new(0),
        }
    }

    /// Counts them all; `None` if they have to be read one after the other.
    pub(super) fn count(
        &self,
        look: &Look,
        spill: &Spill,
        counting: &CountOptions,
        started: Instant,
        progress: &mut impl FnMut(Progress),
    ) -> Result<Option<Counted>, Failure> {
        if !cfg!(any(unix, windows)) {
            return Ok(None);
        }
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let pieces = self.size.saturating_sub(self.place.offset).div_ceil(self.length as u64);
        let threads = counting.threads.unwrap_or_else(cores).max(1);
        let threads = threads.min(usize::try_from(pieces).unwrap_or(usize::MAX)).max(1);
        let work = |told: &mut dyn FnMut(Progress)| self.work(Worker::new(look, spill, spill.share(threads)), told);
        let done = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| work(&mut |_| {}))).collect();
            let mut done = vec![work(progress)];
            done.extend(others.into_iter().map(|other| {
                let failed = |_| Err(Failure::Unreadable(io::Error::other("a thread that reads has failed")));
                other.join().unwrap_or_else(failed)
            }));
            done
        });
        let (mut workers, mut lines) = (Vec::new(), Vec::new());
        for done in done {
            let (worker, of_pieces) = done?;
            workers.push(worker);
            lines.extend(of_pieces);
        }
        if self.mistaken.load(Ordering::Relaxed) {
            return Ok(None);
        }
        self.number(&mut workers, lines);
        let bytes = self.bytes.load(Ordering::Relaxed);
        Ok(Some(Counted::of(workers, spill, look, bytes, started)))
    }

    /// Takes piece after piece, until there is none.
    fn work<'b>(
        &self,
        mut worker: Worker<'b>,
        told: &mut dyn FnMut(Progress),
    ) -> Result<(Worker<'b>, Vec<Lines>), Failure> {
        let mut buffer = vec![0; CACHE_LINE + self.length + BEHIND];
        let mut all = Vec::new();
        let (mut rows, mut errors) = (0, 0);
        while !self.mistaken.load(Ordering::Relaxed) {
            let piece = self.next.fetch_add(1, Ordering::Relaxed);
            let start = self.place.offset + piece * self.length as u64;
            if start >= self.size && piece > 0 {
                break;
            }
            match self.piece(piece, start, &mut buffer, &mut worker)? {
                Some(lines) => all.push(Lines { piece, lines }),
                None => self.mistaken.store(true, Ordering::Relaxed),
            }
            worker.relieve()?;
            let (rows_now, errors_now) = (worker.rows(), worker.refused());
            let length = (self.length as u64).min(self.size.saturating_sub(start));
            let progress = Progress {
                rows: self.rows.fetch_add(rows_now - rows, Ordering::Relaxed) + rows_now - rows,
                errors: self.errors.fetch_add(errors_now - errors, Ordering::Relaxed) + errors_now - errors,
                bytes: self.bytes.fetch_add(length, Ordering::Relaxed) + length,
                size: Some(self.size),
                resuming: false,
            };
            (rows, errors) = (rows_now, errors_now);
            told(progress);
        }
        Ok((worker, all))
    }

    /// Counts the lines that begin in a piece, and answers how many there are; `None` if they may be no records.
    fn piece(
        &self,
        piece: u64,
        start: u64,
        buffer: &mut [u8],
        worker: &mut Worker<'_>,
    ) -> Result<Option<u64>, Failure> {
        // The byte before the piece tells whether a line begins with it.
        let before = usize::from(piece > 0);
        let from = start - before as u64;
        let buffer = in_step(buffer, from);
        let rest = usize::try_from(self.size - from).unwrap_or(usize::MAX);
        let mut most = (before + self.length + NEAR).min(rest);
        let mut filled = fill(self.file, &mut buffer[..most], from)?;
        // The last line that begins in the piece ends here.
        let behind = (before + self.length - 1).min(filled);
        if filled == most && memchr::memchr(b'\n', &buffer[behind..filled]).is_none() {
            most = (before + self.length + BEHIND).min(rest);
            filled += fill(self.file, &mut buffer[filled..most], from + filled as u64)?;
        }
        let bytes = &buffer[..filled];
        // Where the file ends, though it may have been longer.
        let whole = filled == rest || filled < most;
        let mut at = match before {
            0 => 0,
            _ => match memchr::memchr(b'\n', bytes) {
                Some(end) => end + 1,
                None => return Ok(Some(0)),
            },
        };
        let (mut lines, last) = (0, worker.last_record());
        let behind = bytes.len().min(before + self.length);
        let mut plain = worker.lines(bytes, at);
        while at < behind {
            if let Some(plain) = &mut plain {
                plain.go_on(at);
                lines += worker.glance_on(plain, behind);
                at = plain.at();
                if at >= behind {
                    break;
                }
            }
            let end = memchr::memchr(b'\n', &bytes[at..]).map(|end| at + end);
            if end.is_none() && !whole {
                return Ok(None);
            }
            let line = &bytes[at..end.unwrap_or(bytes.len())];
            let record = line.strip_suffix(b"\r").unwrap_or(line);
            if end.is_none() && last == LastRecord::Leave {
                break;
            }
            // With its line end, it would have been counted if it were plain.
            let plain = end.is_none() && worker.glance(record);
            if !self.is_empty(record) && !plain {
                if let Some(end) = end
                    && record::end(&bytes[at..=end], self.shape).is_none()
                {
                    return Ok(None);
                }
                worker.closely(record, lines, from + at as u64);
            }
            lines += 1;
            at = end.map_or(bytes.len(), |end| end + 1);
        }
        Ok(Some(lines))
    }

    fn is_empty(&self, record: &[u8]) -> bool {
        match self.shape {
            Shape::Fields(_) => record.is_empty(),
            Shape::Lines => record.iter().all(u8::is_ascii_whitespace),
        }
    }

    /// Gives rejected rows the numbers of their lines in the file, which nobody knew who read a piece.
    fn number(&self, workers: &mut [Worker<'_>], mut lines: Vec<Lines>) {
        lines.sort_by_key(|it| it.piece);
        let mut first = self.place.line;
        let firsts: Vec<u64> = lines
            .iter()
            .map(|it| {
                let this = first;
                first += it.lines;
                this
            })
            .collect();
        for rejected in workers.iter_mut().flat_map(|worker| &mut worker.rejected) {
            let piece = (rejected.offset - self.place.offset) / self.length as u64;
            let piece = usize::try_from(piece).unwrap_or(usize::MAX);
            rejected.line += firsts.get(piece).copied().unwrap_or_default();
        }
    }
}

/// The part of a buffer that begins as far behind the start of a cache line as a place of the file does. Where memory
/// lies a few bytes further within a page than the file, the system's copy takes three times as long on some processors.
fn in_step(buffer: &mut [u8], from: u64) -> &mut [u8] {
    let here = buffer.as_ptr().addr() % CACHE_LINE;
    let there = (from % CACHE_LINE as u64) as usize;
    &mut buffer[(CACHE_LINE + there - here) % CACHE_LINE..]
}

/// Reads as much as there is.
fn fill(file: &File, room: &mut [u8], from: u64) -> Result<usize, Failure> {
    let mut filled = 0;
    while filled < room.len() {
        match read_at(file, &mut room[filled..], from + filled as u64) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::Unreadable(error)),
        }
    }
    Ok(filled)
}

#[cfg(unix)]
fn read_at(file: &File, room: &mut [u8], from: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, room, from)
}

#[cfg(windows)]
fn read_at(file: &File, room: &mut [u8], from: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, room, from)
}

#[cfg(not(any(unix, windows)))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_in_step_with_the_file() {
        let mut buffer = [0; 3 * CACHE_LINE];
        for start in 0..CACHE_LINE {
            for from in [0, 1, 63, 64, 65, 524_287, u64::MAX] {
                let part = in_step(&mut buffer[start..2 * CACHE_LINE + start], from);
                assert_eq!(part.as_ptr().addr() % CACHE_LINE, (from % 64) as usize);
                assert!(part.len() > CACHE_LINE);
            }
        }
    }
}
