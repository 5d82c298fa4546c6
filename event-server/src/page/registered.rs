//! The types that are registered, and the schemas of their versions.

use event_store::TypeRecord;
use maud::{Markup, html};

use super::layout::{Frame, Tab};
use super::place;
use super::text::{encoded, to_the_second};

/// The whole page.
pub(crate) fn render(types: &[TypeRecord], visitor: Option<&str>) -> String {
    let frame = Frame {
        title: "event: types",
        tab: Some(Tab::Types),
        up: "",
        visitor,
    };
    frame.around(&html! {
        h1 { "Types" }
        p.lead { "What events of each type and version are like. Events of other types are taken as they are." }
        div.sheets {
            @if types.is_empty() { section.wide { p.none { "No type is registered yet." } } }
            @for record in types { (sheet(record)) }
        }
    })
}

fn sheet(record: &TypeRecord) -> Markup {
    let TypeRecord {
        event_type, version, ..
    } = record;
    let names = [&event_type.category, &event_type.name, version].map(|name| name.as_str());
    let [category, name, _] = names.map(encoded);
    let registered_at = record.registered_at.to_string();
    html! {
        section.wide {
            h2 {
                (event_type.category) " / " (event_type.name) " " span.none { "version " (version) }
                @if record.active { " " span.badge { "active" } }
                @if record.shadow.is_some() { " " span.badge { "shadow" } }
            }
            p.none {
                "Registered at " time datetime=(registered_at) { (to_the_second(&registered_at)) } " UTC · "
                a href=(place::one_of("v1/types", names)) { "As JSON" } " · "
                a href={ "explore?measure=count&bucket=day&category=" (category) "&name=" (name) } { "Count by day" }
            }
            @if let Some(shadow) = &record.shadow {
                p { "Of " (shadow.judged) " events that it has judged, it would have refused " (shadow.would_fail) "." }
            }
            @if let Some(schema) = &record.schema {
                details {
                    summary { "Schema" }
                    pre tabindex="0" role="group" aria-label="The schema" { code { (format!("{schema:#}")) } }
                }
            } @else {
                p.none { "It has no schema: whatever data it has are good." }
            }
        }
    }
}
