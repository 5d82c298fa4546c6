//! `event-server count --file`: the answer straight from a file, without a store.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use event_core::filter::Field;
use event_core::minutes::Cut;
use event_core::{Answer, Query};
use event_server::config::{Settings, temporary_folder};
use event_store::import::{CountOptions, Counted, Failure, Input, count};

use super::asked::Asked;
use super::bar::{Bar, Told};
use super::layout::Layout;
use super::{FAILED, UNUSABLE_SETTINGS, fail, with_causes};

#[derive(clap::Args)]
#[command(next_help_heading = "From a file")]
pub(super) struct FromFile {
    /// Count the rows of this file, plain or compressed with gzip or zstd, and not the events of the store; - for
    /// standard input
    #[arg(long)]
    file: Option<PathBuf>,
    #[command(flatten)]
    layout: Layout,
    /// Hold about so many MiB at the most; what is more goes to --spill
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..), requires = "file")]
    memory: u32,
    /// A folder for what finds no room in memory: the system's own for temporary files, if left out
    #[arg(long, value_name = "FOLDER", requires = "file")]
    spill: Option<PathBuf>,
    /// How many threads read: as many as there are cores, if left out
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..), requires = "file")]
    threads: Option<u16>,
    /// Write line, column, byte and reason of refused rows to this file, of the first 1,000
    #[arg(long, value_name = "FILE", requires = "file")]
    rejects: Option<PathBuf>,
}

impl FromFile {
    /// The file, if there is one.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Answers a question from the file; or says why not, and what to end with.
    pub(super) fn answer(
        &self,
        file: &Path,
        mut query: Query,
        asked: &Asked,
        settings: &Settings,
    ) -> Result<(Query, Answer), ExitCode> {
        let unusable = |message: String| fail(&message, UNUSABLE_SETTINGS);
        let mut options = self.layout.options(file, None, settings).map_err(unusable)?;
        // What is asked of all rows may as well be what they are.
        let label = |text: Option<&str>| text.map(str::parse::<event_core::Label>).transpose();
        options.category = label(asked.category()).map_err(|error| unusable(error.to_string()))?;
        options.name = label(asked.name()).map_err(|error| unusable(error.to_string()))?;
        let mut counting = CountOptions::default();
        // Rows are judged by all conditions when they are read, but for that on the subject, by which they are counted.
        let (subject, others) = std::mem::take(&mut query.filter.all)
            .into_iter()
            .partition(|condition| condition.field == Field::Subject);
        query.filter.all = subject;
        counting.only.all = others;
        counting.cut = Cut::of(&query);
        counting.limits = settings.limits();
        counting.future_tolerance_seconds = settings.future_tolerance;
        if self.rejects.is_none() {
            counting.rejected = 0;
        }
        counting.threads = self.threads.map(usize::from);
        counting.memory = (self.memory as usize) << 20;
        counting.spill = Some(self.spill.clone().unwrap_or_else(temporary_folder));
        let failed = |failure: Failure| {
            let message = format!("{}: {}: {}", file.display(), failure.code(), with_causes(&failure));
            fail(&message, if failure.is_input() { UNUSABLE_SETTINGS } else { FAILED })
        };
        // What cannot be answered is not counted first.
        counting.cut.check(&query).map_err(|error| failed(error.into()))?;
        let input = match file == Path::new("-") {
            true => Input::stream(io::stdin()),
            false => Input::file(file),
        };
        let mut bar = Bar::new(Told::Auto);
        let counted = tokio::task::block_in_place(|| count(input, &options, &counting, |progress| bar.show(progress)));
        bar.end();
        let counted = counted.map_err(failed)?;
        let answer = counted.answer(&query).map_err(failed)?;
        if let Some(path) = &self.rejects {
            let written = fs::write(path, rejects(&counted)).map_err(Failure::Rejects);
            written.map_err(failed)?;
        }
        // Whoever closed standard error does not want to see it.
        let _ = writeln!(io::stderr(), "{}", told(&counted));
        Ok((query, answer))
    }
}

fn rejects(counted: &Counted) -> String {
    let mut text = "line,column,offset,code,message\n".to_owned();
    for row in &counted.rejected {
        let column = row.column.map(|column| column.to_string()).unwrap_or_default();
        let message = row.message.replace('"', "\"\"");
        // Writing to a string does not fail.
        let _ = writeln!(text, "{},{column},{},{},\"{message}\"", row.line, row.offset, row.code);
    }
    text
}

fn told(counted: &Counted) -> String {
    let seconds = counted.elapsed.as_secs_f64();
    let mut text = format!("{} rows, {} refused", counted.rows, counted.refused());
    let codes: Vec<String> = counted
        .codes
        .iter()
        .map(|(code, rows)| format!("{code} {rows}"))
        .collect();
    if !codes.is_empty() {
        text.push_str(&format!(" ({})", codes.join(", ")));
    }
    let rate = counted.rows as f64 / seconds.max(0.001);
    text.push_str(&format!(", in {seconds:.2} s: {rate:.0} rows/s"));
    if counted.spilled > 0 {
        text.push_str(&format!(", {} MiB written away", counted.spilled.div_ceil(1 << 20)));
    }
    if let Some(peak) = peak_memory() {
        text.push_str(&format!(", {} MiB at the most", peak >> 10));
    }
    text
}

/// The most memory that this program has held, in KiB, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
