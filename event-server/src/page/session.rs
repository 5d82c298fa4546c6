//! A session as a line of time: its events in their order, and what is missing between them.

use event_core::StoredEvent;
use event_core::sequence::{Gap, Session};
use maud::{Markup, html};

use super::layout::Frame;
use super::text::{encoded, indented, shortened, to_the_second};

/// So many events are shown.
const EVENTS: usize = 500;
/// As much of an event's data.
const DATA_CHARACTERS: usize = 2_000;

/// The whole page.
pub(crate) fn render(id: &str, session: &Session, visitor: Option<&str>) -> String {
    let title = format!("event: session {}", shortened(id, 24));
    let frame = Frame {
        title: &title,
        tab: None,
        up: "../",
        visitor,
    };
    let count = session.events.len();
    frame.around(&html! {
        h1 { "Session " code { (id) } }
        p.lead {
            (count) @if count == 1 { " event" } @else { " events" }
            @if session.reordered > 0 { ", of which " (session.reordered) " came out of their order" }
            ". " a href={ "../v1/sessions/" (encoded(id)) } { "As JSON" }
        }
        div.sheets {
            @if !session.gaps.is_empty() { (gaps(&session.gaps)) }
            section.wide {
                h2 { "Events" }
                ol.line { @for (at, event) in session.events.iter().take(EVENTS).enumerate() { (item(event, before(session, at))) } }
                @if count > EVENTS { p.none { "These are the first " (EVENTS) "; the JSON has all of them." } }
            }
        }
    })
}

/// The event before one.
fn before(session: &Session, at: usize) -> Option<&StoredEvent> {
    session.events.get(at.checked_sub(1)?)
}

fn gaps(gaps: &[Gap]) -> Markup {
    html! {
        section.wide {
            h2 { "Missing" }
            ul {
                @for Gap { after, before } in gaps {
                    li { "Nothing has a number between " (after) " and " (before) "." }
                }
            }
        }
    }
}

fn item(stored: &StoredEvent, before: Option<&StoredEvent>) -> Markup {
    let envelope = stored.event.envelope();
    let occurred_at = envelope.occurred_at.to_string();
    let (id, source) = (encoded(envelope.id.as_str()), encoded(envelope.source.as_str()));
    let data = shortened(&indented(stored.event.payload().as_str()), DATA_CHARACTERS);
    html! {
        li {
            a href={ "../v1/events/" (id) "?source=" (source) } {
                time datetime=(occurred_at) { (to_the_second(&occurred_at)) }
            }
            @if let Some(before) = before { span.none { " +" (waited(before, stored)) } }
            " " strong { (envelope.event_type.category) " / " (envelope.event_type.name) }
            @if let Some(sequence) = envelope.sequence { span.none { " no. " (sequence) } }
            " " span.none { "from " (envelope.source) }
            details {
                summary { "Data" }
                pre tabindex="0" { code { (data) } }
            }
        }
    }
}

/// How long after another an event happened, as people say it.
fn waited(before: &StoredEvent, stored: &StoredEvent) -> String {
    let [before, at] = [before, stored].map(|stored| stored.event.envelope().occurred_at.as_micros());
    let seconds = at.saturating_sub(before) / 1_000_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}
