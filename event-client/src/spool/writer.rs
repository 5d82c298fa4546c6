//! The side of a spool that takes events.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use event_core::Timestamp;

use crate::spool::batch::Batch;
use crate::spool::disk;
use crate::spool::failure::{AppendError, SpoolError};
use crate::spool::ledger::{self, Shared};
use crate::spool::lock::Lock;
use crate::spool::options::{Fsync, SpoolOptions};
use crate::spool::record;

/// How many names are tried for a new segment, if something else has the name.
const TRIES: u32 = 16;

/// Appends records. Threads share it under a mutex of their own; an append is one call to the operating system, and
/// waits for the disk only under [`Fsync::Always`].
#[derive(Debug)]
pub(crate) struct Writer {
    lock: Arc<Lock>,
    shared: Arc<Shared>,
    sync: Fsync,
    most: u64,
    most_of_a_record: u64,
    segment_bytes: u64,
    buffer: Vec<u8>,
    tail: Option<Tail>,
    unsynced: Unsynced,
}

/// The segment that is written on.
#[derive(Debug)]
struct Tail {
    file: Arc<File>,
    first: u64,
    /// Bytes up to the end of the last good record.
    bytes: u64,
    /// Whether something else may stand behind them, because it could not be cut off.
    torn: bool,
    /// Whether the disk has not been waited for since it was written.
    dirty: bool,
}

impl Writer {
    /// On the newest segment, if that can be written on, otherwise on none yet.
    pub(crate) fn new(options: &SpoolOptions, lock: Arc<Lock>, shared: Arc<Shared>, clean: bool) -> Writer {
        let mut ledger = shared.ledger();
        let newest = ledger.segments.back().copied().filter(|_| clean);
        let tail = newest.and_then(|segment| {
            let file = disk::open_at(&ledger::path(lock.directory(), segment.first), segment.bytes).ok()?;
            Some(Tail {
                file: Arc::new(file),
                first: segment.first,
                bytes: segment.bytes,
                torn: false,
                // What an earlier process wrote there may not be on the disk either.
                dirty: true,
            })
        });
        ledger.open = tail.is_some();
        drop(ledger);
        Writer {
            unsynced: Unsynced {
                directory: lock.directory().to_owned(),
                files: Vec::new(),
                entries: false,
            },
            lock,
            shared,
            sync: options.sync,
            most: options.bytes,
            most_of_a_record: options.most_of_a_record(),
            segment_bytes: options.most_of_a_segment(),
            buffer: Vec::new(),
            tail,
        }
    }

    /// Appends an event, which is JSON on one line, without a line feed.
    ///
    /// # Errors
    /// If there is no room, or the disk refuses. Then it is not in the spool.
    pub(crate) fn append(&mut self, event: &[u8], now: Timestamp) -> Result<(), AppendError> {
        self.write(event, now)?;
        if self.sync == Fsync::Always {
            self.sync_or_take_back(record::size(event.len()))
                .map_err(AppendError::Io)?;
        }
        self.shared.ledger().written(record::size(event.len()));
        Ok(())
    }

    /// Appends what was read from another spool, without waiting for the disk: as many records as there is room for.
    /// Returns how many, and what the caller has to wait for before it forgets them elsewhere.
    pub(crate) fn take_over(&mut self, batch: &Batch) -> (usize, Option<Unsynced>) {
        let taken = self.append_unsynced(batch.events());
        (taken, self.unsynced())
    }

