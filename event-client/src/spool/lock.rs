//! One owner for a directory.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, TryLockError as Busy};

use crate::spool::failure::SpoolError;

/// The file that is locked; in it stands the owner's process id, for people.
pub(crate) fn path(directory: &Path) -> PathBuf {
    directory.join("lock")
}

/// An advisory lock on a directory, held until it is dropped. It is bound to the opened file, so a second client of
/// the same process is kept out like another process.
#[derive(Debug)]
pub(crate) struct Lock {
    directory: PathBuf,
    /// With a mutex of its own that nothing but [`Lock::close_inherited`] takes, so that it is free after any fork.
    file: Mutex<Option<File>>,
}

impl Lock {
    /// Locks a directory.
    ///
    /// # Errors
    /// [`SpoolError::Locked`] if somebody else has it.
    pub(crate) fn take(directory: &Path) -> Result<Lock, SpoolError> {
        let path = path(directory);
        let io = |error| SpoolError::at(&path)(error);
        let locked = || SpoolError::Locked {
            directory: directory.to_owned(),
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked()),
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        // Between opening and locking, who adopted the directory may have removed it: then this is a lock on nothing.
        if !fs::exists(&path).map_err(io)? {
            return Err(locked());
        }
        // Only for people, and on a full disk it can fail.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Lock {
            directory: directory.to_owned(),
            file: Mutex::new(Some(file)),
        })
    }

    /// In a forked child: closes the child's copy of the parent's descriptor. The parent keeps the lock; but without
    /// this the child would keep it too, and the directory would stay locked after the parent's end.
    pub(crate) fn close_inherited(&self) {
        match self.file.try_lock() {
            Ok(mut file) => drop(file.take()),
            Err(Busy::Poisoned(poisoned)) => drop(poisoned.into_inner().take()),
            // Another thread of this very child is at it.
            Err(Busy::WouldBlock) => {}
        }
    }

    /// Whether this process is still the owner: in a child that called [`Lock::close_inherited`] it is not, and
    /// nothing may be written.
    pub(crate) fn is_held(&self) -> bool {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The locked directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }
}

/// Whether there is a lock to try at all: what a directory that is being made, or was removed by half, has not.
pub(crate) fn exists(directory: &Path) -> io::Result<bool> {
    fs::exists(path(directory))
}
