//! `event-server export`: events out of the store, to a file, a folder or standard output.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use event_core::Pointer;
use event_core::query::Page;
use event_core::upcaster::Target;
use event_server::config::{Flags, Settings};
use event_store::EventStore;
use event_store::export::{CsvOptions, Encoded, ExportOptions, Formulas, ParquetOptions};

use super::asked::Asked;
use super::progress::ProgressLine;
use super::{Outcome, UNUSABLE_SETTINGS, fail, open};

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// How the events are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The file, or the folder of a format with many; standard output, if left out
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Only events behind this position of the log
    #[arg(long, value_name = "POSITION", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    after: i64,
    /// CSV: a column for this place in the data, in place of all of it; may be given again
    #[arg(long = "column", value_name = "PLACE")]
    columns: Vec<Pointer>,
    /// CSV: what becomes of texts that spreadsheets take for formulas
    #[arg(long, value_enum, default_value_t)]
    formulas: Choice,
    /// Parquet: after so many events all files are whole, and a run that was killed goes on from there
    #[arg(long, value_name = "EVENTS", default_value_t = ParquetOptions::default().checkpoint)]
    checkpoint: u64,
    /// Write events as those of this version of their types; the active one, if none is named
    #[arg(long, value_name = "VERSION", num_args = 0..=1, require_equals = true, default_missing_value = "latest")]
    upcast: Option<Target>,
    #[command(flatten)]
    asked: Asked,
    #[command(flatten, next_help_heading = "Settings")]
    pub(super) flags: Flags,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One event a line, as it could be sent again
    #[default]
    Ndjson,
    /// One event a row, for spreadsheets
    Csv,
    /// A stream of Arrow (IPC)
    Arrow,
    /// A folder of files, by day and type; the same folder again is continued
    Parquet,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Choice {
    /// A ' is put before them
    #[default]
    Escaped,
    /// They stay what they are
    Verbatim,
}

const AFTER_HELP: &str = "\
Events come in the order of the log, up to the newest of the moment when it starts; standard error says which position \
that is, so that --after continues there. A file appears under its name when it is whole.

Ends with 0 when all are written, 1 if it failed, 2 if a setting or an option cannot be used.";

impl Arguments {
    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        let options = match self.options() {
            Ok(options) => options,
            Err(error) => return Ok(fail(&error, UNUSABLE_SETTINGS)),
        };
        let store = open(settings).await?;
        let exported = self.export(&store, &options).await;
        store.close().await?;
        let until = exported?;
        writeln!(io::stderr(), "all events up to position {until} are exported")?;
        Ok(ExitCode::SUCCESS)
    }

    fn options(&self) -> Result<ExportOptions, Box<dyn Error>> {
        if self.format == Format::Parquet && self.out.is_none() {
            return Err("--format parquet writes many files: say with --out to which folder".into());
        }
        let Page { filter, from, to, .. } = Page::from_pairs(self.asked.pairs([]))?;
        Ok(ExportOptions {
            after: self.after,
            from,
            to,
            filter,
            upcast: self.upcast.clone(),
        })
    }

    async fn export(&self, store: &EventStore, options: &ExportOptions) -> Result<i64, Box<dyn Error>> {
        if let (Format::Parquet, Some(folder)) = (self.format, &self.out) {
            let parquet = ParquetOptions {
                checkpoint: self.checkpoint,
                ..ParquetOptions::default()
            };
            let mut line = ProgressLine::new("positions exported");
            let progress = |progress| line.show(progress);
            return Ok(store
                .export_parquet(folder, options, &parquet, progress)
                .await?
                .position);
        }
        let export = store.export(options).await?;
        let bytes = match self.format {
            Format::Csv => export.csv(CsvOptions {
                columns: self.columns.clone(),
                formulas: match self.formulas {
                    Choice::Escaped => Formulas::Escaped,
                    Choice::Verbatim => Formulas::Verbatim,
                },
            }),
            Format::Arrow => export.arrow(),
            _ => export.ndjson(),
        };
        match &self.out {
            Some(file) => to_file(file, bytes).await,
            None => write(&mut io::stdout(), bytes).await,
        }
    }
}

/// Writes beside the file, which appears when it is whole.
async fn to_file(path: &Path, bytes: Encoded) -> Result<i64, Box<dyn Error>> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".part");
    let mut file = fs::File::create(&unfinished)?;
    let until = write(&mut file, bytes).await?;
    file.sync_all()?;
    drop(file);
    fs::rename(&unfinished, path)?;
    Ok(until)
}

async fn write(out: &mut impl Write, mut bytes: Encoded) -> Result<i64, Box<dyn Error>> {
    let mut line = ProgressLine::new("positions exported");
    while let Some(chunk) = bytes.next().await? {
        out.write_all(&chunk)?;
        line.show(bytes.progress());
    }
    out.flush()?;
    Ok(bytes.until())
}
