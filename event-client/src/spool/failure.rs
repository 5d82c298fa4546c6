//! Why a spool cannot be had, or does not take an event.

use std::io;
use std::path::{Path, PathBuf};

/// Why a spool cannot be opened or used. What is written in its files is never a reason: damage is skipped and counted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// Another client has this directory, in this process or in another one.
    #[error("the spool in {} is in use by another client", directory.display())]
    Locked {
        /// The spool's directory.
        directory: PathBuf,
    },
    /// The spool has no room for the largest event that the client takes.
    #[error("a spool of {bytes} bytes is too small for the largest event: it needs {least}")]
    TooSmall {
        /// What it may hold, by its options.
        bytes: u64,
        /// What it has to hold at the least.
        least: u64,
    },
    /// A file or directory could not be made, read or written.
    #[error("the spool cannot use {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

impl SpoolError {
    /// For `map_err`: the failure of something done to this path.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> SpoolError {
        move |source| SpoolError::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// Why an event was not taken. It is not in the spool, and never will be unless it is appended again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    /// There is no room: the bound of all is reached, or the event is larger than a quarter of it.
    #[error("the spool is full")]
    Full,
    /// The disk refused.
    #[error("the spool could not be written")]
    Io(#[source] io::Error),
}
