//! What people see of one refused event, and of a replay.

use std::io::{self, Write as _};

use event_core::Verdict;
use event_store::quarantine::{Inspected, Replayed, Run};

use super::super::columns;

/// One entry, with its spots and its history.
pub(super) fn print(found: &Inspected) -> io::Result<()> {
    let entry = &found.entry;
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let mut facts = vec![
        ["number".to_owned(), entry.number.to_string()],
        ["state".to_owned(), entry.state.as_str().to_owned()],
        ["code".to_owned(), entry.code.to_string()],
        ["source".to_owned(), entry.source.to_string()],
        [
            "type".to_owned(),
            or_none(entry.event_type.as_ref().map(ToString::to_string)),
        ],
        ["id".to_owned(), or_none(entry.id.as_ref().map(ToString::to_string))],
        ["received".to_owned(), entry.received_at.to_string()],
        ["times".to_owned(), entry.occurrences.to_string()],
    ];
    let came = entry.raw.clone().or_else(|| entry.raw_hex.clone()).unwrap_or_default();
    facts.push(["came in as".to_owned(), came]);
    if let Some(edited) = &entry.edited {
        facts.push(["edited to".to_owned(), edited.clone()]);
    }
    facts.push(["now".to_owned(), verdict(&found.verdict)]);
    harmless(&mut facts);
    columns::print(&facts)?;
    if !found.marks.is_empty() {
        let mut rows = vec![["where", "rule", "what stands there", "message"].map(str::to_owned)];
        rows.extend(found.marks.iter().map(|mark| {
            let value = mark.value.as_ref().map(|value| value.get().to_owned());
            let offset = mark.offset.map(|offset| format!("byte {offset}"));
            [
                mark.pointer.clone(),
                mark.keyword.clone(),
                value.or(offset).unwrap_or_else(|| "nothing".to_owned()),
                mark.message.clone(),
            ]
        }));
        harmless(&mut rows);
        writeln!(io::stdout())?;
        columns::print(&rows)?;
    }
    if !found.history.is_empty() {
        let mut rows = vec![["when", "what", "by", "detail"].map(str::to_owned)];
        rows.extend(found.history.iter().map(|done| {
            [
                done.at.to_string(),
                done.action.as_str().to_owned(),
                or_none(done.actor.as_ref().map(ToString::to_string)),
                or_none(done.detail.clone()),
            ]
        }));
        harmless(&mut rows);
        writeln!(io::stdout())?;
        columns::print(&rows)?;
    }
    Ok(())
}

fn harmless<const N: usize>(rows: &mut [[String; N]]) {
    for text in rows.iter_mut().flatten() {
        *text = columns::harmless(text);
    }
}

/// What would become of an event, in a line.
pub(super) fn verdict(verdict: &Verdict) -> String {
    let reason = verdict.violations.first().map(|first| format!(": {}", first.message));
    let code = verdict.code.map(|code| format!(" ({code})")).unwrap_or_default();
    let text = format!(
        "would be {}{code}{}",
        verdict.status.as_str(),
        reason.unwrap_or_default()
    );
    columns::harmless(&text)
}

/// What became of a set.
pub(super) fn replayed(replayed: &Replayed) -> io::Result<()> {
    let mut rows = vec![["status", "code", "entries", "the first"].map(str::to_owned)];
    rows.extend(replayed.outcomes.iter().map(|outcome| {
        let numbers: Vec<String> = outcome.samples.iter().map(|sample| sample.number.to_string()).collect();
        [
            outcome.status.as_str().to_owned(),
            outcome.code.map_or_else(|| "-".to_owned(), |code| code.to_string()),
            outcome.entries.to_string(),
            numbers.join(" "),
        ]
    }));
    columns::print(&rows)?;
    let (entries, skipped) = (replayed.entries, replayed.skipped);
    let done = match replayed.run {
        Run::Real => "were judged again",
        Run::Dry => "would be judged again; nothing was written",
    };
    writeln!(io::stdout(), "{entries} entries {done}, {skipped} skipped")
}
