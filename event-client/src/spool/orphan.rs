//! What a forked child left behind when it ended: whoever owns the spool takes it over.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event_core::Timestamp;

use crate::spool::batch::{Batch, Lost};
use crate::spool::disk;
use crate::spool::failure::SpoolError;
use crate::spool::ledger::Shared;
use crate::spool::lock::{self, Lock};
use crate::spool::options::{Fsync, SpoolOptions};
use crate::spool::reader::Reader;
use crate::spool::recovery;
use crate::spool::writer::Unsynced;

/// What the names of the children's directories start with.
const PREFIX: &str = "child-";

/// How much is taken over at once, under the mutex of those who append.
const EVENTS: usize = 100;
const BYTES: usize = 128 * 1024;

/// What was taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Adopted {
    /// Records that are in the own spool now.
    pub(crate) records: u64,
    /// Records that were waiting for a child and will not be delivered.
    pub(crate) lost: Lost,
    /// Directories that nobody owns and that still hold something, for the next time: because there is no room, or
    /// because the disk refuses.
    pub(crate) left: u64,
}

/// Makes and locks a directory for this process within the spool's, where it is a forked child of the owner.
///
/// # Errors
/// If it cannot be made.
pub(crate) fn child(directory: &Path) -> Result<Lock, SpoolError> {
    let mut number = 0_u32;
    loop {
        let path = directory.join(format!("{PREFIX}{}-{number}", std::process::id()));
        let made = disk::make_directory(&path);
        let locked = match made {
            Ok(()) => Lock::take(&path),
            Err(error) => Err(SpoolError::at(&path)(error)),
        };
        match locked {
            // It belonged to another process with this id, or its owner took the new one for an orphan's.
            Err(SpoolError::Locked { .. }) => {}
            Err(SpoolError::Io { source, .. })
                if matches!(source.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound)
                    && directory.is_dir() => {}
            locked => return locked,
        }
        number = number.wrapping_add(1);
    }
}

/// Takes over what dead children left. `take` appends a batch to the own spool ([`Writer::take_over`]), under whatever
/// mutex that needs, and is called for a hundred records at a time.
///
/// A record leaves the child's directory when the own one has it on disk, so an end in between makes it be sent twice,
/// never lost. What does not fit stays for the next time.
///
/// [`Writer::take_over`]: crate::spool::writer::Writer::take_over
pub(crate) fn adopt(
    options: &SpoolOptions,
    now: Timestamp,
    mut take: impl FnMut(&Batch) -> (usize, Option<Unsynced>),
) -> Adopted {
    let mut adopted = Adopted::default();
    for directory in children(&options.directory) {
        match Orphan::open(options, &directory) {
            Ok(None) | Err(SpoolError::Locked { .. }) => {}
            Ok(Some(orphan)) => {
                if !orphan.empty(now, &mut take, &mut adopted).unwrap_or(false) {
                    adopted.left += 1;
                }
            }
            Err(_) => adopted.left += 1,
        }
    }
    adopted
}

/// The directories of children, dead and alive, in the order of their names.
fn children(directory: &Path) -> Vec<PathBuf> {
    let mut children = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let child = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if child && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            children.push(entry.path());
        }
    }
    children.sort_unstable();
    children
}

/// The spool of a dead child, with its lock.
struct Orphan {
    lock: Arc<Lock>,
    reader: Reader,
    synced: bool,
}

impl Orphan {
    /// Locks it; `None` if it is being made or was all but removed.
    fn open(options: &SpoolOptions, directory: &Path) -> Result<Option<Orphan>, SpoolError> {
        // A directory that is being made has nothing in it before its lock; the new owner copes if it disappears.
        if !lock::exists(directory).map_err(SpoolError::at(directory))? && disk::remove_empty(directory).is_ok() {
            return Ok(None);
        }
        let lock = Arc::new(Lock::take(directory)?);
        let state = recovery::read(directory)?;
        let shared = Arc::new(Shared::new(state.ledger));
        Ok(Some(Orphan {
            reader: Reader::new(options, Arc::clone(&lock), shared, state.acked),
            lock,
            synced: options.sync != Fsync::Never,
        }))
    }

    /// Hands its records on, and removes it when none is left; says whether that came about.
    fn empty(
        mut self,
        now: Timestamp,
        take: &mut impl FnMut(&Batch) -> (usize, Option<Unsynced>),
        adopted: &mut Adopted,
    ) -> Result<bool, SpoolError> {
        loop {
            let batch = self.reader.read(EVENTS, BYTES, now)?;
            let Some(through) = batch.through else { break };
            let (taken, unsynced) = if batch.ends.is_empty() { (0, None) } else { take(&batch) };
            if let Some(unsynced) = unsynced {
                unsynced.sync()?;
            }
            let whole = taken == batch.ends.len();
            let done = match taken.checked_sub(1) {
                _ if whole => through,
                Some(last) => batch.indexes[last],
                None => return Ok(false),
            };
            adopted.records += taken as u64;
            adopted.lost.corrupt += batch.lost.corrupt;
            adopted.lost.expired += batch.lost.expired;
            self.reader.ack(done)?;
            if !whole {
                return Ok(false);
            }
        }
        let directory = self.lock.directory();
        rescue(directory).map_err(SpoolError::at(directory))?;
        disk::remove_directory(directory, &lock::path(directory)).map_err(SpoolError::at(directory))?;
        if let (true, Some(parent)) = (self.synced, directory.parent()) {
            disk::sync_directory(parent).map_err(SpoolError::at(parent))?;
        }
        Ok(true)
    }
}

/// Takes what the child had put aside out of its directory, under a name that tells whose it was.
fn rescue(directory: &Path) -> io::Result<()> {
    let (Some(parent), Some(child)) = (directory.parent(), directory.file_name()) else {
        return Ok(());
    };
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(disk::ASIDE) {
            let mut name = child.to_owned();
            name.push("-");
            name.push(entry.file_name());
            disk::put_aside(&entry.path(), &parent.join(name))?;
        }
    }
    Ok(())
}
