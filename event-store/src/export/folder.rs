//! A folder of Parquet that grows with the log: every event in it once, however often a run was killed.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::encoded::unwritten;
use super::limits::ParquetOptions;
use super::manifest::Manifest;
use super::part;
use super::rows::Rows;
use super::scan::ExportOptions;
use crate::backfill::Progress;
use crate::error::Error;
use crate::store::EventStore;

/// A folder, locked; where it stands, and what is not yet in it.
struct Folder {
    path: PathBuf,
    manifest: Manifest,
    rows: Rows,
    /// Events since the last checkpoint.
    since: u64,
    _lock: File,
}

impl EventStore {
    /// Writes the events to a folder of Parquet, by day (in UTC) and type:
    /// `date=2026-03-29/category=…/name=…/part-….parquet`, the names percent-encoded.
    ///
    /// A folder that holds the same export already is continued behind its position, be it that the last run was
    /// killed, or that events have come since. Its manifest, `_export.json`, says how far it holds everything; what
    /// lies behind that is removed by the next run, and written again.
    ///
    /// ```
    /// use event_store::EventStore;
    /// use event_store::export::{ExportOptions, ParquetOptions};
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let store = EventStore::connect("sqlite::memory:").await?;
    /// let folder = std::env::temp_dir().join(format!("events-{}", std::process::id()));
    /// let (options, parquet) = (ExportOptions::default(), ParquetOptions::default());
    /// let manifest = store.export_parquet(&folder, &options, &parquet, |_| {}).await?;
    /// assert_eq!((manifest.position, manifest.events), (0, 0));
    /// # std::fs::remove_dir_all(folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] for a folder that holds something else, or that another export is at work in;
    /// [`Error::Export`] if it cannot be written to; otherwise as [`EventStore::export`].
    pub async fn export_parquet(
        &self,
        folder: &Path,
        options: &ExportOptions,
        parquet: &ParquetOptions,
        mut progress: impl FnMut(Progress),
    ) -> Result<Manifest, Error> {
        let (path, parquet, first) = (folder.to_owned(), parquet.clone(), options.clone());
        let mut folder = blocking(move || Folder::open(path, &first, &parquet)).await?;
        let Some(rest) = folder.manifest.go_on(options) else {
            let path = folder.path.display();
            let message = format!("{path} holds an export of other events: choose another folder");
            return Err(Error::Config(message));
        };
        let mut export = self.export(&rest).await?;
        while let Some(events) = export.next().await? {
            let reached = export.reached();
            folder = blocking(move || {
                folder.since += events.len() as u64;
                folder.manifest.events += events.len() as u64;
                folder.rows.add(events)?;
                if folder.since >= folder.rows.checkpoint() {
                    folder.checkpoint(reached)?;
                }
                Ok(folder)
            })
            .await?;
            progress(export.progress());
        }
        let until = export.until();
        let manifest = blocking(move || {
            folder.checkpoint(until)?;
            Ok(folder.manifest)
        });
        manifest.await
    }
}

impl Folder {
    fn open(path: PathBuf, options: &ExportOptions, parquet: &ParquetOptions) -> Result<Self, Error> {
        fs::create_dir_all(&path).map_err(unwritten)?;
        let shown = path.display();
        let refused = |why: &str| Error::Config(format!("{shown} {why}"));
        let found = Manifest::read(&path)?;
        if found.is_none() && !is_empty(&path)? {
            return Err(refused("is not empty, and holds no export: choose another folder"));
        }
        let lock = File::create(path.join("_export.lock")).map_err(unwritten)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(refused("is being written by another export")),
            Err(TryLockError::Error(error)) => return Err(unwritten(error)),
        }
        // Read anew, as another run may have ended since.
        let manifest = match Manifest::read(&path)? {
            Some(manifest) => manifest,
            None => {
                // Before the first file: from now on the folder is known as ours.
                let manifest = Manifest::new(options);
                manifest.write(&path)?;
                manifest
            }
        };
        if manifest.go_on(options).is_some() {
            part::sweep(&path, manifest.position)?;
        }
        Ok(Folder {
            rows: Rows::new(&path, parquet, options.upcast.is_some()),
            path,
            manifest,
            since: 0,
            _lock: lock,
        })
    }

    /// Ends all files, and then says so.
    fn checkpoint(&mut self, position: i64) -> Result<(), Error> {
        self.rows.finish()?;
        self.manifest.files += self.rows.taken();
        self.manifest.position = position;
        self.since = 0;
        self.manifest.write(&self.path)
    }
}

/// Whether there is nothing in a folder but what an export that was killed at once would leave.
fn is_empty(folder: &Path) -> Result<bool, Error> {
    let mut entries = fs::read_dir(folder).map_err(unwritten)?;
    Ok(entries.all(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("_export."))))
}

/// Work with files, beside that of the runtime. It ends what it began, whatever becomes of the caller.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::corrupt(format!("the work failed: {error}")))?
}
