//! A queue on disk for events that are not delivered yet, which survives the end of the process at any moment.
//!
//! There is one kind of file: segments, whose records carry an index that counts up by one for ever. So the first good
//! record after a damaged stretch tells how many were lost, and nothing has to agree with anything else: what is
//! acknowledged stands in a file of its own that may be old or missing. For every record that was appended holds:
//! it is given to the reader, or counted as expired, or as damaged.
//!
//! ```text
//! spool/lock                            held by the one owner; its process id, for people
//! spool/acked                           the last acknowledged index
//! spool/00000000000000000001.spool      records from index 1 on
//! spool/00000000000000028012.spool      the newest one is written on
//! spool/child-4711-0/…                  the same for a forked child, see `open_child`
//! spool/….spool.unreadable              segments that the disk did not give back, put aside for people
//! ```

mod options;
mod failure;
mod disk;
mod lock;
mod record;
mod scan;
mod acked;
mod ledger;
mod recovery;
mod batch;
mod writer;
mod trouble;
mod reader;
mod orphan;

use std::sync::Arc;

use ledger::Shared;

pub(crate) use batch::Batch;
#[cfg(test)]
pub(crate) use disk::faults;
pub(crate) use failure::AppendError;
pub use failure::SpoolError;
pub(crate) use lock::Lock;
pub use options::{Fsync, SpoolOptions};
pub(crate) use orphan::adopt;
pub(crate) use reader::Reader;
pub(crate) use writer::{Unsynced, Writer};

/// What was waiting when a spool was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// Records that are not acknowledged. The reader will give each of them, or count it as expired or damaged.
    pub(crate) records: u64,
    /// Bytes of the files they are in.
    pub(crate) bytes: u64,
    /// How many of the records are known to be damaged already, because they are in the newest file. The reader counts
    /// them like the ones in older files, which it finds.
    pub(crate) damaged: u64,
}

/// Opens a spool, and is its only owner until both sides are dropped or [`Lock::release`] is called.
///
/// # Errors
/// If somebody else owns it, or the directory cannot be made or written to. Never for what is in it.
pub(crate) fn open(options: &SpoolOptions) -> Result<(Writer, Reader, Recovered), SpoolError> {
    make(options)?;
    let lock = Lock::take(&options.directory)?;
    open_locked(options, lock)
}

/// Opens a spool of its own for a forked child, within the directory of the parent, who keeps its lock. When the child
/// has ended, the owner of the directory takes over what is left ([`adopt`]).
///
/// The child calls [`Lock::close_inherited`] too, on the lock of the writer it inherited: without taking a mutex that
/// another thread of the parent may have held during the fork.
///
/// # Errors
/// If a directory for it cannot be made.
pub(crate) fn open_child(options: &SpoolOptions) -> Result<(Writer, Reader, Recovered), SpoolError> {
    make(options)?;
    let lock = orphan::child(&options.directory)?;
    open_locked(options, lock)
}

/// Checks that an event of so many bytes would have room, were there nothing else.
///
/// # Errors
/// [`SpoolError::TooSmall`].
pub(crate) fn check(options: &SpoolOptions, event_bytes: usize) -> Result<(), SpoolError> {
    let record = record::size(event_bytes);
    if options.most_of_a_record() < record {
        return Err(SpoolError::TooSmall {
            bytes: options.bytes,
            least: record.saturating_mul(4),
        });
    }
    Ok(())
}

fn make(options: &SpoolOptions) -> Result<(), SpoolError> {
    disk::make_directories(&options.directory).map_err(SpoolError::at(&options.directory))
}

fn open_locked(options: &SpoolOptions, lock: Lock) -> Result<(Writer, Reader, Recovered), SpoolError> {
    let state = recovery::read(lock.directory())?;
    let (lock, shared) = (Arc::new(lock), Arc::new(Shared::new(state.ledger)));
    let writer = Writer::new(options, Arc::clone(&lock), Arc::clone(&shared), state.clean);
    let mut reader = Reader::new(options, lock, shared, state.acked);
    // If that cannot be now, it is tried again with each acknowledgement.
    let _ = reader.delete();
    let recovered = Recovered {
        records: reader.waiting(),
        bytes: reader.bytes(),
        damaged: state.damaged,
    };
    Ok((writer, reader, recovered))
}

#[cfg(test)]
mod tests;
