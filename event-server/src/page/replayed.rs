//! What came of replaying many refused events, or would come of it.

use event_store::quarantine::{Replayed, Run};
use maud::{Markup, html};

use super::layout::{Frame, Tab};
use super::text::encoded;

/// What was asked for, and what came of it.
pub(crate) struct Outcome {
    /// The reason of those that were asked for; empty for all.
    pub(crate) code: String,
    pub(crate) after: Option<i64>,
    pub(crate) replayed: Replayed,
}

/// The whole page.
pub(crate) fn render(outcome: &Outcome, visitor: Option<&str>) -> String {
    let Outcome { code, replayed, .. } = outcome;
    let title = match replayed.run {
        Run::Dry => "Tried",
        Run::Real => "Replayed",
    };
    let frame = Frame {
        title: &format!("event: {}", title.to_lowercase()),
        tab: Some(Tab::Refused),
        up: "../",
        visitor,
    };
    frame.around(&html! {
        h1 { (title) }
        p.lead {
            (replayed.entries) @if replayed.entries == 1 { " entry" } @else { " entries" }
            @if !code.is_empty() { " refused as " code { (code) } }
            @match replayed.run {
                Run::Dry => " would be judged again. Nothing is changed yet.",
                Run::Real => " judged again.",
            }
        }
        div.sheets {
            section.wide {
                h2 { @match replayed.run { Run::Dry => "What would become of them", Run::Real => "What became of them" } }
                (table(replayed))
                (next(outcome))
                p { a href={ "../refused?code=" (encoded(code)) } { "Back to what is refused" } }
            }
        }
    })
}

fn table(replayed: &Replayed) -> Markup {
    html! {
        @if replayed.outcomes.is_empty() {
            p.none { "There are none." }
        } @else {
            table {
                caption.unseen { "Entries by what becomes of them" }
                thead { tr { th scope="col" { "Becomes" } th scope="col" { "Reason" } th scope="col" { "As number" } th.number scope="col" { "Entries" } } }
                tbody {
                    @for outcome in &replayed.outcomes {
                        tr {
                            td { (outcome.status.as_str()) }
                            td { @if let Some(code) = &outcome.code { code { (code) } } @else { "–" } }
                            td {
                                @for (at, sample) in outcome.samples.iter().enumerate() {
                                    @if at > 0 { ", " }
                                    a href=(sample.number) { (sample.number) }
                                }
                                @if outcome.entries > outcome.samples.len() as u64 { ", …" }
                            }
                            td.number { (outcome.entries) }
                        }
                    }
                }
            }
        }
    }
}

/// The buttons: to do what was tried, and to go on where there were too many for once.
fn next(outcome: &Outcome) -> Markup {
    let Outcome { code, after, replayed } = outcome;
    html! {
        @if replayed.run == Run::Dry && replayed.entries > 0 {
            (button(code, *after, "real", "Replay these now"))
        }
        @if let Some(next) = replayed.next {
            p.none { "There are more than are judged at once." }
            (button(code, Some(next), if replayed.run == Run::Dry { "dry" } else { "real" }, "Go on with the next ones"))
        }
    }
}

fn button(code: &str, after: Option<i64>, run: &str, title: &str) -> Markup {
    html! {
        form.work method="post" action="replay" {
            input type="hidden" name="code" value=(code);
            input type="hidden" name="run" value=(run);
            @if let Some(after) = after { input type="hidden" name="after" value=(after); }
            button type="submit" { (title) }
        }
    }
}
