//! Events that wait for their files, of which only so many are open, in so much memory.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use event_core::StoredEvent;

use super::encoded::unwritten;
use super::limits::ParquetOptions;
use super::part::{self, Part};
use super::partition::Partition;
use crate::error::Error;

/// What an event takes in memory beside its data, about.
const OVERHEAD: usize = 600;
/// Rows of a row group.
const MOST_ROWS: usize = 100_000;

/// Everything that is not yet in a file that is whole.
pub(super) struct Rows {
    root: PathBuf,
    options: ParquetOptions,
    /// Whether events are shown as those of other versions.
    lifted: bool,
    partitions: HashMap<Partition, Waiting>,
    bytes: usize,
    open: usize,
    /// Counts what is written, so that the file that was written longest ago can be told.
    clock: u64,
    /// Folders with new names in them.
    touched: BTreeSet<PathBuf>,
    /// Files begun.
    files: u64,
}

/// What waits for one day and type.
#[derive(Default)]
struct Waiting {
    events: Vec<StoredEvent>,
    bytes: usize,
    part: Option<Part>,
    written: u64,
}

impl Rows {
    pub(super) fn new(root: &Path, options: &ParquetOptions, lifted: bool) -> Self {
        Rows {
            root: root.to_owned(),
            options: options.clone(),
            lifted,
            partitions: HashMap::new(),
            bytes: 0,
            open: 0,
            clock: 0,
            touched: BTreeSet::new(),
            files: 0,
        }
    }

    /// After how many events it wants to be finished.
    pub(super) fn checkpoint(&self) -> u64 {
        self.options.checkpoint
    }

    /// How many files were begun since this was asked last.
    pub(super) fn taken(&mut self) -> u64 {
        std::mem::take(&mut self.files)
    }

    /// Takes events, and writes where too many wait.
    pub(super) fn add(&mut self, events: Vec<StoredEvent>) -> Result<(), Error> {
        for stored in events {
            let size = stored.event.payload().as_str().len() + OVERHEAD;
            let partition = Partition::of(&stored);
            let waiting = self.partitions.entry(partition.clone()).or_default();
            waiting.events.push(stored);
            waiting.bytes += size;
            self.bytes += size;
            if waiting.events.len() >= MOST_ROWS || waiting.bytes > self.options.memory / 2 {
                self.write(&partition)?;
            }
        }
        if self.bytes > self.options.memory {
            self.relieve()?;
        }
        Ok(())
    }

    /// Writes the largest, until half of the memory is free.
    fn relieve(&mut self) -> Result<(), Error> {
        let sized = self
            .partitions
            .iter()
            .map(|(partition, waiting)| (waiting.bytes, partition.clone()));
        let mut sized: Vec<_> = sized.collect();
        sized.sort_unstable_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        for (_, partition) in sized {
            if self.bytes <= self.options.memory / 2 {
                break;
            }
            self.write(&partition)?;
        }
        Ok(())
    }

    /// Writes what waits for one file, which is begun if need be; another is ended where too many are open.
    fn write(&mut self, partition: &Partition) -> Result<(), Error> {
        let Some(waiting) = self.partitions.get_mut(partition) else {
            return Ok(());
        };
        let events = std::mem::take(&mut waiting.events);
        let Some(first) = events.first() else { return Ok(()) };
        self.bytes -= std::mem::take(&mut waiting.bytes);
        self.clock += 1;
        waiting.written = self.clock;
        match &mut waiting.part {
            Some(part) => part.write(&events)?,
            none => {
                let folder = self.root.join(partition.folder());
                fs::create_dir_all(&folder).map_err(unwritten)?;
                none.insert(Part::create(&folder, first.position, self.lifted)?)
                    .write(&events)?;
                let above = folder.ancestors().take_while(|folder| *folder != self.root);
                self.touched.extend(above.map(Path::to_owned));
                self.files += 1;
                self.open += 1;
            }
        }
        if self.open > self.options.open_files.max(1) {
            self.close_oldest()?;
        }
        Ok(())
    }

    fn close_oldest(&mut self) -> Result<(), Error> {
        let open = self.partitions.values_mut().filter(|waiting| waiting.part.is_some());
        if let Some(part) = open
            .min_by_key(|waiting| waiting.written)
            .and_then(|waiting| waiting.part.take())
        {
            self.open -= 1;
            part.close()?;
        }
        Ok(())
    }

    /// Writes and ends everything, and has it on disk.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        let partitions: Vec<Partition> = self.partitions.keys().cloned().collect();
        for partition in partitions {
            self.write(&partition)?;
            if let Some(part) = self.partitions.remove(&partition).and_then(|waiting| waiting.part) {
                self.open -= 1;
                part.close()?;
            }
        }
        for folder in std::mem::take(&mut self.touched) {
            part::sync(&folder)?;
        }
        part::sync(&self.root)
    }
}
