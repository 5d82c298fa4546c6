//! A session as a line of time: its events in their order, and what is missing between them.

use event_core::StoredEvent;
use event_core::sequence::{Gap, Session};
use maud::{Markup, html};

use super::layout::Frame;
use super::place;
use super::text::{encoded, in_a_line, indented, shortened, to_the_second};

/// So many events are shown.
const EVENTS: usize = 500;
/// As much of an event's data, and as much of it in a line.
const DATA_CHARACTERS: usize = 2_000;
const SUMMARY_CHARACTERS: usize = 100;

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
            section.wide {
                h2 { "Events" }
                ol.line {
                    @for (at, event) in session.events.iter().take(EVENTS).enumerate() {
                        @if let Some(gap) = gap(session, event) { (missing(gap)) }
                        (item(event, before(session, at)))
                    }
                }
                @if count > EVENTS { p.none { "These are the first " (EVENTS) "; the JSON has all of them." } }
            }
        }
    })
}

/// The event before one.
fn before(session: &Session, at: usize) -> Option<&StoredEvent> {
    session.events.get(at.checked_sub(1)?)
}

/// What is missing right before an event, by its number.
fn gap<'a>(session: &'a Session, event: &StoredEvent) -> Option<&'a Gap> {
    let number = event.event.envelope().sequence?;
    session.gaps.iter().find(|gap| gap.before == number)
}

fn missing(gap: &Gap) -> Markup {
    html! {
        li.gap {
            span.when {}
            span.wrong { "Missing: nothing has a number between " (gap.after) " and " (gap.before) "." }
        }
    }
}

fn item(stored: &StoredEvent, before: Option<&StoredEvent>) -> Markup {
    let envelope = stored.event.envelope();
    let occurred_at = envelope.occurred_at.to_string();
    let payload = stored.event.payload().as_str();
    html! {
        li {
            span.when {
                a href={ "../" (place::event(envelope)) } {
                    time datetime=(occurred_at) { (to_the_second(&occurred_at)) }
                }
                @if let Some(before) = before { span.none { " +" (waited(before, stored)) } }
            }
            div {
                strong { (envelope.event_type.category) " / " (envelope.event_type.name) }
                span.none {
                    @if let Some(sequence) = envelope.sequence { " no. " (sequence) }
                    " from " (envelope.source)
                }
                details {
                    summary { code { (in_a_line(payload, SUMMARY_CHARACTERS)) } }
                    pre tabindex="0" role="group" aria-label="The data" { code { (shortened(&indented(payload), DATA_CHARACTERS)) } }
                }
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
