//! `event-server metrics`: what is counted, and whether all of it is.

use std::io::{self, Write as _};
use std::process::ExitCode;

use event_server::config::{Flags, Settings};
use event_store::MetricRecord;

use super::{Outcome, columns, open};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten, next_help_heading = "Settings")]
    pub(super) flags: Flags,
}

pub(super) async fn run(settings: &Settings) -> Outcome {
    let store = open(settings).await?;
    let metrics = store.metrics().await?;
    store.close().await?;
    if metrics.is_empty() {
        writeln!(io::stdout(), "there are no metrics in {}", settings.database_url)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = vec![["metric", "type", "value", "scale", "by", "unique", "ready"].map(str::to_owned)];
    rows.extend(metrics.iter().map(row));
    columns::print(&rows)?;
    Ok(ExitCode::SUCCESS)
}

fn row(record: &MetricRecord) -> [String; 7] {
    let metric = &record.metric;
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let by: Vec<String> = metric.by().iter().map(ToString::to_string).collect();
    let row = [
        metric.label().to_string(),
        metric.event_type().to_string(),
        or_none(metric.value().map(ToString::to_string)),
        or_none(metric.scale().map(|scale| scale.to_string())),
        or_none(Some(by.join(", ")).filter(|by| !by.is_empty())),
        or_none(metric.unique().map(ToString::to_string)),
        readiness(record),
    ];
    row.map(|text| columns::harmless(&text))
}

/// Whether all events are counted, or how many places of the log are.
pub(super) fn readiness(record: &MetricRecord) -> String {
    match record.ready {
        true => "yes".to_owned(),
        false => format!("counted {} of {}", record.built, record.since),
    }
}
