//! The side of a spool that gives events, and forgets them when they are delivered.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event_core::Timestamp;

use crate::spool::acked;
use crate::spool::batch::Batch;
use crate::spool::disk;
use crate::spool::failure::SpoolError;
use crate::spool::ledger::{self, Shared};
use crate::spool::lock::Lock;
use crate::spool::options::{Fsync, SpoolOptions};
use crate::spool::scan::{Extent, Found, Scan};
use crate::spool::trouble::{Failure, Trouble};

/// Reads records from the front, each once, and deletes segments when all of them are acknowledged. It never waits for
/// who appends, nor lets them wait for the disk.
#[derive(Debug)]
pub(crate) struct Reader {
    lock: Arc<Lock>,
    shared: Arc<Shared>,
    sync: Fsync,
    age_micros: i64,
    /// The index of the next record to read.
    position: u64,
    acked: u64,
    /// The segment that is being read, by its first index.
    scan: Option<(u64, Scan)>,
    trouble: Trouble,
}

impl Reader {
    /// Behind what is acknowledged.
    pub(crate) fn new(options: &SpoolOptions, lock: Arc<Lock>, shared: Arc<Shared>, acked: u64) -> Reader {
        Reader {
            lock,
            shared,
            sync: options.sync,
            age_micros: options.age_micros(),
            position: acked + 1,
            acked,
            scan: None,
            trouble: Trouble::default(),
        }
    }

    /// The next records: at most so many and, unless one alone is larger, at most so many bytes of them. Records that
    /// are too old by now and damaged ones are left out and counted. A batch ends with a segment at the latest, so
    /// that it can be acknowledged and the segment deleted; one that holds nothing, lost ones included, means that
    /// nothing waits.
    ///
    /// # Errors
    /// If a segment can for the time being not be opened or read. The place is kept, so another call tries again. One
    /// whose file is gone is no error: its records count as damaged, and so they do where the disk has failed to give
    /// the content back many times over.
    pub(crate) fn read(&mut self, max_events: usize, max_bytes: usize, now: Timestamp) -> Result<Batch, SpoolError> {
        let mut batch = Batch::default();
        let oldest = now.as_micros().saturating_sub(self.age_micros);
        while batch.through.is_none() {
            let Some(extent) = self.shared.ledger().segment_of(self.position) else {
                break;
            };
            // What lies before the oldest segment was acknowledged: nothing else deletes one.
            self.position = self.position.max(extent.first);
            let before = self.position;
            let outcome = self.read_segment(extent, (max_events, max_bytes), oldest, &mut batch);
            if self.position > before {
                batch.through = Some(self.position - 1);
                self.trouble.is_over();
            }
            match outcome {
                // What was read before the failure goes out first.
                Err(failure) if batch.through.is_none() => {
                    // It would hold up all that comes behind it.
                    if self.trouble.is_hopeless(extent.first, &failure, now) {
                        return Ok(self.skip_segment());
                    }
                    return Err(SpoolError::at(&self.path(extent))(failure.into_error()));
                }
                Err(_) => break,
                Ok(()) if self.position == before => break,
                Ok(()) => {}
            }
        }
        Ok(batch)
    }

    /// Everything up to this index is done with. What can be deleted is deleted, and the place is written down at
    /// once: without waiting for the disk, except under [`Fsync::Always`].
    ///
    /// # Errors
    /// If the place could not be written down or a segment not be deleted. Nothing is lost: both are tried again the
    /// next time, and until then events may be sent twice.
    pub(crate) fn ack(&mut self, through: u64) -> Result<(), SpoolError> {
        self.acked = self.acked.max(through.min(self.position - 1));
        let written = self.write_down(self.sync == Fsync::Always);
        // The order is of no importance: what lies before the oldest segment counts as acknowledged.
        let deleted = self.delete();
        written.and(deleted)
    }

    /// Gives up the segment that is to be read next, for one that cannot be read for good: all that is left in it
    /// counts as damaged. Its file is put aside when it would be deleted: it may be read another day.
    pub(crate) fn skip_segment(&mut self) -> Batch {
        let mut batch = Batch::default();
        let mut ledger = self.shared.ledger();
        let extent = ledger.segment_of(self.position);
        // What is written next goes into another one.
        ledger.given_up = extent.map(|extent| extent.first);
        drop(ledger);
        if let Some(extent) = extent {
            self.trouble.give_up(extent.first);
            self.position = self.position.max(extent.first);
            batch.lost.corrupt = self.lose(self.position, extent.bound);
            batch.through = Some(self.position - 1);
            self.scan = None;
        }
        batch
    }

