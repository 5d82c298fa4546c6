//! Events in a table, one a row: as the first page has them, and as they come in.

use event_core::StoredEvent;
use maud::{Markup, html};

use super::place;
use super::text::{in_a_line, shortened, to_the_second};

/// As much of an event's data as fits into a line.
const DATA_CHARACTERS: usize = 160;

/// As much of a session's id as tells it from its neighbours.
const SESSION_CHARACTERS: usize = 8;

/// The rows; links are told from the first page.
pub(crate) fn rows(events: &[StoredEvent]) -> Markup {
    html! { @for event in events { (row(event)) } }
}

fn row(stored: &StoredEvent) -> Markup {
    let envelope = stored.event.envelope();
    let occurred_at = envelope.occurred_at.to_string();
    html! {
        tr {
            td {
                a href=(place::event(envelope)) {
                    time datetime=(envelope.occurred_at) title=(envelope.occurred_at) { (to_the_second(&occurred_at)) }
                }
            }
            td.type { (envelope.event_type.category) " / " (envelope.event_type.name) }
            td.source { (envelope.source) }
            td.session {
                @if let Some(session) = &envelope.session_id {
                    a href=(place::session(session.as_str())) { (shortened(session.as_str(), SESSION_CHARACTERS)) }
                }
            }
            td.data { code { (in_a_line(stored.event.payload().as_str(), DATA_CHARACTERS)) } }
        }
    }
}
