//! How far an import has come: a bar on a terminal, lines of JSON for a program, or nothing.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use event_store::import::Progress;
use serde_json::json;

/// What is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Told {
    /// A bar, if standard error is a terminal
    #[default]
    Auto,
    /// A line of JSON a second
    Json,
    /// Nothing
    None,
}

/// The width of the bar itself.
const WIDTH: usize = 24;

pub(super) struct Bar {
    told: Told,
    started: Instant,
    written: Option<Instant>,
    /// The bytes and the time at which the rows began that are new.
    new_from: Option<(u64, Instant)>,
}

impl Bar {
    pub(super) fn new(told: Told) -> Self {
        let told = match told {
            Told::Auto if !io::stderr().is_terminal() => Told::None,
            told => told,
        };
        Bar {
            told,
            started: Instant::now(),
            written: None,
            new_from: None,
        }
    }

    pub(super) fn show(&mut self, progress: Progress) {
        let pace = match self.told {
            Told::None => return,
            Told::Auto => Duration::from_millis(100),
            Told::Json => Duration::from_secs(1),
        };
        if self.new_from.is_none() && !progress.resuming {
            self.new_from = Some((progress.bytes, Instant::now()));
        }
        let at_end = progress.size == Some(progress.bytes);
        if !at_end && self.written.is_some_and(|written| written.elapsed() < pace) {
            return;
        }
        self.written = Some(Instant::now());
        let line = match self.told {
            Told::Json => format!("{}\n", self.json(&progress)),
            _ => format!("\r{}\x1b[K", self.bar(&progress)),
        };
        // Whoever closed standard error does not want to see it.
        let _ = write!(io::stderr(), "{line}");
    }

    /// Leaves the line empty for what comes next.
    pub(super) fn end(&mut self) {
        if self.told == Told::Auto && self.written.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    fn rate(&self, progress: &Progress) -> f64 {
        progress.rows as f64 / self.started.elapsed().as_secs_f64().max(0.001)
    }

    /// How long the rest takes, at the pace of the rows that were new.
    fn left(&self, progress: &Progress) -> Option<Duration> {
        let (bytes, since) = self.new_from?;
        let (done, left) = (
            progress.bytes.checked_sub(bytes)?,
            progress.size?.checked_sub(progress.bytes)?,
        );
        (done > 0).then(|| since.elapsed().mul_f64(left as f64 / done as f64))
    }

    fn json(&self, progress: &Progress) -> serde_json::Value {
        json!({
            "rows": progress.rows,
            "errors": progress.errors,
            "bytes": progress.bytes,
            "size": progress.size,
            "rows_per_second": self.rate(progress).round(),
            "seconds_left": self.left(progress).map(|left| left.as_secs()),
            "resuming": progress.resuming,
        })
    }

    fn bar(&self, progress: &Progress) -> String {
        let mut text = match progress.size.filter(|size| *size > 0) {
            Some(size) => {
                let done = progress.bytes.min(size);
                let percent = done * 100 / size;
                let filled = usize::try_from(percent).unwrap_or(100) * WIDTH / 100;
                format!("[{}{}] {percent:>3} %", "=".repeat(filled), " ".repeat(WIDTH - filled))
            }
            None => format!("{} MiB", progress.bytes >> 20),
        };
        if progress.resuming {
            return text + ", passing over what was imported before";
        }
        text.push_str(&format!(", {} rows, {:.0} rows/s", progress.rows, self.rate(progress)));
        if progress.errors > 0 {
            text.push_str(&format!(", {} refused", progress.errors));
        }
        if let Some(left) = self.left(progress) {
            let seconds = left.as_secs();
            text.push_str(&format!(", {}:{:02} left", seconds / 60, seconds % 60));
        }
        text
    }
}
