//! One file of Parquet: written under a name that no reader takes for a table, and renamed when it is whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use event_core::StoredEvent;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::columns;
use super::encoded::unwritten;
use crate::error::Error;

/// Rows that are encoded at once.
const ROWS: usize = 4_096;

/// A file that is being written.
pub(super) struct Part {
    writer: ArrowWriter<File>,
    written: PathBuf,
    finished: PathBuf,
    lifted: bool,
}

impl Part {
    /// Begins a file, which is named for the position of its first event.
    pub(super) fn create(folder: &Path, first: i64, lifted: bool) -> Result<Self, Error> {
        let written = folder.join(format!("_part-{first:020}.tmp"));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        // Without it every reader sees plain texts, and no dictionaries of Arrow.
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            .with_skip_arrow_metadata(true);
        let file = File::create(&written).map_err(unwritten)?;
        Ok(Part {
            writer: ArrowWriter::try_new_with_options(file, columns::schema(lifted), options).map_err(unwritten)?,
            written,
            finished: folder.join(format!("part-{first:020}.parquet")),
            lifted,
        })
    }

    /// Writes events as a row group of their own; nothing of them stays in memory.
    pub(super) fn write(&mut self, events: &[StoredEvent]) -> Result<(), Error> {
        for events in events.chunks(ROWS) {
            self.writer
                .write(&columns::batch(events, self.lifted)?)
                .map_err(unwritten)?;
        }
        self.writer.flush().map_err(unwritten)
    }

    /// Ends the file, has it on disk, and gives it its name.
    pub(super) fn close(self) -> Result<(), Error> {
        let file = self.writer.into_inner().map_err(unwritten)?;
        file.sync_all().map_err(unwritten)?;
        drop(file);
        fs::rename(&self.written, &self.finished).map_err(unwritten)
    }
}

/// Has the names in a folder on disk, where the system can be told to.
pub(super) fn sync(folder: &Path) -> Result<(), Error> {
    if cfg!(unix) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(unwritten)?;
    }
    Ok(())
}

/// Takes away what an export that was killed had written behind a position: half files, and whole ones whose rows will
/// be written again.
pub(super) fn sweep(root: &Path, position: i64) -> Result<(), Error> {
    let mut folders = vec![root.to_owned()];
    for level in ["date=", "category=", "name="] {
        let mut below = Vec::new();
        for folder in folders {
            below.extend(
                entries(&folder)?
                    .into_iter()
                    .filter(|(name, _)| name.starts_with(level)),
            );
        }
        folders = below.into_iter().map(|(_, path)| path).collect();
    }
    for folder in folders {
        for (name, path) in entries(&folder)? {
            if is_left_over(&name, position) {
                fs::remove_file(path).map_err(unwritten)?;
            }
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let read = || {
        fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())))
            .collect::<io::Result<Vec<_>>>()
    };
    read().map_err(unwritten)
}

fn is_left_over(name: &str, position: i64) -> bool {
    let of = |prefix, suffix| name.strip_prefix(prefix)?.strip_suffix(suffix)?.parse::<i64>().ok();
    of("_part-", ".tmp").is_some() || of("part-", ".parquet").is_some_and(|first| first > position)
}