    /// Has the next read go to the disk.
    #[cfg(test)]
    pub(crate) fn forget_window(&mut self) {
        self.scan = None;
    }

    /// How many records wait behind what is acknowledged, damaged and expired ones included.
    pub(crate) fn waiting(&self) -> u64 {
        let ledger = self.shared.ledger();
        let oldest = ledger.segments.front().map_or(ledger.next, |segment| segment.first);
        ledger.next - oldest.max(self.acked + 1).min(ledger.next)
    }

    /// Bytes of the files that are there.
    pub(crate) fn bytes(&self) -> u64 {
        self.shared.ledger().bytes
    }

    /// Ends reading, with the place written down and, unless the policy is [`Fsync::Never`], on disk.
    ///
    /// # Errors
    /// If it could not be written down: then events are sent twice.
    pub(crate) fn close(self) -> Result<(), SpoolError> {
        if self.lock.is_held() {
            self.write_down(self.sync != Fsync::Never)
        } else {
            Ok(())
        }
    }

    fn read_segment(
        &mut self,
        extent: Extent,
        (max_events, max_bytes): (usize, usize),
        oldest: i64,
        batch: &mut Batch,
    ) -> Result<(), Failure> {
        let mut scan = match self.scan.take() {
            Some((first, scan)) if first == extent.first => scan,
            _ => match Scan::open(&ledger::path(self.lock.directory(), extent.first), extent.first) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    batch.lost.corrupt += self.lose(self.position, extent.bound);
                    return Ok(());
                }
                opened => opened.map_err(Failure::Open)?,
            },
        };
        let outcome = loop {
            if batch.ends.len() >= max_events {
                break Ok(());
            }
            match scan.next(extent) {
                Err(error) => break Err(Failure::Read(error)),
                Ok(Found::End { from }) => {
                    batch.lost.corrupt += self.lose(from, extent.bound);
                    break Ok(());
                }
                Ok(Found::Record { index, .. }) if index < self.position => {}
                Ok(Found::Record {
                    from,
                    index,
                    time,
                    size,
                }) => {
                    batch.lost.corrupt += self.lose(from, index);
                    let line = scan.line(size);
                    if time.as_micros() < oldest {
                        batch.lost.expired += 1;
                    } else if batch.has_room(line.len(), max_bytes) {
                        batch.push(index, time, line);
                    } else {
                        scan.back(index, size);
                        break Ok(());
                    }
                    self.position = index + 1;
                }
            }
        };
        self.scan = Some((extent.first, scan));
        outcome
    }

    /// Goes on to an index; how many of the records before it were not read.
    fn lose(&mut self, from: u64, to: u64) -> u64 {
        let from = from.max(self.position);
        self.position = self.position.max(to);
        to.saturating_sub(from)
    }

    fn write_down(&self, synced: bool) -> Result<(), SpoolError> {
        let directory = self.lock.directory();
        acked::write(directory, self.acked, synced)
            .and_then(|()| {
                if synced {
                    disk::sync_directory(directory)
                } else {
                    Ok(())
                }
            })
            .map_err(SpoolError::at(&acked::path(directory)))
    }

    /// Deletes the segments that nobody needs any more. Also at the start: with a segment that lost acknowledged records
    /// with the power, they would count as damaged as soon as the acknowledgement were lost too.
    ///
    /// # Errors
    /// If one could not be deleted; the next call tries again.
    pub(crate) fn delete(&mut self) -> Result<(), SpoolError> {
        let directory = self.lock.directory();
        let mut deleted = false;
        loop {
            let Some(segment) = self.shared.ledger().done(self.acked) else {
                break;
            };
            if self.scan.as_ref().is_some_and(|(first, _)| *first == segment.first) {
                self.scan = None;
            }
            let path = ledger::path(directory, segment.first);
            let gone = match self.trouble.gave_up(segment.first) {
                true => disk::put_aside(&path, &aside(&path)),
                false => disk::remove(&path),
            };
            gone.map_err(SpoolError::at(&path))?;
            self.trouble.forget(segment.first);
            self.shared.ledger().forget_oldest();
            deleted = true;
        }
        if deleted && self.sync != Fsync::Never {
            disk::sync_directory(directory).map_err(SpoolError::at(directory))?;
        }
        Ok(())
    }

    fn path(&self, extent: Extent) -> PathBuf {
        ledger::path(self.lock.directory(), extent.first)
    }
}

/// The name of a file that is put aside.
fn aside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(disk::ASIDE);
    name.into()
}
