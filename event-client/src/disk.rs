//! The client's end of its spool: what is read from it, given back to it, and taken over.

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};

use crate::backlog::Backlog;
use crate::settings::Settings;
use crate::spool::{self, Lock, Reader, Recovered, SpoolError};

/// What a client holds of its spool besides the writer.
#[derive(Default)]
pub(crate) struct Disk {
    reader: Mutex<Option<Reader>>,
    lock: Option<Arc<Lock>>,
    kind: Kind,
    /// How often in a row it could not be read, and could not be written, for the log.
    pub(crate) unread: AtomicU32,
    pub(crate) unwritten: AtomicU32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// Of the process that the client was built in.
    #[default]
    Own,
    /// Of a process that was forked from it.
    Child,
}

impl Disk {
    /// Opens the spool that was asked for, if any.
    ///
    /// # Errors
    /// If it belongs to somebody else, cannot be used, or has no room for the largest event there can be.
    pub(crate) fn open(settings: &Settings, backlog: &mut Backlog) -> Result<Self, SpoolError> {
        match &settings.spool {
            Some(options) => {
                spool::check(options, settings.tuning.limits.event_bytes)?;
                Ok(Disk::of(spool::open(options)?, Kind::Own, backlog))
            }
            None => Ok(Disk::default()),
        }
    }

    /// Opens a part of it for a process that was forked from the one that has it; without one, events wait
    /// in memory.
    pub(crate) fn open_child(settings: &Settings, inherited: &Disk, backlog: &mut Backlog) -> Self {
        if let Some(lock) = &inherited.lock {
            lock.close_inherited();
        }
        let opened = settings.spool.as_ref().map(spool::open_child);
        match opened {
            Some(Ok(opened)) => Disk::of(opened, Kind::Child, backlog),
            Some(Err(error)) => {
                tracing::warn!(%error, "a forked process has no spool; its events wait in memory");
                Disk::default()
            }
            None => Disk::default(),
        }
    }

    fn of(opened: (spool::Writer, Reader, Recovered), kind: Kind, backlog: &mut Backlog) -> Self {
        let (writer, reader, Recovered { records, .. }) = opened;
        let lock = Some(Arc::clone(writer.lock()));
        backlog.spool(writer, records);
        Disk {
            reader: Mutex::new(Some(reader)),
            lock,
            kind,
            ..Disk::default()
        }
    }

    /// Whether it was built with the client, and so sees to what forked processes leave.
    pub(crate) fn is_own(&self) -> bool {
        self.kind == Kind::Own
    }

    /// Ends reading, and leaves the directory to others; the writer is closed before.
    pub(crate) fn close(&self) {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(error)) = reader.map(Reader::close) {
            tracing::warn!(%error, "the spool could not be written out");
        }
        // Handles of the client may live on.
        if let Some(lock) = &self.lock {
            lock.release();
        }
    }

    /// Does something with the reader, where there is one.
    pub(crate) fn reader<T>(&self, work: impl FnOnce(&mut Reader) -> T) -> Option<T> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.as_mut().map(work)
    }
}
