//! Where links of the pages lead.

use event_core::Envelope;

use super::text::{encoded, query};

/// To an event as JSON, told from the first page. A name of one or two dots stands in no path, however it is encoded:
/// browsers take it for a step. An event of such a name is found by its source and its time.
pub(super) fn event(envelope: &Envelope) -> String {
    let (id, source) = (envelope.id.as_str(), envelope.source.as_str());
    if !is_step(id) {
        return format!("v1/events/{}?source={}", encoded(id), encoded(source));
    }
    let (from, to) = (envelope.occurred_at, envelope.occurred_at.saturating_add_micros(1));
    let pairs = [
        ("source", source.to_owned()),
        ("from", from.to_string()),
        ("to", to.to_string()),
    ];
    format!(
        "v1/events?{}",
        query(&pairs.map(|(name, value)| (name.to_owned(), value)))
    )
}

/// To a session, told from the first page.
pub(super) fn session(id: &str) -> String {
    if is_step(id) {
        format!("v1/events?session={}&order=ascending", encoded(id))
    } else {
        format!("sessions/{}", encoded(id))
    }
}

/// To one of many by its names; to all of them where one of its names is a step.
pub(super) fn one_of<const N: usize>(all: &str, names: [&str; N]) -> String {
    if names.into_iter().any(is_step) {
        return all.to_owned();
    }
    let names = names.map(encoded);
    format!("{all}/{}", names.join("/"))
}

fn is_step(name: &str) -> bool {
    name == "." || name == ".."
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_core::event::Reception;
    use event_core::{Event, EventId, Limits, Source};

    fn link(id: &str) -> String {
        let source = Source::new("s&t").unwrap();
        let reception = Reception {
            received_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            source: &source,
            zone: chrono_tz::Tz::UTC,
            limits: Limits::default(),
            new_id: &|| EventId::new(id).unwrap(),
        };
        let event_of_this_id = Event::builder("a", "b").build(&reception).unwrap();
        event(event_of_this_id.envelope())
    }

    #[test]
    fn a_name_that_is_a_step_stands_in_no_path() {
        assert_eq!(link("a/b"), "v1/events/a%2Fb?source=s%26t");
        assert_eq!(link("..."), "v1/events/%2E%2E%2E?source=s%26t");
        for step in [".", ".."] {
            let (from, to) = ("2026-01-01T00%3A00%3A00Z", "2026-01-01T00%3A00%3A00%2E000001Z");
            assert_eq!(link(step), format!("v1/events?source=s%26t&from={from}&to={to}"));
        }
        assert_eq!(session("a b"), "sessions/a%20b");
        assert_eq!(session(".."), "v1/events?session=%2E%2E&order=ascending");
        assert_eq!(one_of("v1/metrics", ["a.b"]), "v1/metrics/a%2Eb");
        assert_eq!(one_of("v1/types", ["a", "..", "1"]), "v1/types");
    }
}