    /// Appends events without waiting for the disk, whatever the policy, until one is refused; how many were taken.
    /// Who calls this waits for what is [`unsynced`](Writer::unsynced), outside the mutex.
    pub(crate) fn append_unsynced<'a>(&mut self, events: impl Iterator<Item = (&'a [u8], Timestamp)>) -> usize {
        let mut taken = 0;
        for (event, time) in events {
            if self.write(event, time).is_err() {
                break;
            }
            self.shared.ledger().written(record::size(event.len()));
            taken += 1;
        }
        taken
    }

    /// What the disk has to be waited for, outside the mutex: once per stretch of [`Fsync::Every`], and after what was
    /// written without waiting under [`Fsync::Always`].
    pub(crate) fn unsynced(&mut self) -> Option<Unsynced> {
        (self.sync != Fsync::Never).then(|| self.take_unsynced())?
    }

    /// The lock, for a forked child to close its copy of.
    pub(crate) fn lock(&self) -> &Arc<Lock> {
        &self.lock
    }

    /// Ends writing, with all of it on disk unless the policy is [`Fsync::Never`].
    ///
    /// # Errors
    /// If the disk refuses; then events may be lost with the power, not otherwise.
    pub(crate) fn close(mut self) -> Result<(), SpoolError> {
        let waits = self.sync != Fsync::Never && self.lock.is_held();
        match self.take_unsynced().filter(|_| waits) {
            Some(unsynced) => unsynced.sync(),
            None => Ok(()),
        }
    }

    /// Writes a record behind the last good one, without telling the reader.
    fn write(&mut self, event: &[u8], time: Timestamp) -> Result<(), AppendError> {
        let size = record::size(event.len());
        let (bytes, index, given_up) = {
            let ledger = self.shared.ledger();
            (ledger.bytes, ledger.next, ledger.given_up)
        };
        if size > self.most_of_a_record || bytes.saturating_add(size) > self.most {
            return Err(AppendError::Full);
        }
        // One that is larger than a segment has one of its own.
        let fits = |tail: &Tail| {
            !tail.torn && given_up != Some(tail.first) && (tail.bytes == 0 || tail.bytes + size <= self.segment_bytes)
        };
        let index = if self.tail.as_ref().is_some_and(fits) {
            index
        } else {
            self.turn(size).map_err(AppendError::Io)?;
            self.shared.ledger().next
        };
        record::encode(&mut self.buffer, index, time, event).ok_or(AppendError::Full)?;
        let Some(tail) = &mut self.tail else {
            return Err(AppendError::Full);
        };
        tail.dirty = true;
        if let Err(error) = disk::write(&tail.file, &self.buffer) {
            self.take_back();
            return Err(AppendError::Io(error));
        }
        tail.bytes += size;
        Ok(())
    }

    /// Waits for the disk, and takes the record of this size back where that fails.
    fn sync_or_take_back(&mut self, size: u64) -> io::Result<()> {
        let synced = self.sync_all();
        if let Some(tail) = &mut self.tail {
            tail.dirty = synced.is_err();
            tail.bytes -= if synced.is_err() { size } else { 0 };
        }
        match synced {
            Ok(()) => {
                self.unsynced.files.clear();
                self.unsynced.entries = false;
            }
            Err(_) => self.take_back(),
        }
        synced
    }

    fn sync_all(&self) -> io::Result<()> {
        let tail = self.tail.as_ref().map(|tail| &tail.file);
        let mut files = self.unsynced.files.iter().chain(tail);
        files.try_for_each(|file| disk::sync(file))?;
        match self.unsynced.entries {
            true => disk::sync_directory(self.lock.directory()),
            false => Ok(()),
        }
    }

    /// Cuts off what stands behind the last good record; if that cannot be, makes sure that nobody takes it for one.
    fn take_back(&mut self) {
        let Some(tail) = &mut self.tail else { return };
        tail.torn = disk::cut(&tail.file, tail.bytes).is_err();
        if tail.torn {
            // A new segment bounds the indexes of this one. If there cannot be one either, the next append tries again.
            let _ = self.begin();
        }
    }

    /// Has a segment to write a record of this size into.
    fn turn(&mut self, size: u64) -> io::Result<()> {
        if let Some(tail) = self.tail.as_mut().filter(|tail| tail.torn) {
            tail.torn = disk::cut(&tail.file, tail.bytes).is_err();
            if !tail.torn && (tail.bytes == 0 || tail.bytes + size <= self.segment_bytes) {
                return Ok(());
            }
        }
        self.begin()
    }

    /// Makes the next segment.
    fn begin(&mut self) -> io::Result<()> {
        if let Some(tail) = self.tail.as_ref().filter(|tail| tail.bytes == 0) {
            // Without a good record in it, it has the very name that the next one needs.
            disk::remove(&ledger::path(self.lock.directory(), tail.first))?;
            self.shared.ledger().withdraw();
            self.tail = None;
        }
        let (file, first) = self.create()?;
        let old = self.tail.take().filter(|old| old.dirty);
        if self.sync != Fsync::Never {
            // Under `Never` nobody asks for them, and a file that is held keeps its space when it is deleted.
            self.unsynced.files.extend(old.map(|old| old.file));
            self.unsynced.entries = true;
        }
        self.shared.ledger().begin();
        self.tail = Some(Tail {
            file: Arc::new(file),
            first,
            bytes: 0,
            torn: false,
            dirty: true,
        });
        Ok(())
    }

    /// Makes its file. Where something else has the name, the index is left out, and will count as damaged: what is
    /// there is not ours to remove.
    fn create(&self) -> io::Result<(File, u64)> {
        let mut tries = 0;
        loop {
            let first = self.shared.ledger().next;
            match disk::create(&ledger::path(self.lock.directory(), first)) {
                Ok(file) => return Ok((file, first)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < TRIES => {
                    tries += 1;
                    self.shared.ledger().next += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn take_unsynced(&mut self) -> Option<Unsynced> {
        let mut taken = Unsynced {
            directory: self.unsynced.directory.clone(),
            files: std::mem::take(&mut self.unsynced.files),
            entries: std::mem::take(&mut self.unsynced.entries),
        };
        if let Some(tail) = self.tail.as_mut().filter(|tail| tail.dirty) {
            taken.files.push(Arc::clone(&tail.file));
            tail.dirty = false;
        }
        (taken.entries || !taken.files.is_empty()).then_some(taken)
    }
}

/// What was written and may not be on the disk yet.
#[derive(Debug)]
#[must_use]
pub(crate) struct Unsynced {
    directory: PathBuf,
    files: Vec<Arc<File>>,
    /// Whether the directory has entries for new files.
    entries: bool,
}

impl Unsynced {
    /// Waits for the disk.
    ///
    /// # Errors
    /// If it refuses. Nothing is gained by another try: the operating system may have thrown the pages away, and says
    /// so only once. As long as it runs the events can still be read.
    pub(crate) fn sync(&self) -> Result<(), SpoolError> {
        let files = self.files.iter().try_for_each(|file| disk::sync(file));
        let entries = match self.entries {
            true => disk::sync_directory(&self.directory),
            false => Ok(()),
        };
        files.and(entries).map_err(SpoolError::at(&self.directory))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_held_for_a_policy_that_never_asks_for_it() {
        for (sync, held) in [(Fsync::Always, 0), (Fsync::default(), 4), (Fsync::Never, 0)] {
            let home = tempfile::tempdir().unwrap();
            let options = SpoolOptions::new(home.path()).segment_bytes(30).fsync(sync);
            let (mut writer, _reader, _) = crate::spool::open(&options).unwrap();
            for _ in 0..5 {
                writer.append(b"{}", Timestamp::MIN).unwrap();
            }
            assert_eq!(writer.unsynced.files.len(), held, "{sync:?}");
        }
    }
}
