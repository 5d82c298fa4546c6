//! Minutes that found no room in memory, in a file that nobody sees.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek as _, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use event_core::minutes::Minutes;

use super::super::failure::Failure;
use super::CountOptions;

/// The file, once there is one.
pub(super) struct Spill {
    memory: usize,
    folder: Option<PathBuf>,
    written: Mutex<Written>,
}

#[derive(Default)]
pub(super) struct Written {
    file: Option<File>,
    parts: usize,
    pub(super) bytes: u64,
}

impl Spill {
    pub(super) fn new(counting: &CountOptions) -> Self {
        Spill {
            memory: counting.memory,
            folder: counting.spill.clone(),
            written: Mutex::default(),
        }
    }

    /// What one of so many threads may hold.
    pub(super) fn share(&self, threads: usize) -> usize {
        self.memory / threads.max(1)
    }

    /// Writes minutes away; `false` if there is nowhere to.
    pub(super) fn take(&self, minutes: impl FnOnce() -> Minutes) -> Result<bool, Failure> {
        let Some(folder) = &self.folder else { return Ok(false) };
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let write = || -> io::Result<u64> {
            let file = match written.file.take() {
                Some(file) => file,
                None => tempfile::tempfile_in(folder)?,
            };
            let mut out = BufWriter::new(file);
            minutes().write_to(&mut out)?;
            out.flush()?;
            let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            let bytes = file.stream_position()?;
            written.file = Some(file);
            Ok(bytes)
        };
        written.bytes = write().map_err(Failure::Spill)?;
        written.parts += 1;
        Ok(true)
    }

    /// Throws away what was written.
    pub(super) fn empty(&self) {
        drop(self.written());
    }

    /// What was written.
    pub(super) fn written(&self) -> Written {
        std::mem::take(&mut self.written.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Written {
    /// Reads all that was written, part by part.
    pub(super) fn each(&self, mut take: impl FnMut(&Minutes) -> Result<(), Failure>) -> Result<(), Failure> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut input = BufReader::new(file);
        input.rewind().map_err(Failure::Spill)?;
        for _ in 0..self.parts {
            take(&Minutes::read_from(&mut input).map_err(Failure::Spill)?)?;
        }
        Ok(())
    }
}
