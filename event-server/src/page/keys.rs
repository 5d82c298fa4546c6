//! Who may talk to the collector: the keys there are, but never what they are.

use std::fmt::Display;

use event_core::Timestamp;
use event_store::api_key::{Bounds, KeyRecord};
use maud::{Markup, html};

use super::layout::{Frame, Tab};
use super::text::to_the_minute;

/// The whole page.
pub(crate) fn render(keys: &[KeyRecord], now: Timestamp, visitor: Option<&str>) -> String {
    let frame = Frame {
        title: "event: keys",
        tab: Some(Tab::Keys),
        up: "",
        visitor,
    };
    frame.around(&html! {
        h1 { "Keys" }
        div.sheets {
            section.wide {
                h2 { "All there ever were" }
                @if keys.is_empty() {
                    p.none {
                        "There are none: whoever reaches this collector may do everything. Make one by "
                        code { "event-server key create" } "."
                    }
                } @else {
                    (table(keys, now))
                }
            }
        }
    })
}

fn table(keys: &[KeyRecord], now: Timestamp) -> Markup {
    let titles = [
        "Prefix",
        "State",
        "Access",
        "Sources",
        "Types",
        "Made, UTC",
        "Ends, UTC",
        "Note",
    ];
    html! {
        table {
            caption.unseen { "Keys, by what they are known by" }
            thead { tr { @for title in titles { th scope="col" { (title) } } } }
            tbody { @for key in keys { (row(key, now)) } }
        }
    }
}

fn row(key: &KeyRecord, now: Timestamp) -> Markup {
    let access: Vec<&str> = key.rights.access.iter().map(|access| access.as_str()).collect();
    let state = match (key.revoked_at, key.is_good(now)) {
        (Some(_), _) => "revoked",
        (None, true) => "good",
        (None, false) => "expired",
    };
    html! {
        tr {
            th scope="row" { code { (key.prefix) } }
            td { (state) @if let Some(other) = &key.replaced_by { ", replaced by " code { (other) } } }
            td { (access.join(", ")) }
            td { (bounds(&key.rights.sources)) }
            td { (bounds(&key.rights.types)) }
            td { (to_the_minute(&key.created_at.to_string())) }
            td { @if let Some(end) = key.revoked_at.or(key.expires_at) { (to_the_minute(&end.to_string())) } @else { "–" } }
            td { @if let Some(note) = &key.note { (note) } }
        }
    }
}

fn bounds<T: Display>(bounds: &Bounds<T>) -> String {
    match bounds {
        Bounds::Any => "any".to_owned(),
        Bounds::Only(own) => own.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}
