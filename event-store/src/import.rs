//! Files and streams of CSV or NDJSON → the one door, in large batches.
//!
//! Each batch is committed together with the place that the file was read to, so that an import that is
//! killed goes on exactly where it was: no row is lost, counted twice, or even offered twice.
//!
//! ```
//! use event_core::Source;
//! use event_store::import::{Columns, Format, Header, ImportOptions, Input};
//! use event_store::{EventStore, Origin};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let store = EventStore::connect("sqlite::memory:").await?;
//! let format = Format::Csv { delimiter: b',', header: Header::Present };
//! let mut options = ImportOptions::new(format, Origin::new(Source::new("meter")?));
//! options.category = Some("usage".parse()?);
//! options.name = Some("measured".parse()?);
//! options.columns = Columns::ByName(vec![("customer".to_owned(), "subject".parse()?)]);
//! let file = "customer,timestamp,value\nc-1,2021-03-01 00:01:11.055+00,7\nc-1,,8\n";
//! let imported = store.import(Input::stream(file.as_bytes()), options, |_| {}).await?;
//! assert_eq!((imported.pass.stored, imported.pass.quarantined), (1, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod failure;
mod column;
mod record;
mod options;
mod input;
mod row;
mod occurrence;
mod lift;
mod bind;
mod lifter;
mod rejects;
mod report;
mod reader;
mod count;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

pub use column::{Column, InvalidColumn};
pub use count::{CountOptions, Counted, Rejected, count};
pub use failure::Failure;
pub use input::Input;
pub use options::{Changed, Columns, Format, Header, ImportOptions, Keep, LastRecord, Space, Start};
pub use report::{Imported, Outcome, Progress, Stopped, Tally};

use crate::checkpoint::{self, Checkpoint, Mark, Run};
use crate::error::Error;
use crate::inner::{detached, now};
use crate::store::EventStore;
use input::Kind;
use reader::{Batch, Reader, Step};
use rejects::Rejects;

/// So long a database that is busy, or away, is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// So long there may be no room for a batch: whoever fills the queue is at work.
const CROWDED: Duration = Duration::from_secs(600);
/// So long until it is asked again.
const PAUSE: Duration = Duration::from_millis(200);

impl EventStore {
    /// Imports a file, or what of it was not imported before, and tells how far it has come after every
    /// batch. What becomes of its rows is in the answer; a row that is no event is kept in the
    /// quarantine, and ends nothing unless there are too many.
    ///
    /// An import is known by its label and by what is declared of the file. A file that was imported
    /// adds nothing, one that has grown adds what is new, one that has changed is refused.
    ///
    /// # Errors
    /// [`Stopped`], with what was done by then. What was done stays, and the next run goes on there.
    pub async fn import(
        &self,
        input: Input,
        options: ImportOptions,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<Imported, Stopped> {
        let started = Instant::now();
        let options = Arc::new(options);
        let limit = input.limit;
        let path = match &input.kind {
            Kind::File(path) => Some(path.clone()),
            Kind::Stream(_) => None,
        };
        let reader = open(self, input, &options).await?;
        if let Some(label) = &options.label {
            let fits = (1..=1_000).contains(&label.len()) && !label.chars().any(char::is_control);
            if !fits {
                return Err(Failure::InvalidLabel.into());
            }
        }
        let label = match (&options.label, &path) {
            (Some(label), _) => Some(label.clone()),
            (None, Some(path)) => Some(input::canonical(path)?),
            (None, None) => None,
        };
        let mut work = Work {
            store: self,
            options: &options,
            run: None,
            step: 0,
            at: Checkpoint::default(),
            rejects: None,
            counter: reader.counter(),
            size: reader.size,
            rows: 0,
            errors: 0,
            resumed_at_line: None,
            outcome: Outcome::Stopped,
            progress,
        };
        let ended = match work.begin(label.as_deref()).await {
            Ok(()) => {
                let again = path.map(|path| Input::file(path).at_most(limit));
                work.run_all(reader, again).await
            }
            Err(failure) => Err(failure),
        };
        let imported = work.report(label, started.elapsed());
        match ended {
            Ok(()) => Ok(imported),
            Err(failure) => Err(Stopped {
                failure,
                imported: Some(Box::new(imported)),
            }),
        }
    }
}

/// Opens a file and looks at its first record.
async fn open(store: &EventStore, input: Input, options: &Arc<ImportOptions>) -> Result<Reader, Failure> {
    let (store, options) = (store.clone(), Arc::clone(options));
    let opened = tokio::task::spawn_blocking(move || Reader::open(store, input, options));
    opened.await.map_err(failed)?
}

fn failed(error: tokio::task::JoinError) -> Failure {
    Failure::Store(Error::corrupt(format!("reading failed: {error}")))
}

/// The half of an import that stores.
struct Work<'a, P> {
    store: &'a EventStore,
    options: &'a Arc<ImportOptions>,
    run: Option<Run>,
    step: i64,
    at: Checkpoint,
    rejects: Option<Rejects>,
    counter: Arc<AtomicU64>,
    size: Option<u64>,
    rows: u64,
    errors: u64,
    resumed_at_line: Option<u64>,
    outcome: Outcome,
    progress: P,
}

