//! The file of rejects: a line for each refused row, also after a kill in whatever moment.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::failure::Failure;
use crate::checkpoint::{Checkpoint, HEAD};

/// The file, and how long it is.
pub(super) struct Rejects {
    file: File,
    pub(super) bytes: u64,
}

impl Rejects {
    /// Opens the file as it has to be at a checkpoint: empty where a pass begins.
    pub(super) fn open(path: &Path, checkpoint: &Checkpoint) -> Result<Self, Failure> {
        Rejects::at(path, checkpoint).map_err(Failure::Rejects)
    }

    fn at(path: &Path, checkpoint: &Checkpoint) -> io::Result<Self> {
        let mut file = File::options().create(true).truncate(false).write(true).open(path)?;
        let begins = checkpoint.finished || checkpoint.pass.rows == 0;
        let length = file.metadata()?.len();
        // What was written behind the checkpoint was written for rows that come again.
        let kept = if begins {
            0
        } else {
            length.min(checkpoint.rejects_bytes)
        };
        file.set_len(kept)?;
        let bytes = file.seek(SeekFrom::End(0))?;
        let mut rejects = Rejects { file, bytes };
        if bytes == 0 {
            rejects.write(HEAD)?;
        }
        if !begins {
            rejects.write(&checkpoint.rejects)?;
        }
        Ok(rejects)
    }

    /// Writes what is missing of the lines of the last batch, if the program was killed between its commit and their
    /// writing. A file that is anything else is left alone.
    pub(super) fn complete(path: &Path, checkpoint: &Checkpoint) -> Result<(), Failure> {
        Rejects::completed(path, checkpoint).map_err(Failure::Rejects)
    }

    fn completed(path: &Path, checkpoint: &Checkpoint) -> io::Result<()> {
        let (before, lines) = (checkpoint.rejects_bytes, checkpoint.rejects.as_str());
        let Ok(metadata) = path.metadata() else { return Ok(()) };
        if metadata.len() < before || metadata.len() >= before + lines.len() as u64 {
            return Ok(());
        }
        let mut file = File::options().write(true).open(path)?;
        file.set_len(before)?;
        file.seek(SeekFrom::End(0))?;
        file.write_all(lines.as_bytes())
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.write_all(text.as_bytes())?;
        self.bytes += text.len() as u64;
        Ok(())
    }

    /// Appends the lines of a batch.
    pub(super) fn append(&mut self, lines: &str) -> Result<(), Failure> {
        self.write(lines).map_err(Failure::Rejects)
    }
}
