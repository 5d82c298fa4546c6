//! How far long work has come: a line on standard error that is written anew, on a terminal only.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use event_store::Progress;

/// So often the line is written at the most.
const PACE: Duration = Duration::from_millis(100);

pub(super) struct ProgressLine {
    what: &'static str,
    terminal: bool,
    written: Option<Instant>,
}

impl ProgressLine {
    pub(super) fn new(what: &'static str) -> Self {
        ProgressLine {
            what,
            terminal: io::stderr().is_terminal(),
            written: None,
        }
    }

    pub(super) fn show(&mut self, progress: Progress) {
        if !self.terminal || self.written.is_some_and(|written| written.elapsed() < PACE) {
            return;
        }
        self.written = Some(Instant::now());
        let Progress { done, total, .. } = progress;
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100).min(100);
        // Whoever closed standard error does not want to see it.
        let _ = write!(io::stderr(), "\r{}: {done} of {total}, {percent} %\x1b[K", self.what);
    }
}

impl Drop for ProgressLine {
    /// Leaves the line empty for what comes next.
    fn drop(&mut self) {
        if self.written.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
