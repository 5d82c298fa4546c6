//! One refused event: what is wrong with it and where, what was done to it, and what can be done now.

use event_store::quarantine::{HistoryEntry, Inspected, Mark, State};
use maud::{Markup, html};

use super::layout::{Frame, Tab};
use super::text::{indented, to_the_second};

/// More of a document is not shown here.
const DOCUMENT_CHARACTERS: usize = 20_000;

/// Whether who looks may change what he sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hands {
    Free,
    Tied,
}

/// The whole page.
pub(crate) fn render(found: &Inspected, hands: Hands, visitor: Option<&str>) -> String {
    let title = format!("event: refused {}", found.entry.number);
    let frame = Frame {
        title: &title,
        tab: Some(Tab::Refused),
        up: "../",
        visitor,
    };
    frame.around(&html! {
        h1 { "Refused " (found.entry.number) }
        div.sheets {
            (facts(found))
            (next(found, hands))
            (marks(&found.marks))
            (document(found))
            (history(&found.history))
        }
    })
}

fn facts(found: &Inspected) -> Markup {
    let entry = &found.entry;
    let (first, last) = (entry.received_at.to_string(), entry.last_received_at.to_string());
    html! {
        section {
            h2 { "Entry" }
            dl {
                dt { "Reason" } dd { code { (entry.code) } }
                dt { "State" } dd { (entry.state.as_str()) }
                dt { "Source" } dd { (entry.source) }
                @if let Some(id) = &entry.id { dt { "Id" } dd { code { (id) } } }
                @if let Some(claimed) = &entry.event_type { dt { "Type" } dd { (claimed.category) " / " (claimed.name) } }
                @if let Some(version) = &entry.version { dt { "Version" } dd { (version) } }
                @if let Some(session) = &entry.session_id { dt { "Session" } dd { (session) } }
                @if let Some(subject) = &entry.subject { dt { "Subject" } dd { (subject) } }
                dt { "Came in first" } dd { time datetime=(first) { (to_the_second(&first)) } }
                dt { "Came in last" } dd { time datetime=(last) { (to_the_second(&last)) } }
                dt { "Times" } dd { (entry.occurrences) }
            }
        }
    }
}

fn next(found: &Inspected, hands: Hands) -> Markup {
    let (number, state) = (found.entry.number, found.entry.state);
    html! {
        section {
            h2 { "What can be done" }
            p {
                "Were it judged again now, it would be " strong { (found.verdict.status.as_str()) }
                @if let Some(code) = &found.verdict.code { " (" code { (code) } ")" }
                "."
            }
            @if hands == Hands::Tied {
                p.none { "That takes a key with the access admin." }
            } @else {
                @if state != State::Replayed {
                    form.work method="post" action={ (number) "/replay" } {
                        button type="submit" { "Replay" }
                        p.none { "It is judged by what is registered now, and stored if it is good." }
                    }
                }
                @if state == State::Open {
                    form.work method="post" action={ (number) "/discard" } {
                        label { span { "Note" } input type="text" name="note" maxlength="100" autocomplete="off"; }
                        button type="submit" { "Discard" }
                    }
                }
                @if state == State::Replayed { p.none { "Its event is stored." } }
            }
        }
    }
}

fn marks(marks: &[Mark]) -> Markup {
    html! {
        section.wide {
            h2 { "What is wrong" }
            @if marks.is_empty() {
                p.none { "No single place: the reason says it all." }
            } @else {
                ul.marks {
                    @for Mark { pointer, keyword, limit, message, value, offset } in marks {
                        li {
                            code { @if pointer.is_empty() { "the whole document" } @else { (pointer) } }
                            " " (message) " "
                            span.none {
                                "(" (keyword)
                                @if let Some(limit) = limit { ": " (limit) }
                                ")"
                            }
                            @if let Some(offset) = offset { " at byte " (offset) }
                            @if let Some(value) = value { pre tabindex="0" role="group" aria-label="What stands there" { mark { (indented(value.get())) } } }
                        }
                    }
                }
            }
        }
    }
}

fn document(found: &Inspected) -> Markup {
    let entry = &found.entry;
    html! {
        section.wide {
            h2 { "The document" }
            @if let Some(edited) = &entry.edited {
                h3 { "As it was edited" }
                (text(edited))
                h3 { "As it came in" }
            }
            @if let Some(raw) = &entry.raw { (text(raw)) }
            @if let Some(digits) = &entry.raw_hex {
                p.none { "It is no text; these are its bytes." }
                (text(digits))
            }
            @if entry.sha256.is_some() { p.none { "Only its start is kept: it had " (entry.raw_bytes) " bytes." } }
        }
    }
}

fn text(text: &str) -> Markup {
    html! { pre tabindex="0" role="group" aria-label="The document" { code { (super::text::shortened(&indented(text), DOCUMENT_CHARACTERS)) } } }
}

fn history(history: &[HistoryEntry]) -> Markup {
    html! {
        section.wide {
            h2 { "What was done" }
            @if history.is_empty() {
                p.none { "Nothing yet." }
            } @else {
                ol {
                    @for HistoryEntry { at, action, actor, detail } in history {
                        li {
                            time datetime=(at) { (to_the_second(&at.to_string())) }
                            ": " (action.as_str().replace('_', " "))
                            @if let Some(actor) = actor { " by the key " code { (actor) } }
                            @if let Some(detail) = detail { " (" (detail) ")" }
                        }
                    }
                }
            }
        }
    }
}
