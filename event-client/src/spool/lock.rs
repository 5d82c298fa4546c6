//! One owner for a directory.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError as Busy};

use crate::spool::disk;
use crate::spool::failure::SpoolError;

/// The file that is locked; in it stands the owner's process id, for people.
pub(crate) fn path(directory: &Path) -> PathBuf {
    directory.join("lock")
}

/// An advisory lock on a directory, held until it is released or dropped. It is bound to the opened file, so a second client of
/// the same process is kept out like another process.
#[derive(Debug)]
pub(crate) struct Lock {
    directory: PathBuf,
    /// The process that took it.
    owner: u32,
    held: AtomicBool,
    /// With a mutex of its own that is taken only to take the file out, for good, so that it is free after any fork
    /// but one in that very moment.
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
        let mut file = disk::private()
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
        if !is_at(&file, &path).map_err(io)? {
            return Err(locked());
        }
        // Only for people, and on a full disk it can fail.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Lock {
            directory: directory.to_owned(),
            owner: std::process::id(),
            held: AtomicBool::new(true),
            file: Mutex::new(Some(file)),
        })
    }

    /// In a forked child: closes the child's copy of the parent's descriptor. The parent keeps the lock; but without
    /// this the child would keep it too, and the directory would stay locked after the parent's end.
    pub(crate) fn close_inherited(&self) {
        self.held.store(false, Ordering::Relaxed);
        match self.file.try_lock() {
            Ok(mut file) => drop(file.take()),
            Err(Busy::Poisoned(poisoned)) => drop(poisoned.into_inner().take()),
            // Another thread of this very child is at it.
            Err(Busy::WouldBlock) => {}
        }
    }

    /// Leaves the directory to others, although somebody may still have this lock. Nothing may be written any more.
    pub(crate) fn release(&self) {
        self.held.store(false, Ordering::Relaxed);
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(file) = file.filter(|_| self.owner == std::process::id()) {
            // A forked process that never used the client has a copy of the descriptor, which would keep it locked.
            let _ = file.unlock();
        }
    }

    /// Whether this process is still the owner: after [`Lock::release`], and in a child that called
    /// [`Lock::close_inherited`], it is not, and nothing may be written.
    pub(crate) fn is_held(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }

    /// The locked directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Lock {
    /// Not only by closing the file: another process that this one is starting just now has a copy of the descriptor, until it is
    /// the other program.
    fn drop(&mut self) {
        self.release();
    }
}

/// Whether a path still leads to an opened file.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let there = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        there => there?,
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let opened = file.metadata()?;
        Ok((opened.dev(), opened.ino()) == (there.dev(), there.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = (file, there);
        Ok(true)
    }
}

/// Whether there is a lock to try at all: what a directory that is being made, or was removed by half, has not.
pub(crate) fn exists(directory: &Path) -> io::Result<bool> {
    fs::exists(path(directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who adopted the directory removed it, and somebody else made it anew, all since the file was opened.
    #[cfg(unix)]
    #[test]
    fn another_file_of_the_same_name_is_not_the_locked_one() {
        let home = tempfile::tempdir().unwrap();
        let path = path(home.path());
        let file = File::create(&path).unwrap();
        assert!(is_at(&file, &path).unwrap());
        fs::remove_file(&path).unwrap();
        assert!(!is_at(&file, &path).unwrap());
        File::create(&path).unwrap();
        assert!(!is_at(&file, &path).unwrap());
    }
}
