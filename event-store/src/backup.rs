//! A store → a file with the same, while it is in use.

use std::path::Path;

use crate::error::{Cause, Error};
use crate::inner::{Inner, detached};
use crate::private::make;
use crate::store::EventStore;

impl EventStore {
    /// Writes a store on SQLite to a new file, as it is at one moment; meanwhile others go on writing. To use it, start a
    /// collector on it, or put it in the place of the file that was lost.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let folder = tempfile::tempdir()?;
    /// use event_store::EventStore;
    ///
    /// let store = EventStore::connect(&format!("sqlite://{}/events.db?mode=rwc", folder.path().display())).await?;
    /// let file = folder.path().join("backup.db");
    /// store.back_up(&file).await?;
    /// let copy = EventStore::connect(&format!("sqlite://{}", file.display())).await?;
    /// # copy.close().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] on another database, which has tools of its own for this, or if the file is there, or one of its
    /// name with `.unfinished` behind it: another backup to it is being made then, or one was cut off. Otherwise whatever
    /// the database or the file says. A database in memory cannot be written to a file so.
    pub async fn back_up(&self, file: &Path) -> Result<(), Error> {
        let Some(sql) = self.inner().dialect.back_up() else {
            let message = "only a store on SQLite is backed up so: use pg_dump or mariadb-dump";
            return Err(Error::Config(message.to_owned()));
        };
        let (inner, file) = (self.inner().clone(), file.to_owned());
        detached(async move { write(&inner, sql, &file).await }).await
    }
}

/// Under another name first, so that what has the name is whole. Whoever has made the file of that name is the only one to
/// write this backup.
async fn write(inner: &Inner, sql: &str, file: &Path) -> Result<(), Error> {
    not_there(file)?;
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = Path::new(&unfinished);
    let Some(path) = unfinished.to_str() else {
        return Err(Error::Config("the path of a backup is UTF-8".to_owned()));
    };
    if !make(unfinished).map_err(failed)? {
        return Err(Error::Config(format!(
            "{path} is there already: another backup to this file is being made, or one was cut off; if none is, delete it"
        )));
    }
    let kept = fill(inner, sql, path, file).await;
    if kept.is_err() {
        let _ = std::fs::remove_file(unfinished);
    }
    kept
}

async fn fill(inner: &Inner, sql: &str, unfinished: &str, file: &Path) -> Result<(), Error> {
    inner.dialect.run_alone(&inner.reader, sql, unfinished).await?;
    // The database does not wait until the new file would outlive a loss of power.
    let whole = std::fs::File::open(unfinished).and_then(|file| file.sync_all());
    whole.map_err(failed)?;
    // Another backup may have come to its end before this one had the name.
    not_there(file)?;
    std::fs::rename(unfinished, file).map_err(failed)
}

fn failed(error: std::io::Error) -> Error {
    Error::Unavailable(Cause::new(error.to_string()))
}

/// Neither a file nor a link to one, or to nowhere.
fn not_there(file: &Path) -> Result<(), Error> {
    if file.symlink_metadata().is_ok() {
        return Err(Error::Config(format!("{} is there already", file.display())));
    }
    Ok(())
}
