//! What people see of projections and of parked events.

use std::io::{self, Write as _};

use event_store::project::{InspectedParked, Parked, ProjectionStatus, Stage};

use super::super::columns;

fn or_none(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}

fn harmless<const N: usize>(row: [String; N]) -> [String; N] {
    row.map(|text| columns::harmless(&text))
}

/// How far they are, each with what keeps it.
pub(super) fn statuses(all: &[ProjectionStatus]) -> io::Result<()> {
    let head = [
        "name", "tables", "version", "stage", "position", "behind", "for", "parked", "waiting", "held", "error",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(all.iter().map(|it| {
        let held = it.shards.iter().filter(|shard| shard.holder.is_some()).count();
        let errors = it.shards.iter().find_map(|shard| shard.error.clone());
        harmless([
            it.name.clone(),
            it.generation.to_string(),
            it.version.to_string(),
            stage(it.stage).to_owned(),
            it.position.to_string(),
            (it.head - it.position).to_string(),
            format!("{} s", it.lag.as_secs()),
            it.parked.to_string(),
            it.waiting.to_string(),
            format!("{held} of {}", it.shards.len()),
            or_none(errors),
        ])
    }));
    columns::print(&rows)
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Live => "live",
        Stage::Closing => "closing",
        Stage::Building => "building",
        Stage::Asked => "asked",
        Stage::Old => "old",
        _ => "unknown",
    }
}

/// Parked events, one a line.
pub(super) fn parked(events: &[Parked]) -> io::Result<()> {
    let head = ["position", "tables", "state", "tried", "parked", "code", "id", "reason"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(events.iter().map(row));
    columns::print(&rows)
}

fn row(event: &Parked) -> [String; 8] {
    harmless([
        event.position.to_string(),
        event.generation.to_string(),
        event.state.as_str().to_owned(),
        event.attempts.to_string(),
        event.parked_at.to_string(),
        event.code.clone(),
        event.event_id.clone(),
        event.reason.clone(),
    ])
}

/// One event, with all that was done since it was parked.
pub(super) fn inspected(found: &InspectedParked) -> io::Result<()> {
    if found.parked.is_empty() {
        writeln!(io::stdout(), "it is not parked any more")?;
    } else {
        parked(&found.parked)?;
    }
    let event = found.event.as_ref().map(serde_json::to_string).transpose()?;
    let shown = event.unwrap_or_else(|| "it was erased or pruned".to_owned());
    writeln!(io::stdout(), "\nevent  {}", columns::harmless(&shown))?;
    if !found.history.is_empty() {
        let mut rows = vec![["when", "what", "by", "tables"].map(str::to_owned)];
        rows.extend(found.history.iter().map(|done| {
            harmless([
                done.at.to_string(),
                done.action.as_str().replace('_', " "),
                or_none(done.actor.as_ref().map(ToString::to_string)),
                done.generation.to_string(),
            ])
        }));
        writeln!(io::stdout())?;
        columns::print(&rows)?;
    }
    Ok(())
}