impl<P: FnMut(Progress) + Send> Work<'_, P> {
    /// Finds out where to begin, and lets no other run of this import go on.
    async fn begin(&mut self, label: Option<&str>) -> Result<(), Failure> {
        let Some(label) = label.map(str::to_owned) else {
            return Ok(());
        };
        let mut digest = [0; 16];
        let known_by = format!("{label}\0{}", self.options.plan());
        digest.copy_from_slice(&blake3::hash(known_by.as_bytes()).as_bytes()[..16]);
        let started = Instant::now();
        let written = loop {
            let (inner, label) = (Arc::clone(self.store.inner()), label.clone());
            let begun = detached(async move {
                let transaction = inner.dialect.begin(&inner.writer).await?;
                checkpoint::begin(inner.dialect, transaction, &inner.tables, digest, &label, now()).await
            });
            match begun.await {
                Err(error) if passes(&error) && started.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
                begun => break begun?,
            }
        };
        let fence = written.fence;
        self.run = Some(Run { digest, fence });
        self.step = written.step;
        self.at = match self.options.start {
            Start::Resume => written.checkpoint,
            Start::Over => written.checkpoint.over(),
        };
        Ok(())
    }

    /// Imports, and once more from the start if the file has changed and that is asked for.
    async fn run_all(&mut self, reader: Reader, again: Option<Input>) -> Result<(), Failure> {
        let ended = self.run_once(reader).await;
        match (ended, again) {
            (Err(Failure::FileChanged(_)), Some(input)) if self.options.changed == Changed::Import => {
                self.at = std::mem::take(&mut self.at).over();
                let reader = open(self.store, input, self.options).await?;
                self.counter = reader.counter();
                self.run_once(reader).await
            }
            (ended, _) => ended,
        }
    }

    async fn run_once(&mut self, reader: Reader) -> Result<(), Failure> {
        let from = self.at.clone();
        if from.pass.rows > 0 && !from.finished {
            self.resumed_at_line = Some(from.line);
        }
        let places = Arc::clone(&reader.places);
        // One batch waits while another is stored and a third is read.
        let (sender, mut steps) = tokio::sync::mpsc::channel(1);
        let reading = tokio::task::spawn_blocking(move || reader.run(&from, |step| sender.blocking_send(step).is_ok()));
        let mut resuming = true;
        while let Some(step) = steps.recv().await {
            if let Step::Batch(batch) = step {
                resuming = false;
                let finished = batch.finished;
                self.store_batch(batch, &places).await?;
                if self.errors >= self.options.max_errors && !finished {
                    return Err(Failure::TooManyErrors { errors: self.errors });
                }
            }
            let (rows, errors, size) = (self.rows, self.errors, self.size);
            let bytes = reader::bytes(&self.counter);
            (self.progress)(Progress {
                rows,
                errors,
                bytes,
                size,
                resuming,
            });
        }
        reading.await.map_err(failed)?
    }

    async fn store_batch(&mut self, batch: Batch, places: &Arc<checkpoint::Places>) -> Result<(), Failure> {
        if batch.finished {
            self.outcome = Outcome::Complete;
            if self.at.finished && batch.rows.is_empty() {
                self.outcome = Outcome::NothingNew;
                let rejects = self.options.rejects.as_deref();
                return rejects.map_or(Ok(()), |path| Rejects::complete(path, &self.at));
            }
        }
        if let (None, Some(path)) = (&self.rejects, &self.options.rejects) {
            self.rejects = Some(Rejects::open(path, &self.at)?);
        }
        let base = match self.at.finished {
            true => self.at.clone().next_pass(),
            false => self.at.clone(),
        };
        let Batch {
            entries,
            rows,
            offset,
            line,
            checked,
            hash,
            tail,
            finished,
            ..
        } = batch;
        let checkpoint = Checkpoint {
            offset,
            line,
            checked,
            hash,
            tail,
            finished,
            rejects_bytes: self.rejects.as_ref().map_or(0, |rejects| rejects.bytes),
            ..base
        };
        let before = (checkpoint.pass.rows, checkpoint.pass.errors());
        let mark = Mark {
            run: self.run,
            step: self.step,
            checkpoint,
            rows,
            places: Arc::clone(places),
        };
        self.at = offer(self.store, Arc::new(entries), Arc::new(mark)).await?;
        self.step += 1;
        self.rows += self.at.pass.rows - before.0;
        self.errors += self.at.pass.errors() - before.1;
        match &mut self.rejects {
            Some(rejects) => rejects.append(&self.at.rejects),
            None => Ok(()),
        }
    }

    fn report(self, label: Option<String>, elapsed: Duration) -> Imported {
        let pass = match self.outcome {
            Outcome::NothingNew => Tally::default(),
            _ => self.at.pass.clone(),
        };
        let previous = match self.outcome {
            Outcome::NothingNew => Some(self.at.pass.clone()),
            _ => self.at.previous.clone(),
        };
        Imported {
            label,
            outcome: self.outcome,
            pass,
            total: self.at.total(),
            previous,
            resumed_at_line: self.resumed_at_line,
            rows: self.rows,
            bytes: reader::bytes(&self.counter),
            elapsed,
        }
    }
}

