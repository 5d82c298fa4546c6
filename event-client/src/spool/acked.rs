//! Up to where a spool was acknowledged: a file of twelve bytes.
//!
//! An old one is correct too, as the collector knows an event that it gets twice; one that is damaged or missing means
//! that nothing in the segments was acknowledged.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::spool::disk;

/// Where it is said.
pub(crate) fn path(directory: &Path) -> PathBuf {
    directory.join("acked")
}

/// The index of the last acknowledged record, if that is known.
pub(crate) fn read(directory: &Path) -> Option<u64> {
    // One byte more than there can be, so that a longer file is no good one.
    let mut content = Vec::with_capacity(13);
    File::open(path(directory))
        .ok()?
        .take(13)
        .read_to_end(&mut content)
        .ok()?;
    let (index, checksum) = content.split_first_chunk()?;
    let good = crc32fast::hash(index).to_le_bytes() == checksum;
    Some(u64::from_le_bytes(*index)).filter(|index| good && *index < u64::MAX / 2)
}

/// Says so from now on.
///
/// # Errors
/// If the disk refuses; then what was said before holds.
pub(crate) fn write(directory: &Path, index: u64, synced: bool) -> io::Result<()> {
    let mut content = [0; 12];
    content[..8].copy_from_slice(&index.to_le_bytes());
    content[8..].copy_from_slice(&crc32fast::hash(&index.to_le_bytes()).to_le_bytes());
    disk::replace(&path(directory), &content, synced)
}
