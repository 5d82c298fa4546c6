//! `event-server verify`: are the cells of every metric what the events say?

use std::io::{self, Write as _};
use std::process::ExitCode;

use event_server::config::{Flags, Settings};
use event_store::{Difference, Repair, Verified};

use super::metrics::readiness;
use super::progress::ProgressLine;
use super::{FAILED, Outcome, columns, open};

/// Differences of a metric that are printed.
const PRINTED: usize = 10;

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// Count anew where cells differ
    #[arg(long)]
    repair: bool,
    #[command(flatten, next_help_heading = "Settings")]
    pub(super) flags: Flags,
}

const AFTER_HELP: &str = "\
Days from which events were pruned, or of which only counts are kept, cannot be verified, and are only counted.

Ends with 0 if nothing differs, or what differed was repaired; 1 if something differs, or it failed; \
2 if a setting cannot be used.";

impl Arguments {
    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        let repair = if self.repair {
            Repair::Differences
        } else {
            Repair::Nothing
        };
        let mut line = ProgressLine::new("metrics verified");
        let verified = store.verify(repair, |progress| line.show(progress)).await?;
        drop(line);
        let metrics = store.metrics().await?;
        store.close().await?;
        if metrics.is_empty() {
            writeln!(io::stdout(), "there are no metrics in {}", settings.database_url)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut rows = vec![["metric", "cells", "differing", "unverifiable days", ""].map(str::to_owned)];
        rows.extend(verified.iter().map(row));
        for record in metrics.iter().filter(|record| !record.ready) {
            let label = columns::harmless(record.metric.label().as_str());
            let none = || "-".to_owned();
            rows.push([label, none(), none(), none(), readiness(record)]);
        }
        columns::print(&rows)?;
        for metric in verified.iter().filter(|metric| metric.differing > 0) {
            print_differences(metric)?;
        }
        let left = verified.iter().any(|metric| metric.differing > 0 && !metric.repaired);
        Ok(if left {
            ExitCode::from(FAILED)
        } else {
            ExitCode::SUCCESS
        })
    }
}

fn row(verified: &Verified) -> [String; 5] {
    [
        columns::harmless(verified.metric.as_str()),
        verified.cells.to_string(),
        verified.differing.to_string(),
        verified.unverifiable_days.to_string(),
        if verified.repaired {
            "repaired".to_owned()
        } else {
            String::new()
        },
    ]
}

fn print_differences(verified: &Verified) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "\n{}:", columns::harmless(verified.metric.as_str()))?;
    for difference in verified.differences.iter().take(PRINTED) {
        let Difference {
            at,
            minutes,
            group,
            what,
            found,
            expected,
        } = difference;
        let group = columns::harmless(&group.join(", "));
        writeln!(
            out,
            "  {at}, {minutes} min, [{group}]: it says {found} {what}, there are {expected}"
        )?;
    }
    let more = verified.differing.saturating_sub(PRINTED as u64);
    if more > 0 {
        writeln!(out, "  and {more} more")?;
    }
    Ok(())
}