/// Stores a batch and its mark, once; answers how far the import has come.
async fn offer(
    store: &EventStore,
    entries: Arc<Vec<crate::queue::Entry>>,
    mark: Arc<Mark>,
) -> Result<Checkpoint, Error> {
    let started = Instant::now();
    loop {
        let error = match store.ingest_marked(Arc::clone(&entries), Arc::clone(&mark)).await {
            Ok(verdicts) => return Ok(mark.after(&verdicts)),
            Err(error) => error,
        };
        // It may be that nobody heard of the commit.
        if let (Some(run), Error::Unknown(_) | Error::ImportTaken) = (mark.run, &error) {
            let inner = Arc::clone(store.inner());
            let read =
                detached(
                    async move { checkpoint::read(inner.dialect, &inner.reader, &inner.tables, &run.digest).await },
                );
            match read.await {
                Ok(Some(written)) if written.fence != run.fence => return Err(Error::ImportTaken),
                Ok(Some(written)) if written.step == mark.step + 1 => return Ok(written.checkpoint),
                _ => {}
            }
        }
        let patience = match error {
            Error::Overloaded => CROWDED,
            _ => PATIENCE,
        };
        if !passes(&error) || started.elapsed() > patience {
            return Err(error);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether an error may be over soon.
fn passes(error: &Error) -> bool {
    matches!(
        error,
        Error::Unknown(_) | Error::Unavailable(_) | Error::Contention(_) | Error::Overloaded
    )
}
