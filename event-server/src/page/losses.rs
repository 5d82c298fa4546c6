//! What clients had to give up, by their own account.

use event_store::loss::ReportedLoss;
use maud::{Markup, html};

use super::layout::{Frame, Tab};
use super::text::to_the_minute;

/// The page.
pub(crate) struct Losses {
    /// What is asked for, as it came.
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) source: String,
    /// The latest hour first.
    pub(crate) losses: Vec<ReportedLoss>,
    /// The parameters of the same as JSON, if this is not all.
    pub(crate) more: Option<String>,
}

/// The whole page.
pub(crate) fn render(found: &Losses, visitor: Option<&str>) -> String {
    let frame = Frame {
        title: "event: lost",
        tab: Some(Tab::Lost),
        up: "",
        visitor,
    };
    let total: u64 = found.losses.iter().map(|loss| loss.events).sum();
    frame.around(&html! {
        h1 { "Lost" }
        p.lead { "What clients could not send, and had to give up: they count it, and report it as soon as they can." }
        div.sheets {
            section.wide {
                h2 { "Reports" }
                (form(found))
                @if found.losses.is_empty() {
                    p.none { "No client reported losses of that time." }
                } @else {
                    (table(&found.losses))
                    @if let Some(more) = &found.more {
                        p.none { "These are the latest " (found.losses.len()) " lines. " a href={ "v1/losses?" (more) } { "All of them as JSON" } }
                    } @else {
                        p.none { (total) @if total == 1 { " event" } @else { " events" } " in all." }
                    }
                }
            }
        }
    })
}

fn form(found: &Losses) -> Markup {
    let fields = [
        ("From", "from", &found.from),
        ("To", "to", &found.to),
        ("Source", "source", &found.source),
    ];
    html! {
        form.question method="get" action="losses" {
            @for (title, name, value) in fields {
                label {
                    span { (title) }
                    input type="text" name=(name) value=(value) autocomplete="off" spellcheck="false";
                }
            }
            button type="submit" { "Show" }
        }
    }
}

/// The reports, a line each.
pub(super) fn table(losses: &[ReportedLoss]) -> Markup {
    html! {
        table {
            caption.unseen { "Events that clients reported as lost, the latest hour first" }
            thead {
                tr {
                    th scope="col" { "Hour, UTC" }
                    th scope="col" { "Source" }
                    th scope="col" { "Reason" }
                    th.number scope="col" { "Events" }
                }
            }
            tbody {
                @for ReportedLoss { source, hour, reason, events } in losses {
                    tr {
                        td { time datetime=(hour) { (to_the_minute(&hour.to_string())) } }
                        td { (source) }
                        td { code { (reason) } }
                        td.number { (events) }
                    }
                }
            }
        }
    }
}
