//! What was refused: a list, by reason, and where to mend it.

use std::collections::BTreeSet;

use event_store::{QuarantineCount, QuarantineEntry};
use maud::{Markup, html};

use super::entry::Hands;
use super::layout::{Frame, Tab};
use super::text::{encoded, to_the_second};

/// The states that an entry can have.
const STATES: [&str; 3] = ["open", "replayed", "discarded"];

/// A page of the list.
pub(crate) struct Refused {
    /// How many are open, by reason and type.
    pub(crate) counts: Vec<QuarantineCount>,
    /// What is asked for, as it came.
    pub(crate) code: String,
    pub(crate) state: String,
    pub(crate) entries: Vec<QuarantineEntry>,
    /// The parameters of the next page.
    pub(crate) next: Option<String>,
    pub(crate) hands: Hands,
}

/// The whole page.
pub(crate) fn render(refused: &Refused, visitor: Option<&str>) -> String {
    let frame = Frame {
        title: "event: refused",
        tab: Some(Tab::Refused),
        up: "",
        visitor,
    };
    frame.around(&html! {
        h1 { "Refused" }
        p.lead { "What breaks the rules is kept as it came in, until somebody mends it or says that it is of no use." }
        div.sheets {
            section.wide {
                h2 { "Open, by reason" }
                (counts(&refused.counts))
            }
            section.wide {
                h2 { "Entries" }
                (form(refused))
                @if refused.hands == Hands::Free && refused.state == "open" && !refused.entries.is_empty() { (replay(&refused.code)) }
                (entries(&refused.entries))
                @if let Some(next) = &refused.next { p { a href={ "refused?" (next) } rel="next" { "Later ones" } } }
            }
        }
    })
}

fn counts(counts: &[QuarantineCount]) -> Markup {
    html! {
        @if counts.is_empty() {
            p.none { "Nothing is open." }
        } @else {
            table {
                caption.unseen { "How many refused events are open, by reason and the type that they claim" }
                thead { tr { th scope="col" { "Reason" } th scope="col" { "Type" } th.number scope="col" { "Entries" } th.number scope="col" { "Times" } } }
                tbody {
                    @for QuarantineCount { code, event_type, entries, occurrences } in counts {
                        tr {
                            td { a href={ "refused?state=open&code=" (code) } { code { (code) } } }
                            td.type { @if let Some(claimed) = event_type { (claimed.category) " / " (claimed.name) } }
                            td.number { (entries) }
                            td.number { (occurrences) }
                        }
                    }
                }
            }
        }
    }
}

fn form(refused: &Refused) -> Markup {
    let codes: BTreeSet<&str> = refused.counts.iter().map(|count| count.code.as_str()).collect();
    let asked = refused.code.as_str();
    html! {
        form.question method="get" action="refused" {
            label {
                span { "Reason" }
                select name="code" {
                    option value="" { "any" }
                    @if !asked.is_empty() && !codes.contains(asked) { option value=(asked) selected { (asked) } }
                    @for code in &codes { option value=(code) selected[*code == asked] { (code) } }
                }
            }
            label {
                span { "State" }
                select name="state" {
                    option value="" { "any" }
                    @for state in STATES { option value=(state) selected[refused.state == state] { (state) } }
                }
            }
            button type="submit" { "Show" }
        }
    }
}

/// Nothing is done to many without having been tried.
fn replay(code: &str) -> Markup {
    html! {
        form.work method="post" action="refused/replay" {
            input type="hidden" name="code" value=(code);
            input type="hidden" name="run" value="dry";
            button type="submit" { "Try to replay " @if code.is_empty() { "all that are open" } @else { "all of this reason" } }
            p.none { "Shows what would become of them now, and changes nothing." }
        }
    }
}

fn entries(entries: &[QuarantineEntry]) -> Markup {
    html! {
        @if entries.is_empty() {
            p.none { "There are none." }
        } @else {
            table {
                caption.unseen { "Refused events, in the order in which they came in" }
                thead {
                    tr {
                        th scope="col" { "Number" }
                        th scope="col" { "Received at, UTC" }
                        th scope="col" { "Reason" }
                        th scope="col" { "Type" }
                        th scope="col" { "Source" }
                        th.number scope="col" { "Times" }
                        th scope="col" { "State" }
                    }
                }
                tbody { @for entry in entries { (row(entry)) } }
            }
        }
    }
}

fn row(entry: &QuarantineEntry) -> Markup {
    let received_at = entry.received_at.to_string();
    html! {
        tr {
            td { a href={ "refused/" (entry.number) } { (entry.number) } }
            td { time datetime=(received_at) { (to_the_second(&received_at)) } }
            td { code { (entry.code) } }
            td.type { @if let Some(claimed) = &entry.event_type { (claimed.category) " / " (claimed.name) } }
            td { (entry.source) }
            td.number { (entry.occurrences) }
            td { (entry.state.as_str()) }
        }
    }
}

/// The parameters of the page behind a number.
pub(crate) fn next(code: &str, state: &str, after: i64) -> String {
    format!("code={}&state={}&after={after}", encoded(code), encoded(state))
}
